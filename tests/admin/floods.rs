//! Whoever wears the page down takes nothing from mail clients, and not the page from operators.

use std::net::SocketAddr;

use saslgate::provider::Protocol;
use saslgate::sim::Demo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::http::say;
use crate::rig::{PASSWORD, Rig, stored};
use crate::support::config::Account;
use crate::support::mail_client::MailClient;
use crate::support::soon;

/// More connections than there is room for.
const CROWD: usize = 130;

async fn silent(address: SocketAddr, begun: &[u8]) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        let mut stream = soon("a connection", TcpStream::connect(address)).await.unwrap();
        // It may have been sent away by then.
        let _ = stream.write_all(begun).await;
        crowd.push(stream);
    }
    crowd
}

/// B7: more slow connections than there is room for, and more of a request than is read.
#[tokio::test]
async fn slow_heads_and_bodies_hold_up_nobody() {
    let alice = Account::new(Demo::ALICE);
    let account = alice.clone();
    let lines = format!("password = \"{}\"\n", stored(PASSWORD));
    let rig = Rig::with(&lines, move |config, _| config.account(&account)).await;
    let mut browser = rig.operator().await;
    let host = format!("Host: localhost:{}\r\n", rig.port);
    let slow = [
        String::new(),
        format!("GET / HTTP/1.1\r\n{host}X-Slow: "),
        format!("POST /login HTTP/1.1\r\n{host}Content-Length: 60000\r\n\r\nx"),
    ];
    for begun in &slow {
        let _crowd = silent(rig.address(), begun.as_bytes()).await;
        assert_eq!(browser.get("/").await.status, 200, "{begun}");
        let imap = rig.gate.addresses.of(Protocol::Imap);
        let mut client = MailClient::logged_in(Protocol::Imap, imap, &alice).await;
        assert!(client.is_relayed().await);
    }
    assert_eq!(slow.len(), 3);
    let long = "y".repeat(20 * 1024);
    let many: String = (0..10_000).fold(String::new(), |many, at| many + &format!("X-{at}: y\r\n"));
    for request in [
        format!("GET / HTTP/1.1\r\n{host}X: {long}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{host}{many}\r\n"),
        format!(
            "POST /login HTTP/1.1\r\n{host}Content-Length: 1073741824\r\n\r\n{}",
            long.repeat(5)
        ),
    ] {
        let answer = say(rig.address(), request.as_bytes()).await;
        // A reset may overtake the answer.
        assert!(matches!(answer.status, 0 | 413 | 431), "{}", answer.status);
    }
    assert_eq!(browser.get("/").await.status, 200);
}
