//! What the operator is told when the provider refuses (RFC 6749 5.2), is busy, or is not there at all.

use super::*;

#[tokio::test]
async fn a_busy_provider_is_given_the_pause_that_it_asks_for() {
    let cases = [
        ("429 Too Many Requests", "Retry-After: 60\r\n", Some(60)),
        ("429 Too Many Requests", "", None),
        ("503 Service Unavailable", "Retry-After: 7\r\n", Some(7)),
        ("503 Service Unavailable", "Retry-After: 999999999\r\n", Some(600)),
        (
            "503 Service Unavailable",
            "Retry-After: Fri, 21 Nov 2036 12:00:00 GMT\r\n",
            None,
        ),
        ("503 Service Unavailable", "Retry-After: -5\r\n", None),
        ("503 Service Unavailable", "Retry-After: \u{fc}\r\n", None),
        ("500 Internal Server Error", "", None),
        ("502 Bad Gateway", "", None),
        ("504 Gateway Timeout", "Retry-After: 0\r\n", Some(0)),
        ("408 Request Timeout", "", None),
    ];
    for (status, header, pause) in cases {
        let error = refusal(format!(
            "HTTP/1.1 {status}\r\n{header}Connection: close\r\n\r\n\nbusy \x1b[2J\nmore"
        ))
        .await;
        let retry_after = pause.map(Duration::from_secs);
        assert_eq!(error.kind, Kind::Temporary { retry_after }, "{status} {header}");
        let detail = format!(r"HTTP {}: busy \u{{1b}}[2J", &status[..3]);
        assert_eq!(error.detail.as_deref(), Some(detail.as_str()));
    }
    assert_eq!(cases.len(), 11);
}

#[tokio::test]
async fn a_fault_of_entra_keeps_its_code_and_its_pause() {
    let body = r#"{"error":"temporarily_unavailable","error_description":"AADSTS90033: A transient error.","error_codes":[90033]}"#;
    let said = reply("503 Service Unavailable", "application/json", body)
        .replace("Connection", "Retry-After: 20\r\nConnection");
    let error = refusal(said).await;
    let retry_after = Some(Duration::from_secs(20));
    assert_eq!(error.kind, Kind::Temporary { retry_after });
    assert_eq!(error.code.as_deref(), Some("AADSTS90033"));
}

#[tokio::test]
async fn what_entra_refuses_is_explained() {
    let secret_id = format!(
        "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client \
         secret value, not the client secret ID, for '{SECRET}'.\\r\\nTrace ID: 0a1b2c3d-0000-4000-8000-000000000001\\r\\n\
         Correlation ID: 0a1b2c3d-0000-4000-8000-000000000002\\r\\nTimestamp: 2026-01-09 02:02:12Z"
    );
    let cases = [
        (
            "401 Unauthorized",
            "invalid_client",
            "7000215",
            secret_id.as_str(),
            Kind::Misconfigured,
        ),
        (
            "401 Unauthorized",
            "invalid_client",
            "7000222",
            "AADSTS7000222: expired",
            Kind::Misconfigured,
        ),
        (
            "400 Bad Request",
            "unauthorized_client",
            "700016",
            "AADSTS700016: not found",
            Kind::Misconfigured,
        ),
        (
            "400 Bad Request",
            "invalid_request",
            "90002",
            "AADSTS90002: Tenant 'x' not found",
            Kind::Misconfigured,
        ),
        (
            "400 Bad Request",
            "invalid_scope",
            "1002012",
            "AADSTS1002012: The provided value",
            Kind::Misconfigured,
        ),
        (
            "400 Bad Request",
            "invalid_scope",
            "\"70011\"",
            "AADSTS70011: no",
            Kind::Misconfigured,
        ),
        (
            "400 Bad Request",
            "temporarily_unavailable",
            "90055",
            "AADSTS90055",
            Kind::Temporary { retry_after: None },
        ),
        (
            "400 Bad Request",
            "invalid_request",
            "90033",
            "AADSTS90033",
            Kind::Temporary { retry_after: None },
        ),
        (
            "400 Bad Request",
            "server_error",
            "1",
            "AADSTS1: x",
            Kind::Temporary { retry_after: None },
        ),
        (
            "400 Bad Request",
            "interaction_required",
            "50076",
            "AADSTS50076: MFA",
            Kind::NeedsSignIn,
        ),
    ];
    for (status, word, number, description, kind) in cases {
        let body =
            format!(r#"{{"error":"{word}","error_description":"{description}","error_codes":[{number}]}}"#);
        let error = refusal(reply(status, "application/json", &body)).await;
        assert_eq!(error.kind, kind, "{description}");
        let number = number.trim_matches('"');
        assert_eq!(error.code.as_deref(), Some(format!("AADSTS{number}").as_str()));
        assert!(!error.why.is_empty() && !error.fix.is_empty());
    }
    assert_eq!(cases.len(), 10);

    let body =
        format!(r#"{{"error":"invalid_client","error_description":"{secret_id}","error_codes":[7000215]}}"#);
    let error = refusal(reply("401 Unauthorized", "application/json", &body)).await;
    let detail = error.detail.unwrap();
    assert!(error.fix.contains("Value"), "{}", error.fix);
    assert!(
        detail.contains("[hidden]") && detail.contains("Trace ID: 0a1b2c3d-0000-4000-8000-000000000001"),
        "{detail}"
    );
}

/// A code of the table says who can mend it, whatever the word beside it; but what the word calls passing is passing.
#[tokio::test]
async fn the_code_tells_more_than_the_word() {
    use Kind::{Misconfigured, NeedsSignIn, Temporary};
    let passing = Temporary { retry_after: None };
    let cases = [
        ("invalid_grant", 50_173, "", NeedsSignIn),
        ("invalid_grant", 50_057, "", Misconfigured),
        ("invalid_grant", 50_196, "", passing),
        ("invalid_grant", 65_001, "", Misconfigured),
        ("invalid_grant", 65_001, "consent_required", NeedsSignIn),
        ("interaction_required", 53_000, "", Misconfigured),
        ("temporarily_unavailable", 50_173, "", passing),
        ("invalid_grant", 9_002_313, "", NeedsSignIn),
        ("invalid_request", 9_002_313, "", Misconfigured),
        ("invalid_grant", 1, "", NeedsSignIn),
        ("invalid_client", 1, "", Misconfigured),
    ];
    for (word, number, suberror, kind) in cases {
        let body = format!(r#"{{"error":"{word}","error_codes":[{number}],"suberror":"{suberror}"}}"#);
        let error = refusal(reply("400 Bad Request", "application/json", &body)).await;
        assert_eq!(error.kind, kind, "{word} {number} {suberror}");
        assert_eq!(error.code.as_deref(), Some(format!("AADSTS{number}").as_str()));
    }
    assert_eq!(cases.len(), 11);
}

#[tokio::test]
async fn a_code_that_is_not_known_is_explained_by_microsoft() {
    let body =
        r#"{"error":"invalid_client","error_description":"AADSTS7009999: new","error_codes":[7009999]}"#;
    let error = refusal(reply("401 Unauthorized", "application/json", body)).await;
    assert!(
        error
            .fix
            .contains("https://login.microsoftonline.com/error?code=7009999"),
        "{}",
        error.fix
    );
}

/// The Secret ID stands beside the Value in the portal, and whoever pastes it hears only that the secret is wrong.
#[tokio::test]
async fn what_was_pasted_in_the_place_of_the_secret_is_told_and_not_shown() {
    let cases = [
        ("CA9A8900-0000-4000-8000-0123456789ab", "a Secret ID was given"),
        ("\"CANARYQ~quoted\"", "is in quotes"),
        ("CANAQ~RY", "only a part"),
        ("CANARY8Q~whatever", "does not accept the client secret"),
    ];
    let body =
        r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid","error_codes":[7000215]}"#;
    for (secret, what) in cases {
        let server = Server::start(Act::Say(
            reply("401 Unauthorized", "application/json", body).into(),
        ))
        .await;
        let mut grant = server.grant();
        grant.registration.proof = Proof::Secret(Secret::new(secret.into()));
        let endpoint = Endpoint::new(Outgoing::new(&server.trust, &Proxy::Direct).unwrap());
        let error = endpoint.client_credentials(&grant).await.unwrap_err();
        assert!(error.what.contains(what), "{secret}: {error}");
        assert_eq!(error.code.as_deref(), Some("AADSTS7000215"));
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(secret.trim_matches('"')), "{shown}");
    }
    assert_eq!(cases.len(), 4);
}

#[tokio::test]
async fn a_refusal_in_an_unusual_form_is_told_as_far_as_it_goes() {
    let cases = [
        // No numbers: they are taken from the description.
        (
            r#"{"error":"invalid_client","error_description":"AADSTS7000222: expired"}"#,
            "AADSTS7000222",
            "AADSTS7000222: expired",
        ),
        // Another provider.
        (
            r#"{"error":"invalid_client"}"#,
            "invalid_client",
            "invalid_client",
        ),
        (
            r#"{"error":"invalid_client","error_description":null,"error_codes":"x"}"#,
            "invalid_client",
            "invalid_client",
        ),
        (
            r#"{"error":"invalid_grant","error_description":"no","suberror":"bad_token","claims":"{}","correlation_id":"7"}"#,
            "invalid_grant",
            "no suberror: bad_token (with a claims challenge) Correlation ID: 7",
        ),
        // An unknown number does not hide a known one.
        (
            r#"{"error":"invalid_client","error_description":"x","error_codes":[1,7000215]}"#,
            "AADSTS7000215",
            "x",
        ),
        (
            r#"{"error":"a\u001b[2J\r\nb","error_description":"c\u2028d"}"#,
            r"a\u{1b}[2J b",
            r"c d",
        ),
    ];
    for (body, code, detail) in cases {
        let error = refusal(reply("400 Bad Request", "application/json", body)).await;
        assert_eq!(
            (error.code.as_deref(), error.detail.as_deref()),
            (Some(code), Some(detail)),
            "{body}"
        );
    }
    assert_eq!(cases.len(), 6);
}

#[tokio::test]
async fn every_word_of_the_rfc_is_explained() {
    let words = [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "access_denied",
        "interaction_required",
        "temporarily_unavailable",
        "no_word_of_any_rfc",
    ];
    for word in words {
        let error = refusal(reply(
            "400 Bad Request",
            "application/json",
            &format!(r#"{{"error":"{word}"}}"#),
        ))
        .await;
        assert!(error.what.starts_with("localhost "), "{error}");
        assert!(!error.why.is_empty() && !error.fix.is_empty(), "{error:?}");
        assert_eq!(error.code.as_deref(), Some(word));
    }
}

#[tokio::test]
async fn an_error_page_is_told_by_its_status_and_first_line() {
    for (status, body) in [
        ("404 Not Found", "\n <!doctype html>\n<p>CANARY"),
        ("403 Forbidden", "<!doctype html>"),
    ] {
        let error = refusal(reply(status, "text/html", body)).await;
        assert_eq!(error.kind, Kind::Misconfigured);
        assert_eq!(
            error.detail.unwrap().as_ref(),
            format!("HTTP {}: <!doctype html>", &status[..3])
        );
    }
    let empty = refusal("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(empty.detail.as_deref(), Some("HTTP 204"));
}
