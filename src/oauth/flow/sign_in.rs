//! One sign-in by browser, from the address that is shown to the code that comes back.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use url::Url;

use super::authorize::{self, Authorization, Hints};
use super::code::Redemption;
use super::issuer::is_beside;
use super::pkce::{self, Verifier};
use super::redirect::{self, Brought, Said};
use crate::oauth::Scopes;
use crate::oauth::error::TokenError;
use crate::oauth::fault::Asked;
use crate::oauth::refusal;
use crate::secret::Secret;

/// A sign-in that waits for its browser.
pub struct SignIn {
    url: Url,
    redirect_uri: Box<str>,
    asked: Asked,
    /// Gone once an answer has been taken: a state is good for one (RFC 6819 4.4.1.8), and so is a verifier.
    waiting: Option<Waiting>,
}

struct Waiting {
    state: Secret<String>,
    verifier: Verifier,
}

/// What came back.
#[derive(Debug)]
pub enum Returned {
    /// What tokens are given for, at once: a code lives ten minutes at most.
    Code(Redemption),
    /// An administrator has consented for everybody. Nobody has signed in with it.
    AdminConsent {
        /// For which tenant, as the browser says. It is shown, never believed.
        tenant: Option<Box<str>>,
    },
    /// The provider said no, or the person did.
    Refused(TokenError),
    /// Something that belongs to another sign-in, or to none. This one goes on waiting.
    Foreign(Foreign),
    /// Nothing of a sign-in, such as a browser's question for an icon. This one goes on waiting.
    Nothing,
}

/// Why an answer is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Foreign {
    /// It has no state, so any web page could have sent it.
    Stateless,
    /// Its state is of another sign-in: mostly one that was begun before, in another tab.
    Other,
    /// It has the state of this sign-in, and comes from another provider than was asked.
    Elsewhere,
    /// This sign-in has had its answer.
    Late,
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignIn(…)")
    }
}

impl SignIn {
    /// Begins a sign-in: with a state and a verifier that nobody else has.
    pub fn begin(app: &Authorization, hints: &Hints) -> Result<Self, TokenError> {
        Self::with(app, |state, verifier| {
            authorize::url(app, hints, state, &verifier.challenge())
        })
    }

    /// Begins an administrator's consent for everybody, on the provider's page for it. `scopes` are of one resource.
    pub fn begin_admin_consent(page: &Url, app: &Authorization, scopes: &Scopes) -> Result<Self, TokenError> {
        Self::with(app, |state, _| {
            authorize::admin_consent_url(page, app, scopes, state)
        })
    }

    fn with(app: &Authorization, url: impl FnOnce(&str, &Verifier) -> Url) -> Result<Self, TokenError> {
        let (state, verifier) = (pkce::random()?, Verifier::random()?);
        let url = url(state.expose(), &verifier);
        Ok(Self {
            asked: Asked::new(&url, [&state, verifier.secret()]),
            url,
            redirect_uri: app.redirect_uri.clone(),
            waiting: Some(Waiting { state, verifier }),
        })
    }

    /// The address for the browser. It holds the state: show it to the person, and to no log.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Takes what a browser asked for at the redirect URI: the path with its query.
    pub fn hear(&mut self, target: &str) -> Returned {
        match redirect::of_request(target) {
            Some(Brought { state: None, .. }) => Returned::Foreign(Foreign::Stateless),
            Some(brought) => self.take(brought),
            None => Returned::Nothing,
        }
    }

    /// Takes what a person copied from the browser. Here an answer may come without its state: the person vouches for it,
    /// and a code that was given to somebody else does not go with our verifier.
    pub fn paste(&mut self, text: &str) -> Returned {
        redirect::of_paste(text).map_or(Returned::Nothing, |brought| self.take(brought))
    }

    fn take(&mut self, brought: Brought) -> Returned {
        let Some(waiting) = &self.waiting else {
            return Returned::Foreign(Foreign::Late);
        };
        if let Some(state) = &brought.state {
            // In constant time: whoever may ask here as often as he likes should not find it out letter by letter.
            let (given, ours) = (state.expose().as_bytes(), waiting.state.expose().as_bytes());
            if verify_slices_are_equal(given, ours).is_err() {
                return Returned::Foreign(Foreign::Other);
            }
        }
        if brought
            .issuer
            .is_some_and(|issuer| !is_beside(&issuer, &self.url))
        {
            return Returned::Foreign(Foreign::Elsewhere);
        }
        let Some(Waiting { verifier, .. }) = self.waiting.take() else {
            return Returned::Foreign(Foreign::Late);
        };
        match brought.said {
            Said::Code(code) => Returned::Code(Redemption {
                code,
                verifier,
                redirect_uri: self.redirect_uri.clone(),
            }),
            Said::AdminConsent { tenant } => Returned::AdminConsent { tenant },
            Said::Refused(reply) => Returned::Refused(refusal::told(&self.asked, &reply)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::{Dialect, Kind};

    fn app() -> Authorization {
        Authorization {
            authorize_url: "https://login.example/t/authorize".parse().unwrap(),
            client_id: "app".into(),
            redirect_uri: "http://localhost:8425/".into(),
            scopes: Scopes::parse("a b").unwrap(),
            dialect: Dialect::Scope,
            extra: Vec::new(),
        }
    }

    fn begun() -> (SignIn, String) {
        let sign_in = SignIn::begin(&app(), &Hints::default()).unwrap();
        let state = state(&sign_in);
        (sign_in, state)
    }

    fn state(sign_in: &SignIn) -> String {
        field(sign_in.url(), "state")
    }

    fn field(url: &Url, name: &str) -> String {
        let mut pairs = url.query_pairs();
        pairs.find(|(known, _)| known == name).unwrap().1.into_owned()
    }

    #[test]
    fn a_code_comes_out_once_with_the_verifier_of_its_challenge() {
        let (mut sign_in, state) = begun();
        let target = format!("/?code=c0de&state={state}");
        let Returned::Code(redemption) = sign_in.hear(&target) else {
            panic!("no code")
        };
        assert_eq!(redemption.code.expose(), "c0de");
        assert_eq!(
            redemption.verifier.challenge(),
            field(sign_in.url(), "code_challenge")
        );
        assert_eq!(&*redemption.redirect_uri, "http://localhost:8425/");
        // A browser that loads the page again.
        assert!(matches!(sign_in.hear(&target), Returned::Foreign(Foreign::Late)));
        assert!(matches!(sign_in.paste(&target), Returned::Foreign(Foreign::Late)));
        let shown = format!("{redemption:?} {sign_in:?}");
        assert!(!shown.contains("c0de") && !shown.contains(&state), "{shown}");
    }

    #[test]
    fn what_a_stranger_sends_does_not_end_a_sign_in() {
        let (mut sign_in, state) = begun();
        let (_, other) = begun();
        let cases = [
            ("/favicon.ico".to_owned(), None),
            ("/?code=evil".to_owned(), Some(Foreign::Stateless)),
            ("/?error=access_denied".to_owned(), Some(Foreign::Stateless)),
            ("/?admin_consent=True".to_owned(), Some(Foreign::Stateless)),
            (format!("/?code=evil&state={other}"), Some(Foreign::Other)),
            (
                format!("/?error=access_denied&state={other}"),
                Some(Foreign::Other),
            ),
            (format!("/?code=evil&state={}", &state[1..]), Some(Foreign::Other)),
            (format!("/?code=evil&state={state}x"), Some(Foreign::Other)),
        ];
        for (target, expected) in &cases {
            match (sign_in.hear(target), expected) {
                (Returned::Nothing, None) => {}
                (Returned::Foreign(found), Some(expected)) => assert_eq!(found, *expected, "{target}"),
                (found, _) => panic!("{target}: {found:?}"),
            }
        }
        assert_eq!(cases.len(), 8);
        assert!(matches!(
            sign_in.paste(&format!("http://localhost:8425/?code=a&state={other}")),
            Returned::Foreign(Foreign::Other)
        ));
        let answer = sign_in.hear(&format!("/?code=good&state={state}"));
        assert!(matches!(answer, Returned::Code(_)), "{answer:?}");
    }

    #[test]
    fn an_answer_of_another_provider_does_not_end_a_sign_in() {
        let (mut sign_in, state) = begun();
        let target = format!("/?code=c0de&state={state}");
        for answer in [
            sign_in.hear(&format!("{target}&iss=https://evil.test")),
            sign_in.paste(&format!("{target}&iss=https://evil.test")),
        ] {
            assert!(
                matches!(answer, Returned::Foreign(Foreign::Elsewhere)),
                "{answer:?}"
            );
        }
        let answer = sign_in.hear(&format!("{target}&iss=https%3A%2F%2Flogin.example%2Ft"));
        assert!(matches!(answer, Returned::Code(_)), "{answer:?}");
    }

    #[test]
    fn a_person_may_paste_the_code_alone() {
        let (mut sign_in, _) = begun();
        assert!(matches!(
            sign_in.paste("https://login.example/"),
            Returned::Nothing
        ));
        assert!(matches!(sign_in.paste(" c0de\n"), Returned::Code(_)));
    }

    #[test]
    fn a_refusal_is_told_with_its_code_and_without_the_state() {
        let (mut sign_in, state) = begun();
        let said = format!("AADSTS65004%3a+declined+{state}");
        let answer = sign_in.hear(&format!(
            "/?error=access_denied&error_description={said}&state={state}"
        ));
        let Returned::Refused(error) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(error.code.as_deref(), Some("AADSTS65004"));
        assert_eq!(error.detail.as_deref(), Some("AADSTS65004: declined [hidden]"));
        assert_ne!(error.kind, Kind::Temporary { retry_after: None });
        assert!(!error.fix.is_empty());
    }

    #[test]
    fn an_administrator_comes_back_without_a_code() {
        let page = "https://login.example/t/v2.0/adminconsent".parse().unwrap();
        let scopes = Scopes::parse("https://outlook.office365.com/.default").unwrap();
        let mut sign_in = SignIn::begin_admin_consent(&page, &app(), &scopes).unwrap();
        assert!(!sign_in.url().as_str().contains("challenge"), "{}", sign_in.url());
        let state = state(&sign_in);
        let answer = sign_in.hear(&format!("/?admin_consent=True&tenant=t-1&state={state}"));
        assert!(
            matches!(&answer, Returned::AdminConsent { tenant: Some(tenant) } if &**tenant == "t-1"),
            "{answer:?}"
        );
    }
}
