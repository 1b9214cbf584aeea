//! What a kubelet is told from the start to the end.

use rustix::process::Signal;
use saslgate::provider::Protocol;
use tokio::net::TcpStream;

use crate::Rig;
use crate::http::{ask, get, say};
use crate::support::mail_client::MailClient;

#[tokio::test]
async fn every_answer_is_plain_not_kept_and_for_no_page_to_use() {
    let rig = Rig::new().await;
    let table = [
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/readyz?verbose", 200),
        ("HEAD", "/healthz", 200),
        ("HEAD", "/metrics", 200),
        ("GET", "/", 404),
        ("GET", "/metrics/", 404),
        ("GET", "/../etc/passwd", 404),
        ("POST", "/healthz", 405),
        ("PUT", "/metrics", 405),
        ("DELETE", "/", 405),
        ("OPTIONS", "/readyz", 405),
    ];
    for (method, path, status) in table {
        let answer = ask(rig.health, method, path).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert_eq!(answer.body.is_empty(), method == "HEAD", "{method} {path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'"), "{policy}");
        let allowed = (status == 405).then_some("GET, HEAD");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
    }
    assert_eq!(table.len(), 13);
    let length = |answer: &crate::http::Answer| answer.header("content-length").unwrap().to_owned();
    let head = ask(rig.health, "HEAD", "/healthz").await;
    assert_eq!(length(&head), length(&get(rig.health, "/healthz").await));
    // A form that a page in some browser sends: RFC 9110 9.3.3 has it change something, and nothing here can.
    let form =
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\na=b";
    assert_eq!(say(rig.health, form).await.status, 405);
}

#[tokio::test]
async fn a_saslgate_that_drains_is_healthy_and_not_ready_to_its_end() {
    let mut rig = Rig::with("", |config| config.table("server", "drain = 600")).await;
    let address = rig.gate.addresses.of(Protocol::Imap);
    let mut relay = MailClient::logged_in(Protocol::Imap, address, &rig.alice).await;
    assert_eq!(get(rig.health, "/readyz").await.body, "ready\n");

    rig.gate.signal(Signal::TERM);
    rig.gate.log.message(0, "stopping").await;
    let ready = get(rig.health, "/readyz").await;
    assert_eq!((ready.status, ready.body.as_str()), (503, "stopping\n"));
    let healthy = get(rig.health, "/healthz").await;
    assert_eq!((healthy.status, healthy.body.as_str()), (200, "healthy\n"));
    let page = get(rig.health, "/metrics").await.body;
    assert!(page.contains("\nsaslgate_ready 0\n"), "{page}");
    assert!(relay.is_relayed().await);

    drop(relay);
    assert!(rig.gate.exit().await.success());
    assert!(TcpStream::connect(rig.health).await.is_err());
}

/// An account in trouble is nothing that a restart would mend: restarting would only end everybody's sessions.
#[tokio::test]
async fn trouble_of_an_account_is_degraded_and_healthy() {
    let nobody = |config: crate::Config| {
        let text = "grant = \"authorization_code\"\ntenant = \"contoso.com\"\n\
                    client_id = \"11111111-2222-3333-4444-555555555555\"\nscope = \"mail offline_access\"";
        let bob = crate::Account::new("bob@contoso.com").app("people");
        config.app("people", "simulator", text).account(&bob)
    };
    for (lines, names) in [("", ""), ("account_names = true", " (bob@contoso.com)")] {
        let rig = Rig::with(lines, nobody).await;
        rig.gate.log.message(0, "token store opened").await;
        let answer = loop {
            let answer = get(rig.health, "/healthz").await;
            // What was looked at in the second before the store was open.
            if answer.body.contains("accounts") {
                break answer;
            }
        };
        assert_eq!(answer.status, 200);
        let expected = format!("healthy\ndegraded: accounts: 1 needs sign-in{names}\n");
        assert_eq!(answer.body, expected);
        let page = get(rig.health, "/metrics").await.body;
        assert!(
            page.contains("saslgate_degraded{reason=\"accounts\"} 1\n"),
            "{page}"
        );
        assert!(
            page.contains("saslgate_accounts{state=\"needs sign-in\"} 1\n"),
            "{page}"
        );
        assert_eq!(page.contains("bob"), !names.is_empty());
    }
}
