//! Who does not belong here: browsers, other protocols, TLS that is too old.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use saslgate::provider::Protocol;
use saslgate::sim::{Demo, Settings, Sim};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::config::{Account, Config};
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::Program;
use crate::support::{connect_as_another, soon, until};

/// How soon a stranger is shown out. Measured three times, for the machine may be busy.
const AT_ONCE: Duration = Duration::from_secs(5);

/// What would be seen in an answer that repeats what was said.
const CANARY: &str = "<script>alert(1)</script>";

/// Says something to a listener; everything that comes back until the end, and how long that took.
async fn answer_to(address: SocketAddr, said: &[u8]) -> (String, Duration) {
    let mut socket = connect_as_another(address).await;
    let begun = Instant::now();
    let mut heard = Vec::new();
    let _ = socket.write_all(said).await;
    let _ = soon("the end", socket.read_to_end(&mut heard)).await;
    (String::from_utf8_lossy(&heard).into_owned(), begun.elapsed())
}

/// The same; the shortest time of three.
async fn answers_to(address: SocketAddr, said: &[u8]) -> (String, Duration) {
    let mut shortest = Duration::MAX;
    for _ in 0..3 {
        let (heard, time) = answer_to(address, said).await;
        shortest = shortest.min(time);
        if time < AT_ONCE {
            return (heard, time);
        }
    }
    (String::new(), shortest)
}

/// Openings that belong to none of our protocols.
fn openings() -> Vec<Vec<u8>> {
    let texts = [
        "GET /CANARY HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "POST /CANARY HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\na LOGIN LOGIN PASSWORD\r\n",
        "POST / HTTP/1.1\r\n\r\nUSER LOGIN\r\nPASS PASSWORD\r\n",
        "OPTIONS * HTTP/1.1\r\nOrigin: CANARY\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "Host: CANARY\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\na LOGIN LOGIN PASSWORD\r\n",
    ];
    let mut openings: Vec<_> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    openings.push(hello(0x0303, &[0x13, 0x01], &[]));
    openings
}

/// Openings of the other mail protocols.
fn foreign(home: Protocol) -> impl Iterator<Item = &'static str> {
    let verbs = [
        (Protocol::Imap, "a1 LOGIN CANARY x\r\n"),
        (Protocol::Imap, "a1 CAPABILITY\r\n"),
        (Protocol::Pop3, "USER CANARY\r\n"),
        (Protocol::Pop3, "CAPA\r\n"),
        (Protocol::Smtp, "EHLO CANARY\r\n"),
        (Protocol::Smtp, "MAIL FROM:<CANARY>\r\n"),
    ];
    verbs
        .into_iter()
        .filter(move |(protocol, _)| *protocol != home)
        .map(|(_, text)| text)
}

#[tokio::test]
async fn strangers_are_listened_to_or_hear_their_own_words() {
    let sim = Sim::start(Settings::default()).unwrap();
    let alice = Account::new(Demo::ALICE);
    let gate = Program::start(Place::new(&sim), &Config::new(&sim).account(&alice)).await;
    let mut healthy = MailClient::logged_in(Protocol::Imap, gate.addresses.of(Protocol::Imap), &alice).await;
    let mark = gate.log.mark();
    let mut shown_out = 0;

    for protocol in Protocol::ALL {
        let others = foreign(protocol).map(|text| text.as_bytes().to_vec());
        for opening in openings().into_iter().chain(others) {
            let text = String::from_utf8_lossy(&opening)
                .replace("CANARY", CANARY)
                .replace("LOGIN PASSWORD", &format!("{} {}", alice.login, alice.password));
            let said = if opening[0] == 0x16 {
                opening
            } else {
                text.clone().into_bytes()
            };
            let (heard, time) = answers_to(gate.addresses.of(protocol), &said).await;
            let answer = heard.split_once("\r\n").map_or("", |(_greeting, answer)| answer);
            let name = protocol.name().to_uppercase();
            let expected = match protocol {
                Protocol::Imap => format!("* BYE This port speaks {name} only.\r\n"),
                Protocol::Pop3 => format!("-ERR This port speaks {name} only.\r\n"),
                Protocol::Smtp => format!("421 4.7.0 This port speaks {name} only.\r\n"),
            };
            assert_eq!(answer, expected, "{protocol}: {text:?} after {time:?}");
            shown_out += 1;
        }
    }

    assert_eq!(shown_out, 3 * (8 + 4));
    assert!(healthy.is_relayed().await);
    assert_eq!(sim.exchange().counts().accepted, 1, "nobody else came through");
    let ends = || {
        let lines = gate.log.since(mark);
        let outcomes = lines.iter().filter_map(|line| line["outcome"].as_str());
        outcomes
            .filter(|outcome| outcome.starts_with("the peer speaks "))
            .count()
    };
    // A line is written after the connection is closed.
    until(Duration::from_secs(30), "each has its line", || {
        ends() >= shown_out
    })
    .await;
}

#[tokio::test]
async fn clear_text_on_a_tls_port_is_answered_or_waited_for() {
    let sim = Sim::start(Settings::default()).unwrap();
    let modes = Protocol::ALL.map(|protocol| (protocol, "implicit"));
    let config = Config::new(&sim)
        .account(&Account::new(Demo::ALICE))
        .listeners(modes);
    let gate = Program::start(Place::new(&sim), &config).await;
    for protocol in Protocol::ALL {
        let address = gate.addresses.with_tls(protocol, "implicit");
        for said in ["a NOOP\r\n", "GET / HTTP/1.1\r\n\r\n", "EHLO x\r\n"] {
            let (heard, time) = answers_to(address, said.as_bytes()).await;
            assert!(time < AT_ONCE, "{time:?}");
            assert!(!heard.contains('\n'), "{heard:?}");
        }
    }
}

#[tokio::test]
async fn a_browser_that_names_http_in_its_tls_hello_is_let_in() {
    let sim = Sim::start(Settings::default()).unwrap();
    let modes = Protocol::ALL.map(|protocol| (protocol, "implicit"));
    let config = Config::new(&sim)
        .account(&Account::new(Demo::ALICE))
        .listeners(modes);
    let gate = Program::start(Place::new(&sim), &config).await;
    for protocol in Protocol::ALL {
        let address = gate.addresses.with_tls(protocol, "implicit");
        for (names, welcome) in [
            (&["h2", "http/1.1"][..], false),
            (&["http/1.1"], false),
            (&[protocol.name()], true),
            (&[], true),
        ] {
            let mut tls = (*gate.place.trusting()).clone();
            tls.alpn_protocols = names.iter().map(|name| name.as_bytes().to_vec()).collect();
            let client = MailClient::connect(protocol, address).await;
            let secured = client.start_tls(&Arc::new(tls)).await;
            assert_eq!(secured.is_ok(), welcome, "{protocol} {names:?}");
        }
    }
}

/// A TLS hello of that version (RFC 5246 7.4.1.2), with those two-byte cipher suites and extensions.
fn hello(version: u16, suites: &[u8], extensions: &[u8]) -> Vec<u8> {
    fn counted(bytes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        [&length[..], bytes].concat()
    }
    let body = [
        &version.to_be_bytes()[..],
        &[7; 32],
        &[0],
        &counted(suites),
        &[1, 0],
        &if extensions.is_empty() {
            Vec::new()
        } else {
            counted(extensions)
        },
    ]
    .concat();
    let message = [&[1, 0][..], &counted(&body)].concat();
    [&[0x16, 3, 1][..], &counted(&message)].concat()
}

/// Hellos of old devices, and what the log says of them.
fn old_hellos() -> Vec<(Vec<u8>, &'static str)> {
    const RSA_AES_128_CBC_SHA: [u8; 2] = [0x00, 0x2f];
    const ECDHE_RSA_AES_128_GCM_SHA256: [u8; 2] = [0xc0, 0x2f];
    // RFC 8422 5.1.1 and RFC 5246 7.4.1.4.1: x25519; RSA with SHA-256.
    const GROUPS: [u8; 8] = [0, 10, 0, 4, 0, 2, 0, 29];
    const SIGNATURES: [u8; 8] = [0, 13, 0, 4, 0, 2, 4, 1];
    const TOO_OLD: &str = "a device offered nothing newer than TLS 1.1, or a TLS 1.2 that signs with SHA-1";
    let both = [GROUPS, SIGNATURES].concat();
    let mut hellos: Vec<_> = [0x0300, 0x0301, 0x0302]
        .into_iter()
        .flat_map(|version| {
            [
                (hello(version, &RSA_AES_128_CBC_SHA, &[]), TOO_OLD),
                (hello(version, &ECDHE_RSA_AES_128_GCM_SHA256, &GROUPS), TOO_OLD),
                (hello(version, &ECDHE_RSA_AES_128_GCM_SHA256, &both), TOO_OLD),
            ]
        })
        .collect();
    hellos.push((hello(0x0303, &ECDHE_RSA_AES_128_GCM_SHA256, &GROUPS), TOO_OLD));
    hellos.push((
        hello(0x0303, &RSA_AES_128_CBC_SHA, &both),
        "a device offered no cipher suite that is still safe",
    ));
    hellos
}

/// A connection on which TLS is about to start.
async fn about_to_start_tls(address: SocketAddr, tls: &str) -> TcpStream {
    let mut socket = connect_as_another(address).await;
    if tls == "starttls" {
        socket.write_all(b"STARTTLS\r\n").await.unwrap();
        let mut heard = Vec::new();
        while !heard.ends_with(b"220 2.0.0 Begin TLS now.\r\n") {
            heard.push(soon("the answer", socket.read_u8()).await.unwrap());
        }
    }
    socket
}

#[tokio::test]
async fn a_device_with_old_tls_leaves_no_trace_in_the_log() {
    let sim = Sim::start(Settings::default()).unwrap();
    let config = Config::new(&sim).account(&Account::new(Demo::ALICE)).listeners([
        (Protocol::Imap, "implicit"),
        (Protocol::Pop3, "implicit"),
        (Protocol::Smtp, "starttls"),
    ]);
    let gate = Program::start(Place::new(&sim), &config).await;
    let mut seen = 0;
    for (hello, what) in old_hellos() {
        for (protocol, tls) in &config.listeners {
            let mut socket = about_to_start_tls(gate.addresses.with_tls(*protocol, tls), tls).await;
            let mark = gate.log.mark();
            socket.write_all(&hello).await.unwrap();
            let line = gate.log.message(mark, "TLS refused").await;
            assert_eq!(line["what"], what, "{hello:02x?}");
            let own = socket.local_addr().unwrap().to_string();
            assert_eq!(line["peer"].as_str(), Some(own.as_str()), "{line}");
            assert_eq!(line["protocol"].as_str(), Some(protocol.name()), "{line}");
            seen += 1;
        }
    }
    assert_eq!(seen, 33);
}

/// Thunderbird, Outlook and scanners end the handshake when they do not know who issued the certificate; what they show is no help.
#[tokio::test]
async fn a_mail_client_that_trusts_nobody_is_explained_in_the_log() {
    let sim = Sim::start(Settings::default()).unwrap();
    let config = Config::new(&sim)
        .account(&Account::new(Demo::ALICE))
        .listeners([(Protocol::Imap, "implicit"), (Protocol::Smtp, "starttls")]);
    let gate = Program::start(Place::new(&sim), &config).await;
    let trusts_nobody = Arc::new(
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth(),
    );
    for (protocol, tls) in &config.listeners {
        let mark = gate.log.mark();
        let address = gate.addresses.with_tls(*protocol, tls);
        let socket = about_to_start_tls(address, tls).await;
        let failed = MailClient::over(*protocol, socket)
            .start_tls(&trusts_nobody)
            .await;
        assert!(failed.is_err());
        let line = gate.log.message(mark, "TLS refused").await;
        assert_eq!(
            line["what"],
            "a mail client does not trust the certificate of this listener (unknown_ca)"
        );
        let fix = line["fix"].as_str().unwrap();
        assert!(fix.contains("ca.pem") && fix.contains("saslgate certs"), "{fix}");
    }
}

/// A mail client that is set to STARTTLS says it and leaves, and shows no more than that it could not connect.
#[tokio::test]
async fn starttls_where_there_is_no_tls_is_explained_once_and_named_each_time() {
    const WHAT: &str = "a mail client asked for STARTTLS on a port without TLS";
    let sim = Sim::start(Settings::default()).unwrap();
    let modes = Protocol::ALL.map(|protocol| (protocol, "off"));
    let config = Config::new(&sim)
        .account(&Account::new(Demo::ALICE))
        .listeners(modes);
    let gate = Program::start(Place::new(&sim), &config).await;
    let mut seen = 0;
    for protocol in Protocol::ALL {
        let script = match protocol {
            Protocol::Imap => {
                "C: a1 STARTTLS\nS: a1 BAD STARTTLS is not offered here.\nC: a2 LOGOUT\nS: * BYE Goodbye.\nS: a2 OK Done."
            }
            Protocol::Pop3 => "C: STLS\nS: -ERR STLS is not offered here.\nC: QUIT\nS: +OK Goodbye.",
            Protocol::Smtp => {
                "C: STARTTLS\nS: 502 5.5.1 STARTTLS is not offered here.\nC: QUIT\nS: 221 2.0.0 Goodbye."
            }
        };
        let mark = gate.log.mark();
        let address = gate.addresses.with_tls(protocol, "off");
        let source = connect_as_another(address).await.local_addr().unwrap().ip();
        for _ in 0..3 {
            let again = tokio::net::TcpSocket::new_v4().unwrap();
            again.bind((source, 0).into()).unwrap();
            let mut socket = soon("a connection", again.connect(address)).await.unwrap();
            hear_line(&mut socket).await;
            for line in script.lines() {
                match line.split_at(3) {
                    ("C: ", said) => socket.write_all(format!("{said}\r\n").as_bytes()).await.unwrap(),
                    (_, expected) => assert_eq!(hear_line(&mut socket).await, format!("{expected}\r\n")),
                }
            }
        }
        let ends = || {
            let lines = gate.log.since(mark);
            let outcomes = lines.iter().filter_map(|line| line["outcome"].as_str());
            outcomes.filter(|outcome| outcome.ends_with(WHAT)).count()
        };
        until(Duration::from_secs(30), "each session's end names it", || {
            ends() == 3
        })
        .await;
        let line = gate.log.message(mark, "TLS refused").await;
        assert_eq!(line["what"], WHAT);
        assert!(
            line["fix"]
                .as_str()
                .unwrap()
                .starts_with("set the mail client to no encryption (none)")
        );
        let told = gate.log.since(mark);
        let told = told.iter().filter(|line| line["event"] == "tls_refused").count();
        assert_eq!(told, 1, "{protocol}");
        seen += 1;
    }
    assert_eq!(seen, 3);
}

/// A mail client that is set to SSL/TLS resets the connection over the greeting; one that judges the certificate's name when the
/// handshake is over (curl, .NET) hangs up. Neither says a word, and monitors do the same: a hint, and no warning.
#[tokio::test]
async fn who_leaves_without_a_word_leaves_a_hint() {
    const CLEAR: &str = "perhaps the mail client is set to SSL/TLS: this port begins in clear";
    const NAMES: &str = "perhaps it does not believe the certificate: it asked for localhost (SNI), the certificate is for localhost";
    let sim = Sim::start(Settings::default()).unwrap();
    let config = Config::new(&sim).account(&Account::new(Demo::ALICE)).listeners([
        (Protocol::Imap, "off"),
        (Protocol::Pop3, "starttls"),
        (Protocol::Smtp, "starttls"),
        (Protocol::Imap, "implicit"),
    ]);
    let gate = Program::start(Place::new(&sim), &config).await;
    let cases = [
        (Protocol::Imap, "off", Leaves::Reset, Some(CLEAR)),
        (Protocol::Pop3, "starttls", Leaves::Reset, Some(CLEAR)),
        // As a scanner of ports does.
        (Protocol::Pop3, "starttls", Leaves::Closed, None),
        (Protocol::Imap, "implicit", Leaves::AfterTls, Some(NAMES)),
        (Protocol::Smtp, "starttls", Leaves::AfterTls, Some(NAMES)),
        // What has said something has believed the certificate.
        (Protocol::Imap, "implicit", Leaves::AfterWord, None),
    ];
    let mut seen = 0;
    for (protocol, tls, how, hint) in cases {
        let mark = gate.log.mark();
        let mut socket =
            about_to_start_tls(gate.addresses.with_tls(protocol, tls), tls_of(protocol, tls)).await;
        match how {
            Leaves::Reset | Leaves::Closed => {
                hear_line(&mut socket).await;
                if matches!(how, Leaves::Reset) {
                    let linger = Some(Duration::ZERO);
                    socket2::SockRef::from(&socket).set_linger(linger).unwrap();
                }
                drop(socket);
            }
            Leaves::AfterTls | Leaves::AfterWord => {
                let client = MailClient::over(protocol, socket);
                let mut client = client.start_tls(&gate.place.trusting()).await.unwrap();
                if protocol == Protocol::Imap {
                    assert!(!client.line().await.is_empty());
                }
                if matches!(how, Leaves::AfterWord) {
                    client.say("a NOOP").await;
                    assert_eq!(client.line().await, "a OK Done.");
                }
            }
        }
        let line = gate.log.message(mark, "session ended without a login").await;
        match hint {
            Some(hint) => assert!(
                line["hint"].as_str().unwrap_or_default().starts_with(hint),
                "{line}"
            ),
            None => assert!(line["hint"].is_null(), "{line}"),
        }
        let lines = gate.log.since(mark);
        assert!(
            !lines.iter().any(|line| line["event"] == "tls_refused"),
            "{lines:?}"
        );
        seen += 1;
    }
    assert_eq!(seen, 6);
}

/// How a mail client leaves.
#[derive(Clone, Copy)]
enum Leaves {
    Reset,
    Closed,
    AfterTls,
    AfterWord,
}

/// Only the SMTP one starts TLS by a command here.
fn tls_of(protocol: Protocol, tls: &str) -> &str {
    if protocol == Protocol::Smtp { tls } else { "off" }
}

/// One line, with its end.
async fn hear_line(socket: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    while !heard.ends_with(b"\r\n") {
        heard.push(soon("a line", socket.read_u8()).await.unwrap());
    }
    String::from_utf8(heard).unwrap()
}

/// What a listener says of a mail client that is set to another kind of TLS.
#[tokio::test]
async fn a_mail_client_on_the_wrong_kind_of_port_is_explained_in_the_log() {
    let sim = Sim::start(Settings::default()).unwrap();
    let config = Config::new(&sim).account(&Account::new(Demo::ALICE)).listeners([
        (Protocol::Imap, "implicit"),
        (Protocol::Imap, "off"),
        (Protocol::Pop3, "starttls"),
        (Protocol::Smtp, "starttls"),
    ]);
    let gate = Program::start(Place::new(&sim), &config).await;
    let hello = hello(0x0303, &[0x13, 0x01], &[]);
    let cases: [(Protocol, &str, &[u8], &str); 5] = [
        (
            Protocol::Imap,
            "implicit",
            b"a1 CAPABILITY\r\n",
            "set the mail client to SSL/TLS",
        ),
        (
            Protocol::Imap,
            "off",
            &hello,
            "set the mail client to no encryption",
        ),
        (
            Protocol::Smtp,
            "starttls",
            &hello,
            "set the mail client to STARTTLS",
        ),
        // With a login to say, or without: mail programs go on without one where TLS did not come first.
        (
            Protocol::Smtp,
            "starttls",
            b"EHLO printer\r\nMAIL FROM:<a@contoso.com>\r\nRCPT TO:<b@contoso.com>\r\nQUIT\r\n",
            "set the mail client to STARTTLS for this port (TLS, not none",
        ),
        (
            Protocol::Pop3,
            "starttls",
            b"USER a\r\nPASS b\r\nQUIT\r\n",
            "set the mail client to STARTTLS for this port (TLS, not none",
        ),
    ];
    for (protocol, tls, said, fix) in cases {
        let (mark, address) = (gate.log.mark(), gate.addresses.with_tls(protocol, tls));
        // A device tries again and again: one line is enough.
        let socket = connect_as_another(address).await;
        let source = socket.local_addr().unwrap().ip();
        drop(socket);
        for _ in 0..3 {
            let again = tokio::net::TcpSocket::new_v4().unwrap();
            again.bind((source, 0).into()).unwrap();
            let mut socket = soon("a connection", again.connect(address)).await.unwrap();
            socket.write_all(said).await.unwrap();
            let mut rest = Vec::new();
            let _ = soon("the end", socket.read_to_end(&mut rest)).await;
        }
        let line = gate.log.message(mark, "TLS refused").await;
        assert!(line["fix"].as_str().unwrap().starts_with(fix), "{tls}: {line}");
        let mut ends = 0;
        until(Duration::from_secs(30), "the sessions' ends in the log", || {
            ends = gate
                .log
                .since(mark)
                .iter()
                .filter(|line| line["event"] == "session_without_login")
                .count();
            // One more is of the connection that was dropped.
            ends >= 4
        })
        .await;
        let told = gate.log.since(mark);
        let what = line["what"].as_str().unwrap();
        let named = told.iter().filter(|line| {
            line["outcome"]
                .as_str()
                .is_some_and(|outcome| outcome.ends_with(what))
        });
        assert_eq!(named.count(), 3, "{tls}: each session names it");
        let told = told.iter().filter(|line| line["event"] == "tls_refused").count();
        assert_eq!(told, 1, "{tls}");
    }
}
