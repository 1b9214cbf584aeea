//! What is taken for a token, and what is not (RFC 6749 5.1).

use super::*;

#[tokio::test]
async fn the_request_is_the_one_that_entra_documents() {
    let server = Server::start(Act::Say(ok(TOKEN).into())).await;
    let issued = server.ask().await.unwrap();
    assert_eq!(
        (issued.token.expose().as_str(), issued.lifetime.as_secs()),
        ("tok", 3599)
    );

    let [request] = &server.requests()[..] else {
        panic!("one request")
    };
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(
        head.starts_with("post /contoso/oauth2/v2.0/token http/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.contains("\r\ncontent-type: application/x-www-form-urlencoded"),
        "{head}"
    );
    assert!(head.contains("\r\nuser-agent: saslgate/"), "{head}");
    for absent in ["authorization", "cookie", "origin", "referer", "accept-encoding"] {
        assert!(!head.contains(&format!("\r\n{absent}:")), "{head}");
    }
    let mut fields: Vec<&str> = body.split('&').collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "client_id=11111111-2222-3333-4444-555555555555",
            "client_secret=CANARY8Q%7Es.e%2Fc%2Br+e%25t%26%3D",
            "grant_type=client_credentials",
            "scope=https%3A%2F%2Foutlook.office365.com%2F.default",
        ]
    );
}

#[tokio::test]
async fn a_lifetime_is_read_however_it_is_written() {
    let cases = [
        ("3599", 3599),
        ("\"3599\"", 3599),
        ("3599.9", 3599),
        ("0", 60),
        ("-1", 60),
        ("\"-1\"", 60),
        ("1e300", 86_400),
        ("99999999999999999999", 86_400),
        ("null", 3600),
    ];
    for (said, taken) in cases {
        let body = format!(r#"{{"token_type":"bEARER","expires_in":{said},"access_token":"tok"}}"#);
        let issued = answer(ok(&body)).await.unwrap();
        assert_eq!(issued.lifetime.as_secs(), taken, "{said}");
    }
    assert_eq!(cases.len(), 9);
    let unsaid = answer(ok(r#"{"token_type":"Bearer","access_token":"tok"}"#))
        .await
        .unwrap();
    assert_eq!(unsaid.lifetime.as_secs(), 3600);
}

#[tokio::test]
async fn a_success_that_is_none_is_a_temporary_error_that_repeats_nothing() {
    let long = format!(
        r#"{{"token_type":"Bearer","access_token":"{}"}}"#,
        "t".repeat(16 * 1024 + 1)
    );
    let deep = format!(
        r#"{{"token_type":"Bearer","access_token":"CANARY","x":{}"#,
        "[".repeat(50_000)
    );
    let chunked = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let cases: Vec<Vec<u8>> = vec![
        ok("").into(),
        ok("null").into(),
        ok("[]").into(),
        ok("{}").into(),
        ok("\"CANARY\"").into(),
        ok("{\"access_token\":\"CANARY\"").into(),
        ok(&format!("{TOKEN}{TOKEN}")).into(),
        ok(r#"{"token_type":"Bearer","expires_in":3600}"#).into(),
        ok(r#"{"access_token":"CANARY","expires_in":3600}"#).into(),
        ok(r#"{"token_type":"mac","access_token":"CANARY"}"#).into(),
        ok(r#"{"token_type":"CANARY","access_token":"CANARY"}"#).into(),
        ok(r#"{"token_type":"Bearer","access_token":["CANARY"]}"#).into(),
        ok(r#"{"token_type":"Bearer","access_token":"CANARY","access_token":"b"}"#).into(),
        ok(r#"{"token_type":"Bearer","access_token":"CANARY","expires_in":"CANARY"}"#).into(),
        ok(r#"{"token_type":"Bearer","access_token":"CANARY","expires_in":{}}"#).into(),
        ok(r#"{"token_type":"Bearer","access_token":""}"#).into(),
        ok(r#"{"token_type":"Bearer","access_token":"CANARY b"}"#).into(),
        ok(r#"{"token_type":"Bearer","access_token":"CANARY\u0001auth=Bearer x"}"#).into(),
        ok(r#"{"token_type":"Bearer","access_token":"CANARY\r\nA1 LOGOUT"}"#).into(),
        ok(r#"{"error":"invalid_client","error_description":"CANARY"}"#).into(),
        ok(&long).into(),
        ok(&deep).into(),
        ok("<html>CANARY</html>").into(),
        reply("200 OK", "text/html", TOKEN).into(),
        [ok("xx").as_bytes(), b"\xff\xfe"].concat(),
        // Cut off, and chunks that are none.
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"access_token\":\"CANARY".to_vec(),
        format!("{chunked}5\r\n{{\"acc").into(),
        format!("{chunked}zz\r\nCANARY\r\n").into(),
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00".to_vec(),
        b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\nCANARY \x01\r\n\r\n".to_vec(),
        Vec::new(),
    ];
    let count = cases.len();
    for said in cases {
        let shown = String::from_utf8_lossy(&said[..said.len().min(200)]).into_owned();
        let error = refusal(said).await;
        assert!(error.is_temporary(), "{shown}: {error:?}");
        assert!(
            error.what.contains("localhost") && !error.what.contains("reached"),
            "{shown}: {error}"
        );
    }
    assert_eq!(count, 32);
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let heads = [
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n",
        "HTTP/1.1 500 Oops\r\nContent-Length: 1073741824\r\n\r\n",
    ];
    for head in heads {
        let error = Server::start(Act::Flood(head.into()))
            .await
            .ask()
            .await
            .unwrap_err();
        assert_eq!(
            error.detail.as_deref(),
            Some("the reply is longer than 64 KiB"),
            "{head}"
        );
    }
}
