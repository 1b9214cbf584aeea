//! The PROXY protocol: what a balancer says of a connection is believed, from balancers alone.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use saslgate::provider::Protocol::{self, Imap, Pop3, Smtp};
use saslgate::sim::{Demo, Settings, Sim};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::config::{Account, Config};
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::Program;
use crate::support::{mailbox, soon};

const BALANCER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 5);
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 6);

const BEHIND: &str = "proxy_protocol = true\nproxy_from = [\"127.0.0.5\"]";

async fn socket(source: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((source, 0).into()).unwrap();
    soon("a connection", socket.connect(to)).await.unwrap()
}

/// A mail client behind the balancer, which says that.
async fn behind(protocol: Protocol, to: SocketAddr, header: &[u8]) -> MailClient {
    let mut socket = socket(BALANCER, to).await;
    socket.write_all(header).await.unwrap();
    MailClient::over(protocol, socket)
}

fn v1(source: &str) -> Vec<u8> {
    format!("PROXY TCP4 {source} 127.0.0.1 40000 25\r\n").into_bytes()
}

/// Version 2 with a TLV behind the addresses, or LOCAL.
fn v2(source: Option<[u8; 4]>) -> Vec<u8> {
    let start = b"\r\n\r\n\0\r\nQUIT\n";
    match source {
        Some(source) => [
            &start[..],
            &[0x21, 0x11, 0, 17],
            &source,
            &[127, 0, 0, 1, 0x9c, 0x40, 0, 25, 4, 0, 2, 0, 0],
        ]
        .concat(),
        None => [&start[..], &[0x20, 0, 0, 0]].concat(),
    }
}

async fn gate(config: impl FnOnce(Config, &Sim) -> Config) -> (Sim, Account, Program) {
    let sim = Sim::start(Settings::default()).unwrap();
    let alice = Account::new(Demo::ALICE);
    let config = config(Config::new(&sim).account(&alice).at_listeners(BEHIND), &sim);
    let gate = Program::start(Place::new(&sim), &config).await;
    (sim, alice, gate)
}

#[tokio::test]
async fn the_address_that_a_balancer_names_is_the_mail_clients() {
    let lines =
        "allow_from = [\"192.0.2.0/24\", \"127.0.0.5\"]\nplaintext_from = [\"192.0.2.7\", \"127.0.0.5\"]";
    let (_sim, alice, gate) = gate(|config, _| config.at_listeners(lines)).await;
    let headers = [
        (v1("192.0.2.7"), "192.0.2.7:40000"),
        (v2(Some([192, 0, 2, 7])), "192.0.2.7:40000"),
        (
            b"PROXY TCP6 ::ffff:192.0.2.7 ::1 40000 25\r\n".to_vec(),
            "192.0.2.7:40000",
        ),
        (v2(None), "127.0.0.5:"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.5:"),
    ];
    for protocol in Protocol::ALL {
        let to = gate.addresses.of(protocol);
        for (header, peer) in &headers {
            let mark = gate.log.mark();
            let mut client = behind(protocol, to, header).await;
            assert_ne!(client.line().await, "");
            assert!(client.log_in(&alice.login, &alice.password).await.is_yes());
            let line = gate.log.message(mark, "logged in").await;
            assert!(line["peer"].as_str().unwrap().starts_with(peer), "{line}");
            assert!(line["via"].as_str().unwrap().starts_with("127.0.0.5:"), "{line}");
        }
        // `plaintext_from` and `allow_from` are about the same address.
        let mut outside = behind(protocol, to, &v1("192.0.2.8")).await;
        assert_ne!(outside.line().await, "");
        assert!(!outside.log_in(&alice.login, &alice.password).await.is_yes());
        let mut outside = behind(protocol, to, &v1("198.51.100.7")).await;
        assert_eq!(outside.rest().await, "");
    }
    assert_eq!(headers.len(), 5);
}

#[tokio::test]
async fn tls_and_what_is_said_early_begin_right_behind_the_header() {
    let (_sim, alice, gate) = gate(|config, _| config.listeners([(Imap, "implicit"), (Pop3, "off")])).await;
    let to = gate.addresses.with_tls(Imap, "implicit");
    let client = behind(Imap, to, &v2(Some([192, 0, 2, 7]))).await;
    let mut client = client.start_tls(&gate.place.trusting()).await.unwrap();
    assert!(client.line().await.starts_with("* OK"));
    assert!(client.log_in(&alice.login, &alice.password).await.is_yes());

    let eager = [&v1("127.0.0.1")[..], b"NOOP\r\nQUIT\r\n"].concat();
    let mut client = behind(Pop3, gate.addresses.of(Pop3), &eager).await;
    let said = client.rest().await;
    assert!(
        said.starts_with("+OK") && said.matches("\r\n").count() == 3,
        "{said}"
    );
}

#[tokio::test]
async fn a_connection_that_nobody_vouches_for_hears_nothing_and_is_told_of_once() {
    let (_sim, _, gate) = gate(|config, _| config).await;
    let to = gate.addresses.of(Smtp);
    let mark = gate.log.mark();
    for source in [BALANCER, ELSEWHERE] {
        for _ in 0..3 {
            let mut socket = socket(source, to).await;
            let said: &[u8] = if source == BALANCER {
                b"EHLO x\r\nMAIL FROM:<a@x>\r\n"
            } else {
                &v1("192.0.2.7")
            };
            let _ = socket.write_all(said).await;
            let mut heard = Vec::new();
            let _ = soon("the end", socket.read_to_end(&mut heard)).await;
            assert_eq!(heard, b"");
        }
    }
    let refused = |source: &'static str| {
        gate.log.wait(mark, source, move |line| {
            line["message"] == "connection refused"
                && line["peer"].as_str().is_some_and(|peer| peer.starts_with(source))
        })
    };
    let line = refused("127.0.0.5:").await;
    assert_eq!(
        line["what"], "a connection began without a PROXY protocol header",
        "{line}"
    );
    assert!(line["fix"].as_str().unwrap().contains("send-proxy-v2"), "{line}");
    let line = refused("127.0.0.6:").await;
    assert!(
        line["fix"]
            .as_str()
            .unwrap()
            .contains("\"127.0.0.6\" to `proxy_from`"),
        "{line}"
    );
    let lines = gate.log.since(mark);
    let count = lines
        .iter()
        .filter(|line| line["message"] == "connection refused")
        .count();
    assert_eq!(count, 2);
}

/// A balancer that says nothing is not waited for as long as a mail client is.
#[tokio::test]
async fn silence_ends_after_five_seconds() {
    let (_sim, _, gate) = gate(|config, _| config).await;
    let mark = gate.log.mark();
    let begun = Instant::now();
    let mut socket = socket(BALANCER, gate.addresses.of(Imap)).await;
    let mut heard = Vec::new();
    let _ = soon("the end", socket.read_to_end(&mut heard)).await;
    assert_eq!(heard, b"");
    assert!(
        begun.elapsed() >= Duration::from_millis(4_900),
        "{:?}",
        begun.elapsed()
    );
    gate.log.message(mark, "connection refused").await;
}

#[tokio::test]
async fn sources_are_counted_by_the_address_that_is_named() {
    let (_sim, _, gate) = gate(|config, _| config.table("limits", "connections_per_source = 2")).await;
    let to = gate.addresses.of(Smtp);
    let mut places = Vec::new();
    for (source, greeted) in [
        ("192.0.2.1", true),
        ("192.0.2.1", true),
        ("192.0.2.1", false),
        ("192.0.2.2", true),
        ("::ffff:192.0.2.1", false),
    ] {
        let header = if source.contains(':') {
            format!("PROXY TCP6 {source} ::1 1 2\r\n").into_bytes()
        } else {
            v1(source)
        };
        let mut client = behind(Smtp, to, &header).await;
        let greeting = client.line().await;
        assert_eq!(greeting.starts_with("220 "), greeted, "{source}: {greeting}");
        places.push(client);
    }
    assert_eq!(places.len(), 5);
}

#[tokio::test]
async fn the_address_that_is_named_is_what_a_map_of_devices_sees() {
    let sim = Sim::start(Settings::default()).unwrap();
    let scanner = mailbox(&sim, "scanner");
    let config = Config::new(&sim)
        .account(&scanner)
        .listeners([(Smtp, "off")])
        .at_listeners(BEHIND)
        .at_listeners(&format!("devices = {{ \"10.1.2.3\" = \"{}\" }}", scanner.login));
    let gate = Program::start(Place::new(&sim), &config).await;
    let to = gate.addresses.of(Smtp);
    let mail = format!("MAIL FROM:<{}>", scanner.login);
    for (header, served) in [
        (v1("10.1.2.3"), true),
        (v2(Some([10, 1, 2, 3])), true),
        (v2(Some([10, 1, 2, 4])), false),
        (v2(None), false),
    ] {
        let mut client = behind(Smtp, to, &header).await;
        assert!(client.line().await.starts_with("220 "));
        assert_eq!(client.ask(&mail).await.is_yes(), served);
    }
}
