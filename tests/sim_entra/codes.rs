//! Authorization codes at the token endpoint: once, in time, by the same app, to the same place, with the verifier.

use std::time::Duration;

use saslgate::sim::directory::{App, Audience, Platform};
use saslgate::sim::entra::{Proof, TokenOutcome};
use saslgate::sim::{Demo, Settings, Sim};

use crate::https::{
    Pairs, VERIFIER, asking, asking_without_secret, authorize, code, post_with, redeeming,
    redeeming_without_secret, token,
};

const SPA: &str = "5a51aa7e-6666-4222-8333-444455556666";

fn sim() -> Sim {
    let sim = Sim::start(Settings::default()).unwrap();
    let page = App::new(SPA, Demo::TENANT).redirect(Platform::SinglePage, "http://localhost/spa");
    sim.directory().add_app(page);
    sim.directory().change_app(Demo::CLIENT_ID, |app| {
        *app = app
            .clone()
            .redirect(Platform::Web, "http://localhost:8425/second")
            .secret("expired");
        app.secrets.last_mut().unwrap().expires = 1;
    });
    sim
}

#[tokio::test]
async fn each_wrong_redemption_with_its_own_number() {
    let sim = sim();
    let right = code(&sim, &asking()).await;
    let public = code(&sim, &asking_without_secret()).await;
    let no_challenge = asking()
        .without("code_challenge")
        .without("code_challenge_method");
    let unchallenged = code(&sim, &no_challenge).await;
    let form = || redeeming(&right);
    let cases = [
        (900_144, form().without("client_id")),
        (900_144, form().without("code")),
        (900_144, form().without("redirect_uri")),
        (9_002_313, form().with("username", "alice")),
        (901_002, form().with("resource", "https://outlook.office365.com")),
        (
            700_016,
            form().with("client_id", "00000000-0000-0000-0000-000000000000"),
        ),
        (7_000_218, form().without("client_secret")),
        (7_000_215, form().with("client_secret", "wrong")),
        // The Secret ID in the place of the Value.
        (
            7_000_215,
            form().with("client_secret", "b0a7050c-0c0a-4b1e-8c0d-5a51aa7e0001"),
        ),
        (7_000_222, form().with("client_secret", "expired")),
        (50_011, form().with("redirect_uri", "http://localhost:8425/third")),
        (
            500_112,
            form().with("redirect_uri", "http://localhost:8425/second"),
        ),
        (500_112, form().with("redirect_uri", "http://localhost:8425")),
        (70_000, form().with("code", "0.AXunknown")),
        (501_481, form().with("code_verifier", &VERIFIER.replace('d', "e"))),
        (501_481, form().without("code_verifier")),
        (501_491, form().with("code_verifier", "short")),
        (501_491, form().with("code_verifier", &"~".repeat(129))),
        (501_491, form().with("code_verifier", &format!("{VERIFIER} "))),
        (501_481, redeeming(&unchallenged)),
        (
            70_011,
            form().with("scope", "https://outlook.office.com/.default openid Mail"),
        ),
        (
            28_000,
            form().with("scope", "https://outlook.office.com/SMTP.Send Mail.Send"),
        ),
        (
            65_001,
            form().with("scope", "https://outlook.office.com/EWS.AccessAsUser.All"),
        ),
        (
            700_025,
            redeeming_without_secret(&public).with("client_secret", Demo::CLIENT_SECRET),
        ),
        // The code of one app with the credentials of another.
        (70_000, redeeming_without_secret(&right)),
        (
            9_002_327,
            redeeming_without_secret(&right)
                .with("client_id", SPA)
                .with("redirect_uri", "http://localhost/spa"),
        ),
    ];
    for (number, form) in &cases {
        let reply = token(&sim, Demo::TENANT, form).await;
        assert_eq!(reply.code(), *number, "{}\n{reply:?}", form.encoded());
    }
    assert_eq!(
        (cases.len(), sim.entra().requests_of("authorization_code")),
        (26, 26)
    );
    // None of this has used the code up.
    assert_eq!(token(&sim, Demo::TENANT, &form()).await.status, 200);
    assert_eq!(token(&sim, Demo::TENANT, &form()).await.code(), 54_005);
    let seen = sim.entra().requests().pop().unwrap();
    assert_eq!(
        (seen.proof, seen.outcome),
        (Proof::Secret, TokenOutcome::Refused(54_005))
    );
    assert_eq!(
        (seen.error, seen.person.as_deref()),
        (Some("invalid_grant"), Some(Demo::ALICE))
    );
}

#[tokio::test]
async fn a_code_lives_ten_minutes() {
    let sim = sim();
    let code = code(&sim, &asking()).await;
    sim.entra().elapse(Duration::from_secs(570));
    let early = redeeming(&code).without("code_verifier");
    assert_eq!(token(&sim, Demo::TENANT, &early).await.code(), 501_481);
    sim.entra().elapse(Duration::from_secs(31));
    assert_eq!(token(&sim, Demo::TENANT, &redeeming(&code)).await.code(), 70_008);
}

#[tokio::test]
async fn a_code_is_worth_nothing_elsewhere() {
    let sim = sim();
    sim.directory()
        .change_app(Demo::CLIENT_ID, |app| app.audience = Audience::Organizations);
    let back = authorize(&sim, "organizations", &asking()).await;
    let code = back.back("code").unwrap();
    for realm in [Demo::TENANT, Demo::DOMAIN, "common"] {
        assert_eq!(
            token(&sim, realm, &redeeming(&code)).await.code(),
            700_005,
            "{realm}"
        );
    }
    assert_eq!(token(&sim, "organizations", &redeeming(&code)).await.status, 200);
    // The two names of one tenant are one place.
    let code = crate::https::code(&sim, &asking()).await;
    assert_eq!(token(&sim, Demo::DOMAIN, &redeeming(&code)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_one_redeems() {
    let sim = std::sync::Arc::new(sim());
    let form = redeeming(&code(&sim, &asking()).await);
    let attempts: Vec<_> = (0..8)
        .map(|_| {
            let (sim, form) = (std::sync::Arc::clone(&sim), form.clone());
            tokio::spawn(async move { token(&sim, Demo::TENANT, &form).await.status })
        })
        .collect();
    let mut statuses = Vec::new();
    for attempt in attempts {
        statuses.push(attempt.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400, 400, 400, 400, 400]);
}

/// Web and desktop apps must not look like a page, and a page must.
#[tokio::test]
async fn a_page_says_where_it_comes_from() {
    let sim = sim();
    let at_page = asking()
        .with("client_id", SPA)
        .with("redirect_uri", "http://localhost:99/spa");
    let code = code(&sim, &at_page).await;
    let form = |code: &str| -> Pairs {
        redeeming(code)
            .without("client_secret")
            .with("client_id", SPA)
            .with("redirect_uri", "http://localhost:99/spa")
    };
    let path = format!("/{}/oauth2/v2.0/token", Demo::TENANT);
    let headers = format!(
        "Content-Type: {}\r\nOrigin: http://localhost:99\r\n",
        crate::https::FORM
    );
    assert_eq!(token(&sim, Demo::TENANT, &form(&code)).await.code(), 9_002_327);
    let reply = post_with(&sim, &path, &headers, &form(&code).encoded()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let web = crate::https::code(&sim, &asking()).await;
    let reply = post_with(&sim, &path, &headers, &redeeming(&web).encoded()).await;
    assert_eq!(reply.code(), 9_002_326);
}

#[tokio::test]
async fn plain_pkce_is_for_apps_with_a_secret() {
    let sim = sim();
    let plain = asking()
        .with("code_challenge", VERIFIER)
        .without("code_challenge_method");
    let form = redeeming(&code(&sim, &plain).await);
    assert_eq!(token(&sim, Demo::TENANT, &form).await.status, 200);
    assert_eq!(sim.entra().visits().pop().unwrap().challenge_method, None);
}
