//! The authorize endpoint: each wrong request with its own number, shown to the person or told to the app.

use saslgate::sim::directory::App;
use saslgate::sim::{Demo, Settings, Sim};

use crate::https::{IMAP_SCOPE, Pairs, asking, asking_without_secret, authorize, post};

fn sim() -> Sim {
    Sim::start(Settings::default()).unwrap()
}

/// Where an error of the authorize endpoint ends up.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum End {
    /// With the person; the redirect URI never hears of it.
    Page,
    /// With the app.
    Back,
}

/// Wrong in a way that makes the redirect URI suspect: shown to the person.
fn shown() -> Vec<(u64, End, Pairs)> {
    vec![
        (900_144, End::Page, asking().without("client_id")),
        (
            700_016,
            End::Page,
            asking().with("client_id", "00000000-0000-0000-0000-000000000000"),
        ),
        (
            7_000_112,
            End::Page,
            asking().with("client_id", "5a51aa7e-5555-4222-8333-444455556666"),
        ),
        (
            500_113,
            End::Page,
            asking().with("client_id", "5a51aa7e-4444-4222-8333-444455556666"),
        ),
        (900_971, End::Page, asking().without("redirect_uri")),
        (
            50_011,
            End::Page,
            asking().with("redirect_uri", "http://localhost:8425/other"),
        ),
        (
            50_011,
            End::Page,
            asking().with("redirect_uri", "http://localhost:8426/"),
        ),
        (
            50_011,
            End::Page,
            asking_without_secret().with("redirect_uri", "http://127.0.0.1/"),
        ),
    ]
}

/// Wrong in what is asked for: told to the app.
fn told() -> Vec<(u64, End, Pairs)> {
    vec![
        (900_144, End::Back, asking().without("response_type")),
        (700_054, End::Back, asking().with("response_type", "id_token")),
        (90_023, End::Back, asking().with("response_mode", "jwt")),
        (90_023, End::Back, asking().with("prompt", "always")),
        (9_002_313, End::Back, asking().with("access_type", "offline")),
        (9_002_313, End::Back, asking().with("claims", "not json")),
        (
            901_002,
            End::Back,
            asking().with("resource", "https://outlook.office365.com"),
        ),
        (900_144, End::Back, asking().without("scope")),
        (
            70_011,
            End::Back,
            asking().with("scope", "https://outlook.office.com/IMAP.Everything"),
        ),
        (
            70_011,
            End::Back,
            asking().with("scope", &format!("{IMAP_SCOPE},offline_access")),
        ),
        (
            500_011,
            End::Back,
            asking().with("scope", "https://example.net/IMAP.AccessAsUser.All"),
        ),
        (501_491, End::Back, asking().with("code_challenge", "short")),
        (
            501_491,
            End::Back,
            asking()
                .with("code_challenge_method", "plain")
                .with("code_challenge", "x"),
        ),
        (90_023, End::Back, asking().with("code_challenge_method", "S512")),
        (900_144, End::Back, asking().without("code_challenge")),
        (
            9_002_325,
            End::Back,
            asking_without_secret()
                .without("code_challenge")
                .without("code_challenge_method"),
        ),
        (
            9_002_325,
            End::Back,
            asking_without_secret().with("code_challenge_method", "plain"),
        ),
    ]
}

#[tokio::test]
async fn each_wrong_request_with_its_own_number() {
    let sim = sim();
    let add = |app| sim.directory().add_app(app);
    add(App::new("5a51aa7e-4444-4222-8333-444455556666", Demo::TENANT));
    let mut off = App::new("5a51aa7e-5555-4222-8333-444455556666", Demo::TENANT);
    off.disabled = true;
    add(off);
    let cases = [shown(), told()].concat();
    for (number, end, query) in &cases {
        let reply = authorize(&sim, Demo::TENANT, query).await;
        assert_eq!(reply.code(), *number, "{}\n{reply:?}", query.encoded());
        match end {
            End::Page => assert!(reply.status == 200 && reply.location().is_none(), "{reply:?}"),
            End::Back => {
                assert_eq!(reply.back("state").as_deref(), Some("st at/e"), "{reply:?}");
                assert!(reply.back("error").is_some() && reply.back("code").is_none());
            }
        }
    }
    assert_eq!((cases.len(), sim.entra().visits().len()), (25, 25));
    for (number, realm) in [
        (90_002, "fabrikam.com"),
        (900_023, "fabrikam"),
        (50_194, "common"),
    ] {
        assert_eq!(authorize(&sim, realm, &asking()).await.code(), number, "{realm}");
    }
    // Sent twice, and sent without percent-encoding.
    let twice = Pairs::of(&[("client_id", "a"), ("redirect_uri", "b")]).encoded() + "&client_id=a";
    let raw = format!(
        "GET /{}/oauth2/v2.0/authorize?{twice} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        Demo::TENANT
    );
    assert_eq!(crate::https::raw(&sim, &raw).await.code(), 9_000_411);
    let posted = post(
        &sim,
        &format!("/{}/oauth2/v2.0/authorize", Demo::TENANT),
        &asking(),
    )
    .await;
    assert_eq!(posted.status, 405);
}
