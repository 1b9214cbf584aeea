//! Whoever wears the listener down takes nothing from mail clients, and does not make a kubelet believe in a dead saslgate.

use std::net::SocketAddr;

use saslgate::provider::Protocol;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Rig;
use crate::http::{get, say};
use crate::support::mail_client::MailClient;
use crate::support::soon;

/// Connections at one time, twice as many as there is room for.
const CROWD: usize = 65;

async fn silent(health: SocketAddr, begun: &[u8]) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        let mut stream = soon("a connection", TcpStream::connect(health)).await.unwrap();
        // It may have been sent away by then.
        let _ = stream.write_all(begun).await;
        crowd.push(stream);
    }
    crowd
}

async fn mail_goes_on(rig: &Rig) {
    for protocol in Protocol::ALL {
        let address = rig.gate.addresses.of(protocol);
        let mut client = MailClient::logged_in(protocol, address, &rig.alice).await;
        assert!(client.is_relayed().await);
    }
}

/// Slowloris: heads that never end.
#[tokio::test]
async fn connections_that_say_nothing_are_sent_away_for_those_that_ask() {
    let rig = Rig::new().await;
    for begun in [&b""[..], b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        let crowd = silent(rig.health, begun).await;
        assert_eq!(get(rig.health, "/healthz").await.status, 200);
        assert_eq!(get(rig.health, "/metrics").await.status, 200);
        mail_goes_on(&rig).await;
        // All of them end: the oldest for the others, the last by the time that a head may take.
        let mut ended = 0;
        for mut stream in crowd {
            let mut rest = Vec::new();
            let _ = soon("the end of a silent connection", stream.read_to_end(&mut rest)).await;
            let rest = String::from_utf8_lossy(&rest);
            assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 408"), "{rest}");
            ended += 1;
        }
        assert_eq!(ended, CROWD);
    }
}

#[tokio::test]
async fn heads_that_are_too_much_are_refused() {
    let rig = Rig::new().await;
    let many = (0..10_000).fold(String::new(), |many, at| many + &format!("X-{at}: y\r\n"));
    let long = "y".repeat(20 * 1024);
    let table = [
        (
            format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{many}\r\n"),
            "many headers",
        ),
        (
            format!("GET /healthz HTTP/1.1\r\nX: {long}\r\n\r\n"),
            "a long header",
        ),
        (format!("GET /{long} HTTP/1.1\r\n\r\n"), "a long path"),
        ("GET /healthz HTTP/3.7\r\n\r\n".to_owned(), "another version"),
        ("a1 LOGIN alice password\r\n\r\n".to_owned(), "IMAP"),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}".repeat(200), "TLS"),
    ];
    for (request, what) in &table {
        let answer = say(rig.health, request.as_bytes()).await;
        // A reset may overtake the answer.
        assert!(matches!(answer.status, 0 | 400 | 414 | 431), "{what}: {answer:?}");
    }
    assert_eq!(table.len(), 6);
    assert_eq!(get(rig.health, "/healthz").await.status, 200);
    mail_goes_on(&rig).await;
}
