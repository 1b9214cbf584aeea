//! A browser, as plain as what it writes: it keeps cookies, and says of a form where it comes from.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::soon;

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// 0 if nothing did.
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The values of a header.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }

    /// The value of a header that is there once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let all = self.headers(name);
        assert!(all.len() < 2, "{name} is there twice: {}", self.head);
        all.first().copied()
    }

    /// The token of the page's forms.
    pub(crate) fn token(&self) -> String {
        self.between("name=\"token\" value=\"", "\"")
    }

    /// What of the page stands between two texts, with its entities decoded.
    pub(crate) fn between(&self, before: &str, after: &str) -> String {
        let found = self
            .body
            .split_once(before)
            .and_then(|(_, rest)| rest.split_once(after));
        let Some((found, _)) = found else {
            panic!("no {before:?}: {} {}", self.status, self.body)
        };
        found
            .replace("&#39;", "'")
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
    }
}

/// Says all of it, and reads to the end, however it comes.
pub(crate) async fn say(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = soon("a connection", TcpStream::connect(address)).await.unwrap();
    // Whoever is refused in the middle of a long request has the answer all the same, or not: both are right.
    let _ = soon("the request", stream.write_all(request)).await;
    let mut bytes = Vec::new();
    let _ = soon("an answer", stream.read_to_end(&mut bytes)).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Answer {
        status: status.unwrap_or(0),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

/// Waits until nobody is at an address any more.
pub(crate) async fn deserted(address: SocketAddr) {
    let is_answered = || async { TcpStream::connect(address).await.is_ok() };
    soon("nobody at the address", async {
        while is_answered().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A browser at the page.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    address: SocketAddr,
    pub(crate) cookies: BTreeMap<String, String>,
    /// Further lines of each request's head.
    pub(crate) more_head: String,
    /// Every page that it was shown.
    pub(crate) seen: Vec<Answer>,
}

impl Browser {
    pub(crate) fn new(port: u16) -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            cookies: BTreeMap::new(),
            more_head: String::new(),
            seen: Vec::new(),
        }
    }

    /// What the page is called.
    pub(crate) fn origin(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    /// `Host` and `Cookie`.
    pub(crate) fn usual_head(&self) -> String {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let cookies = if cookies.is_empty() {
            String::new()
        } else {
            format!("Cookie: {}\r\n", cookies.join("; "))
        };
        format!(
            "Host: localhost:{}\r\n{}{cookies}",
            self.address.port(),
            self.more_head
        )
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = format!("GET {path} HTTP/1.1\r\n{}\r\n", self.usual_head());
        self.says(&request).await
    }

    /// Sends a form as a browser does from a page that says nothing of where somebody comes from.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = format!(
            "POST {path} HTTP/1.1\r\n{}Origin: null\r\nSec-Fetch-Site: same-origin\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.usual_head(),
            body.len()
        );
        self.says(&request).await
    }

    /// Loads a page, and sends its form with these fields besides.
    pub(crate) async fn submit(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.get(page).await.token();
        let mut all = vec![("token", token.as_str())];
        all.extend(fields);
        self.post(action, &all).await
    }

    /// Logs in: the answer to the form.
    pub(crate) async fn log_in(&mut self, password: &str) -> Answer {
        self.submit("/login", "/login", &[("password", password)]).await
    }

    async fn says(&mut self, request: &str) -> Answer {
        let answer = say(self.address, request.as_bytes()).await;
        for line in answer.headers("set-cookie") {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        self.seen.push(answer.clone());
        answer
    }
}
