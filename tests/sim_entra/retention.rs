//! What ends a sign-in, and what must not.

use saslgate::sim::entra::{EntraError, Rotation, TokenFault};
use saslgate::sim::{Demo, Settings, Sim};

use crate::https::{first, refreshing, refreshing_without_secret, sign_in, sign_in_without_secret, token};

fn sim() -> Sim {
    Sim::start(Settings::default()).unwrap()
}

/// What ends a sign-in, for the app with a secret and for the one without.
#[tokio::test]
async fn what_ends_a_sign_in() {
    type Act = fn(&Sim);
    let acts: [(&str, Act, u64, u64); 7] = [
        (
            "a new password",
            |sim| {
                sim.directory()
                    .change_person(Demo::ALICE, |it| it.change_password("new"));
            },
            0,
            50_173,
        ),
        (
            "revoked",
            |sim| {
                sim.directory()
                    .change_person(Demo::ALICE, saslgate::sim::directory::Person::revoke_sessions);
            },
            50_173,
            50_173,
        ),
        (
            "disabled",
            |sim| {
                sim.directory()
                    .change_person(Demo::ALICE, |it| it.disabled = true);
            },
            50_057,
            50_057,
        ),
        (
            "blocked",
            |sim| {
                sim.directory()
                    .change_person(Demo::ALICE, |it| it.blocked_by_policy = true);
            },
            53_003,
            53_003,
        ),
        (
            "consent withdrawn",
            |sim| {
                sim.directory()
                    .withdraw_consent(Demo::CLIENT_ID, Demo::TENANT, Some(Demo::ALICE));
            },
            65_001,
            0,
        ),
        (
            "secret expired",
            |sim| {
                sim.directory()
                    .change_app(Demo::CLIENT_ID, |app| app.secrets[0].expires = 1);
            },
            7_000_222,
            0,
        ),
        (
            "app disabled",
            |sim| {
                sim.directory()
                    .change_app(Demo::CLIENT_ID, |app| app.disabled = true);
            },
            7_000_112,
            0,
        ),
    ];
    for (what, act, confidential, public) in acts {
        let sim = sim();
        let with = refreshing(&first(&sign_in(&sim).await));
        let without = refreshing_without_secret(&first(&sign_in_without_secret(&sim).await));
        act(&sim);
        for (form, number) in [(with, confidential), (without, public)] {
            let reply = token(&sim, Demo::TENANT, &form).await;
            assert_eq!(reply.code(), number, "{what}: {reply:?}");
            assert_eq!(reply.status == 200, number == 0, "{what}");
            if number == 65_001 {
                assert_eq!(reply.text("suberror"), "consent_required");
            }
            if number == 53_003 {
                assert!(reply.text("claims").contains("polids"));
            }
        }
    }
    assert_eq!(acts.len(), 7);
}

/// A refusal that has nothing to do with the token, or a gateway in trouble, leaves the token as it is.
#[tokio::test]
async fn what_does_not_use_a_token_up() {
    let sim = sim();
    sim.entra().rotation.set(Rotation::Strict);
    let mut refresh = first(&sign_in(&sim).await);
    sim.entra().refuse_next(
        1,
        EntraError::new(50_196, "invalid_grant", "A request loop was detected."),
    );
    assert_eq!(
        token(&sim, Demo::TENANT, &refreshing(&refresh)).await.code(),
        50_196
    );
    let throttled = EntraError::new(90_055, "temporarily_unavailable", "Throttled.").retry_after(7);
    sim.entra().refuse_next(1, throttled);
    let reply = token(&sim, Demo::TENANT, &refreshing(&refresh)).await;
    assert!(
        reply.status == 429 && reply.head.contains("retry-after: 7"),
        "{reply:?}"
    );
    let faults = [
        TokenFault::TooManyRequests(Some("60".to_owned())),
        TokenFault::ServerError,
        TokenFault::Unavailable,
        TokenFault::Body("{".to_owned()),
        TokenFault::Redirect("https://localhost/".to_owned()),
    ];
    for fault in &faults {
        sim.entra().fail_next(1, fault.clone());
        token(&sim, Demo::TENANT, &refreshing(&refresh)).await;
        refresh = token(&sim, Demo::TENANT, &refreshing(&refresh))
            .await
            .text("refresh_token");
    }
    assert_eq!((faults.len(), sim.entra().refresh_reuses()), (5, 0));
    // An answer that is cut off was given all the same.
    sim.entra().fail_next(1, TokenFault::CloseMidBody);
    token(&sim, Demo::TENANT, &refreshing(&refresh)).await;
    assert_eq!(
        token(&sim, Demo::TENANT, &refreshing(&refresh)).await.code(),
        70_000
    );
}
