//! The grants of machines: what a platform gives its own (managed identities), and Google's service accounts.

use saslgate::name::Mailbox;
use saslgate::oauth::flow::Platform;
use saslgate::oauth::{ManagedIdentity, Scopes, ServiceAccount};

use super::*;

/// A service of the platform: plain HTTP on loopback, which answers each connection with the next of these.
struct Platformed {
    port: u16,
    seen: tokio::task::JoinHandle<Vec<String>>,
}

impl Platformed {
    async fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = tokio::spawn(async move {
            let mut seen = Vec::new();
            for answer in answers {
                let (mut link, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    assert_ne!(link.read_buf(&mut request).await.unwrap(), 0);
                }
                link.write_all(answer.as_bytes()).await.unwrap();
                link.shutdown().await.unwrap();
                seen.push(String::from_utf8(request).unwrap());
            }
            seen
        });
        Self { port, seen }
    }

    fn identity(&self) -> ManagedIdentity {
        let endpoint = format!("http://127.0.0.1:{}/msi/token", self.port);
        ManagedIdentity {
            platform: Platform::app_service(&endpoint, Secret::new("CANARYheader".to_owned())).unwrap(),
            resource: "https://outlook.office365.com".into(),
            client_id: Some("1111-2222".into()),
        }
    }
}

async fn ask(identity: &ManagedIdentity) -> Result<Issued, TokenError> {
    let (_, trust) = tls();
    // Whatever proxy there may be is not for the machine's own addresses; this one would answer nothing.
    let proxy = Proxy::At("http://127.0.0.1:9".parse().unwrap());
    let answer = Endpoint::new(Outgoing::new(&trust, &proxy).unwrap())
        .managed_identity(identity)
        .await;
    assert!(!format!("{answer:?}").contains("CANARY"), "{answer:?}");
    answer
}

/// The service says when a token ends, by the clock, in a string or a number.
#[tokio::test]
async fn a_platform_is_asked_without_a_proxy_and_its_times_are_read() {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let cases = [
        (format!(r#""expires_on":"{}""#, now + 3600), 3590..=3600),
        (format!(r#""expires_on":{}"#, now + 3600), 3590..=3600),
        (
            format!(
                r#""expires_in":"86399","expires_on":"{}","not_before":"1""#,
                now + 5
            ),
            86_399..=86_399,
        ),
    ];
    for (times, lifetime) in &cases {
        let body =
            format!(r#"{{"access_token":"CANARYtok","refresh_token":"",{times},"token_type":"Bearer"}}"#);
        let platform = Platformed::start(vec![ok(&body)]).await;
        let issued = ask(&platform.identity()).await.unwrap();
        assert_eq!(issued.token.expose(), "CANARYtok");
        assert!(lifetime.contains(&issued.lifetime.as_secs()), "{issued:?}");
        let [request] = &platform.seen.await.unwrap()[..] else {
            panic!("one request")
        };
        let target = "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Foutlook.office365.com&client_id=1111-2222 ";
        assert!(request.starts_with(target), "{request}");
        let head = request.to_ascii_lowercase();
        assert!(head.contains("\r\nx-identity-header: canaryheader\r\n"), "{head}");
    }
    assert_eq!(cases.len(), 3);
}

#[tokio::test]
async fn a_platform_without_a_token_says_what_is_to_be_done() {
    let json = |status: &str, body: &str| reply(status, "application/json", body);
    let again = Kind::Temporary { retry_after: None };
    let cases = [
        (json("404 Not Found", "{}"), again),
        (json("410 Gone", "{}"), again),
        (json("429 Too Many Requests", "busy"), again),
        (
            json("500 Oops", r#"{"statusCode":500,"message":"An internal error"}"#),
            again,
        ),
        (
            json(
                "400 Bad Request",
                r#"{"error":"invalid_request","error_description":"Identity not found"}"#,
            ),
            Kind::Misconfigured,
        ),
        (
            json(
                "400 Bad Request",
                r#"{"error":"invalid_resource","error_description":"AADSTS50001: x"}"#,
            ),
            Kind::Misconfigured,
        ),
        (
            json("401 Unauthorized", r#"{"error":"unknown_source"}"#),
            Kind::Misconfigured,
        ),
        (json("400 Bad Request", "<html>CANARY"), Kind::Misconfigured),
        (json("302 Found", ""), Kind::Misconfigured),
        (ok("{}"), again),
        (ok(r#"{"access_token":"CANARY","expires_on":"soon"}"#), again),
    ];
    for (said, kind) in &cases {
        let platform = Platformed::start(vec![said.clone()]).await;
        let error = ask(&platform.identity()).await.unwrap_err();
        assert_eq!(error.kind, *kind, "{said}: {error:?}");
        assert!(!error.fix.is_empty());
    }
    assert_eq!(cases.len(), 11);

    let gone = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let nobody = Platformed::start(Vec::new()).await;
    let mut identity = nobody.identity();
    identity.platform =
        Platform::app_service(&format!("http://127.0.0.1:{gone}/token"), Secret::new("x".into())).unwrap();
    let error = ask(&identity).await.unwrap_err();
    assert_eq!(error.what, "no managed identity of this App Service answers");
    assert!(error.is_temporary() && error.detail.is_some(), "{error:?}");
}

fn service_account(token_url: &str) -> ServiceAccount {
    let key = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let json = serde_json::json!({
        "type": "service_account",
        "private_key_id": "kid-1",
        "private_key": key.serialize_pem(),
        "client_email": "mail@p.iam.gserviceaccount.com",
    });
    let scopes = Scopes::parse("https://mail.google.com/").unwrap();
    ServiceAccount::from_json(json.to_string().as_bytes(), token_url.parse().unwrap(), scopes).unwrap()
}

#[tokio::test]
async fn a_service_account_asks_with_an_assertion_and_nothing_else() {
    let alice = Mailbox::parse("alice@contoso.com").unwrap();
    let refused = |word: &str| {
        reply(
            "401 Unauthorized",
            "application/json",
            &format!(r#"{{"error":"{word}"}}"#),
        )
    };
    let answers = [
        (ok(TOKEN), Ok("tok"), ""),
        (
            refused("unauthorized_client"),
            Err(Kind::Misconfigured),
            "Domain-wide delegation",
        ),
        (
            refused("invalid_grant"),
            Err(Kind::Misconfigured),
            "mailbox's address",
        ),
        (refused("invalid_scope"), Err(Kind::Misconfigured), "scope"),
    ];
    for (said, expected, fix) in &answers {
        let server = Server::start(Act::Say(said.clone().into())).await;
        let account = service_account(&format!("https://localhost:{}/token", server.address.port()));
        let endpoint = Endpoint::new(Outgoing::new(&server.trust, &Proxy::Direct).unwrap());
        let answer = endpoint.service_account(&account, &alice).await;
        let found = answer
            .as_ref()
            .map(|issued| issued.token.expose().as_str())
            .map_err(|error| error.kind);
        assert_eq!(found, *expected);
        if let Err(error) = &answer {
            assert!(error.fix.contains(fix), "{error:?}");
        }
        let [request] = &server.requests()[..] else {
            panic!("one request")
        };
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        let start = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=eyJ";
        assert!(
            body.starts_with(start) && body.matches('&').count() == 1,
            "{body}"
        );
    }
    assert_eq!(answers.len(), 4);
}
