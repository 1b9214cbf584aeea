//! The password grant: for work accounts, without anything beyond the password, and never more than ten wrong ones.

use std::time::Duration;

use saslgate::sim::directory::{Mfa, Person, Tenant};
use saslgate::sim::{Demo, Settings, Sim};

use crate::https::{Pairs, claims, text, token};

fn sim() -> Sim {
    let sim = Sim::start(Settings::default()).unwrap();
    sim.directory().add_tenant(Tenant::new(
        "c0a7050c-0c0a-4b1e-8c0d-5a51aa7e0002",
        "fabrikam.com",
    ));
    sim.directory()
        .add_person(Person::new("eve@fabrikam.com").password(Demo::PASSWORD));
    sim
}

fn form() -> Pairs {
    Pairs::of(&[
        ("client_id", Demo::PUBLIC_CLIENT_ID),
        ("grant_type", "password"),
        ("scope", Demo::DELEGATED_SCOPE),
        ("username", Demo::ALICE),
        ("password", Demo::PASSWORD),
    ])
}

async fn number(sim: &Sim, form: &Pairs) -> u64 {
    token(sim, Demo::TENANT, form).await.code()
}

#[tokio::test]
async fn a_right_password_is_enough() {
    let sim = sim();
    let json = token(&sim, Demo::TENANT, &form()).await.json();
    assert_eq!(claims(&text(&json, "access_token"))["upn"], Demo::ALICE);
    assert!(json["refresh_token"].is_string());
    assert_eq!(
        sim.entra().requests().pop().unwrap().person.as_deref(),
        Some(Demo::ALICE)
    );
    // A multi-tenant app may leave the tenant to the name.
    sim.directory().change_app(Demo::PUBLIC_CLIENT_ID, |app| {
        app.audience = saslgate::sim::directory::Audience::Organizations;
    });
    assert_eq!(token(&sim, "organizations", &form()).await.status, 200);
    for realm in ["common", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad"] {
        assert_eq!(token(&sim, realm, &form()).await.code(), 9_001_023, "{realm}");
    }
}

#[tokio::test]
async fn each_wrong_request_with_its_own_number() {
    let sim = sim();
    let cases = [
        (900_144, form().without("username")),
        (900_144, form().without("password")),
        (900_144, form().without("scope")),
        (9_002_313, form().with("code", "x")),
        (700_025, form().with("client_secret", "x")),
        (7_000_218, form().with("client_id", Demo::CLIENT_ID)),
        (
            65_001,
            form()
                .with("client_id", Demo::CLIENT_ID)
                .with("client_secret", Demo::CLIENT_SECRET),
        ),
        (50_034, form().with("username", "nobody@contoso.com")),
        (50_034, form().with("username", "eve@fabrikam.com")),
        (50_126, form().with("password", "wrong")),
        (50_126, form().with("password", &format!("{} ", Demo::PASSWORD))),
        (
            28_000,
            form().with("scope", "https://outlook.office.com/SMTP.Send Mail.Send"),
        ),
        (
            65_001,
            form().with("scope", "https://graph.microsoft.com/Mail.Send"),
        ),
        (50_056, form().with("username", Demo::SUPPORT)),
    ];
    for (expected, form) in &cases {
        assert_eq!(number(&sim, form).await, *expected, "{}", form.encoded());
    }
    assert_eq!((cases.len(), sim.entra().requests_of("password")), (14, 14));
}

#[tokio::test]
async fn each_state_of_an_account_with_its_own_number() {
    type Change = fn(&mut Person);
    let cases: [(u64, &str, &str, Change); 6] = [
        (50_055, "invalid_grant", "user_password_expired", |it| {
            it.password_expired = true;
        }),
        (50_057, "invalid_grant", "", |it| it.disabled = true),
        (50_076, "invalid_grant", "basic_action", |it| {
            it.mfa = Mfa::Required;
        }),
        (50_079, "interaction_required", "basic_action", |it| {
            it.mfa = Mfa::NotSetUp;
        }),
        (53_003, "invalid_grant", "message_only", |it| {
            it.blocked_by_policy = true;
        }),
        (50_056, "invalid_grant", "", |it| it.password = None),
    ];
    for (expected, error, suberror, change) in cases {
        let sim = sim();
        sim.directory().change_person(Demo::ALICE, change);
        let reply = token(&sim, Demo::TENANT, &form()).await;
        let json = reply.json();
        assert_eq!(reply.code(), expected, "{reply:?}");
        assert_eq!((reply.status, json["error"].as_str()), (400, Some(error)));
        assert_eq!(json["suberror"].as_str().unwrap_or(""), suberror);
        // A wrong password does not tell what is the matter with the account.
        let wrong = number(&sim, &form().with("password", "wrong")).await;
        assert_eq!(wrong, if expected == 50_056 { 50_056 } else { 50_126 });
    }
    assert_eq!(cases.len(), 6);
}

#[tokio::test]
async fn ten_wrong_passwords_lock_the_account() {
    let sim = sim();
    let wrong = |at: u32| form().with("password", &format!("wrong {at}"));
    for at in 0..9 {
        assert_eq!(number(&sim, &wrong(at)).await, 50_126, "{at}");
    }
    // One of the last three, again and again: a program with an old password. It isn't counted.
    for _ in 0..5 {
        assert_eq!(number(&sim, &wrong(8)).await, 50_126);
    }
    assert_eq!(sim.entra().wrong_passwords(Demo::ALICE), (14, false));
    assert_eq!(number(&sim, &wrong(9)).await, 50_126);
    assert_eq!(sim.entra().wrong_passwords(Demo::ALICE), (15, true));
    assert_eq!(number(&sim, &form()).await, 50_053);
    assert_eq!(number(&sim, &form().with("username", Demo::BOB)).await, 0);
    // A minute, then the next wrong one locks for two.
    sim.entra().elapse(Duration::from_secs(60));
    assert_eq!(number(&sim, &wrong(10)).await, 50_126);
    sim.entra().elapse(Duration::from_secs(61));
    assert_eq!(number(&sim, &form()).await, 50_053);
    sim.entra().elapse(Duration::from_secs(60));
    assert_eq!(number(&sim, &form()).await, 0);
    assert_eq!(sim.entra().wrong_passwords(Demo::ALICE), (16, false));
    assert_eq!(number(&sim, &wrong(11)).await, 50_126);
    assert_eq!(number(&sim, &form()).await, 0);
}
