//! The device authorization grant: codes, the pace at which one may ask, and what the person does meanwhile.

use std::time::Duration;

use saslgate::sim::directory::Person;
use saslgate::sim::entra::{Does, TokenFault, TokenOutcome};
use saslgate::sim::{Demo, Settings, Sim};
use serde_json::Value;

use crate::https::{Pairs, Reply, claims, post, text, token, visit};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn sim() -> Sim {
    Sim::start(Settings::default()).unwrap()
}

fn wanting() -> Pairs {
    Pairs::of(&[
        ("client_id", Demo::PUBLIC_CLIENT_ID),
        ("scope", Demo::DELEGATED_SCOPE),
    ])
}

async fn codes(sim: &Sim, form: &Pairs) -> Reply {
    post(sim, &format!("/{}/oauth2/v2.0/devicecode", Demo::TENANT), form).await
}

fn polling(device_code: &str) -> Pairs {
    Pairs::of(&[
        ("client_id", Demo::PUBLIC_CLIENT_ID),
        ("grant_type", GRANT),
        ("device_code", device_code),
    ])
}

/// A fresh pair of codes: what the device polls with, and what the person types.
async fn pair(sim: &Sim) -> (Pairs, String) {
    let json = codes(sim, &wanting()).await.json();
    (polling(&text(&json, "device_code")), text(&json, "user_code"))
}

async fn poll(sim: &Sim, form: &Pairs) -> (u64, String) {
    let reply = token(sim, Demo::TENANT, form).await;
    (
        reply.code(),
        reply.json()["error"].as_str().unwrap_or("").to_owned(),
    )
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_person_types_the_code_elsewhere() {
    let sim = sim();
    let answer = codes(&sim, &wanting()).await;
    let json = answer.json();
    assert_eq!((&json["expires_in"], &json["interval"]), (&900.into(), &5.into()));
    assert_eq!(json["verification_uri"], "https://microsoft.com/devicelogin");
    let user_code = text(&json, "user_code");
    assert!(user_code.len() == 9 && text(&json, "message").contains(&user_code));
    assert_eq!(json["verification_uri_complete"], Value::Null);
    let form = polling(&text(&json, "device_code"));
    assert_eq!(
        poll(&sim, &form).await,
        (70_016, "authorization_pending".to_owned())
    );
    assert_eq!(sim.entra().user_codes(), std::slice::from_ref(&user_code));
    assert!(
        sim.entra()
            .enter_user_code(&user_code.to_lowercase(), Some(Demo::ALICE))
    );
    assert!(!sim.entra().enter_user_code(&user_code, Some(Demo::BOB)));
    let tokens = token(&sim, Demo::TENANT, &form).await.json();
    assert_eq!(claims(&text(&tokens, "access_token"))["upn"], Demo::ALICE);
    assert!(tokens["refresh_token"].is_string() && tokens["id_token"].is_string());
    assert_eq!(poll(&sim, &form).await.0, 54_005);
    assert_eq!(
        (
            sim.entra().device_requests().len(),
            sim.entra().requests_of(GRANT)
        ),
        (1, 3)
    );
    assert_eq!(sim.entra().visits().len(), 0);
}

/// RFC 8628, 3.5: who asks too soon is told to slow down, and has to wait five seconds more from then on.
#[tokio::test]
async fn the_pace_is_kept() {
    let sim = sim();
    // Far apart, so that a slow machine does not come too late to be too fast.
    sim.entra().device.change(|device| device.interval = 60);
    let (form, user_code) = pair(&sim).await;
    let pending = || (70_016, "authorization_pending".to_owned());
    let too_fast = || (70_016, "slow_down".to_owned());
    let steps = [
        (0, pending()),
        (60, pending()),
        (30, too_fast()),
        // 65 seconds now, counted from the last question.
        (30, too_fast()),
        (70, pending()),
        (35, too_fast()),
        (75, pending()),
    ];
    for (seconds, expected) in &steps {
        sim.entra().elapse(SECOND * *seconds);
        assert_eq!(poll(&sim, &form).await, *expected, "after {seconds} s");
    }
    assert_eq!(steps.len(), 7);
    assert!(sim.entra().enter_user_code(&user_code, Some(Demo::ALICE)));
    assert_eq!(token(&sim, Demo::TENANT, &form).await.status, 200);
    let slowed = sim.entra().requests().into_iter();
    assert_eq!(slowed.filter(|it| it.error == Some("slow_down")).count(), 3);
}

#[tokio::test]
async fn each_end_with_its_own_error() {
    let sim = sim();
    let (declined, user_code) = pair(&sim).await;
    assert!(sim.entra().enter_user_code(&user_code, None));
    assert_eq!(
        poll(&sim, &declined).await,
        (65_004, "authorization_declined".to_owned())
    );
    let unknown = polling("CAQABAAEAAAunknown");
    assert_eq!(
        poll(&sim, &unknown).await,
        (70_018, "bad_verification_code".to_owned())
    );
    let (expired, _) = pair(&sim).await;
    sim.entra().elapse(SECOND * 900);
    assert_eq!(poll(&sim, &expired).await, (70_020, "expired_token".to_owned()));
    assert_eq!(sim.entra().user_codes().len(), 0);
    // The person agrees, and then the account turns out to be of no use.
    let accounts = [
        (Demo::SUPPORT, 50_057),
        ("nobody@contoso.com", 50_034),
        ("blocked@contoso.com", 53_003),
    ];
    let mut blocked = Person::new("blocked@contoso.com");
    blocked.blocked_by_policy = true;
    sim.directory().add_person(blocked);
    for (name, number) in accounts {
        let (form, user_code) = pair(&sim).await;
        assert!(sim.entra().enter_user_code(&user_code, Some(name)));
        assert_eq!(poll(&sim, &form).await.0, number, "{name}");
    }
    assert_eq!(accounts.len(), 3);
}

#[tokio::test]
async fn each_wrong_request_with_its_own_number() {
    let sim = sim();
    let cases = [
        (900_144, wanting().without("client_id")),
        (900_144, wanting().without("scope")),
        (
            700_016,
            wanting().with("client_id", "00000000-0000-0000-0000-000000000000"),
        ),
        (9_002_313, wanting().with("prompt", "login")),
        (
            901_002,
            wanting().with("resource", "https://outlook.office365.com"),
        ),
        (
            70_011,
            wanting().with("scope", "https://outlook.office.com/Everything"),
        ),
    ];
    for (number, form) in &cases {
        assert_eq!(codes(&sim, form).await.code(), *number, "{}", form.encoded());
    }
    assert_eq!(cases.len(), 6);
    let (form, user_code) = pair(&sim).await;
    let polls = [
        (900_144, form.clone().without("device_code")),
        (9_002_313, form.clone().with("scope", Demo::DELEGATED_SCOPE)),
        (700_025, form.clone().with("client_secret", "x")),
        // An app without "Allow public client flows" has to prove itself, here too.
        (7_000_218, form.clone().with("client_id", Demo::CLIENT_ID)),
        (
            70_000,
            form.clone()
                .with("client_id", Demo::CLIENT_ID)
                .with("client_secret", Demo::CLIENT_SECRET),
        ),
    ];
    for (number, form) in &polls {
        assert_eq!(poll(&sim, form).await.0, *number, "{}", form.encoded());
    }
    assert_eq!(polls.len(), 5);
    assert!(sim.entra().enter_user_code(&user_code, Some(Demo::ALICE)));
    assert_eq!(poll(&sim, &polling("CAQABAAEAAAx")).await.0, 70_018);
    let elsewhere = post(&sim, "/organizations/oauth2/v2.0/token", &form).await;
    assert_eq!(elsewhere.code(), 50_194);
    assert_eq!(token(&sim, Demo::TENANT, &form).await.status, 200);
}

/// A gateway in trouble gives no codes, one that cuts an answer off has given some.
#[tokio::test]
async fn faults_stand_in_the_way_of_codes_too() {
    let sim = sim();
    let faults = [
        (
            TokenFault::TooManyRequests(Some("60".to_owned())),
            "retry-after: 60",
            0,
        ),
        (TokenFault::ServerError, "500", 0),
        (TokenFault::Body("{".to_owned()), "200", 0),
        (TokenFault::CloseMidBody, "200", 1),
    ];
    for (fault, seen, given) in &faults {
        let before = sim.entra().user_codes().len();
        sim.entra().fail_next(1, fault.clone());
        let reply = codes(&sim, &wanting()).await;
        assert!(reply.head.contains(seen), "{reply:?}");
        assert_eq!(sim.entra().user_codes().len() - before, *given, "{fault:?}");
        let seen = sim.entra().device_requests().pop().unwrap();
        assert_eq!(seen.outcome, TokenOutcome::Faulted);
    }
    assert_eq!(faults.len(), 4);
    assert_eq!(codes(&sim, &wanting()).await.status, 200);
    let seen = sim.entra().device_requests().pop().unwrap();
    assert_eq!(seen.outcome, TokenOutcome::Issued);
}

#[tokio::test]
async fn an_app_with_a_secret_uses_it() {
    let sim = sim();
    let json = codes(&sim, &wanting().with("client_id", Demo::CLIENT_ID))
        .await
        .json();
    let form = polling(&text(&json, "device_code"))
        .with("client_id", Demo::CLIENT_ID)
        .with("client_secret", Demo::CLIENT_SECRET);
    assert!(
        sim.entra()
            .enter_user_code(&text(&json, "user_code"), Some(Demo::ALICE))
    );
    // Entered by the test, without the consent page.
    assert_eq!(poll(&sim, &form).await, (65_001, "invalid_grant".to_owned()));
    sim.directory().consent(
        Demo::CLIENT_ID,
        Demo::TENANT,
        Some(Demo::ALICE),
        &["IMAP.AccessAsUser.All", "POP.AccessAsUser.All", "SMTP.Send"],
    );
    assert_eq!(token(&sim, Demo::TENANT, &form).await.status, 200);
}

/// The page that the simulator serves asks for consent, as the real one does.
#[tokio::test]
async fn the_page_where_the_code_is_typed() {
    let sim = sim();
    let typed = |code: &str, hint: &str| Pairs::of(&[("otc", code), ("login_hint", hint)]);
    assert_eq!(
        visit(&sim, "/devicelogin", &typed("WRONGCODE", Demo::ALICE))
            .await
            .code(),
        70_018
    );
    let (form, user_code) = pair(&sim).await;
    let nobody = visit(&sim, "/devicelogin", &Pairs::of(&[("otc", &user_code)])).await;
    assert!(nobody.body.contains("Pick an account"), "{nobody:?}");
    let unknown = visit(&sim, "/devicelogin", &typed(&user_code, "nobody@contoso.com")).await;
    assert_eq!(unknown.code(), 50_034);
    assert_eq!(poll(&sim, &form).await.0, 70_016);
    let page = visit(&sim, "/devicelogin", &typed(&user_code, Demo::ALICE)).await;
    assert!(page.body.contains("You have signed in"), "{page:?}");
    assert_eq!(token(&sim, Demo::TENANT, &form).await.status, 200);
    sim.entra()
        .browser
        .change(|browser| browser.does = Does::Declines);
    let (form, user_code) = pair(&sim).await;
    visit(&sim, "/devicelogin", &typed(&user_code, Demo::ALICE)).await;
    assert_eq!(poll(&sim, &form).await.0, 65_004);
    assert_eq!(
        sim.entra().requests().pop().unwrap().outcome,
        TokenOutcome::Refused(65_004)
    );
}
