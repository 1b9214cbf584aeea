//! STARTTLS toward mail clients, over sockets: what somebody on the way puts behind it in clear is never obeyed under
//! TLS (CVE-2011-0411, CVE-2014-3556, CVE-2021-33515).

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use saslgate::provider::Protocol;
use saslgate::sim::{Demo, Settings, Sim};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::config::{Account, Config};
use crate::support::mail_client::{MailClient, plain};
use crate::support::place::Place;
use crate::support::program::Program;
use crate::support::{connect_as_another, soon};

/// STARTTLS, and our go-ahead.
fn border(protocol: Protocol) -> (&'static str, &'static str) {
    match protocol {
        Protocol::Imap => ("s STARTTLS\r\n", "s OK Begin TLS now.\r\n"),
        Protocol::Pop3 => ("STLS\r\n", "+OK Begin TLS now.\r\n"),
        Protocol::Smtp => ("STARTTLS\r\n", "220 2.0.0 Begin TLS now.\r\n"),
    }
}

/// What an attacker puts behind it: commands whose answers the mail client takes for its own; a login of the attacker's,
/// and half a command into which the victim's next words are swallowed.
fn injections(protocol: Protocol, attacker: &Account) -> Vec<String> {
    let Account { login, password, .. } = attacker;
    let message = plain(login, password);
    match protocol {
        Protocol::Imap => vec![
            "XQZVK NOOP\r\n".into(),
            "XQZVK CAPABILITY\r\nx LOGOUT\r\n".into(),
            format!("x AUTHENTICATE PLAIN {message}\r\ny APPEND INBOX {{500}}\r\n"),
            format!("x LOGIN {login} {{{}+}}\r\n", password.len()),
        ],
        Protocol::Pop3 => vec![
            "CAPA\r\n".into(),
            format!("USER {login}\r\n"),
            format!("AUTH PLAIN {message}\r\n"),
            "AUTH PLAIN\r\n".into(),
        ],
        Protocol::Smtp => vec![
            "EHLO injected\r\n".into(),
            "NOOP\r\n".into(),
            format!("EHLO a\r\nAUTH PLAIN {message}\r\nMAIL FROM:<{login}>\r\nRCPT TO:<{login}>\r\nDATA\r\n"),
            "EHLO a\r\nAUTH LOGIN\r\n".into(),
        ],
    }
}

/// When the injected bytes come.
#[derive(Clone, Copy, Debug)]
enum When {
    /// In one segment with STARTTLS.
    Together,
    /// All in segments of one byte.
    ByteByByte,
    /// After our go-ahead, in front of the TLS hello.
    BeforeHello,
    /// In the middle of the TLS hello.
    InsideHello,
}

const WHENS: [When; 4] = [
    When::Together,
    When::ByteByByte,
    When::BeforeHello,
    When::InsideHello,
];

/// A connection into whose first flight somebody puts bytes after so many of its own.
struct Injected {
    socket: TcpStream,
    own: usize,
    bytes: Vec<u8>,
}

impl AsyncWrite for Injected {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let this = &mut *self;
        if this.own == 0 && !this.bytes.is_empty() {
            // Loopback takes a few hundred bytes at once.
            let written = std::task::ready!(Pin::new(&mut this.socket).poll_write(cx, &this.bytes))?;
            assert_eq!(written, this.bytes.len());
            this.bytes.clear();
        }
        let most = if this.bytes.is_empty() {
            buffer.len()
        } else {
            this.own.min(buffer.len())
        };
        let written = std::task::ready!(Pin::new(&mut this.socket).poll_write(cx, &buffer[..most]))?;
        this.own = this.own.saturating_sub(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

impl AsyncRead for Injected {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

/// Reads up to this end, or to the connection's.
async fn heard_until(socket: &mut TcpStream, end: &str) -> String {
    let mut heard = Vec::new();
    while !heard.ends_with(end.as_bytes()) {
        match soon("an answer", socket.read_u8()).await {
            Ok(byte) => heard.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&heard).into_owned()
}

/// Everything that the victim hears, in clear and under TLS, of a session into which that is injected.
async fn victim_hears(
    protocol: Protocol,
    address: SocketAddr,
    trusting: &Arc<ClientConfig>,
    injection: &str,
    when: When,
) -> String {
    let (starttls, go_ahead) = border(protocol);
    let mut socket = connect_as_another(address).await;
    socket.set_nodelay(true).unwrap();
    let mut heard = heard_until(&mut socket, "\r\n").await;
    let said = match when {
        When::Together | When::ByteByByte => format!("{starttls}{injection}"),
        When::BeforeHello | When::InsideHello => starttls.to_owned(),
    };
    if matches!(when, When::ByteByByte) {
        for byte in said.bytes() {
            let _ = socket.write_all(&[byte]).await;
            tokio::task::yield_now().await;
        }
    } else {
        let _ = socket.write_all(said.as_bytes()).await;
    }
    heard += &heard_until(&mut socket, go_ahead).await;
    let (own, bytes) = match when {
        When::Together | When::ByteByByte => (0, Vec::new()),
        When::BeforeHello => (0, injection.as_bytes().to_vec()),
        When::InsideHello => (40, injection.as_bytes().to_vec()),
    };
    let connector = TlsConnector::from(Arc::clone(trusting));
    let name = ServerName::try_from("localhost").unwrap();
    let socket = Injected { socket, own, bytes };
    if let Ok(mut tls) = soon("TLS, or its failure", connector.connect(name, socket)).await {
        let _ = tls.write_all(b"a NOOP\r\nQUIT\r\n").await;
        let _ = tls.shutdown().await;
        let mut rest = Vec::new();
        let _ = soon("the end", tls.read_to_end(&mut rest)).await;
        heard += "[TLS] ";
        heard += &String::from_utf8_lossy(&rest);
    }
    heard
}

#[tokio::test]
async fn what_an_attacker_puts_behind_starttls_is_obeyed() {
    let sim = Sim::start(Settings::default()).unwrap();
    let (attacker, victim) = (Account::new(Demo::BOB), Account::new(Demo::ALICE));
    let mut tried = 0;
    for tls in ["starttls", "starttls-optional"] {
        let config = Config::new(&sim)
            .account(&attacker)
            .account(&victim)
            .listeners(Protocol::ALL.map(|protocol| (protocol, tls)));
        let gate = Program::start(Place::new(&sim), &config).await;
        let trusting = gate.place.trusting();
        for protocol in Protocol::ALL {
            let address = gate.addresses.with_tls(protocol, tls);
            for injection in injections(protocol, &attacker) {
                for when in WHENS {
                    let heard = victim_hears(protocol, address, &trusting, &injection, when).await;
                    assert!(
                        !heard.contains("[TLS]"),
                        "{protocol} {when:?} {injection:?}: TLS came up, and the victim heard {heard:?}"
                    );
                    let answers = heard
                        .lines()
                        .skip(1)
                        .filter(|line| *line != border(protocol).1.trim_end());
                    assert_eq!(answers.count(), 0, "{protocol} {when:?} {injection:?}: {heard:?}");
                    tried += 1;
                }
            }
            // With nothing injected the border is passable, and nobody was harmed.
            let heard = victim_hears(protocol, address, &trusting, "", When::Together).await;
            assert!(heard.contains("[TLS] "), "{protocol}: {heard:?}");
            let mut client = MailClient::greeted(protocol, address).await;
            client.say(border(protocol).0.trim_end()).await;
            assert_eq!(client.line().await, border(protocol).1.trim_end());
            let mut client = client.start_tls(&trusting).await.unwrap();
            let reply = client.log_in(&victim.login, &victim.password).await;
            assert!(reply.is_yes(), "{protocol}: {reply:?}");
        }
        let ends = gate.log.since(0);
        let told = ends.iter().filter(|line| {
            line["outcome"].as_str().is_some_and(|outcome| {
                outcome == "bytes in clear followed STARTTLS" || outcome.starts_with("TLS failed: ")
            })
        });
        assert_eq!(told.count(), 3 * 4 * 4, "each has its line");
    }
    assert_eq!(tried, 2 * 3 * 4 * 4);
    // Only the victim's own logins went upstream.
    let users: Vec<_> = sim
        .exchange()
        .sessions()
        .into_iter()
        .map(|session| session.user)
        .collect();
    assert_eq!(users.len(), 6);
    assert!(
        users.iter().all(|user| user.as_deref() == Some(Demo::ALICE)),
        "{users:?}"
    );
}
