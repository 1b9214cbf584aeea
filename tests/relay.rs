//! The relay between a plain mail client and an upstream behind TLS: every byte, in order, and every kind of end.

#![allow(clippy::panic, clippy::unwrap_used)] // a test may fail

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use saslgate::provider::Protocol;
use saslgate::relay::{End, Observer, Relay, Summary};
use saslgate::transport::{Leg, Link, Upgrade};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_util::sync::CancellationToken;

const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

/// A relay that runs between two ends that the test holds.
struct Rig {
    mail_client: TcpStream,
    upstream: TlsStream<TcpStream>,
    relay: JoinHandle<Summary>,
    stop: CancellationToken,
}

async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (near, far) = tokio::join!(
        TcpStream::connect(listener.local_addr().unwrap()),
        listener.accept()
    );
    (near.unwrap(), far.unwrap().0)
}

async fn tls_pair(version: &'static SupportedProtocolVersion) -> (Link, TlsStream<TcpStream>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (near, far) = tcp_pair().await;
    let mut link = Link::plain(near);
    let upgrade = Upgrade::Connect(
        TlsConnector::from(Arc::new(client)),
        ServerName::try_from("localhost").unwrap(),
    );
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let (ours, theirs) = tokio::join!(link.start_tls(&upgrade), acceptor.accept(far));
    ours.unwrap();
    (link, theirs.unwrap())
}

async fn rig(version: &'static SupportedProtocolVersion, to_mail_client: &[u8], to_upstream: &[u8]) -> Rig {
    let (mail_client, downstream) = tcp_pair().await;
    let (link, upstream) = tls_pair(version).await;
    let relay = Relay {
        downstream: Link::plain(downstream),
        upstream: link,
        to_mail_client: to_mail_client.to_vec(),
        to_upstream: to_upstream.to_vec(),
        observer: Observer::new(Protocol::Imap),
        idle: Duration::from_secs(35 * 60),
    };
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    Rig {
        mail_client,
        upstream,
        relay: tokio::spawn(async move { relay.run(&stopped).await }),
        stop,
    }
}

/// Bytes that look like nothing, the same for the same seed.
fn noise(count: usize, mut seed: u64) -> Vec<u8> {
    std::iter::repeat_with(|| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        seed.to_be_bytes()[3]
    })
    .take(count)
    .collect()
}

#[tokio::test]
async fn every_byte_arrives_in_order_both_ways_at_once() {
    for version in VERSIONS {
        let rig = rig(version, b"a1 OK Logged in.\r\n", b"a2 SELECT INBOX\r\n").await;
        let (up, down) = (noise(3_000_000, 1), noise(3_000_000, 2));
        let (mut mail_client_reads, mut mail_client_writes) = rig.mail_client.into_split();
        let (mut upstream_reads, mut upstream_writes) = tokio::io::split(rig.upstream);
        let send_up = async {
            for chunk in up.chunks(7_777) {
                mail_client_writes.write_all(chunk).await.unwrap();
            }
            mail_client_writes.shutdown().await.unwrap();
        };
        let send_down = async {
            for chunk in down.chunks(33_333) {
                upstream_writes.write_all(chunk).await.unwrap();
            }
            upstream_writes.shutdown().await.unwrap();
        };
        let (mut got_up, mut got_down) = (Vec::new(), Vec::new());
        let read_up = upstream_reads.read_to_end(&mut got_up);
        let read_down = mail_client_reads.read_to_end(&mut got_down);
        let ((), (), read_up, read_down) = tokio::join!(send_up, send_down, read_up, read_down);
        read_up.unwrap();
        read_down.unwrap();
        assert_eq!(got_up, [b"a2 SELECT INBOX\r\n".as_slice(), &up].concat());
        assert_eq!(got_down, [b"a1 OK Logged in.\r\n".as_slice(), &down].concat());
        let summary = rig.relay.await.unwrap();
        assert_eq!(
            (summary.sent, summary.received),
            (got_up.len() as u64, got_down.len() as u64)
        );
    }
}

/// Which side ends first, and whether upstream says so with `close_notify`.
#[tokio::test]
async fn half_close_passes_in_four_orders() {
    let mut orders = 0;
    for upstream_first in [false, true] {
        for clean in [false, true] {
            let mut rig = rig(&rustls::version::TLS13, b"", b"").await;
            if upstream_first {
                rig.upstream.write_all(b"* BYE\r\n").await.unwrap();
                end(&mut rig.upstream, clean).await;
                assert_eq!(read_all(&mut rig.mail_client).await, b"* BYE\r\n");
                rig.mail_client.write_all(b"last words").await.unwrap();
                rig.mail_client.shutdown().await.unwrap();
                assert_eq!(read_all_tls(&mut rig.upstream).await, b"last words");
            } else {
                rig.mail_client.write_all(b"a9 LOGOUT\r\n").await.unwrap();
                rig.mail_client.shutdown().await.unwrap();
                assert_eq!(read_all_tls(&mut rig.upstream).await, b"a9 LOGOUT\r\n");
                rig.upstream.write_all(b"a9 OK bye\r\n").await.unwrap();
                end(&mut rig.upstream, clean).await;
                assert_eq!(read_all(&mut rig.mail_client).await, b"a9 OK bye\r\n");
            }
            let summary = rig.relay.await.unwrap();
            let first = if upstream_first {
                Leg::Upstream
            } else {
                Leg::Downstream
            };
            assert!(
                matches!(summary.end, End::Closed(leg) if leg == first),
                "{:?}",
                summary.end
            );
            orders += 1;
        }
    }
    assert_eq!(orders, 4);
}

#[tokio::test]
async fn toward_tls12_the_end_waits_until_upstream_has_said_all() {
    let mut rig = rig(&rustls::version::TLS12, b"", b"").await;
    rig.mail_client.write_all(b"QUIT\r\n").await.unwrap();
    rig.mail_client.shutdown().await.unwrap();
    let mut command = [0; 6];
    rig.upstream.read_exact(&mut command).await.unwrap();
    let answer = noise(1_000_000, 3);
    rig.upstream.write_all(&answer).await.unwrap();
    rig.upstream.shutdown().await.unwrap();
    assert_eq!(read_all(&mut rig.mail_client).await, answer);
    assert_eq!(
        rig.upstream.read(&mut command).await.unwrap(),
        0,
        "now the end was passed on"
    );
    rig.relay.await.unwrap();
}

#[tokio::test]
async fn a_session_that_is_told_to_stop_stops() {
    let mut rig = rig(&rustls::version::TLS13, b"", b"").await;
    rig.stop.cancel();
    let summary = rig.relay.await.unwrap();
    assert!(matches!(summary.end, End::Cancelled));
    assert_eq!(read_all(&mut rig.mail_client).await, b"");
}

#[tokio::test]
async fn nothing_moving_for_35_minutes_is_the_end() {
    let rig = rig(&rustls::version::TLS13, b"", b"").await;
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    let summary = rig.relay.await.unwrap();
    assert!(matches!(summary.end, End::Idle), "{:?}", summary.end);
    assert_eq!(before.elapsed().as_secs() / 60, 35);
}

#[tokio::test]
async fn a_peer_that_never_closes_its_half_is_left_after_a_minute() {
    let mut rig = rig(&rustls::version::TLS13, b"", b"").await;
    rig.upstream.shutdown().await.unwrap();
    assert_eq!(read_all(&mut rig.mail_client).await, b"");
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    let summary = rig.relay.await.unwrap();
    assert!(
        matches!(summary.end, End::Closed(Leg::Upstream)),
        "{:?}",
        summary.end
    );
    assert!(
        before.elapsed() <= Duration::from_secs(61),
        "{:?}",
        before.elapsed()
    );
}

#[tokio::test]
async fn what_upstream_refused_is_noted() {
    let mut rig = rig(&rustls::version::TLS13, b"", b"").await;
    rig.upstream
        .write_all(b"a2 BAD User is authenticated but not connected.\r\n")
        .await
        .unwrap();
    rig.upstream.shutdown().await.unwrap();
    drop(read_all(&mut rig.mail_client).await);
    drop(rig.mail_client);
    let summary = rig.relay.await.unwrap();
    assert_eq!(
        summary.notes.concat(),
        "a2 BAD User is authenticated but not connected."
    );
}

/// Ends upstream's direction: with `close_notify`, or by cutting the TCP connection's sending half under it.
async fn end(upstream: &mut TlsStream<TcpStream>, clean: bool) {
    if clean {
        upstream.shutdown().await.unwrap();
    } else {
        upstream.get_mut().0.shutdown().await.unwrap();
    }
}

async fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    bytes
}

async fn read_all_tls(stream: &mut TlsStream<TcpStream>) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    bytes
}
