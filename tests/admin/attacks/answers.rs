//! O2, O3: codes that somebody has stolen, and answers of another provider.

use saslgate::sim::Demo;
use saslgate::sim::directory::{App, Platform};
use url::Url;

use super::{Refused, all_refused, get};
use crate::http::Browser;
use crate::people::{DELEGATED, client_id, person, text};
use crate::rig::{PASSWORD, Rig, stored};
use crate::support::config::{Account, Config, provider};

fn field(address: &str, name: &str) -> String {
    let url = Url::parse(address).unwrap();
    let mut pairs = url.query_pairs();
    let (_, value) = pairs
        .find(|(known, _)| known == name)
        .unwrap_or_else(|| panic!("no {name}: {url}"));
    value.into_owned()
}

/// O2, RFC 7636: whoever reads an answer on its way has a code, and nothing that goes with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_code_is_good_for_nothing() {
    let rig = Rig::new().await;
    let mut operator = rig.operator().await;
    let addresses = [
        rig.begin_sign_in(&mut operator).await,
        rig.begin_sign_in(&mut operator).await,
    ];
    let challenges = addresses
        .each_ref()
        .map(|address| field(address, "code_challenge"));
    assert_ne!(challenges[0], challenges[1], "one verifier for two sign-ins");
    for address in &addresses {
        assert_eq!(field(address, "code_challenge_method"), "S256");
        assert_eq!(field(address, "code_challenge").len(), 43, "SHA-256 in base64url");
        assert!(
            field(address, "state").len() >= 22,
            "128 bits in base64 are 22 letters"
        );
    }
    let back = rig.comes_back(&addresses[1]).await;
    let code = field(&format!("http://localhost{back}"), "code");
    let (callback, client) = (field(&addresses[1], "redirect_uri"), client_id(7));
    let verifiers = [None, Some("A".repeat(43)), Some(challenges[1].clone())];
    for verifier in &verifiers {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", &client),
            ("code", &code),
            ("redirect_uri", &callback),
        ];
        form.extend(verifier.as_deref().map(|verifier| ("code_verifier", verifier)));
        let url = rig.signing.sim.addresses().token_url(Demo::TENANT);
        let said = rig.signing.browser.asks(&url, &form).await;
        assert_eq!(said["error"], "invalid_grant", "{said}");
    }
    assert_eq!(verifiers.len(), 3);
}

const OTHER: u16 = 8;

/// O3, RFC 9700 4.4: a sign-in takes the answer of its own provider alone, and its code goes nowhere else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_another_provider_is_not_taken() {
    let mut heidi = Account::new("nobody");
    let rig = Rig::with(
        &format!("password = \"{}\"\n", stored(PASSWORD)),
        |config, signing| {
            let callback = format!("http://localhost:{}/oauth/callback", admin_port(&config));
            let app = App::new(client_id(OTHER), Demo::TENANT)
                .redirect(Platform::Native, callback)
                .delegated(&DELEGATED)
                .public_flows();
            let directory = signing.sim.directory();
            directory.add_app(app);
            directory.consent(&client_id(OTHER), Demo::TENANT, None, &DELEGATED);
            heidi = Account::new(&person(&signing.sim, "heidi")).app("other");
            let authority = signing.sim.addresses().authority();
            config
                .provider("another", &provider(&signing.sim, &authority))
                .app(
                    "other",
                    "another",
                    &text(OTHER, "authorization_code", signing.port),
                )
                .account(&heidi)
        },
    )
    .await;
    let (mut one, mut other) = (rig.operator().await, rig.operator().await);
    let address = rig.begin_sign_in(&mut one).await;
    let others = begins(&mut other, &heidi.login, "other").await;
    let back = rig.comes_back(&address).await;
    rig.sits(&heidi.login);
    let others_back = rig.comes_back(&others).await;
    let at = |state: &str, more: &str| format!("/oauth/callback?code=evil&state={state}{more}");
    let (state, others_state) = (field(&address, "state"), field(&others, "state"));
    let one_head = one.usual_head();
    let attacks = vec![
        get(
            "O3",
            "the other provider's answer",
            &others_back,
            &one_head,
            &[400],
        ),
        get(
            "O3",
            "and the other way round",
            &back,
            &other.usual_head(),
            &[400],
        ),
        get(
            "O3",
            "the other one's state",
            &at(&others_state, ""),
            &one_head,
            &[400],
        ),
        get(
            "O3",
            "the right state from an issuer elsewhere",
            &at(&state, "&iss=https%3A%2F%2Flogin.evil.test%2F"),
            &one_head,
            &[400],
        ),
        get(
            "O3",
            "the right state from an issuer that looks like ours",
            &at(&state, "&iss=https%3A%2F%2Flocalhost.evil.test%2F"),
            &one_head,
            &[400],
        ),
        get(
            "O3",
            "the right state from an issuer that is none",
            &at(&state, "&iss=localhost"),
            &one_head,
            &[400],
        ),
    ];
    let mut refused = Refused::new();
    all_refused(&rig, attacks, &mut refused).await;
    assert_eq!(refused, Refused::from([("O3", 6)]));
    assert_eq!(rig.signing.sim.entra().request_count(), 0);
    // Each takes its own.
    let own = format!("{back}&iss={}", "https%3A%2F%2Flocalhost%2Ft%2Fv2.0");
    assert_eq!(one.get(&own).await.header("location"), Some("/signing-in"));
    assert_eq!(
        other.get(&others_back).await.header("location"),
        Some("/signing-in")
    );
}

/// Where the page of a configuration is.
fn admin_port(config: &Config) -> u16 {
    let text = config.text();
    let (_, rest) = text.split_once("bind = \"127.0.0.1:").unwrap();
    rest.split('"').next().unwrap().parse().unwrap()
}

/// Begins the sign-in of an account at its page: where the browser is sent.
async fn begins(browser: &mut Browser, account: &str, app: &str) -> String {
    let page = format!("/account?name={}", account.replace('@', "%40"));
    let fields = [("account", account), ("app", app), ("way", "page")];
    let page = browser.submit(&page, "/sign-in", &fields).await;
    assert_eq!(page.status, 200, "{page:?}");
    page.between("http-equiv=\"refresh\" content=\"0;url=", "\">")
}
