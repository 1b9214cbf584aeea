//! One HTTP request, as plain as it is written.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::soon;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// 0 if nothing did.
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines.find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Says all of it, and reads to the end, however it comes.
pub(crate) async fn say(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = soon("a connection", TcpStream::connect(address)).await.unwrap();
    // Whoever is refused in the middle of a long request has the answer all the same, or not: both are right.
    let _ = soon("the request", stream.write_all(request)).await;
    let mut bytes = Vec::new();
    let _ = soon("an answer", stream.read_to_end(&mut bytes)).await;
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Answer {
        status: status.unwrap_or(0),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

/// A request without a body.
pub(crate) async fn ask(address: SocketAddr, method: &str, path: &str) -> Answer {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: 10.244.0.7:9143\r\n\r\n");
    say(address, request.as_bytes()).await
}

/// GET.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, "GET", path).await
}
