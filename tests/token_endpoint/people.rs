//! The grants that begin with a person: what is sent (RFC 6749 4.1.3, 4.3.2 and 6, RFC 8628), and what is taken.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use saslgate::name::Mailbox;
use saslgate::oauth::flow::authorize::{Authorization, Hints};
use saslgate::oauth::flow::device::Polled;
use saslgate::oauth::flow::password::Verdict;
use saslgate::oauth::flow::pkce::Verifier;
use saslgate::oauth::flow::sign_in::{Returned, SignIn};
use saslgate::oauth::{Granted, Scopes};

use super::*;

const IMAP: &str = "https://outlook.office.com/IMAP.AccessAsUser.All";

const IMAP_ENCODED: &str = "https%3A%2F%2Foutlook.office.com%2FIMAP.AccessAsUser.All";

/// What Entra ID answers, with an `id_token` whose signature nobody looks at.
fn tokens() -> String {
    let claims = r#"{"oid":"o-1","tid":"t-1","preferred_username":"alice@contoso.com"}"#;
    format!(
        r#"{{"token_type":"Bearer","scope":"{IMAP} openid","expires_in":3599,"ext_expires_in":3599,"access_token":"tok",
            "refresh_token":"0.CANARYnext","id_token":"{}"}}"#,
        jwt(claims)
    )
}

fn jwt(claims: &str) -> String {
    format!("e30.{}.CANARY", BASE64_URL_SAFE_NO_PAD.encode(claims))
}

fn scopes() -> Scopes {
    Scopes::parse(&format!("{IMAP}, offline_access")).unwrap()
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

/// The fields of the only request that the server has seen, sorted, without the ones that stand in every request.
fn asked(server: &Server) -> Vec<String> {
    let [request] = &server.requests()[..] else {
        panic!("one request")
    };
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /contoso/oauth2/v2.0/"), "{head}");
    let head = head.to_ascii_lowercase();
    for absent in ["authorization", "cookie", "origin", "referer"] {
        assert!(!head.contains(&format!("\r\n{absent}:")), "{head}");
    }
    let mut fields: Vec<_> = body.split('&').map(str::to_owned).collect();
    fields.sort();
    let app = "client_id=11111111-2222-3333-4444-555555555555";
    let before = fields.len();
    fields.retain(|field| field != app);
    assert_eq!(fields.len() + 1, before, "the client id once: {body}");
    fields
}

impl Server {
    /// A public app of this server.
    fn public(&self) -> Registration {
        Registration {
            proof: Proof::None,
            ..self.grant().registration
        }
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::new(Outgoing::new(&self.trust, &Proxy::Direct).unwrap())
    }

    async fn refresh(&self, app: &Registration) -> Result<Granted, TokenError> {
        let answer = self
            .endpoint()
            .refresh(app, &scopes(), &secret("0.CANARYold"))
            .await;
        let shown = format!("{answer:?}");
        assert!(!shown.contains("CANARY"), "{shown}");
        answer
    }
}

async fn serving(body: &str) -> Server {
    Server::start(Act::Say(ok(body).into())).await
}

#[tokio::test]
async fn a_refresh_sends_what_entra_documents_and_takes_all_that_comes() {
    let server = serving(&tokens()).await;
    let granted = server.refresh(&server.public()).await.unwrap();
    assert_eq!(
        asked(&server),
        [
            "grant_type=refresh_token",
            "refresh_token=0.CANARYold",
            &format!("scope={IMAP_ENCODED}+offline_access"),
        ]
    );
    assert_eq!(granted.issued.token.expose(), "tok");
    assert_eq!(granted.issued.lifetime.as_secs(), 3599);
    assert_eq!(granted.refresh_token.unwrap().expose(), "0.CANARYnext");
    assert_eq!(granted.scope.as_deref(), Some(format!("{IMAP} openid").as_str()));
    let owner = granted.owner.unwrap();
    assert_eq!(
        (&*owner.oid, &*owner.tid, owner.upn.as_deref()),
        ("o-1", "t-1", Some("alice@contoso.com"))
    );
}

#[tokio::test]
async fn a_refresh_carries_the_proof_of_the_app() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "a.b.c\n").unwrap();
    let proofs = [
        (
            Proof::Secret(secret(SECRET)),
            vec!["client_secret=CANARY8Q%7Es.e%2Fc%2Br+e%25t%26%3D"],
        ),
        (
            Proof::Federated(FederatedToken::new(file)),
            vec![
                "client_assertion=a.b.c",
                "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer",
            ],
        ),
    ];
    for (proof, expected) in proofs {
        let server = serving(&tokens()).await;
        let app = Registration {
            proof,
            ..server.public()
        };
        server.refresh(&app).await.unwrap();
        let sent = asked(&server);
        assert_eq!(sent[..expected.len()], expected);
        assert_eq!(sent.len(), expected.len() + 3, "{sent:?}");
    }
}

#[tokio::test]
async fn a_certificate_is_proven_anew_in_each_request() {
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("app.pem");
    let key = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let certificate = CertificateParams::new(Vec::new())
        .unwrap()
        .self_signed(&key)
        .unwrap();
    std::fs::write(&pem, key.serialize_pem() + &certificate.pem()).unwrap();
    let server = serving(&tokens()).await;
    let mut grant = server.grant();
    grant.registration.proof = Proof::Certificate(CertificateFiles::new(pem.clone(), pem, Algorithm::Ps256));
    for _ in 0..2 {
        server.endpoint().client_credentials(&grant).await.unwrap();
    }
    let requests = server.requests();
    let assertions: Vec<_> = requests
        .iter()
        .map(|request| {
            assert!(!request.contains("client_secret"), "{request}");
            let (_, assertion) = request.split_once("&client_assertion=").unwrap();
            let claims = assertion.split('.').nth(1).unwrap();
            let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap();
            let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
            assert_eq!(claims["aud"], grant.registration.token_url.as_str());
            claims["jti"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(assertions.len(), 2);
    assert_ne!(assertions[0], assertions[1]);
}

#[tokio::test]
async fn without_scopes_a_refresh_is_for_what_was_consented_to() {
    let server = serving(&tokens()).await;
    let app = server.public();
    let answer = server
        .endpoint()
        .refresh(&app, &Scopes::default(), &secret("old"))
        .await;
    answer.unwrap();
    assert_eq!(asked(&server), ["grant_type=refresh_token", "refresh_token=old"]);
}

#[tokio::test]
async fn the_older_endpoints_are_asked_for_a_resource() {
    let server =
        serving(r#"{"token_type":"Bearer","expires_in":"3599","access_token":"tok","resource":"x"}"#).await;
    let app = Registration {
        dialect: Dialect::Resource,
        ..server.public()
    };
    let granted = server.refresh(&app).await.unwrap();
    assert_eq!(granted.issued.lifetime.as_secs(), 3599);
    assert_eq!(
        asked(&server),
        [
            "grant_type=refresh_token",
            "refresh_token=0.CANARYold",
            "resource=https%3A%2F%2Foutlook.office.com",
        ]
    );
}

/// Google and Entra ID differ in when they give a new one; nothing must be taken for one that is none.
#[tokio::test]
async fn a_reply_without_a_refresh_token_leaves_the_old_one_good() {
    let (opaque, named) = (
        "EwBopaque".to_owned(),
        jwt(r#"{"oid":"o","tid":"t","upn":"a@x"}"#),
    );
    let cases = [
        ("", &opaque, None),
        (r#","refresh_token":null,"id_token":null"#, &opaque, None),
        (r#","refresh_token":"","scope":7"#, &opaque, None),
        (
            r#","refresh_token":["CANARY"],"id_token":"CANARY""#,
            &opaque,
            None,
        ),
        // Who signed in is told by the access token too.
        ("", &named, Some("a@x")),
    ];
    for (rest, token, upn) in cases {
        let body = format!(r#"{{"token_type":"Bearer","expires_in":60,"access_token":"{token}"{rest}}}"#);
        let server = serving(&body).await;
        let granted = server
            .endpoint()
            .refresh(&server.public(), &scopes(), &secret("old"))
            .await;
        let granted = granted.unwrap();
        assert!(granted.refresh_token.is_none(), "{rest}");
        let owner = granted.owner.and_then(|owner| owner.upn);
        assert_eq!(owner.as_deref(), upn, "{rest}");
    }
    assert_eq!(cases.len(), 5);
    let long = format!(
        r#"{{"token_type":"Bearer","access_token":"tok","refresh_token":"CANARY{}"}}"#,
        "x".repeat(16 * 1024)
    );
    let server = serving(&long).await;
    assert!(server.refresh(&server.public()).await.unwrap_err().is_temporary());
}

#[tokio::test]
async fn a_refresh_that_is_refused_says_whether_the_person_can_mend_it() {
    use Kind::{Misconfigured, NeedsSignIn, Temporary};
    let again = Temporary { retry_after: None };
    let cases = [
        ("invalid_grant", "50173", "bad_token", NeedsSignIn),
        ("invalid_grant", "700082", "", NeedsSignIn),
        ("invalid_grant", "70043", "", NeedsSignIn),
        ("invalid_grant", "65001", "consent_required", NeedsSignIn),
        ("interaction_required", "50076", "basic_action", NeedsSignIn),
        ("invalid_grant", "", "", NeedsSignIn),
        ("invalid_grant", "50057", "", Misconfigured),
        ("invalid_grant", "53003", "", Misconfigured),
        ("invalid_client", "7000222", "", Misconfigured),
        ("unauthorized_client", "700016", "", Misconfigured),
        ("invalid_scope", "70011", "", Misconfigured),
        ("temporarily_unavailable", "90033", "", again),
        ("invalid_grant", "90033", "", again),
    ];
    for (word, number, suberror, kind) in cases {
        let body = format!(
            r#"{{"error":"{word}","error_description":"AADSTS{number}: about 0.CANARYold","error_codes":[{number}],"suberror":"{suberror}"}}"#
        );
        let said = reply("400 Bad Request", "application/json", &body);
        let server = Server::start(Act::Say(said.into())).await;
        let error = server.refresh(&server.public()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{word} {number}: {error:?}");
        assert!(error.detail.as_deref().unwrap().contains("[hidden]"), "{error:?}");
    }
    assert_eq!(cases.len(), 13);
}

#[tokio::test]
async fn a_code_is_redeemed_with_the_verifier_of_the_sign_in() {
    let server = serving(&tokens()).await;
    let mut sign_in = SignIn::begin(&authorization(), &Hints::default()).unwrap();
    let field = |name: &str| {
        let mut pairs = sign_in.url().query_pairs();
        pairs.find(|(known, _)| known == name).unwrap().1.into_owned()
    };
    let (state, challenge) = (field("state"), field("code_challenge"));
    let Returned::Code(redemption) = sign_in.hear(&format!("/?code=0.CANARY%2Fcode&state={state}")) else {
        panic!("no code")
    };
    let app = Registration {
        proof: Proof::Secret(secret(SECRET)),
        ..server.public()
    };
    let granted = server
        .endpoint()
        .authorization_code(&app, &scopes(), redemption)
        .await;
    assert!(granted.unwrap().refresh_token.is_some());
    let sent = asked(&server);
    let verifier = sent[2].strip_prefix("code_verifier=").unwrap();
    // RFC 7636 4.6, by the hand of whoever checks it.
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(digest), challenge);
    assert_eq!(
        sent,
        [
            "client_secret=CANARY8Q%7Es.e%2Fc%2Br+e%25t%26%3D",
            "code=0.CANARY%2Fcode",
            &format!("code_verifier={verifier}"),
            "grant_type=authorization_code",
            // As it was registered: without the slash that an address would have at its end.
            "redirect_uri=http%3A%2F%2Flocalhost%3A8425",
            &format!("scope={IMAP_ENCODED}+offline_access"),
        ]
    );
}

fn authorization() -> Authorization {
    Authorization {
        authorize_url: "https://login.example/contoso/oauth2/v2.0/authorize"
            .parse()
            .unwrap(),
        client_id: "11111111-2222-3333-4444-555555555555".into(),
        redirect_uri: "http://localhost:8425".into(),
        scopes: scopes(),
        dialect: Dialect::Scope,
        extra: Vec::new(),
    }
}

#[test]
fn every_sign_in_has_a_state_and_a_verifier_of_its_own() {
    let begin = || SignIn::begin(&authorization(), &Hints::default()).unwrap();
    let (one, other) = (begin(), begin());
    assert_ne!(one.url(), other.url());
    let challenges = [Verifier::random().unwrap(), Verifier::random().unwrap()].map(|one| one.challenge());
    assert_ne!(challenges[0], challenges[1]);
}

#[tokio::test]
async fn a_password_goes_to_the_provider_as_it_was_typed() {
    let server = serving(&tokens()).await;
    let user = Mailbox::parse("alice+1@contoso.com").unwrap();
    let password = secret(" CANARY pä&ss=%41 ");
    let app = server.public();
    let granted = server
        .endpoint()
        .password(&app, &scopes(), &user, &password)
        .await;
    assert_eq!(
        granted.unwrap().owner.unwrap().upn.as_deref(),
        Some("alice@contoso.com")
    );
    assert_eq!(
        asked(&server),
        [
            "grant_type=password",
            "password=+CANARY+p%C3%A4%26ss%3D%2541+",
            &format!("scope={IMAP_ENCODED}+offline_access"),
            "username=alice%2B1%40contoso.com",
        ]
    );
}

#[tokio::test]
async fn a_password_that_is_refused_is_judged_and_not_repeated() {
    let cases = [
        (
            400,
            r#"{"error":"invalid_grant","error_codes":[50126],"error_description":"CANARYpass is wrong"}"#,
            Verdict::Wrong,
        ),
        (
            400,
            r#"{"error":"invalid_grant","error_codes":[50034]}"#,
            Verdict::Wrong,
        ),
        (
            400,
            r#"{"error":"invalid_grant","error_codes":[50055],"suberror":"user_password_expired"}"#,
            Verdict::Expired,
        ),
        (
            400,
            r#"{"error":"invalid_grant","error_codes":[50053]}"#,
            Verdict::Barred,
        ),
        (
            400,
            r#"{"error":"interaction_required","error_codes":[50076],"suberror":"basic_action"}"#,
            Verdict::Barred,
        ),
        (
            401,
            r#"{"error":"invalid_client","error_codes":[7000218]}"#,
            Verdict::Unknown,
        ),
        // A provider in trouble says nothing about a password, whatever it says.
        (
            500,
            r#"{"error":"invalid_grant","error_codes":[50126]}"#,
            Verdict::Unknown,
        ),
        (429, "Too Many Requests", Verdict::Unknown),
        (200, "{}", Verdict::Unknown),
        (403, "<html>CANARYpass</html>", Verdict::Unknown),
    ];
    for (status, body, verdict) in cases {
        let said = reply(&format!("{status} X"), "application/json", body);
        let server = Server::start(Act::Say(said.into())).await;
        let user = Mailbox::parse("alice@contoso.com").unwrap();
        let answer = server
            .endpoint()
            .password(&server.public(), &scopes(), &user, &secret("CANARYpass"))
            .await;
        let error = answer.unwrap_err();
        assert_eq!(error.verdict, verdict, "{status} {body}");
        assert!(!format!("{error:?}").contains("CANARY"), "{error:?}");
    }
    assert_eq!(cases.len(), 10);
}

const CODES: &str = r#"{"user_code":"C45FGVYJR","device_code":"CANARYcode","verification_uri":"https://microsoft.com/devicelogin",
    "expires_in":900,"interval":5,"message":"To sign in, use a web browser to open the page"}"#;

#[tokio::test]
async fn a_device_code_is_asked_for_shown_and_asked_about() {
    let server = serving(CODES).await;
    let app = server.public();
    let device_url = app.token_url.join("devicecode").unwrap();
    let codes = server
        .endpoint()
        .device_authorization(&app, &device_url, &scopes())
        .await
        .unwrap();
    assert!(server.requests()[0].starts_with("POST /contoso/oauth2/v2.0/devicecode "));
    assert_eq!(asked(&server), [format!("scope={IMAP_ENCODED}+offline_access")]);
    assert_eq!((&*codes.user_code, codes.lifetime.as_secs()), ("C45FGVYJR", 900));
    assert!(!format!("{codes:?}").contains("CANARY"));

    let pending = |word: &str| {
        reply(
            "400 Bad Request",
            "application/json",
            &format!(r#"{{"error":"{word}"}}"#),
        )
    };
    let answers = [
        (pending("authorization_pending"), "Pending"),
        (pending("slow_down"), "SlowDown"),
        (ok(&tokens()), "Granted"),
        (pending("authorization_declined"), "the sign-in was declined"),
        (pending("expired_token"), "the code has expired"),
        (pending("invalid_client"), "localhost does not accept the app"),
        (ok("{}"), "localhost answered with something that is no token"),
    ];
    for (said, expected) in &answers {
        let server = Server::start(Act::Say(said.clone().into())).await;
        let answer = server.endpoint().device_token(&server.public(), &codes).await;
        let shown = match &answer {
            Ok(Polled::Granted(granted)) => {
                assert!(granted.refresh_token.is_some() && granted.owner.is_some());
                "Granted".to_owned()
            }
            Ok(other) => format!("{other:?}"),
            Err(error) => error.what.to_string(),
        };
        assert!(shown.starts_with(expected), "{shown}");
        assert!(!format!("{answer:?}").contains("CANARY"));
        assert_eq!(
            asked(&server),
            [
                "device_code=CANARYcode",
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code",
            ]
        );
    }
    assert_eq!(answers.len(), 7);
}

/// oidc-provider goes by RFC 8628 3.1, where an app proves itself when it asks for the codes. Entra ID documents no proof
/// there, so none is shown before it is wanted.
#[tokio::test]
async fn a_device_code_is_asked_for_with_proof_where_it_is_wanted() {
    let scopes = scopes();
    let server = Server::start(Act::Want(ok(CODES).into())).await;
    let confidential = server.grant().registration;
    let device_url = confidential.token_url.join("devicecode").unwrap();
    let endpoint = server.endpoint();
    let codes = endpoint.device_authorization(&confidential, &device_url, &scopes);
    assert_eq!(&*codes.await.unwrap().user_code, "C45FGVYJR");
    let proven: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.contains("&client_secret="))
        .collect();
    assert_eq!(proven, [false, true]);

    // A public app has nothing to show, and does not ask twice.
    let public = server.public();
    let refused = endpoint.device_authorization(&public, &device_url, &scopes).await;
    assert_eq!(refused.unwrap_err().code.as_deref(), Some("invalid_client"));
    assert_eq!(server.requests().len(), 3);

    // Nor is another error a reason to show a secret.
    let body = r#"{"error":"invalid_scope"}"#;
    let server = Server::start(Act::Say(
        reply("400 Bad Request", "application/json", body).into(),
    ))
    .await;
    let confidential = server.grant().registration;
    let device_url = confidential.token_url.join("devicecode").unwrap();
    let endpoint = server.endpoint();
    let refused = endpoint
        .device_authorization(&confidential, &device_url, &scopes)
        .await;
    assert_eq!(refused.unwrap_err().code.as_deref(), Some("invalid_scope"));
    assert_eq!(server.requests().len(), 1);
}
