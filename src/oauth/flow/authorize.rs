//! RFC 6749 4.1.1: the address that a person's browser is sent to.

use url::Url;

use crate::oauth::{Dialect, Scopes};

/// What a sign-in needs to know of an app.
#[derive(Clone, Debug)]
pub struct Authorization {
    /// Where people sign in, with the tenant in it: https.
    pub authorize_url: Url,
    /// The app registration's Application (client) ID.
    pub client_id: Box<str>,
    /// The redirect URI to the letter as it is registered: providers compare characters, not addresses.
    pub redirect_uri: Box<str>,
    /// Everything that consent is asked for, of several resources too.
    pub scopes: Scopes,
    /// How the endpoint is told what a token is for.
    pub dialect: Dialect,
    /// What the provider wants beside this, from its preset, and what the operator wants of every sign-in.
    pub extra: Vec<(Box<str>, Box<str>)>,
}

/// What is known beforehand of who signs in, and how.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// The address that stands in the form already: it keeps people from signing in as themselves.
    pub login_hint: Option<Box<str>>,
    /// Whether to ask again what the provider thinks it knows.
    pub prompt: Option<Prompt>,
    /// Entra ID: a domain, `organizations` or `consumers`, to skip the question of which kind of account it is.
    pub domain_hint: Option<Box<str>>,
}

/// What the provider asks though it knows (`OpenID` Connect Core 3.1.2.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prompt {
    /// The password.
    Login,
    /// Which account: it helps whoever has been signed in with the wrong one.
    SelectAccount,
    /// Consent.
    Consent,
}

impl Prompt {
    const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::SelectAccount => "select_account",
            Self::Consent => "consent",
        }
    }
}

/// The address for a sign-in. What stands in the query of the configured address stays there.
pub(super) fn url(app: &Authorization, hints: &Hints, state: &str, challenge: &str) -> Url {
    let (name, value) = app.dialect.asks(&app.scopes.to_string());
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", &app.client_id),
        ("redirect_uri", &app.redirect_uri),
        (name, &value),
        ("state", state),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
    ];
    let hinted = [
        ("login_hint", hints.login_hint.as_deref()),
        ("prompt", hints.prompt.map(Prompt::name)),
        ("domain_hint", hints.domain_hint.as_deref()),
    ];
    pairs.extend(hinted.into_iter().filter_map(|(name, hint)| Some((name, hint?))));
    for (name, value) in &app.extra {
        // What was asked for in this sign-in stands above what the provider usually wants.
        if !pairs.iter().any(|(known, _)| *known == &**name) {
            pairs.push((name, value));
        }
    }
    let mut url = app.authorize_url.clone();
    url.query_pairs_mut().extend_pairs(pairs);
    url
}

/// The address at which an administrator consents for everybody. `url` has the tenant in it, which can't be `common`.
///
/// Entra ID's documents name another scope for the application permissions of IMAP and POP3 than token requests have:
/// `https://ps.outlook.com/.default`.
pub(super) fn admin_consent_url(url: &Url, app: &Authorization, scopes: &Scopes, state: &str) -> Url {
    let mut url = url.clone();
    url.query_pairs_mut()
        .append_pair("client_id", &app.client_id)
        .append_pair("scope", &scopes.to_string())
        .append_pair("redirect_uri", &app.redirect_uri)
        .append_pair("state", state);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app() -> Authorization {
        Authorization {
            authorize_url: "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/authorize"
                .parse()
                .unwrap(),
            client_id: "11111111-2222-3333-4444-555555555555".into(),
            redirect_uri: "http://localhost:8425".into(),
            scopes: Scopes::parse("https://outlook.office.com/SMTP.Send offline_access").unwrap(),
            dialect: Dialect::Scope,
            extra: Vec::new(),
        }
    }

    fn query(app: &Authorization, hints: &Hints) -> String {
        url(app, hints, "st", "ch").query().unwrap().to_owned()
    }

    #[test]
    fn the_address_is_the_one_that_entra_documents() {
        assert_eq!(
            url(&app(), &Hints::default(), "st-ate", "chall_enge").as_str(),
            "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/authorize\
             ?response_type=code&client_id=11111111-2222-3333-4444-555555555555\
             &redirect_uri=http%3A%2F%2Flocalhost%3A8425\
             &scope=https%3A%2F%2Foutlook.office.com%2FSMTP.Send+offline_access\
             &state=st-ate&code_challenge=chall_enge&code_challenge_method=S256"
        );
    }

    #[test]
    fn a_redirect_uri_goes_out_as_it_is_registered() {
        // With an address type between, the first would get a slash at its end, and the second lose its capitals.
        for text in [
            "http://localhost:8425",
            "HTTP://LocalHost:8425/Path",
            "https://a/b?c=d&e",
            "urn:ietf:wg:oauth:2.0:oob",
        ] {
            let mut app = app();
            app.redirect_uri = text.into();
            let url = url(&app, &Hints::default(), "s", "c");
            let found = url.query_pairs().find(|(name, _)| name == "redirect_uri");
            assert_eq!(found.unwrap().1, text);
        }
    }

    #[test]
    fn hints_are_added_and_stand_above_what_the_provider_usually_wants() {
        let hints = Hints {
            login_hint: Some("support+1@contoso.com".into()),
            prompt: Some(Prompt::SelectAccount),
            domain_hint: Some("contoso.com".into()),
        };
        let end = "&login_hint=support%2B1%40contoso.com&prompt=select_account&domain_hint=contoso.com";
        assert!(query(&app(), &hints).ends_with(end), "{}", query(&app(), &hints));

        let mut google = app();
        google.extra = crate::provider::preset("google")
            .unwrap()
            .authorize_extra
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        let bare = query(&google, &Hints::default());
        assert!(bare.ends_with("&access_type=offline&prompt=consent"), "{bare}");
        let hinted = query(&google, &hints);
        assert!(
            hinted.ends_with("&domain_hint=contoso.com&access_type=offline"),
            "{hinted}"
        );
        let prompts = [Prompt::Login, Prompt::SelectAccount, Prompt::Consent].map(Prompt::name);
        assert_eq!(prompts, ["login", "select_account", "consent"]);
    }

    #[test]
    fn the_older_endpoints_are_asked_for_a_resource() {
        let mut old = app();
        old.dialect = Dialect::Resource;
        old.authorize_url = "https://login.chinacloudapi.cn/t/oauth2/authorize?api-version=1.0"
            .parse()
            .unwrap();
        let query = query(&old, &Hints::default());
        assert!(
            query.starts_with("api-version=1.0&response_type=code&"),
            "{query}"
        );
        assert!(
            query.contains("&resource=https%3A%2F%2Foutlook.office.com&"),
            "{query}"
        );
        assert!(!query.contains("scope"), "{query}");
    }

    #[test]
    fn an_administrator_consents_at_an_address_of_its_own() {
        let page = "https://login.microsoftonline.com/contoso.com/v2.0/adminconsent"
            .parse()
            .unwrap();
        let scopes = Scopes::parse("https://ps.outlook.com/.default").unwrap();
        assert_eq!(
            admin_consent_url(&page, &app(), &scopes, "st").as_str(),
            "https://login.microsoftonline.com/contoso.com/v2.0/adminconsent\
             ?client_id=11111111-2222-3333-4444-555555555555&scope=https%3A%2F%2Fps.outlook.com%2F.default\
             &redirect_uri=http%3A%2F%2Flocalhost%3A8425&state=st"
        );
    }
}
