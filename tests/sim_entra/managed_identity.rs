//! Managed identities: a virtual machine's metadata service and an App Service's endpoint.

use saslgate::sim::directory::App;
use saslgate::sim::entra::{Identity, ManagedIdentity};
use saslgate::sim::{Demo, Settings, Sim};

use crate::https::{Pairs, Reply, claims, raw_to_machine};

const IMDS: &str = "/metadata/identity/oauth2/token";
const APP_SERVICE: &str = "/msi/token";
const SECOND: &str = "5a51aa7e-7777-4222-8333-444455556666";

fn imds() -> Pairs {
    Pairs::of(&[
        ("api-version", "2018-02-01"),
        ("resource", "https://outlook.office365.com"),
    ])
}

fn app_service() -> Pairs {
    Pairs::of(&[
        ("api-version", "2019-08-01"),
        ("resource", "https://outlook.office365.com/"),
    ])
}

async fn get(sim: &Sim, path: &str, header: &str, query: &Pairs) -> Reply {
    let query = query.encoded();
    let request =
        format!("GET {path}?{query} HTTP/1.1\r\nHost: 169.254.169.254\r\n{header}Connection: close\r\n\r\n");
    raw_to_machine(sim, &request).await
}

#[tokio::test]
async fn gives_a_token_in_texts() {
    let sim = Sim::start(Settings::default()).unwrap();
    let reply = get(&sim, IMDS, "Metadata: true\r\n", &imds()).await;
    let json = reply.json();
    assert_eq!(
        (&json["expires_in"], &json["refresh_token"]),
        (&"3599".into(), &"".into())
    );
    assert_eq!(
        (&json["token_type"], &json["client_id"]),
        (&"Bearer".into(), &Demo::MANAGED_IDENTITY.into())
    );
    assert!(json["expires_on"].is_string() && json["not_before"].is_string());
    let token = claims(&reply.text("access_token"));
    assert_eq!(
        (&token["aud"], &token["idtyp"]),
        (&"https://outlook.office365.com".into(), &"app".into())
    );
    assert_eq!(token["roles"].as_array().unwrap().len(), 3);
    let header = format!("X-IDENTITY-HEADER: {}\r\n", ManagedIdentity::IDENTITY_HEADER);
    let json = get(&sim, APP_SERVICE, &header, &app_service()).await.json();
    assert!(json["expires_on"].is_string() && json["expires_in"].is_null());
    sim.machine().expires_on_as_number.set(true);
    let json = get(&sim, APP_SERVICE, &header, &app_service()).await.json();
    assert!(json["expires_on"].is_u64());
    assert_eq!(sim.machine().requests().len(), 3);
    // None of it goes to Entra.
    assert_eq!((sim.entra().request_count(), sim.entra().connections()), (0, 0));
}

#[tokio::test]
async fn each_wrong_request_with_its_own_error() {
    let sim = Sim::start(Settings::default()).unwrap();
    let yes = "Metadata: true\r\n";
    let cases = [
        ("bad_request_102", "", imds()),
        ("bad_request_102", "Metadata: True\r\n", imds()),
        (
            "bad_request_103",
            "Metadata: true\r\nX-Forwarded-For: 10.0.0.1\r\n",
            imds(),
        ),
        ("bad_request", yes, imds().without("api-version")),
        ("bad_request", yes, imds().with("api-version", "2017")),
        ("invalid_request", yes, imds().without("resource")),
        (
            "invalid_resource",
            yes,
            imds().with("resource", "https://example.net"),
        ),
        ("invalid_resource", yes, imds().with("resource", Demo::SCOPE)),
        ("invalid_request", yes, imds().with("client_id", Demo::CLIENT_ID)),
        ("invalid_request", yes, imds().with("scope", Demo::SCOPE)),
    ];
    for (error, header, query) in &cases {
        let reply = get(&sim, IMDS, header, query).await;
        assert_eq!(
            (reply.status, reply.text("error")),
            (400, (*error).to_owned()),
            "{}",
            query.encoded()
        );
    }
    assert_eq!(cases.len(), 10);
    let through_proxy = format!("http://169.254.169.254{IMDS}");
    assert_eq!(
        get(&sim, &through_proxy, yes, &imds()).await.text("error"),
        "bad_request_103"
    );
    let header = format!("X-IDENTITY-HEADER: {}\r\n", ManagedIdentity::IDENTITY_HEADER);
    let cases = [
        (401, "", app_service()),
        (401, "X-IDENTITY-HEADER: wrong\r\n", app_service()),
        (
            400,
            header.as_str(),
            app_service().with("api-version", "2018-02-01"),
        ),
        (400, header.as_str(), app_service().without("resource")),
        (400, header.as_str(), app_service().with("msi_res_id", "x")),
    ];
    for (status, header, query) in &cases {
        let reply = get(&sim, APP_SERVICE, header, query).await;
        assert_eq!(
            (reply.status, &reply.json()["statusCode"]),
            (*status, &(*status).into())
        );
    }
    assert_eq!(cases.len(), 5);
    assert_eq!(get(&sim, "/metadata/instance", yes, &imds()).await.status, 404);
}

#[tokio::test]
async fn chooses_among_identities() {
    let sim = Sim::start(Settings::default()).unwrap();
    let yes = "Metadata: true\r\n";
    let mut second = App::new(SECOND, Demo::TENANT);
    second.object_id = "second object".to_owned();
    sim.directory().add_app(second);
    let user_assigned = |client_id: &str, name: &str| Identity {
        client_id: client_id.to_owned(),
        resource_id: Some(name.to_owned()),
    };
    let both = vec![
        user_assigned(Demo::MANAGED_IDENTITY, "/sub/one"),
        user_assigned(SECOND, "/sub/two"),
    ];
    sim.machine().identities.set(both);
    assert!(
        get(&sim, IMDS, yes, &imds())
            .await
            .body
            .contains("Multiple user assigned")
    );
    let ways = [
        ("client_id", SECOND),
        ("object_id", "second object"),
        ("msi_res_id", "/sub/two"),
    ];
    for (name, value) in ways {
        let json = get(&sim, IMDS, yes, &imds().with(name, value)).await.json();
        assert_eq!(json["client_id"], SECOND, "{name}");
    }
    assert_eq!(ways.len(), 3);
    sim.machine()
        .identities
        .set(vec![user_assigned(SECOND, "/sub/two")]);
    assert_eq!(get(&sim, IMDS, yes, &imds()).await.json()["client_id"], SECOND);
    sim.machine().identities.set(Vec::new());
    assert!(
        get(&sim, IMDS, yes, &imds())
            .await
            .body
            .contains("Identity not found")
    );
}

#[tokio::test]
async fn has_its_own_troubles() {
    let sim = Sim::start(Settings::default()).unwrap();
    let yes = "Metadata: true\r\n";
    for status in [404, 410, 429, 500] {
        sim.machine().fail_next(2, status);
        for expected in [status, status, 200] {
            assert_eq!(get(&sim, IMDS, yes, &imds()).await.status, expected);
        }
    }
    let statuses: Vec<u16> = sim.machine().requests().iter().map(|it| it.status).collect();
    assert_eq!(statuses.len(), 12);
}
