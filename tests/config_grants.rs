//! What each grant of a configuration resolves to.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops where something is not as expected"
)]

mod config_support;

use std::path::Path;
use std::time::{Duration, SystemTime};

use config_support::{account, loaded, machine};
use saslgate::config::{Config, Given, load};
use saslgate::oauth::{Delegated, Dialect, Grant, Proof, UsualSignIn};
use saslgate::provider::Protocol;

const CONFIG: &str = "/etc/saslgate/saslgate.toml";

const ID: &str = "client_id = \"11111111-2222-3333-4444-555555555555\"\n";

/// An app of that grant, and what else it says.
fn app(grant: &str, more: &str) -> String {
    format!("[app]\ngrant = \"{grant}\"\n{more}\n")
}

/// An app of contoso.com of that grant.
fn contoso(grant: &str, more: &str) -> String {
    app(grant, &format!("tenant = \"contoso.com\"\n{ID}{more}"))
}

/// On a machine with more in it.
#[track_caller]
fn on(machine: &Given, text: &str) -> Config {
    load(Path::new(CONFIG), &machine.clone().file(CONFIG, text))
        .map_err(|problems| problems.to_string())
        .unwrap()
}

#[track_caller]
fn delegated(config: &Config) -> &Delegated {
    assert!(config.warnings.list.is_empty(), "{}", config.warnings);
    config.apps[0].app.grant.delegated().unwrap()
}

const IMAP: &str = "https://outlook.office.com/IMAP.AccessAsUser.All";
const POP3: &str = "https://outlook.office.com/POP.AccessAsUser.All";
const SMTP: &str = "https://outlook.office.com/SMTP.Send";
const SIGN_IN: &str = "offline_access openid profile";

#[test]
fn people_sign_in_in_three_ways_to_the_same_app() {
    let ways = [
        ("authorization_code", UsualSignIn::Browser),
        ("device_code", UsualSignIn::Device),
        ("refresh_token", UsualSignIn::RefreshToken),
    ];
    for (word, usual) in ways {
        let config = loaded(&(contoso(word, "") + &account("a@contoso.com", "")));
        assert!(matches!(&config.apps[0].app.grant, Grant::SignIn(_)), "{word}");
        let app = delegated(&config);
        assert_eq!(app.usual, usual, "{word}");
        assert!(matches!(app.registration.proof, Proof::None), "{word}");
        assert_eq!(app.scopes.to_string(), format!("{IMAP} {POP3} {SMTP} {SIGN_IN}"));
        let base = "https://login.microsoftonline.com/contoso.com";
        let url = |url: &Option<url::Url>| url.as_ref().unwrap().to_string();
        assert_eq!(
            app.registration.token_url.as_str(),
            format!("{base}/oauth2/v2.0/token")
        );
        assert_eq!(url(&app.device_url), format!("{base}/oauth2/v2.0/devicecode"));
        assert_eq!(url(&app.admin_consent_url), format!("{base}/v2.0/adminconsent"));
        let browser = app.browser.as_ref().unwrap();
        assert_eq!(
            browser.authorize_url.as_str(),
            format!("{base}/oauth2/v2.0/authorize")
        );
        assert_eq!(&*browser.redirect_uri, "http://localhost:8425/");
        assert_eq!(
            browser.scopes, app.scopes,
            "one consent is for all that is asked for later"
        );
        assert!(browser.extra.is_empty());
    }
    assert_eq!(ways.len(), 3);
}

#[test]
fn an_account_asks_for_the_protocols_that_it_uses_by_an_app() {
    // So that an account that is added later does not make the first ask for what its person has not consented to.
    let text = contoso("authorization_code", "").replace("[app]", "[app.read]")
        + &contoso("authorization_code", "").replace("[app]", "[app.send]")
        + &account("a@contoso.com", "app = \"read\"\nsmtp.app = \"send\"")
        + &account("b@contoso.com", "app = \"read\"\nprotocols = [\"pop3\"]")
        + &account("c@contoso.com", "app = \"read\"\nprotocols = [\"pop3\"]");
    let config = loaded(&text);
    let scopes = |account: usize, protocol| {
        let app = &config.accounts[account].routes[&protocol].app;
        app.grant.delegated().unwrap().scopes.to_string()
    };
    assert_eq!(scopes(0, Protocol::Imap), format!("{IMAP} {POP3} {SIGN_IN}"));
    assert_eq!(scopes(0, Protocol::Pop3), scopes(0, Protocol::Imap));
    assert_eq!(scopes(0, Protocol::Smtp), format!("{SMTP} {SIGN_IN}"));
    assert_eq!(scopes(1, Protocol::Pop3), format!("{POP3} {SIGN_IN}"));
    assert_eq!(
        config.apps.len(),
        3,
        "accounts that ask for the same share one app"
    );
}

#[test]
fn a_list_of_scopes_is_taken_as_products_write_it() {
    let office = "https://outlook.office365.com/IMAP.AccessAsUser.All";
    let send = "https://outlook.office365.com/SMTP.Send";
    let cases = [
        (
            format!("\"{office},{send}\""),
            format!("{office} {send} {SIGN_IN}"),
        ),
        (
            format!("\"{office} {send} offline_access\""),
            format!("{office} {send} {SIGN_IN}"),
        ),
        (
            format!("[\"{office}\", \"{send}\"]"),
            format!("{office} {send} {SIGN_IN}"),
        ),
        (
            "\"https://outlook.office.com/.default\"".to_owned(),
            format!("https://outlook.office.com/.default {SIGN_IN}"),
        ),
    ];
    for (written, expected) in &cases {
        let text = contoso("authorization_code", &format!("scope = {written}"));
        let config = loaded(&(text + &account("a@contoso.com", "protocols = [\"imap\", \"smtp\"]")));
        assert_eq!(delegated(&config).scopes.to_string(), *expected, "{written}");
    }
    assert_eq!(cases.len(), 4);
}

#[test]
fn whoever_may_sign_in_stands_in_the_address() {
    let cases = [
        ("common", "common", Some("organizations")),
        ("organizations", "organizations", Some("organizations")),
        ("consumers", "consumers", None),
        (
            "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
            "common",
            Some("organizations"),
        ),
        // The first generation's addresses stand beside the second's in the portal.
        (
            "https://login.microsoftonline.com/contoso.com/oauth2/token",
            "contoso.com",
            Some("contoso.com"),
        ),
    ];
    for (written, tenant, consents) in cases {
        let text = app("authorization_code", &format!("tenant = \"{written}\"\n{ID}"));
        let config = loaded(&(text + &account("a@contoso.com", "")));
        let app = delegated(&config);
        let address = |tenant: &str, rest: &str| format!("https://login.microsoftonline.com/{tenant}/{rest}");
        assert_eq!(
            app.registration.token_url.as_str(),
            address(tenant, "oauth2/v2.0/token")
        );
        let expected = consents.map(|tenant| address(tenant, "v2.0/adminconsent"));
        assert_eq!(
            app.admin_consent_url.as_ref().map(ToString::to_string),
            expected,
            "{written}"
        );
        assert_eq!(app.registration.dialect, Dialect::Scope);
    }
    assert_eq!(cases.len(), 5);
}

#[test]
fn a_sign_in_has_what_the_operator_wants_of_it() {
    let more = "redirect_uri = \"http://LocalHost:9999/Callback\"\nprompt = \"select_account\"\ndomain_hint = \"contoso.com\"\n\
                client_secret_file = \"secret\"\nclient_secret_expires = 2027-11-01\ntoken_export = true";
    let config = loaded(&(contoso("authorization_code", more) + &account("a@contoso.com", "")));
    assert!(
        config.warnings.to_string().contains("in lower case"),
        "{}",
        config.warnings
    );
    let app = &config.apps[0].app;
    let browser = app.grant.delegated().unwrap().browser.as_ref().unwrap();
    assert_eq!(
        &*browser.redirect_uri, "http://LocalHost:9999/Callback",
        "to the letter"
    );
    let extra: Vec<_> = browser
        .extra
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    assert_eq!(
        extra,
        [("prompt", "select_account"), ("domain_hint", "contoso.com")]
    );
    assert!(app.token_export);
    let day = SystemTime::UNIX_EPOCH + Duration::from_secs(1_825_027_200);
    assert_eq!(app.secret_expires, Some(day));

    // Google's own wish gives way to the operator's, and its others stay.
    let google = "preset = \"google\"\nclient_id = \"id\"\nprompt = \"login\"";
    let config = loaded(&(app_of_google(google) + &account("a@example.com", "")));
    let app = delegated(&config);
    let extra: Vec<_> = app
        .browser
        .as_ref()
        .unwrap()
        .extra
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    assert_eq!(extra, [("access_type", "offline"), ("prompt", "login")]);
    assert_eq!(app.scopes.to_string(), "https://mail.google.com/ openid email");
    assert!(app.device_url.is_none() && app.admin_consent_url.is_none());
}

fn app_of_google(more: &str) -> String {
    app("authorization_code", more)
}

#[test]
fn the_cloud_in_china_is_asked_by_whichever_generation_its_address_is_of() {
    let host = "https://login.partner.microsoftonline.cn/contoso.cn";
    let cases = [
        (format!("{host}/oauth2/v2.0/token"), Dialect::Scope, "oauth2/v2.0"),
        (format!("{host}/oauth2/token"), Dialect::Resource, "oauth2"),
        ("contoso.cn".to_owned(), Dialect::Scope, "oauth2/v2.0"),
    ];
    for (tenant, dialect, path) in &cases {
        let more = format!("preset = \"microsoft365-china\"\ntenant = \"{tenant}\"\n{ID}");
        let config = loaded(&(app("authorization_code", &more) + &account("a@contoso.cn", "")));
        let app = delegated(&config);
        assert_eq!(app.registration.dialect, *dialect, "{tenant}");
        assert_eq!(
            app.registration.token_url.as_str(),
            format!("{host}/{path}/token")
        );
        let browser = app.browser.as_ref().unwrap();
        assert_eq!(
            (browser.dialect, browser.authorize_url.as_str()),
            (*dialect, &*format!("{host}/{path}/authorize"))
        );
        assert_eq!(
            app.device_url.as_ref().unwrap().as_str(),
            format!("{host}/{path}/devicecode")
        );
        // An account with another tenant stays with the app's generation.
        let other = account("a@contoso.cn", "tenant = \"fabrikam.cn\"");
        let config = loaded(&(self::app("authorization_code", &more) + &other));
        assert_eq!(delegated(&config).registration.dialect, *dialect);
    }
    assert_eq!(cases.len(), 3);
    // Written out, an address of the first generation is meant.
    let own = "[provider.mine]\ntoken_url = \"https://login.chinacloudapi.cn/{tenant}/oauth2/token\"\nimap = \"imap.example.cn:993\"\n";
    let more = format!(
        "preset = \"mine\"\ntenant = \"contoso.cn\"\n{ID}client_secret_file = \"secret\"\nscope = \"https://partner.outlook.cn/.default\"\n"
    );
    let text = app("client_credentials", &more) + own + &account("a@contoso.cn", "");
    let dialect = |config: &Config| config.apps[0].app.grant.registration().unwrap().dialect;
    assert_eq!(dialect(&loaded(&text)), Dialect::Resource);
    let elsewhere = text.replace("login.chinacloudapi.cn", "login.example.com");
    assert_eq!(dialect(&loaded(&elsewhere)), Dialect::Scope);
}

#[test]
fn an_own_provider_lets_people_sign_in_where_it_says() {
    let text = app(
        "device_code",
        "preset = \"mine\"\nclient_id = \"id\"\nscope = \"mail offline_access\"",
    ) + "[provider.mine]\ntoken_url = \"https://localhost:8443/token\"\nauthorize_url = \"https://localhost:8443/authorize\"\n\
           device_url = \"https://localhost:8443/device\"\nimap = \"localhost:993\"\n"
        + &account("a@example.com", "");
    let config = loaded(&text);
    let app = delegated(&config);
    assert_eq!(app.scopes.to_string(), "mail offline_access");
    assert_eq!(
        app.device_url.as_ref().unwrap().as_str(),
        "https://localhost:8443/device"
    );
    let browser = app.browser.as_ref().unwrap();
    assert_eq!(browser.authorize_url.as_str(), "https://localhost:8443/authorize");
    assert!(app.admin_consent_url.is_none());
}

#[test]
fn a_password_is_the_providers_to_judge_or_has_a_local_one_before_it() {
    let path = "/etc/saslgate/upstream";
    let machine = machine().file(path, "the other password\r\n");
    let app = contoso("password", "");
    let typed = "[[account]]\nlogin = \"a@contoso.com\"\n";
    let config = on(&machine, &format!("{app}{typed}"));
    assert!(matches!(&config.apps[0].app.grant, Grant::Password(_)));
    let delegated = delegated(&config);
    assert!(delegated.browser.is_none() && delegated.device_url.is_none());
    let [account] = config.accounts.as_slice() else {
        panic!("one account")
    };
    assert!(account.passwords.is_empty() && account.upstream_password.is_none());
    assert!(!account.lets_nobody_in() && account.watch);

    let local = self::account(
        "a@contoso.com",
        "upstream_password_file = \"upstream\"\nwatch = false",
    );
    let config = on(&machine, &format!("{app}{local}"));
    let account = &config.accounts[0];
    assert_eq!(account.passwords.len(), 1);
    assert_eq!(
        account.upstream_password.as_ref().unwrap().expose(),
        "the other password"
    );
    assert!(!account.watch);
    assert!(!format!("{config:?}").contains("the other password"));

    // With a domain, each password opens its own mailbox.
    let everybody = "[[account]]\nlogin = \"*@contoso.com\"\n";
    assert!(
        on(&machine, &format!("{app}{everybody}"))
            .warnings
            .list
            .is_empty()
    );
}
