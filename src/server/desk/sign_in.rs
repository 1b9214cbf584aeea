//! A person signs in: by browser, by device code, or somewhere else.

use std::time::Duration;

use http::StatusCode;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::landing::{Landed, Landing, Page};
use super::{Desk, Refused, explained, refused, stored};
use crate::account::Authorized;
use crate::control::{News, SignInOrder, SignInWay, Talk, Told, Word};
use crate::name::LoginName;
use crate::oauth::flow::authorize::{Authorization, Hints};
use crate::oauth::flow::device::Pace;
use crate::oauth::flow::sign_in::{Foreign, Returned, SignIn};
use crate::oauth::{Delegated, Granted, Proof, TokenError, UsualSignIn};
use crate::secret::Secret;

/// How long a sign-in by browser is waited for: its state is good for no longer.
const SIGN_IN: Duration = Duration::from_secs(10 * 60);

/// After so long without a word the browser is likely to show an error that never comes back here.
const SILENCE: Duration = Duration::from_secs(45);

impl Desk {
    pub(super) async fn sign_in(&self, order: SignInOrder, talk: &mut Talk) -> Result<(), Refused> {
        let login = self.login_to_sign_in(&order.account, order.app.as_deref())?;
        let Some(app) = login.route().app.grant.delegated() else {
            return Err(refused(
                "the app has no sign-in",
                "its grant needs none: it gets tokens by itself",
                "leave it: nothing has to be done for this account",
            ));
        };
        let way = way(order.way, app);
        if !matches!(way, SignInWay::AdminConsent) {
            // Before somebody signs in for nothing.
            self.store.store().await.map_err(|error| stored(&error))?;
        }
        let granted = match way {
            SignInWay::Browser => self.by_browser(app, &login, true, talk).await?,
            SignInWay::Paste => self.by_browser(app, &login, false, talk).await?,
            SignInWay::Device => self.by_device(app, &login, talk).await?,
            SignInWay::AdminConsent => return self.admin_consent(app, &login, talk).await,
            SignInWay::RefreshToken(Told(token)) => self.by_refresh_token(app, &login, &token).await?,
            SignInWay::Usual => return Err(needs_refresh_token(&order.account)),
        };
        self.take_in(login, granted, order.accept_owner, talk).await
    }

    /// The one login of an account whose app people sign in to; with `app`, that one.
    fn login_to_sign_in(&self, account: &str, app: Option<&str>) -> Result<Authorized, Refused> {
        let (name, found) = self.account(account)?;
        let mut logins = self.sign_ins(&name);
        if let Some(app) = app {
            logins.retain(|login| &*login.route().app.name == app);
        }
        let names: Vec<_> = logins
            .iter()
            .map(|login| login.route().app.name.to_string())
            .collect();
        match (logins.pop(), logins.is_empty()) {
            (Some(login), true) => Ok(login),
            (Some(_), false) => Err(refused(
                format!(
                    "{} uses several apps that people sign in to: {}",
                    found.name,
                    names.join(", ")
                ),
                "each has a consent of its own",
                format!(
                    "run `saslgate sign-in {} --app {}`, then the same with each other one",
                    found.name, names[0]
                ),
            )),
            (None, _) => Err(nothing_to_sign_in(&name, app)),
        }
    }

    async fn by_browser(
        &self,
        app: &Delegated,
        login: &Authorized,
        listening: bool,
        talk: &mut Talk,
    ) -> Result<Granted, Refused> {
        let told = |error: &TokenError| Refused::from(explained(error, login));
        let authorization = page(app)?;
        let hints = Hints {
            login_hint: Some(login.owner().as_str().into()),
            ..Hints::default()
        };
        let sign_in = SignIn::begin(authorization, &hints).map_err(|error| told(&error))?;
        let waiting = Waiting::new(sign_in, app, listening)?;
        let owner = login.owner().as_str();
        let (returned, page) = waiting.returned(owner, talk).await?;
        let granted = match returned {
            Returned::Code(redemption) => {
                let redeemed = self
                    .endpoint
                    .authorization_code(&app.registration, &app.scopes, redemption);
                redeemed.await.map_err(|error| told(&error))
            }
            Returned::AdminConsent { .. } => Err(refused(
                "an administrator has consented, and nobody has signed in",
                "the browser came back from the page for administrators",
                "run the same command once more: now it needs no further consent",
            )),
            Returned::Refused(error) => Err(told(&error)),
            Returned::Foreign(_) | Returned::Nothing => Err(ended()),
        };
        if let Some(page) = page {
            page.show(granted.as_ref().err()).await;
        }
        granted
    }

    async fn admin_consent(
        &self,
        app: &Delegated,
        login: &Authorized,
        talk: &mut Talk,
    ) -> Result<(), Refused> {
        let told = |error: &TokenError| Refused::from(explained(error, login));
        let authorization = page(app)?;
        let Some(url) = &app.admin_consent_url else {
            return Err(refused(
                "this provider has no page where an administrator consents for everybody",
                "only Entra ID has one, and only for one tenant",
                "run the command without --admin-consent, and let each person consent at the sign-in",
            ));
        };
        let sign_in = SignIn::begin_admin_consent(url, authorization, &app.scopes);
        let waiting = Waiting::new(sign_in.map_err(|error| told(&error))?, app, true)?;
        let (returned, page) = waiting.returned("an administrator", talk).await?;
        let consented = match returned {
            Returned::AdminConsent { tenant } => Ok(tenant),
            Returned::Refused(error) => Err(told(&error)),
            Returned::Code(_) | Returned::Foreign(_) | Returned::Nothing => Err(ended()),
        };
        if let Some(page) = page {
            page.show(consented.as_ref().err()).await;
        }
        let tenant = consented?.map(Into::into);
        talk.tell(News::Consented { tenant }).await;
        Ok(())
    }

    async fn by_device(
        &self,
        app: &Delegated,
        login: &Authorized,
        talk: &mut Talk,
    ) -> Result<Granted, Refused> {
        let told = |error: &TokenError| Refused::from(explained(error, login));
        let Some(device_url) = &app.device_url else {
            return Err(refused(
                "this provider has no sign-in by code for mail",
                "it lets codes open less than mail",
                "run the command with --browser instead, or with --paste where this machine has no browser",
            ));
        };
        let registration = &app.registration;
        let asked = self
            .endpoint
            .device_authorization(registration, device_url, &app.scopes);
        let authorization = asked.await.map_err(|error| told(&error))?;
        talk.tell(News::TypeCode {
            user_code: authorization.user_code.to_string(),
            verification_uri: authorization.verification_uri.to_string(),
            verification_uri_complete: authorization
                .verification_uri_complete
                .as_deref()
                .map(|uri| Told(Secret::new(uri.to_owned()))),
            message: authorization.message.as_deref().map(Into::into),
            seconds: authorization.lifetime.as_secs(),
            owner: login.owner().to_string(),
        })
        .await;
        let (begun, mut pace) = (Instant::now(), Pace::of(&authorization));
        while let Some(pause) = pace.pause(begun.elapsed()) {
            tokio::select! {
                () = sleep(pause) => {}
                // Nobody is there any more who could be told of it.
                () = talk.gone() => return Err(ended()),
            }
            let answer = self.endpoint.device_token(registration, &authorization).await;
            if let Some(granted) = pace.heard(answer).map_err(|error| told(&error))? {
                return Ok(*granted);
            }
        }
        Err(refused(
            "the code has expired",
            "nobody typed it in time",
            "run the same command again: it shows a new code",
        ))
    }

    /// A refresh token from elsewhere is tried at once: what comes of it tells whose it is.
    async fn by_refresh_token(
        &self,
        app: &Delegated,
        login: &Authorized,
        token: &Secret<String>,
    ) -> Result<Granted, Refused> {
        let told = |error: &TokenError| Refused::from(explained(error, login));
        let refreshed = self.endpoint.refresh(&app.registration, &app.scopes, token).await;
        let mut granted = refreshed.map_err(|error| told(&error))?;
        // Where the provider keeps its refresh tokens, this is the one to keep.
        let kept = || Secret::new(token.expose().clone());
        granted.refresh_token.get_or_insert_with(kept);
        Ok(granted)
    }
}

fn nothing_to_sign_in(name: &LoginName, app: Option<&str>) -> Refused {
    if let Some(app) = app {
        return refused(
            format!("{name} uses no app \"{app}\" that people sign in to"),
            "`app` of the account, or of one of its protocols, names another",
            "run `saslgate status`: it shows which apps the account uses",
        );
    }
    refused(
        format!("nobody has to sign in for {name}"),
        "its app gets tokens by itself, or asks the provider with each mail client's password",
        format!("leave it; `saslgate test {name}` shows whether mail works"),
    )
}

fn way(asked: SignInWay, app: &Delegated) -> SignInWay {
    match (asked, app.usual) {
        (SignInWay::Usual, UsualSignIn::Browser) => SignInWay::Browser,
        (SignInWay::Usual, UsualSignIn::Device) => SignInWay::Device,
        (asked, _) => asked,
    }
}

fn page(app: &Delegated) -> Result<&Authorization, Refused> {
    app.browser.as_ref().ok_or_else(|| {
        refused(
            "it is not known where people sign in at this provider",
            "its [provider.NAME] has no `authorize_url`",
            "add it from the provider's documentation and reload saslgate, or sign in elsewhere and hand the refresh token over with --refresh-token",
        )
    })
}

fn needs_refresh_token(account: &str) -> Refused {
    refused(
        "this app is given refresh tokens that were got elsewhere",
        "its grant is \"refresh_token\"",
        format!(
            "run `saslgate sign-in {account} --refresh-token < FILE`, where FILE holds the token, or choose --browser or --device"
        ),
    )
}

fn ended() -> Refused {
    refused(
        "the sign-in was not finished",
        "nothing that belongs to it came back within ten minutes",
        "run the same command again, and finish on the page that opens; if it shows an error, that one's code stands in docs/errors.md",
    )
}

/// A sign-in whose browser is somewhere.
struct Waiting<'a> {
    sign_in: SignIn,
    authorization: &'a Authorization,
    proves_itself: bool,
    landing: Option<Landing>,
}

/// A browser that waits for its page.
struct BrowserPage(Landed);

impl BrowserPage {
    async fn show(self, trouble: Option<&Refused>) {
        let page = match trouble {
            None => Page {
                status: StatusCode::OK,
                title: "Signed in",
                text: "You can close this window. What came of it is told where the sign-in was begun."
                    .into(),
            },
            Some(trouble) => Page {
                status: StatusCode::OK,
                title: "Not signed in",
                text: format!(
                    "{}. {}. What to do: {}",
                    trouble.0.what, trouble.0.why, trouble.0.fix
                ),
            },
        };
        self.0.show(page).await;
    }
}

impl<'a> Waiting<'a> {
    fn new(sign_in: SignIn, app: &'a Delegated, listening: bool) -> Result<Self, Refused> {
        let authorization = page(app)?;
        let landing = listening.then(|| Landing::bind(&authorization.redirect_uri));
        Ok(Self {
            sign_in,
            authorization,
            proves_itself: !matches!(app.registration.proof, Proof::None),
            landing: landing.transpose().map_err(Refused::from)?,
        })
    }

    /// Waits for what belongs to this sign-in, by browser or pasted.
    async fn returned(
        mut self,
        owner: &str,
        talk: &mut Talk,
    ) -> Result<(Returned, Option<BrowserPage>), Refused> {
        talk.tell(News::OpenBrowser {
            url: Told(Secret::new(self.sign_in.url().to_string())),
            redirect_uri: self.authorization.redirect_uri.to_string(),
            listening: self.landing.is_some(),
            owner: owner.to_owned(),
        })
        .await;
        let (landed, mut arriving) = mpsc::channel(1);
        let landing = self.landing.take();
        let serving = async move {
            if let Some(landing) = landing {
                landing.serve(landed).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::pin!(serving);
        let deadline = Instant::now() + SIGN_IN;
        let silence = sleep(SILENCE);
        tokio::pin!(silence);
        let mut told_silence = false;
        loop {
            tokio::select! {
                () = &mut serving => {}
                Some(landed) = arriving.recv() => match self.sign_in.hear(&landed.target) {
                    Returned::Nothing => say(landed, StatusCode::NOT_FOUND, "Nothing here", "saslgate waits for a sign-in.").await,
                    Returned::Foreign(foreign) => say(landed, StatusCode::BAD_REQUEST, "Not this sign-in", foreign_text(foreign)).await,
                    returned => return Ok((returned, Some(BrowserPage(landed)))),
                },
                word = talk.hear() => match word {
                    Some(Word::Paste(Told(text))) => match self.sign_in.paste(text.expose()) {
                        Returned::Nothing => talk.tell(News::NotThat(NO_ANSWER.into())).await,
                        Returned::Foreign(foreign) => talk.tell(News::NotThat(foreign_text(foreign).into())).await,
                        returned => return Ok((returned, None)),
                    },
                    // Nobody is there any more who could be told of it.
                    None => return Err(ended()),
                },
                () = &mut silence, if !told_silence => {
                    told_silence = true;
                    talk.tell(News::Silence {
                        redirect_uri: self.authorization.redirect_uri.to_string(),
                        client_id: self.authorization.client_id.to_string(),
                        proves_itself: self.proves_itself,
                    })
                    .await;
                }
                () = sleep_until(deadline) => return Err(ended()),
            }
        }
    }
}

const NO_ANSWER: &str = "That is not where the browser ends: copy all of its address line once the sign-in is done; it has \"code=\" in it.";

const fn foreign_text(foreign: Foreign) -> &'static str {
    match foreign {
        Foreign::Stateless => "An answer without its state is not taken: it may have been sent by anybody.",
        Foreign::Other => {
            "This is the answer to another sign-in, perhaps one that was begun before in another tab. Go on with the newest."
        }
        Foreign::Late => "This sign-in has had its answer already.",
    }
}

async fn say(landed: Landed, status: StatusCode, title: &'static str, text: &str) {
    let page = Page {
        status,
        title,
        text: text.to_owned(),
    };
    landed.show(page).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::talk;
    use crate::oauth::{Dialect, Registration, Scopes};

    /// A public app, and a sign-in that was begun with it.
    fn begun() -> (Delegated, SignIn) {
        let scopes = Scopes::parse("a b").unwrap();
        let authorization = Authorization {
            authorize_url: "https://login.example/t/authorize".parse().unwrap(),
            client_id: "app".into(),
            redirect_uri: "http://localhost:8425/".into(),
            scopes: scopes.clone(),
            dialect: Dialect::Scope,
            extra: Vec::new(),
        };
        let sign_in = SignIn::begin(&authorization, &Hints::default()).unwrap();
        let app = Delegated {
            registration: Registration {
                token_url: "https://login.example/t/token".parse().unwrap(),
                client_id: "app".into(),
                proof: Proof::None,
                dialect: Dialect::Scope,
            },
            scopes,
            browser: Some(authorization),
            device_url: None,
            admin_consent_url: None,
            usual: UsualSignIn::Browser,
        };
        (app, sign_in)
    }

    /// Entra ID shows most of what is wrong with a registration in the browser alone, and never sends it back.
    #[tokio::test(start_paused = true)]
    async fn silence_is_explained_once_and_waited_out() {
        let (app, sign_in) = begun();
        let waiting = Waiting::new(sign_in, &app, false).ok().unwrap();
        let (mut here, mut operator) = talk();
        let begun = Instant::now();
        let watching = async {
            assert!(matches!(operator.hear().await, Some(News::OpenBrowser { .. })));
            let told = operator.hear().await;
            assert_eq!(begun.elapsed().as_secs(), 45);
            let Some(News::Silence {
                redirect_uri,
                client_id,
                proves_itself: false,
            }) = told
            else {
                panic!("{told:?}")
            };
            assert_eq!((&*redirect_uri, &*client_id), ("http://localhost:8425/", "app"));
            let paste = Secret::new("https://login.example/t/authorize".to_owned());
            operator.tell(Word::Paste(Told(paste))).await;
            assert!(matches!(operator.hear().await, Some(News::NotThat(_))));
            // Nothing more comes until the end.
            operator
        };
        let (ended, mut operator) = tokio::join!(waiting.returned("alice@contoso.com", &mut here), watching);
        assert!(ended.is_err());
        assert_eq!(begun.elapsed(), SIGN_IN);
        drop(here);
        assert!(operator.hear().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_sign_in_ends_with_the_command_that_waits_for_it() {
        let (app, sign_in) = begun();
        let waiting = Waiting::new(sign_in, &app, false).ok().unwrap();
        let (mut here, operator) = talk();
        drop(operator);
        let begun = Instant::now();
        assert!(waiting.returned("alice@contoso.com", &mut here).await.is_err());
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
