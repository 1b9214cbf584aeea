//! STARTTLS: what was received in clear is never understood under TLS.
//!
//! CVE-2011-0411 (Postfix), CVE-2014-3556 (nginx), CVE-2021-33515 (Dovecot): commands that somebody on the way put behind
//! STARTTLS were run as if the mail client had said them under TLS.

#![allow(clippy::expect_used, clippy::unwrap_used)] // a test may fail

#[cfg(test)]
mod dialogue;

use std::sync::Arc;
use std::time::Duration;

use dialogue::{Machine, MailClient, cut};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use saslgate::downstream::{LoginRequest, TlsState};
use saslgate::provider::Protocol;
use saslgate::transport::{Ended, Leg, Link, Patience, Tap, Upgrade, drive};
use saslgate::wire::{Closing, Step};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// How often each protocol's border is tried, each time cut in another way.
const SPLITS: u32 = 200;

/// What comes in clear before the mail client says STARTTLS, STARTTLS itself, and our go-ahead.
fn border(protocol: Protocol) -> (&'static str, &'static str, &'static str) {
    match protocol {
        Protocol::Imap => ("a CAPABILITY\r\n", "b STARTTLS\r\n", "b OK Begin TLS now.\r\n"),
        Protocol::Pop3 => ("CAPA\r\n", "STLS\r\n", "+OK Begin TLS now.\r\n"),
        Protocol::Smtp => ("EHLO x\r\n", "STARTTLS\r\n", "220 2.0.0 Begin TLS now.\r\n"),
    }
}

/// What an attacker puts behind it: a command whose answer the mail client takes for its own, or a login of the attacker's
/// and half a command, into which what the mail client says next is swallowed.
fn suffixes(protocol: Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::Imap => &[
            "XQZVK NOOP\r\n",
            "XQZVK LOGIN mallory pw\r\n",
            "XQZVK LOGIN mallory pw\r\nc APPEND INBOX {500+}\r\n",
            "X",
            "\r\n",
        ],
        Protocol::Pop3 => &[
            "CAPA\r\n",
            "USER mallory\r\nPASS pw\r\n",
            "USER mallory\r\n",
            "C",
            "\r\n",
        ],
        Protocol::Smtp => &[
            "EHLO injected\r\n",
            "EHLO a\r\nAUTH PLAIN AG1hbGxvcnkAcHc=\r\nMAIL FROM:<a@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n",
            "MAIL FROM:<a@x>\r\n",
            "E",
            "\r\n",
        ],
    }
}

fn machine(protocol: Protocol, tls: TlsState) -> MailClient {
    MailClient {
        tls,
        ..MailClient::new(protocol)
    }
}

/// What the dialogue alone makes of pieces, of which those it does not read before the handshake arrive during it.
fn say_in_clear(machine: &MailClient, pieces: &[&[u8]]) -> (String, Closing) {
    let mut dialogue = machine.start();
    let mut written = Vec::new();
    let mut pieces = pieces.iter();
    loop {
        match dialogue.step() {
            Step::Write(bytes) => written.extend(bytes),
            Step::Read => dialogue.receive(pieces.next().expect("the border was not reached")),
            Step::StartTls => {
                pieces.by_ref().for_each(|piece| dialogue.receive(piece));
                dialogue.tls_established();
            }
            Step::Event(LoginRequest { mechanism, .. }) => unreachable!("{mechanism:?} was believed"),
            Step::Close(why) => return (String::from_utf8(written).unwrap_or_default(), why),
        }
    }
}

/// T1 to T5, against the dialogue: the suffix before, with and after the go-ahead, and during the handshake.
#[test]
fn a_suffix_in_clear_ends_the_session_wherever_it_is_cut() {
    for protocol in Protocol::ALL {
        let (before, starttls, go_ahead) = border(protocol);
        let inputs = (
            prop::sample::select(suffixes(protocol)),
            prop::sample::select(&[TlsState::Offered, TlsState::Required][..]),
            vec(any::<usize>(), 0..9),
        );
        let result = TestRunner::new(config()).run(&inputs, |(suffix, tls, places)| {
            let machine = machine(protocol, tls);
            let input = format!("{before}{starttls}{suffix}");
            let (written, why) = say_in_clear(&machine, &cut(input.as_bytes(), &places));
            prop_assert_eq!(why, Closing::PlaintextBeforeTls);
            prop_assert!(written.ends_with(go_ahead), "{}", written);
            prop_assert_eq!(written.matches(go_ahead).count(), 1);
            prop_assert!(!written.contains("XQZVK"));
            Ok(())
        });
        assert_eq!(
            result.map_err(|failure| failure.to_string()),
            Ok(()),
            "{protocol}"
        );
    }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: SPLITS,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Both ends of TLS for `localhost`.
fn tls() -> (Upgrade, TlsConnector) {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der()));
    let certificate = signed.cert.der().clone();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    (Upgrade::Accept(acceptor), TlsConnector::from(Arc::new(client)))
}

/// Serves one mail client until its login or its end.
async fn serve(
    listener: &TcpListener,
    machine: &MailClient,
    upgrade: &Upgrade,
) -> Result<LoginRequest, Ended> {
    let (socket, _) = listener.accept().await.unwrap();
    let mut link = Link::plain(socket);
    let mut dialogue = machine.start();
    let mut patience = Patience::new(Duration::from_secs(30));
    let leg = (&Tap::default(), Leg::Downstream);
    let ended = drive(&mut link, &mut *dialogue, Some(upgrade), &mut patience, leg).await;
    link.close().await;
    ended
}

/// Says pieces in clear, waits for the go-ahead and does the handshake.
async fn connect(
    address: std::net::SocketAddr,
    connector: &TlsConnector,
    pieces: &[&[u8]],
    go_ahead: &str,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    for piece in pieces {
        socket.write_all(piece).await?;
    }
    let mut heard = Vec::new();
    while !heard.ends_with(go_ahead.as_bytes()) {
        heard.push(socket.read_u8().await?);
    }
    connector
        .connect(ServerName::try_from("localhost").unwrap(), socket)
        .await
}

/// T1 to T5 on a socket: the handshake never succeeds behind a suffix, because its bytes are read as a TLS record or end
/// the session before.
#[tokio::test]
async fn behind_a_suffix_no_handshake_succeeds() {
    let (upgrade, connector) = tls();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut runner = TestRunner::new(config());
    for protocol in Protocol::ALL {
        let (before, starttls, go_ahead) = border(protocol);
        let machine = machine(protocol, TlsState::Offered);
        for round in 0..SPLITS as usize {
            let suffix = suffixes(protocol)[round % suffixes(protocol).len()];
            let places = sample(&mut runner);
            let input = format!("{before}{starttls}{suffix}");
            let pieces = cut(input.as_bytes(), &places);
            let (served, connected) = tokio::join!(
                serve(&listener, &machine, &upgrade),
                connect(address, &connector, &pieces, go_ahead),
            );
            assert!(
                connected.is_err(),
                "{protocol}: a handshake behind {suffix:?} in clear"
            );
            let ended = served.expect_err("a login from in clear was believed");
            assert!(
                matches!(
                    ended,
                    Ended::Closed(Closing::PlaintextBeforeTls) | Ended::Tls(_) | Ended::Broken(_)
                ),
                "{protocol}: {ended:?}"
            );
        }
    }
}

fn sample(runner: &mut TestRunner) -> Vec<usize> {
    use proptest::strategy::ValueTree;
    vec(any::<usize>(), 0..6).new_tree(runner).unwrap().current()
}

/// The same without a suffix: TLS comes up, and only what was said under it is answered.
#[tokio::test]
async fn without_a_suffix_the_mail_client_logs_in_under_tls() {
    let (upgrade, connector) = tls();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for protocol in Protocol::ALL {
        let (before, starttls, go_ahead) = border(protocol);
        let machine = machine(protocol, TlsState::Required);
        let input = format!("{before}{starttls}");
        let mail_client = async {
            let pieces = [input.as_bytes()];
            let mut stream = connect(address, &connector, &pieces, go_ahead).await.unwrap();
            let login = match protocol {
                Protocol::Imap => "c LOGIN bob pw\r\n",
                Protocol::Pop3 => "USER bob\r\nPASS pw\r\n",
                Protocol::Smtp => "EHLO x\r\nAUTH PLAIN AGJvYgBwdw==\r\n",
            };
            stream.write_all(login.as_bytes()).await.unwrap();
            let mut said = String::new();
            // The test's server closes at the login; all it said before is what belongs to it.
            let _ = stream.read_to_string(&mut said).await;
            said
        };
        let (served, said) = tokio::join!(serve(&listener, &machine, &upgrade), mail_client);
        assert!(served.is_ok(), "{protocol}: {served:?}");
        let expected = match protocol {
            Protocol::Imap => "",
            Protocol::Pop3 => "+OK Now the password.\r\n",
            Protocol::Smtp => {
                "250-mail.example.com Hello\r\n250-SIZE 157286400\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 AUTH PLAIN LOGIN\r\n"
            }
        };
        assert_eq!(said, expected, "{protocol}");
    }
}
