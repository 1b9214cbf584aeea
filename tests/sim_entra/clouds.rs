//! v1, national clouds, multi-tenant apps, personal accounts.

use saslgate::sim::directory::{Audience, Cloud, PERSONAL_TENANT, Person, Tenant};
use saslgate::sim::entra::{Browser, Version, Who};
use saslgate::sim::{Demo, Settings, Sim};
use serde_json::Value;

use crate::https::{
    IMAP_SCOPE, Pairs, asking, asking_without_secret, authorize, claims, post, redeeming,
    redeeming_without_secret, text, token, visit,
};

const RESOURCE: &str = "https://outlook.office365.com";

fn v1(endpoint: &str) -> String {
    format!("/{}/oauth2/{endpoint}", Demo::TENANT)
}

fn password() -> Pairs {
    Pairs::of(&[
        ("client_id", Demo::PUBLIC_CLIENT_ID),
        ("grant_type", "password"),
        ("username", Demo::ALICE),
        ("password", Demo::PASSWORD),
        ("resource", RESOURCE),
    ])
}

/// Numbers are texts, and `resource` stands where v2 has `scope`.
#[tokio::test]
async fn the_older_endpoints() {
    let sim = Sim::start(Settings::default()).unwrap();
    let json = post(&sim, &v1("token"), &password()).await.json();
    assert_eq!(
        (&json["expires_in"], &json["resource"]),
        (&"3599".into(), &RESOURCE.into())
    );
    assert!(json["expires_on"].is_string() && json["not_before"].is_string());
    assert_eq!(
        json["scope"],
        "IMAP.AccessAsUser.All POP.AccessAsUser.All SMTP.Send"
    );
    assert_eq!(claims(&text(&json, "id_token"))["unique_name"], Demo::ALICE);
    assert_eq!(sim.entra().requests().pop().unwrap().version, Version::V1);
    let refresh = Pairs::of(&[
        ("client_id", Demo::PUBLIC_CLIENT_ID),
        ("grant_type", "refresh_token"),
        ("refresh_token", &text(&json, "refresh_token")),
        ("resource", RESOURCE),
    ]);
    assert!(post(&sim, &v1("token"), &refresh).await.json()["refresh_token"].is_string());
    assert_eq!(
        post(&sim, &v1("token"), &password().without("resource"))
            .await
            .code(),
        900_144
    );
    let wrong = password().with("resource", "https://example.net");
    assert_eq!(post(&sim, &v1("token"), &wrong).await.code(), 500_011);
    let app = Pairs::of(&[
        ("client_id", Demo::CLIENT_ID),
        ("client_secret", Demo::CLIENT_SECRET),
        ("grant_type", "client_credentials"),
        ("resource", RESOURCE),
    ]);
    let json = post(&sim, &v1("token"), &app).await.json();
    assert_eq!(
        (&json["expires_in"], &json["scope"]),
        (&"3599".into(), &Value::Null)
    );
    let query = asking().without("scope").with("resource", RESOURCE);
    let back = visit(&sim, &v1("authorize"), &query).await;
    let form = redeeming(&back.back("code").unwrap()).with("resource", RESOURCE);
    let json = post(&sim, &v1("token"), &form).await.json();
    assert_eq!(claims(&text(&json, "access_token"))["aud"], RESOURCE);
}

#[tokio::test]
async fn the_older_device_codes() {
    let sim = Sim::start(Settings::default()).unwrap();
    let form = Pairs::of(&[("client_id", Demo::PUBLIC_CLIENT_ID), ("resource", RESOURCE)]);
    let json = post(&sim, &v1("devicecode"), &form).await.json();
    assert_eq!(
        (&json["expires_in"], &json["interval"]),
        (&"900".into(), &"5".into())
    );
    assert!(json["verification_url"].is_string() && json["verification_uri"].is_null());
    assert!(
        sim.entra()
            .enter_user_code(&text(&json, "user_code"), Some(Demo::ALICE))
    );
    let poll = Pairs::of(&[
        ("client_id", Demo::PUBLIC_CLIENT_ID),
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("code", &text(&json, "device_code")),
        ("resource", RESOURCE),
    ]);
    assert_eq!(post(&sim, &v1("token"), &poll).await.status, 200);
}

#[tokio::test]
async fn each_national_cloud_knows_its_own_alone() {
    let sim = Sim::start(Settings::default()).unwrap();
    let ask = |scope: &str| {
        Pairs::of(&[
            ("client_id", Demo::CLIENT_ID),
            ("client_secret", Demo::CLIENT_SECRET),
            ("grant_type", "client_credentials"),
            ("scope", scope),
        ])
    };
    let clouds = [
        (Cloud::UsGovernment, "https://outlook.office365.us"),
        (Cloud::UsGovernment, "https://outlook-dod.office365.us"),
        (Cloud::China, "https://partner.outlook.cn"),
    ];
    for (cloud, resource) in clouds {
        sim.entra().cloud.set(cloud);
        sim.directory()
            .change_tenant(Demo::TENANT, |tenant| tenant.cloud = Cloud::Global);
        let scope = format!("{resource}/.default");
        assert_eq!(token(&sim, Demo::TENANT, &ask(&scope)).await.code(), 90_038);
        sim.directory()
            .change_tenant(Demo::TENANT, |tenant| tenant.cloud = cloud);
        let answer = token(&sim, Demo::TENANT, &ask(&scope)).await;
        assert_eq!(claims(&answer.text("access_token"))["aud"], resource);
        assert_eq!(token(&sim, Demo::TENANT, &ask(Demo::SCOPE)).await.code(), 500_011);
    }
    assert_eq!(clouds.len(), 3);
    // China's mail programs use v1 with a password.
    let form = password().with("resource", "https://partner.outlook.cn");
    let json = post(&sim, &v1("token"), &form).await.json();
    assert_eq!(json["expires_in"], "3599");
}

#[tokio::test]
async fn many_tenants_one_registration() {
    const TENANT: &str = "c0a7050c-0c0a-4b1e-8c0d-5a51aa7e0002";
    let sim = Sim::start(Settings::default()).unwrap();
    sim.directory().add_tenant(Tenant::new(TENANT, "fabrikam.com"));
    sim.directory().add_person(Person::new("eve@fabrikam.com"));
    let query = asking().with("login_hint", "eve@fabrikam.com");
    assert_eq!(authorize(&sim, TENANT, &query).await.code(), 700_016);
    assert_eq!(authorize(&sim, "common", &query).await.code(), 50_194);
    sim.directory()
        .change_app(Demo::CLIENT_ID, |app| app.audience = Audience::Organizations);
    for realm in ["common", "organizations", TENANT, "fabrikam.com"] {
        let back = authorize(&sim, realm, &query).await;
        let reply = token(&sim, realm, &redeeming(&back.back("code").unwrap())).await;
        let access = claims(&reply.text("access_token"));
        assert_eq!(
            (&access["tid"], &access["upn"]),
            (&TENANT.into(), &"eve@fabrikam.com".into()),
            "{realm}"
        );
    }
    assert_eq!(authorize(&sim, Demo::TENANT, &query).await.code(), 50_020);
    assert_eq!(authorize(&sim, "consumers", &query).await.code(), 9_002_332);
    assert!(sim.directory().app(Demo::CLIENT_ID, TENANT).is_some());
}

/// outlook.com: opaque tokens, another refresh token, neither app-only nor password.
#[tokio::test]
async fn personal_accounts() {
    let sim = Sim::start(Settings::default()).unwrap();
    sim.directory().add_tenant(Tenant::personal());
    sim.directory()
        .add_person(Person::new("zoe@outlook.com").password(Demo::PASSWORD));
    sim.directory()
        .change_app(Demo::PUBLIC_CLIENT_ID, |app| app.audience = Audience::Everyone);
    sim.entra().browser.set(Browser {
        who: Who::Person("zoe@outlook.com".to_owned()),
        ..Browser::default()
    });
    for realm in ["consumers", "common"] {
        let back = authorize(&sim, realm, &asking_without_secret()).await;
        let json = token(
            &sim,
            realm,
            &redeeming_without_secret(&back.back("code").unwrap()),
        )
        .await
        .json();
        assert!(text(&json, "access_token").starts_with("EwB"));
        assert!(text(&json, "refresh_token").starts_with("M.C5"));
        let id = claims(&text(&json, "id_token"));
        assert_eq!(
            (&id["tid"], &id["preferred_username"]),
            (&PERSONAL_TENANT.into(), &"zoe@outlook.com".into())
        );
        let refresh = Pairs::of(&[
            ("client_id", Demo::PUBLIC_CLIENT_ID),
            ("grant_type", "refresh_token"),
            ("refresh_token", &text(&json, "refresh_token")),
            ("scope", IMAP_SCOPE),
        ]);
        assert_eq!(token(&sim, realm, &refresh).await.status, 200);
    }
    assert_eq!(
        authorize(&sim, "organizations", &asking_without_secret())
            .await
            .code(),
        50_020
    );
    let app = Pairs::of(&[
        ("client_id", Demo::CLIENT_ID),
        ("client_secret", Demo::CLIENT_SECRET),
        ("grant_type", "client_credentials"),
        ("scope", Demo::SCOPE),
    ]);
    assert_eq!(token(&sim, "consumers", &app).await.code(), 50_059);
}
