//! Assertions: the app's own certificate, and another issuer's token. Signed by the test, verified by the simulator.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, date_time_ymd};
use rustls::pki_types::PrivatePkcs8KeyDer;
use saslgate::sim::entra::{ForeignIssuer, Proof};
use saslgate::sim::{Demo, Settings, Sim};
use serde_json::{Value, json};

use crate::https::{Pairs, Reply, asking, claims, code, host, redeeming, text, token};

const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A key and its certificate.
struct Signer {
    key: RsaKeyPair,
    certificate: Vec<u8>,
}

impl Signer {
    fn new(not_after: i32) -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = key.as_der().unwrap();
        let pair =
            KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(der.as_ref()), &PKCS_RSA_SHA256)
                .unwrap();
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(2024, 1, 1);
        params.not_after = date_time_ymd(not_after, 1, 1);
        let certificate = params.self_signed(&pair).unwrap().der().to_vec();
        Self { key, certificate }
    }

    fn thumbprint(&self, algorithm: &'static digest::Algorithm) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(algorithm, &self.certificate))
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = [header, claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
            .join(".");
        let padding = if header["alg"] == "PS256" {
            &RSA_PSS_SHA256
        } else {
            &RSA_PKCS1_SHA256
        };
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(padding, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn header(&self) -> Value {
        json!({"alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint(&digest::SHA256)})
    }
}

/// The claims of a right assertion; `jti` differs each time.
fn right(sim: &Sim, jti: &str) -> Value {
    json!({
        "aud": format!("https://{}/{}/oauth2/v2.0/token", host(sim), Demo::TENANT),
        "iss": Demo::CLIENT_ID, "sub": Demo::CLIENT_ID, "jti": jti,
        "nbf": now(), "iat": now(), "exp": now() + 600,
    })
}

fn with(mut json: Value, name: &str, value: impl Into<Value>) -> Value {
    json[name] = value.into();
    json
}

fn without(mut json: Value, name: &str) -> Value {
    json.as_object_mut().unwrap().remove(name).unwrap();
    json
}

fn form(assertion: &str) -> Pairs {
    Pairs::of(&[
        ("client_id", Demo::CLIENT_ID),
        ("grant_type", "client_credentials"),
        ("scope", Demo::SCOPE),
        ("client_assertion_type", KIND),
        ("client_assertion", assertion),
    ])
}

async fn ask(sim: &Sim, assertion: &str) -> Reply {
    token(sim, Demo::TENANT, &form(assertion)).await
}

fn sim_with(signers: &[&Signer]) -> Sim {
    let sim = Sim::start(Settings::default()).unwrap();
    sim.directory().change_app(Demo::CLIENT_ID, |app| {
        app.certificates = signers.iter().map(|signer| signer.certificate.clone()).collect();
    });
    sim
}

#[tokio::test]
async fn takes_each_form_that_works_at_entra() {
    let signer = Signer::new(2049);
    let sim = sim_with(&[&Signer::new(2049), &signer]);
    let thumbprint = signer.thumbprint(&digest::SHA256);
    let padded = URL_SAFE.encode(digest::digest(&digest::SHA256, &signer.certificate));
    let sha1 = signer.thumbprint(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    let base = format!("https://{}/{}", host(&sim), Demo::TENANT);
    let cases = [
        (signer.header(), "oauth2/v2.0/token"),
        (
            json!({"alg": "RS256", "typ": "JWT", "x5t#S256": thumbprint}),
            "oauth2/token",
        ),
        (json!({"alg": "RS256", "typ": "JWT", "x5t": sha1}), "v2.0"),
        (
            json!({"alg": "RS256", "typ": "JWT", "x5t#S256": padded}),
            "oauth2/v2.0/token",
        ),
    ];
    for (at, (header, audience)) in cases.iter().enumerate() {
        let claims = with(
            right(&sim, &format!("id {at}")),
            "aud",
            format!("{base}/{audience}"),
        );
        let reply = ask(&sim, &signer.sign(header, &claims)).await;
        assert_eq!(reply.status, 200, "{header}: {reply:?}");
        assert_eq!(crate::https::claims(&reply.text("access_token"))["appidacr"], "2");
    }
    assert_eq!(cases.len(), 4);
    assert!(
        sim.entra()
            .requests()
            .iter()
            .all(|it| it.proof == Proof::Certificate)
    );
    // In the place of a secret, for a person's code as well.
    let assertion = signer.sign(&signer.header(), &right(&sim, "for a code"));
    let form = redeeming(&code(&sim, &asking()).await)
        .without("client_secret")
        .with("client_assertion_type", KIND)
        .with("client_assertion", &assertion);
    let json = token(&sim, Demo::TENANT, &form).await.json();
    assert_eq!(claims(&text(&json, "access_token"))["appidacr"], "2");
}

#[tokio::test]
async fn refuses_each_wrong_assertion_with_its_own_number() {
    let signer = Signer::new(2049);
    let (stranger, expired) = (Signer::new(2049), Signer::new(2025));
    let sim = sim_with(&[&signer, &expired]);
    let good = right(&sim, "used");
    let first = signer.sign(&signer.header(), &good);
    assert_eq!(ask(&sim, &first).await.status, 200);
    let fresh =
        |name: &str, value: Value| signer.sign(&signer.header(), &with(right(&sim, "new"), name, value));
    let lacking = |name: &str| signer.sign(&signer.header(), &without(right(&sim, "new"), name));
    let headed = |header: Value| signer.sign(&header, &right(&sim, "new"));
    let elsewhere = format!("https://{}/common/oauth2/v2.0/token", host(&sim));
    let cases = [
        (50_027, "not a jwt".to_owned()),
        (50_027, first.replace('.', "..")),
        (50_027, format!("{first}=")),
        (50_027, lacking("iss")),
        (50_027, headed(without(signer.header(), "typ"))),
        (50_012, first.clone()),
        (700_027, headed(without(signer.header(), "x5t#S256"))),
        (700_027, headed(with(signer.header(), "x5t#S256", "other"))),
        (700_027, headed(with(signer.header(), "alg", "none"))),
        (700_027, headed(with(signer.header(), "alg", "HS256"))),
        (700_027, stranger.sign(&stranger.header(), &right(&sim, "new"))),
        (700_027, stranger.sign(&signer.header(), &right(&sim, "new"))),
        (700_027, expired.sign(&expired.header(), &right(&sim, "new"))),
        (700_021, fresh("iss", "someone else".into())),
        (700_021, fresh("sub", "someone else".into())),
        (700_023, fresh("aud", elsewhere.into())),
        (700_023, lacking("aud")),
        (50_027, lacking("jti")),
        (50_027, lacking("exp")),
        (50_027, lacking("nbf")),
        (50_027, lacking("iat")),
        (700_024, fresh("exp", (now() - 1).into())),
        (700_024, fresh("exp", (now() + 700).into())),
        (700_024, fresh("nbf", (now() + 400).into())),
    ];
    for (at, (number, assertion)) in cases.iter().enumerate() {
        let reply = ask(&sim, assertion).await;
        assert_eq!(reply.code(), *number, "case {at}: {reply:?}");
        assert_eq!(
            (reply.status, reply.text("error")),
            (401, "invalid_client".to_owned())
        );
    }
    assert_eq!(cases.len(), 24);
    let unused = signer.sign(&signer.header(), &right(&sim, "unused"));
    let forms = [
        (900_144, form(&unused).without("client_assertion_type")),
        (900_144, form(&unused).without("client_assertion")),
        (9_002_313, form(&unused).with("client_assertion_type", "jwt")),
        (
            9_002_313,
            form(&unused).with("client_secret", Demo::CLIENT_SECRET),
        ),
        (900_144, form(&unused).without("client_id")),
    ];
    for (number, form) in &forms {
        assert_eq!(
            token(&sim, Demo::TENANT, form).await.code(),
            *number,
            "{}",
            form.encoded()
        );
    }
    assert_eq!(forms.len(), 5);
    assert_eq!(ask(&sim, &unused).await.status, 200);
    // Seen by some with 400 instead, and with the trailer on lines of its own.
    sim.entra()
        .errors
        .change(|shape| (shape.invalid_client, shape.trailer_on_lines) = (400, true));
    let reply = ask(&sim, &unused).await;
    assert_eq!(reply.status, 400);
    assert!(
        reply.text("error_description").contains("\r\nTrace ID: "),
        "{reply:?}"
    );
}

#[tokio::test]
async fn takes_the_tokens_of_an_issuer_that_the_app_trusts() {
    const AUDIENCE: &str = "api://AzureADTokenExchange";
    const SUBJECT: &str = "system:serviceaccount:mail:saslgate";
    let sim = Sim::start(Settings::default()).unwrap();
    let cluster = ForeignIssuer::new("https://cluster.example/").unwrap();
    let impostor = ForeignIssuer::new("https://cluster.example/").unwrap();
    let other = ForeignIssuer::new("https://other.example/").unwrap();
    let entra = ForeignIssuer::new("https://sts.windows.net/x/").unwrap();
    sim.directory().change_app(Demo::CLIENT_ID, |app| {
        app.federated = vec![cluster.credential(SUBJECT, AUDIENCE).unwrap()];
    });
    let good = cluster.token(SUBJECT, AUDIENCE, now() + 3_000).unwrap();
    // As often as it is good: nothing says that it is for one exchange only.
    for _ in 0..2 {
        assert_eq!(ask(&sim, &good).await.status, 200);
    }
    assert_eq!(sim.entra().requests().pop().unwrap().proof, Proof::Federated);
    let cases = [
        (700_211, other.token(SUBJECT, AUDIENCE, now() + 3_000)),
        (
            700_212,
            cluster.token(SUBJECT, "api://AzureADTokenExchangeUSGov", now() + 3_000),
        ),
        (
            700_212,
            cluster.token(SUBJECT, &AUDIENCE.to_lowercase(), now() + 3_000),
        ),
        (
            700_213,
            cluster.token("system:serviceaccount:mail:other", AUDIENCE, now() + 3_000),
        ),
        (700_024, cluster.token(SUBJECT, AUDIENCE, now() - 1)),
        (700_027, impostor.token(SUBJECT, AUDIENCE, now() + 3_000)),
        (700_229, entra.token(SUBJECT, AUDIENCE, now() + 3_000)),
    ];
    for (number, assertion) in &cases {
        let reply = ask(&sim, assertion.as_ref().unwrap()).await;
        assert_eq!((reply.code(), reply.status), (*number, 401), "{reply:?}");
    }
    assert_eq!(cases.len(), 7);
}
