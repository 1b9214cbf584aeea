//! The app for itself, and what every token request has in common: its form, its faults, introspection.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saslgate::sim::directory::ClientSecret;
use saslgate::sim::entra::{Claims, TokenFault, TokenOutcome};
use saslgate::sim::{Demo, Settings, Sim};
use serde_json::Value;

use crate::https::{self, FORM};

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn good_body() -> String {
    format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope={}",
        Demo::CLIENT_ID,
        encoded(Demo::CLIENT_SECRET),
        encoded(Demo::SCOPE)
    )
}

async fn post(sim: &Sim, tenant: &str, headers: &[(&str, &str)], body: &str) -> (String, String) {
    let headers = headers.iter().fold(String::new(), |all, (name, value)| {
        all + name + ": " + value + "\r\n"
    });
    let reply = https::post_with(sim, &format!("/{tenant}/oauth2/v2.0/token"), &headers, body).await;
    (reply.head, reply.body)
}

fn code(body: &str) -> Value {
    serde_json::from_str::<Value>(body).map_or(Value::Null, |json| json["error_codes"][0].clone())
}

#[tokio::test]
async fn issues_a_token_to_the_app() {
    let sim = Sim::start(Settings::default()).unwrap();
    let basic = STANDARD.encode(format!("{}:{}", Demo::CLIENT_ID, encoded(Demo::CLIENT_SECRET)));
    let basic = format!("Basic {basic}");
    let scope_only = format!("grant_type=client_credentials&scope={}", encoded(Demo::SCOPE));
    let ways = [
        (Demo::TENANT, good_body(), vec![("Content-Type", FORM)]),
        (
            Demo::DOMAIN,
            good_body(),
            vec![("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
        ),
        (
            Demo::TENANT,
            scope_only,
            vec![("Content-Type", FORM), ("Authorization", basic.as_str())],
        ),
    ];
    for (tenant, body, headers) in &ways {
        let (head, body) = post(&sim, tenant, headers, body).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head} {body}");
        let json: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (&json["token_type"], &json["expires_in"]),
            (&"Bearer".into(), &3599.into())
        );
        let token = json["access_token"].as_str().unwrap();
        assert!((1_700..1_900).contains(&token.len()), "{}", token.len());
        assert_eq!(token.split('.').count(), 3);
    }
    let requests = sim.entra().requests();
    assert_eq!(requests.len(), ways.len());
    assert!(
        requests
            .iter()
            .all(|it| it.outcome == TokenOutcome::Issued && it.client_id == Demo::CLIENT_ID)
    );
}

/// What the introspection endpoint (RFC 7662) says to this form.
async fn introspected(sim: &Sim, form: &str) -> Value {
    let reply = https::post_with(sim, "/introspect", &format!("Content-Type: {FORM}\r\n"), form).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

#[tokio::test]
async fn tells_other_mail_servers_which_tokens_are_good() {
    let sim = Sim::start(Settings::default()).unwrap();
    let app = sim.entra().app_claims(sim.directory(), Demo::CLIENT_ID).unwrap();
    let user = sim
        .entra()
        .user_claims(sim.directory(), Demo::ALICE, &["IMAP.AccessAsUser.All"]);
    for (claims, name) in [(&app, "app@contoso.onmicrosoft.com"), (&user, Demo::ALICE)] {
        let token = sim.entra().mint(claims);
        let said = introspected(&sim, &format!("token={}", token.reveal())).await;
        assert_eq!((&said["active"], &said["username"]), (&true.into(), &name.into()));
    }
    let right = sim.entra().mint(&app).reveal().to_owned();
    let mint = |change: fn(&mut Claims)| {
        let mut claims = app.clone();
        change(&mut claims);
        format!("token={}", sim.entra().mint(&claims).reveal())
    };
    let wrong = [
        String::new(),
        "token=".to_owned(),
        format!("token={right}&token={right}"),
        format!("token={right}A"),
        mint(|it| it.expires = it.not_before + 1),
        mint(|it| it.not_before = it.expires - 1),
        mint(|it| it.audience = "https://graph.microsoft.com".to_owned()),
        mint(|it| it.roles.clear()),
        mint(|it| it.tenant = "another".to_owned()),
    ];
    for form in &wrong {
        assert_eq!(
            introspected(&sim, form).await,
            serde_json::json!({"active": false}),
            "{form}"
        );
    }
}

/// A wrong request: the number it earns, tenant, headers, body.
type Wrong = (u32, &'static str, Vec<(&'static str, String)>, String);

/// Wrong in what surrounds the parameters, or in their form.
fn wrong_forms() -> Vec<Wrong> {
    let right = good_body();
    let scope = encoded(Demo::SCOPE);
    let form = || ("Content-Type", FORM.to_owned());
    let basic = STANDARD.encode(format!("{}:{}", Demo::CLIENT_ID, encoded(Demo::CLIENT_SECRET)));
    let json = vec![("Content-Type", "application/json".to_owned())];
    let tenant = Demo::TENANT;
    vec![
        (900_144, tenant, vec![], right.clone()),
        (900_144, tenant, json, right.clone()),
        (900_144, tenant, vec![form()], String::new()),
        (
            900_144,
            tenant,
            vec![form()],
            right.replace("grant_type=client_credentials&", ""),
        ),
        (
            900_144,
            tenant,
            vec![form()],
            right.replace(&format!("&scope={scope}"), ""),
        ),
        (900_144, tenant, vec![form()], right.replace(&scope, "")),
        (
            9_002_326,
            tenant,
            vec![form(), ("Origin", "https://example.net".to_owned())],
            right.clone(),
        ),
        (9_000_411, tenant, vec![form()], format!("{right}&scope={scope}")),
        (
            9_002_313,
            tenant,
            vec![form()],
            right.replace(&scope, Demo::SCOPE),
        ),
        (9_002_313, tenant, vec![form()], format!("{right}&")),
        (9_002_313, tenant, vec![form()], format!("{right}&surprise=1")),
        (
            9_002_313,
            tenant,
            vec![form(), ("Authorization", format!("Basic {basic}"))],
            right.clone(),
        ),
        (901_002, tenant, vec![form()], format!("{right}&resource=x")),
        (
            70_003,
            tenant,
            vec![form()],
            right.replace("client_credentials", "magic"),
        ),
    ]
}

/// Wrong in what the parameters say.
fn wrong_values() -> Vec<Wrong> {
    let secret = encoded(Demo::CLIENT_SECRET);
    let scope = encoded(Demo::SCOPE);
    let case = |number, from: &str, to: &str| {
        let headers = vec![("Content-Type", FORM.to_owned())];
        (number, Demo::TENANT, headers, good_body().replace(from, to))
    };
    let scoped = |number, other: &str| case(number, &scope, &encoded(other));
    vec![
        (
            90_002,
            "fabrikam.com",
            vec![("Content-Type", FORM.to_owned())],
            good_body(),
        ),
        (
            900_023,
            "fabrikam",
            vec![("Content-Type", FORM.to_owned())],
            good_body(),
        ),
        case(700_016, Demo::CLIENT_ID, "00000000-0000-0000-0000-000000000000"),
        case(7_000_218, &secret, ""),
        case(7_000_215, &secret, "wrong"),
        case(7_000_215, &secret, &encoded(&secret)),
        case(7_000_222, &secret, "expired"),
        scoped(1_002_012, "https://outlook.office365.com/IMAP.AccessAsUser.All"),
        scoped(1_002_012, &scope),
        scoped(70_011, &format!("{} offline_access", Demo::SCOPE)),
        scoped(500_011, "https://example.net/.default"),
    ]
}

#[tokio::test]
async fn refuses_each_wrong_request_with_its_own_code() {
    let sim = Sim::start(Settings::default()).unwrap();
    sim.directory().change_app(Demo::CLIENT_ID, |app| {
        app.secrets.push(ClientSecret {
            value: "expired".into(),
            expires: 1,
        });
    });
    let cases: Vec<Wrong> = wrong_forms().into_iter().chain(wrong_values()).collect();
    for (number, tenant, headers, body) in &cases {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let (head, answer) = post(&sim, tenant, &headers, body).await;
        assert_eq!(code(&answer), *number, "{body}\n{head}\n{answer}");
        let invalid_client = (7_000_215..=7_000_222).contains(number);
        let status = if invalid_client {
            "HTTP/1.1 401"
        } else {
            "HTTP/1.1 400"
        };
        assert!(head.starts_with(status), "{number}: {head}");
        let json: Value = serde_json::from_str(&answer).unwrap();
        let description = json["error_description"].as_str().unwrap();
        for part in [
            &*format!("AADSTS{number}: "),
            " Trace ID: ",
            " Correlation ID: ",
            " Timestamp: ",
        ] {
            assert!(description.contains(part), "{description}");
        }
        assert!(!answer.contains(Demo::CLIENT_SECRET));
    }
    assert_eq!((cases.len(), sim.entra().requests().len()), (25, 25));
    let get = format!(
        "GET /{}/oauth2/v2.0/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        Demo::TENANT
    );
    assert_eq!(https::raw(&sim, &get).await.code(), 900_561);
}

#[tokio::test]
async fn fails_as_gateways_do() {
    let sim = Sim::start(Settings::default()).unwrap();
    let form = [("Content-Type", FORM)];
    // Short, for one case sends it byte by byte.
    sim.entra()
        .tokens
        .change(|shape| (shape.opaque, shape.size) = (true, 16));
    let cases = [
        (
            TokenFault::TooManyRequests(Some("60".into())),
            "429",
            "retry-after: 60",
            "Too Many Requests",
        ),
        (TokenFault::ServerError, "500", "text/html", "<html>"),
        (TokenFault::Unavailable, "503", "", ""),
        (
            TokenFault::Redirect("https://evil.test/".into()),
            "307",
            "location: https://evil.test/",
            "",
        ),
        (TokenFault::Body("{}".into()), "200", "application/json", "{}"),
        (TokenFault::Huge(100_000), "200", "content-length: 100000", "    "),
        (TokenFault::Drip(Duration::from_micros(1)), "200", "", "{"),
        (TokenFault::CloseMidBody, "200", "", "{"),
    ];
    let count = cases.len();
    for (fault, status, header, beginning) in cases {
        sim.entra().fail_next(1, fault.clone());
        let (head, body) = post(&sim, Demo::TENANT, &form, &good_body()).await;
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status}")) && head.contains(header),
            "{fault:?}: {head}"
        );
        assert!(body.starts_with(beginning), "{fault:?}: {body}");
        let whole = serde_json::from_str::<Value>(&body).is_ok_and(|json| json["access_token"].is_string());
        assert_eq!(whole, matches!(fault, TokenFault::Drip(_)), "{fault:?}");
    }
    assert_eq!(count, 8);
    sim.entra()
        .tokens
        .change(|shape| shape.expires_in = Some("3599".into()));
    let (_, body) = post(&sim, Demo::TENANT, &form, &good_body()).await;
    assert!(body.contains("\"expires_in\":\"3599\""), "{body}");
}
