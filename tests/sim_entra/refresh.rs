//! Refresh tokens: what they open, how they are exchanged, how long they live.

use std::time::Duration;

use saslgate::sim::directory::{App, Platform};
use saslgate::sim::entra::Rotation;
use saslgate::sim::{Demo, Settings, Sim};
use serde_json::Value;

use crate::https::{
    FORM, IMAP_SCOPE, Pairs, asking, claims, code, first, post_with, redeeming, refreshing,
    refreshing_without_secret, sign_in, sign_in_without_secret, text, token,
};

const DAY: Duration = Duration::from_secs(86_400);

fn sim() -> Sim {
    Sim::start(Settings::default()).unwrap()
}

#[tokio::test]
async fn the_old_one_goes_on_working_and_is_counted() {
    let sim = sim();
    let old = first(&sign_in(&sim).await);
    let answer = token(&sim, Demo::TENANT, &refreshing(&old)).await.json();
    let new = text(&answer, "refresh_token");
    assert_ne!(old, new);
    assert_eq!(claims(&text(&answer, "access_token"))["upn"], Demo::ALICE);
    assert_eq!(sim.entra().refresh_reuses(), 0);
    for known in [&old, &new, &old] {
        assert_eq!(token(&sim, Demo::TENANT, &refreshing(known)).await.status, 200);
    }
    assert_eq!(
        (
            sim.entra().refresh_reuses(),
            sim.entra().requests_of("refresh_token")
        ),
        (2, 4)
    );
    let families: Vec<_> = sim.entra().requests().iter().map(|it| it.family).collect();
    assert_eq!(families, [Some(1); 5]);
}

#[tokio::test]
async fn under_strict_rotation_a_second_use_ends_the_sign_in() {
    let sim = sim();
    sim.entra().rotation.set(Rotation::Strict);
    let old = first(&sign_in(&sim).await);
    let other = first(&sign_in(&sim).await);
    let new = token(&sim, Demo::TENANT, &refreshing(&old))
        .await
        .text("refresh_token");
    let again = token(&sim, Demo::TENANT, &refreshing(&old)).await;
    assert_eq!(
        (again.code(), again.text("suberror").as_str()),
        (70_000, "bad_token")
    );
    assert_eq!(token(&sim, Demo::TENANT, &refreshing(&new)).await.code(), 70_000);
    assert_eq!(sim.entra().refresh_reuses(), 1);
    assert_eq!(token(&sim, Demo::TENANT, &refreshing(&other)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_one_gets_the_successor() {
    let sim = std::sync::Arc::new(sim());
    sim.entra().rotation.set(Rotation::Strict);
    let form = refreshing(&first(&sign_in(&sim).await));
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
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        1,
        "{statuses:?}"
    );
    // The first of the seven ends the sign-in; the others find it ended.
    assert_eq!(sim.entra().refresh_reuses(), 1);
}

#[tokio::test]
async fn one_that_is_never_rotated() {
    let sim = sim();
    sim.entra().rotation.set(Rotation::Never);
    let only = first(&sign_in(&sim).await);
    for _ in 0..3 {
        let answer = token(&sim, Demo::TENANT, &refreshing(&only)).await.json();
        assert_eq!(answer["refresh_token"], Value::Null);
    }
    assert_eq!(sim.entra().refresh_reuses(), 0);
    sim.entra().tokens.change(|shape| shape.refresh_token = false);
    assert_eq!(sign_in(&sim).await["refresh_token"], Value::Null);
}

#[tokio::test]
async fn each_wrong_request_with_its_own_number() {
    let sim = sim();
    let right = first(&sign_in(&sim).await);
    let public = first(&sign_in_without_secret(&sim).await);
    let form = || refreshing(&right);
    let prefix = |scope: &str| form().with("scope", scope);
    let cases = [
        (900_144, form().without("refresh_token")),
        (9_002_313, form().with("code", "x")),
        (9_002_313, form().with("refresh_token", right.get(..600).unwrap())),
        (
            70_000,
            form().with("refresh_token", &format!("0.AXAX{}", &right[6..])),
        ),
        (
            700_016,
            form().with("client_id", "00000000-0000-0000-0000-000000000000"),
        ),
        (7_000_218, form().without("client_secret")),
        (7_000_215, form().with("client_secret", "wrong")),
        (
            70_000,
            form().with("refresh_token", &public).without("client_secret"),
        ),
        (
            700_025,
            refreshing_without_secret(&public).with("client_secret", Demo::CLIENT_SECRET),
        ),
        (70_011, prefix("https://outlook.office.com/Imap")),
        (
            28_000,
            prefix("https://outlook.office.com/SMTP.Send https://outlook.office365.com/SMTP.Send"),
        ),
        (65_001, prefix("https://graph.microsoft.com/Mail.Send")),
        (500_011, prefix("https://outlook.office365.us/SMTP.Send")),
        (901_002, form().with("resource", "https://outlook.office365.com")),
    ];
    for (number, form) in &cases {
        let reply = token(&sim, Demo::TENANT, form).await;
        assert_eq!(reply.code(), *number, "{}\n{reply:?}", form.encoded());
    }
    assert_eq!(cases.len(), 14);
    for number in [70_011, 700_022] {
        sim.entra().two_resources.set(number);
        let reply = token(
            &sim,
            Demo::TENANT,
            &prefix("https://outlook.office.com/SMTP.Send Mail.Send"),
        )
        .await;
        assert_eq!(reply.code(), u64::from(number));
    }
    assert_eq!(token(&sim, Demo::TENANT, &form()).await.status, 200);
    assert_eq!(sim.entra().refresh_reuses(), 0);
}

#[tokio::test]
async fn asks_for_less_or_under_another_name() {
    let sim = sim();
    let refresh = first(&sign_in(&sim).await);
    let less = refreshing(&refresh).with("scope", IMAP_SCOPE);
    let answer = token(&sim, Demo::TENANT, &less).await.json();
    assert_eq!(
        claims(&text(&answer, "access_token"))["scp"],
        "IMAP.AccessAsUser.All"
    );
    // The other name of Exchange, in another case.
    let other = refreshing(&refresh).with("scope", "https://outlook.office365.com/smtp.send offline_access");
    let answer = token(&sim, Demo::TENANT, &other).await.json();
    assert_eq!(answer["scope"], "https://outlook.office365.com/SMTP.Send");
    let all = refreshing(&refresh).with("scope", "https://outlook.office.com/.default");
    let answer = token(&sim, Demo::TENANT, &all).await.json();
    assert_eq!(
        claims(&text(&answer, "access_token"))["scp"],
        "IMAP.AccessAsUser.All POP.AccessAsUser.All SMTP.Send"
    );
    sim.entra()
        .tokens
        .change(|shape| shape.scope_prefix = Some("https://graph.microsoft.com".to_owned()));
    let answer = token(&sim, Demo::TENANT, &less).await.json();
    assert_eq!(
        answer["scope"],
        "https://graph.microsoft.com/IMAP.AccessAsUser.All"
    );
}

#[tokio::test]
async fn lives_ninety_days_from_its_last_use() {
    let sim = sim();
    let refresh = first(&sign_in(&sim).await);
    for _ in 0..3 {
        sim.entra().elapse(DAY * 89);
        assert_eq!(token(&sim, Demo::TENANT, &refreshing(&refresh)).await.status, 200);
    }
    sim.entra().elapse(DAY * 91);
    assert_eq!(
        token(&sim, Demo::TENANT, &refreshing(&refresh)).await.code(),
        700_082
    );
}

#[tokio::test]
async fn a_single_page_apps_lives_a_day() {
    const SPA: &str = "5a51aa7e-6666-4222-8333-444455556666";
    let sim = sim();
    sim.directory()
        .add_app(App::new(SPA, Demo::TENANT).redirect(Platform::SinglePage, "http://localhost/spa"));
    let here = |form: Pairs| form.with("client_id", SPA);
    let code = code(&sim, &here(asking()).with("redirect_uri", "http://localhost/spa")).await;
    let path = format!("/{}/oauth2/v2.0/token", Demo::TENANT);
    let headers = format!("Content-Type: {FORM}\r\nOrigin: http://localhost\r\n");
    let form = here(redeeming(&code))
        .without("client_secret")
        .with("redirect_uri", "http://localhost/spa");
    let answer = post_with(&sim, &path, &headers, &form.encoded()).await.json();
    let again = here(refreshing(&first(&answer))).without("client_secret");
    assert_eq!(token(&sim, Demo::TENANT, &again).await.code(), 9_002_327);
    assert_eq!(
        post_with(&sim, &path, &headers, &again.encoded()).await.status,
        200
    );
    sim.entra().elapse(DAY + Duration::from_secs(1));
    assert_eq!(
        post_with(&sim, &path, &headers, &again.encoded()).await.code(),
        700_084
    );
}
