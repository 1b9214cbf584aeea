//! The frame of every site, over real sockets.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// Answers everybody with what they have sent, and those who ask for `/later` never.
struct Echo;

impl Site for Echo {
    fn bounds(&self) -> Bounds {
        Bounds {
            body: 10,
            at_once: 2,
            whole: Duration::from_secs(30),
        }
    }

    fn authority(&self) -> Option<Arc<str>> {
        Some("localhost:8424".into())
    }

    fn misdirected(&self) -> Answer {
        Notice::new(StatusCode::MISDIRECTED_REQUEST, "Not here", "").answer()
    }

    async fn answer(&self, asked: Asked) -> Answer {
        if asked.uri.path() == "/later" {
            std::future::pending::<()>().await;
        }
        answer(StatusCode::OK, "text/plain", asked.body.expose().clone())
    }
}

fn echo() -> SocketAddr {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let address = socket.local_addr().unwrap();
    let socket = TcpListener::from_std(socket).unwrap();
    tokio::spawn(serve(vec![Arc::new(socket)], Arc::new(Echo)));
    address
}

async fn say(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn one_name_is_answered_to_and_no_other() {
    let address = echo();
    let table = [
        ("GET / HTTP/1.1\r\nHost: localhost:8424\r\n\r\n", 200),
        (
            "GET http://localhost:8424/ HTTP/1.1\r\nHost: localhost:8424\r\n\r\n",
            200,
        ),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 421),
        ("GET / HTTP/1.1\r\nHost: localhost:84241\r\n\r\n", 421),
        ("GET / HTTP/1.1\r\nHost: 0.0.0.0:8424\r\n\r\n", 421),
        ("GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", 421),
        ("GET / HTTP/1.1\r\n\r\n", 421),
        (
            "GET / HTTP/1.1\r\nHost: localhost:8424\r\nHost: evil.test\r\n\r\n",
            421,
        ),
        (
            "GET / HTTP/1.1\r\nHost: evil.test\r\nHost: localhost:8424\r\n\r\n",
            421,
        ),
        (
            "GET http://evil.test/ HTTP/1.1\r\nHost: localhost:8424\r\n\r\n",
            421,
        ),
    ];
    for (request, status) in table {
        let answer = say(address, request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {answer}"
        );
        for (name, _) in HEADERS {
            assert!(
                answer.contains(&format!("{name}: ")),
                "{request}: no {name}: {answer}"
            );
        }
    }
    assert_eq!(table.len(), 10);
}

#[tokio::test]
async fn a_body_is_read_as_far_as_it_may_be_long() {
    let address = echo();
    let post = |length: usize| {
        let body = "x".repeat(length);
        format!("POST / HTTP/1.1\r\nHost: localhost:8424\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    assert!(say(address, &post(10)).await.ends_with("\r\n\r\nxxxxxxxxxx"));
    assert!(say(address, &post(11)).await.starts_with("HTTP/1.1 413 "));
    let chunked = "POST / HTTP/1.1\r\nHost: localhost:8424\r\nTransfer-Encoding: chunked\r\n\r\n";
    let endless = format!("{chunked}{}", "8\r\nxxxxxxxx\r\n".repeat(2));
    assert!(say(address, &endless).await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn whoever_is_being_answered_keeps_the_place_and_whoever_says_nothing_loses_it() {
    let address = echo();
    let mut answered = TcpStream::connect(address).await.unwrap();
    let later = "GET /later HTTP/1.1\r\nHost: localhost:8424\r\n\r\n";
    answered.write_all(later.as_bytes()).await.unwrap();
    // Its request has been read once another one behind it has.
    assert!(
        say(address, "GET / HTTP/1.1\r\nHost: localhost:8424\r\n\r\n")
            .await
            .contains("200 OK")
    );
    let mut silent = TcpStream::connect(address).await.unwrap();
    assert!(
        say(address, "GET / HTTP/1.1\r\nHost: localhost:8424\r\n\r\n")
            .await
            .contains("200 OK")
    );
    assert_eq!(silent.read(&mut [0]).await.unwrap_or(0), 0, "it was sent away");
    let still = answered.try_read(&mut [0]);
    assert!(
        still.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock),
        "it still waits"
    );
}
