//! B7: what is no HTTP, too much of it, or two requests in one.

use super::Attack;
use crate::rig::Rig;

fn raw(what: impl Into<String>, request: String, refused: &'static [u16]) -> Attack {
    Attack {
        threat: "B7",
        what: what.into(),
        request,
        refused,
    }
}

pub(super) fn parsing(rig: &Rig) -> Vec<Attack> {
    let host = format!("Host: localhost:{}\r\n", rig.port);
    let mut attacks = too_much(&host);
    attacks.extend(no_http(&host, rig.port));
    attacks.extend(two_in_one(&host));
    attacks.extend(methods(&host, rig.port));
    attacks
}

/// A reset may overtake the answer to what was not read to its end.
fn too_much(host: &str) -> Vec<Attack> {
    vec![
        raw(
            "a long header",
            format!("GET / HTTP/1.1\r\n{host}X: {}\r\n\r\n", "y".repeat(20_000)),
            &[0, 431],
        ),
        raw(
            "many headers",
            format!("GET / HTTP/1.1\r\n{host}{}\r\n", "X: y\r\n".repeat(1_000)),
            &[0, 431],
        ),
        raw(
            "a long address",
            format!("GET /{} HTTP/1.1\r\n{host}\r\n", "y".repeat(70_000)),
            &[0, 414, 431],
        ),
        raw(
            "a body without end",
            format!(
                "POST /login HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n{}",
                format!("1000\r\n{}\r\n", "x".repeat(4096)).repeat(20)
            ),
            &[0, 413],
        ),
        raw(
            "a chunk longer than numbers go",
            format!("POST /login HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx"),
            &[0, 400],
        ),
    ]
}

fn no_http(host: &str, port: u16) -> Vec<Attack> {
    let bad: &[u16] = &[0, 400];
    let head = |what: &str, head: String| raw(what, format!("GET / HTTP/1.1\r\n{head}\r\n"), bad);
    vec![
        raw("TLS", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}".repeat(200), bad),
        raw("IMAP", "a1 LOGIN alice password\r\n\r\n".to_owned(), bad),
        raw("HTTP/0.9", "GET /\r\n\r\n".to_owned(), bad),
        raw(
            "HTTP/2",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
            &[0, 400, 505],
        ),
        raw(
            "HTTP/9.9",
            format!("GET / HTTP/9.9\r\n{host}\r\n"),
            &[0, 400, 505],
        ),
        head(
            "a folded name",
            format!("Host: localhost:{port}\r\n .evil.test\r\n"),
        ),
        head("a folded header", format!("{host}X: a\r\n\tb\r\n")),
        head("a space before the colon", format!("Host : localhost:{port}\r\n")),
        head("a NUL in a header", format!("{host}X: a\0b\r\n")),
        head("a carriage return in a header", format!("{host}X: a\rb\r\n")),
        head("a header without a name", format!("{host}: x\r\n")),
        raw(
            "a space in the address",
            format!("GET / evil HTTP/1.1\r\n{host}\r\n"),
            bad,
        ),
        raw(
            "a header before the first line",
            format!("{host}GET / HTTP/1.1\r\n\r\n"),
            bad,
        ),
    ]
}

/// RFC 9112 11.2: where a proxy and saslgate disagree about the end of a request, the rest would be another one. Nothing behind
/// the first is ever read: its answer closes the connection.
fn two_in_one(host: &str) -> Vec<Attack> {
    let hidden = format!("GET /style.css HTTP/1.1\r\n{host}\r\n");
    let post = |what: &str, lengths: &str, body: &str, refused| {
        raw(
            what,
            format!("POST /login HTTP/1.1\r\n{host}{lengths}\r\n{body}{hidden}"),
            refused,
        )
    };
    let bad: &[u16] = &[0, 400];
    let no: &[u16] = &[0, 400, 403];
    vec![
        post(
            "two lengths",
            "Content-Length: 1\r\nContent-Length: 2\r\n",
            "xy",
            bad,
        ),
        post("two lengths in a line", "Content-Length: 1, 2\r\n", "xy", bad),
        post("a negative length", "Content-Length: -1\r\n", "", bad),
        post("a length with a sign", "Content-Length: +1\r\n", "x", bad),
        post("a length in hexadecimal", "Content-Length: 0x1\r\n", "x", bad),
        post(
            "a length, and chunks",
            "Content-Length: 60\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
            no,
        ),
        post(
            "chunks, and a length",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "0\r\n\r\n",
            no,
        ),
        post(
            "chunks of another kind",
            "Transfer-Encoding: xchunked\r\n",
            "0\r\n\r\n",
            bad,
        ),
        post(
            "chunks and then something",
            "Transfer-Encoding: chunked, identity\r\n",
            "0\r\n\r\n",
            bad,
        ),
        post(
            "chunks before the colon",
            "Transfer-Encoding : chunked\r\n",
            "0\r\n\r\n",
            bad,
        ),
        post("a body that ends early", "Content-Length: 1\r\n", "x", no),
        post("no length", "", "", no),
        post(
            "a chunk in no hexadecimal",
            "Transfer-Encoding: chunked\r\n",
            "z\r\nx\r\n0\r\n\r\n",
            no,
        ),
        raw(
            "a request behind one",
            format!("TRACE / HTTP/1.1\r\n{host}\r\n{hidden}"),
            &[405],
        ),
        raw(
            "a request behind one that asks to go on",
            format!("TRACE / HTTP/1.1\r\n{host}Connection: keep-alive\r\n\r\n{hidden}"),
            &[405],
        ),
        raw(
            "a change of the protocol",
            format!(
                "GET /account HTTP/1.1\r\n{host}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
            ),
            &[303],
        ),
    ]
}

fn methods(host: &str, port: u16) -> Vec<Attack> {
    let mut attacks: Vec<_> = ["TRACE", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "get"]
        .map(|method| raw(method, format!("{method} / HTTP/1.1\r\n{host}\r\n"), &[405]))
        .into();
    attacks.extend([
        raw(
            "OPTIONS of everything",
            format!("OPTIONS * HTTP/1.1\r\n{host}\r\n"),
            &[405],
        ),
        raw(
            "a tunnel to ourselves",
            format!("CONNECT localhost:{port} HTTP/1.1\r\n{host}\r\n"),
            &[405],
        ),
        raw(
            "a tunnel elsewhere",
            format!("CONNECT evil.test:443 HTTP/1.1\r\n{host}\r\n"),
            &[421],
        ),
        raw(
            "HEAD of a page of operators",
            format!("HEAD /account?name=grace HTTP/1.1\r\n{host}\r\n"),
            &[303],
        ),
        raw(
            "HEAD of a deed",
            format!("HEAD /reload HTTP/1.1\r\n{host}\r\n"),
            &[404],
        ),
    ]);
    attacks
}
