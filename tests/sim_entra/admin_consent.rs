//! The admin consent page: an administrator agrees for everybody, and the way back carries no code.

use saslgate::sim::directory::Person;
use saslgate::sim::directory::{App, Audience, Platform, Tenant};
use saslgate::sim::entra::{Browser, Does, VisitOutcome, Who};
use saslgate::sim::{Demo, Settings, Sim};

use crate::https::{Pairs, Reply, claims, visit};

fn query() -> Pairs {
    Pairs::of(&[
        ("client_id", Demo::CLIENT_ID),
        ("scope", "https://ps.outlook.com/.default"),
        ("redirect_uri", Demo::REDIRECT_URI),
        ("state", "s"),
    ])
}

async fn v2(sim: &Sim, realm: &str, query: &Pairs) -> Reply {
    visit(sim, &format!("/{realm}/v2.0/adminconsent"), query).await
}

fn browser(sim: &Sim, who: &str, does: Does) {
    sim.entra().browser.set(Browser {
        who: Who::Person(who.to_owned()),
        does,
    });
}

#[tokio::test]
async fn an_administrator_agrees_for_everybody() {
    let sim = Sim::start(Settings::default()).unwrap();
    sim.directory().change_app(Demo::CLIENT_ID, |app| {
        app.roles_without_consent = std::mem::take(&mut app.roles);
    });
    let roles = || async {
        let form = Pairs::of(&[
            ("client_id", Demo::CLIENT_ID),
            ("client_secret", Demo::CLIENT_SECRET),
            ("grant_type", "client_credentials"),
            ("scope", Demo::SCOPE),
        ]);
        let reply = crate::https::token(&sim, Demo::TENANT, &form).await;
        claims(&reply.text("access_token"))["roles"]
            .as_array()
            .map_or(0, Vec::len)
    };
    // A token without roles is issued before anybody has agreed.
    assert_eq!(roles().await, 0);
    browser(&sim, Demo::ADMIN, Does::Agrees);
    let back = v2(&sim, Demo::TENANT, &query()).await;
    assert_eq!(back.back("admin_consent").as_deref(), Some("True"));
    assert_eq!(back.back("tenant").as_deref(), Some(Demo::TENANT));
    assert_eq!(back.back("state").as_deref(), Some("s"));
    assert_eq!(back.back("code"), None);
    assert_eq!(roles().await, 3);
    let consent = |permission| {
        sim.directory()
            .has_consent(Demo::CLIENT_ID, Demo::TENANT, Demo::BOB, permission)
    };
    assert!(consent("SMTP.Send") && !consent("Mail.Send"));
    let seen = sim.entra().visits().pop().unwrap();
    assert_eq!(
        (seen.outcome, seen.admin_consent),
        (VisitOutcome::AdminConsent, true)
    );
    // The older page takes no scope, and agrees to everything.
    let v1 = visit(
        &sim,
        &format!("/{}/adminconsent", Demo::TENANT),
        &query().without("scope"),
    )
    .await;
    assert_eq!(v1.back("admin_consent").as_deref(), Some("True"));
}

#[tokio::test]
async fn each_other_end_with_its_own_number() {
    let sim = Sim::start(Settings::default()).unwrap();
    browser(&sim, Demo::ADMIN, Does::Declines);
    let back = v2(&sim, Demo::TENANT, &query()).await;
    assert_eq!(
        (back.back("error").as_deref(), back.code()),
        (Some("access_denied"), 65_004)
    );
    let v1 = visit(
        &sim,
        &format!("/{}/adminconsent", Demo::TENANT),
        &query().without("scope"),
    )
    .await;
    assert_eq!(
        (v1.back("error").as_deref(), v1.code()),
        (Some("permission_denied"), 65_004)
    );
    browser(&sim, Demo::ALICE, Does::Agrees);
    let page = v2(&sim, Demo::TENANT, &query()).await;
    assert_eq!((page.status, page.code()), (200, 90_094));
    browser(&sim, Demo::ADMIN, Does::Agrees);
    let cases = [
        (900_144, Demo::TENANT, query().without("scope")),
        (900_144, Demo::TENANT, query().without("client_id")),
        (900_971, Demo::TENANT, query().without("redirect_uri")),
        (
            50_011,
            Demo::TENANT,
            query().with("redirect_uri", "http://localhost:1/"),
        ),
        (9_002_313, Demo::TENANT, query().with("response_type", "code")),
        (90_002, "fabrikam.com", query()),
        (50_194, "common", query()),
        (50_194, "organizations", query()),
    ];
    for (number, realm, query) in &cases {
        let page = v2(&sim, realm, query).await;
        assert_eq!(
            (page.status, page.code()),
            (200, *number),
            "{realm} {}",
            query.encoded()
        );
    }
    assert_eq!(cases.len(), 8);
    let granted = |it: &saslgate::sim::entra::Visit| it.outcome == VisitOutcome::AdminConsent;
    assert_eq!(sim.entra().visits().iter().filter(|it| granted(it)).count(), 0);
}

/// The first consent in a tenant brings an app that is registered elsewhere.
#[tokio::test]
async fn installs_an_app_of_another_tenant() {
    const APP: &str = "5a51aa7e-8888-4222-8333-444455556666";
    const TENANT: &str = "c0a7050c-0c0a-4b1e-8c0d-5a51aa7e0002";
    let sim = Sim::start(Settings::default()).unwrap();
    sim.directory().add_tenant(Tenant::new(TENANT, "fabrikam.com"));
    sim.directory()
        .add_person(Person::new("root@fabrikam.com").admin());
    sim.directory().add_app(
        App::new(APP, Demo::TENANT)
            .secret("s")
            .audience(Audience::Organizations)
            .roles(&["IMAP.AccessAsApp"])
            .redirect(Platform::Web, Demo::REDIRECT_URI),
    );
    let form = Pairs::of(&[
        ("client_id", APP),
        ("client_secret", "s"),
        ("grant_type", "client_credentials"),
        ("scope", Demo::SCOPE),
    ]);
    assert_eq!(crate::https::token(&sim, TENANT, &form).await.code(), 7_000_229);
    assert_eq!(
        crate::https::token(&sim, "organizations", &form).await.code(),
        50_059
    );
    browser(&sim, "root@fabrikam.com", Does::Agrees);
    let back = v2(&sim, "organizations", &query().with("client_id", APP)).await;
    assert_eq!(back.back("tenant").as_deref(), Some(TENANT), "{back:?}");
    let here = claims(
        &crate::https::token(&sim, TENANT, &form)
            .await
            .text("access_token"),
    );
    let home = claims(
        &crate::https::token(&sim, Demo::TENANT, &form)
            .await
            .text("access_token"),
    );
    assert_eq!(
        (&here["tid"], here["roles"].as_array().map(Vec::len)),
        (&TENANT.into(), Some(1))
    );
    // Each tenant has its own service principal, which is what Exchange has to be told.
    assert_ne!(here["oid"], home["oid"]);
}
