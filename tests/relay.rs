//! The relay between a plain mail client and an upstream behind TLS: every byte, in order, and every kind of end.

#![allow(clippy::panic, clippy::unwrap_used)] // a test may fail

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use saslgate::pace::{Limits, Pace, Place, Wanted};
use saslgate::provider::Protocol;
use saslgate::relay::{End, Observer, Relay, Summary};
use saslgate::sessions::{SessionId, Why, Wishes};
use saslgate::transport::{Leg, Link, Upgrade};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

/// A relay that runs between two ends that the test holds.
struct Rig {
    mail_client: TcpStream,
    upstream: TlsStream<TcpStream>,
    relay: JoinHandle<Summary>,
    wishes: Arc<Wishes>,
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
    rig_of(Protocol::Imap, version, to_mail_client, to_upstream, None).await
}

async fn rig_of(
    protocol: Protocol,
    version: &'static SupportedProtocolVersion,
    to_mail_client: &[u8],
    to_upstream: &[u8],
    place: Option<Place>,
) -> Rig {
    let (mail_client, downstream) = tcp_pair().await;
    let (link, upstream) = tls_pair(version).await;
    let relay = Relay {
        downstream: Link::plain(downstream),
        upstream: link,
        to_mail_client: to_mail_client.to_vec(),
        to_upstream: to_upstream.to_vec(),
        observer: Observer::new(protocol),
        place,
        idle: Duration::from_secs(35 * 60),
    };
    let wishes = Arc::new(Wishes::new(SessionId::random()));
    let heard = Arc::clone(&wishes);
    Rig {
        mail_client,
        upstream,
        relay: tokio::spawn(async move { relay.run(&heard).await }),
        wishes,
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
    rig.wishes.end_now();
    let summary = rig.relay.await.unwrap();
    assert!(matches!(summary.end, End::Cancelled));
    assert_eq!(read_all(&mut rig.mail_client).await, b"");
}

/// Says something on one side and waits until all of it is on the other.
async fn pass(from: &mut (impl AsyncWriteExt + Unpin), to: &mut (impl AsyncReadExt + Unpin), text: &str) {
    from.write_all(text.as_bytes()).await.unwrap();
    from.flush().await.unwrap();
    let mut heard = vec![0; text.len()];
    to.read_exact(&mut heard).await.unwrap();
    assert_eq!(String::from_utf8(heard).unwrap(), text);
}

impl Rig {
    async fn smtp() -> Self {
        rig_of(Protocol::Smtp, &rustls::version::TLS13, b"", b"", None).await
    }

    async fn mail_client_says(&mut self, text: &str) {
        pass(&mut self.mail_client, &mut self.upstream, text).await;
    }

    async fn upstream_says(&mut self, text: &str) {
        pass(&mut self.upstream, &mut self.mail_client, text).await;
    }

    /// What both sides hear behind what they heard before, up to the end.
    async fn last_words(mut self) -> (String, Vec<u8>, Summary) {
        let told = read_all(&mut self.mail_client).await;
        drop(self.mail_client);
        let passed_on = read_all_tls(&mut self.upstream).await;
        self.upstream.shutdown().await.unwrap();
        let summary = self.relay.await.unwrap();
        (String::from_utf8(told).unwrap(), passed_on, summary)
    }
}

#[tokio::test]
async fn an_smtp_session_at_rest_is_told_to_come_back() {
    let mut rig = Rig::smtp().await;
    rig.mail_client_says("NOOP\r\n").await;
    rig.upstream_says("250 2.0.0 OK\r\n").await;
    rig.wishes.wind_down(Duration::ZERO);
    let (told, passed_on, summary) = rig.last_words().await;
    let expected = "421 4.3.2 saslgate is restarting, try again in a moment. (session ";
    assert!(told.starts_with(expected), "{told:?}");
    assert_eq!((told.matches("\r\n").count(), passed_on), (1, Vec::new()));
    assert!(matches!(summary.end, End::Rested(Why::Stopping)));
}

/// What the mail client says is not lost and not half done: upstream has the message, and the mail client knows.
#[tokio::test]
async fn a_transaction_in_the_air_ends_before_its_session() {
    let mut rig = Rig::smtp().await;
    rig.mail_client_says("MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n")
        .await;
    rig.wishes.wind_down(Duration::ZERO);
    rig.upstream_says("250 ok\r\n250 ok\r\n354 go\r\n").await;
    rig.mail_client_says("text\n.\n").await;
    rig.mail_client_says("text\r\n.").await;
    rig.mail_client_says("\r\n").await;
    rig.upstream_says("250-2.0.0 OK\r\n").await;
    rig.upstream_says("250 2.0.0 OK\r\n").await;
    let (told, passed_on, _) = rig.last_words().await;
    assert!(told.starts_with("421 4.3.2 "), "{told:?}");
    assert_eq!(passed_on, b"");
}

#[tokio::test]
async fn a_session_whose_place_is_wanted_has_its_time() {
    let mut rig = Rig::smtp().await;
    rig.mail_client_says("NOOP\r\n").await;
    rig.upstream_says("250 2.0.0 OK\r\n").await;
    rig.wishes.want_place(Some(Duration::from_secs(30)));
    // Nobody waits any more.
    rig.wishes.want_place(None);
    rig.mail_client_says("NOOP\r\n").await;
    rig.upstream_says("250 2.0.0 OK\r\n").await;
    rig.wishes.want_place(Some(Duration::from_secs(30)));
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    let (told, _, summary) = rig.last_words().await;
    assert!(
        before.elapsed() >= Duration::from_secs(29),
        "{:?}",
        before.elapsed()
    );
    assert!(told.starts_with("421 4.3.2 Idle while others wait"), "{told:?}");
    assert!(matches!(summary.end, End::Rested(Why::PlaceWanted)));
}

#[tokio::test]
async fn who_idles_hears_nothing_that_upstream_did_not_say() {
    let mut rig = rig(&rustls::version::TLS13, b"", b"").await;
    rig.mail_client_says("a1 IDLE\r\n").await;
    rig.upstream_says("+ idling\r\n").await;
    rig.wishes.wind_down(Duration::ZERO);
    let (told, passed_on, summary) = rig.last_words().await;
    assert_eq!((told.as_str(), passed_on), ("", Vec::new()));
    assert!(matches!(summary.end, End::Rested(Why::Stopping)));
}

/// Bytes that one side does not take yet are in the air, whatever the observer has read of them.
#[tokio::test]
async fn what_a_slow_mail_client_has_not_read_is_in_the_air() {
    let mut rig = rig(&rustls::version::TLS13, b"", b"").await;
    rig.mail_client_says("a1 FETCH 1 BODY[]\r\n").await;
    let text = noise(16_000_000, 5);
    let head = format!("* 1 FETCH (BODY[] {{{}}}\r\n", text.len());
    let (wishes, mut upstream) = (Arc::clone(&rig.wishes), rig.upstream);
    let answer = tokio::spawn(async move {
        upstream.write_all(head.as_bytes()).await.unwrap();
        upstream.write_all(&text).await.unwrap();
        upstream.write_all(b")\r\na1 OK done\r\n").await.unwrap();
        wishes.wind_down(Duration::ZERO);
        upstream.flush().await.unwrap();
        assert_eq!(read_all_tls(&mut upstream).await, b"");
        upstream.shutdown().await.unwrap();
    });
    let got = read_all(&mut rig.mail_client).await;
    assert!(got.ends_with(b")\r\na1 OK done\r\n"));
    assert!(got.len() > 16_000_000);
    answer.await.unwrap();
    assert!(matches!(rig.relay.await.unwrap().end, End::Rested(Why::Stopping)));
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

/// The mail client is gone; upstream has not seen the end of its session yet, and would count the next one as one too many.
#[tokio::test]
async fn a_place_is_given_away_while_upstream_still_counts_its_session() {
    let pace = Arc::new(Pace::default());
    let wanted = Wanted {
        protocol: Protocol::Smtp,
        host: "smtp.example".into(),
        mailbox: "scanner@x.example".into(),
        account: "scanner@x.example".into(),
        session: SessionId::random(),
    };
    let limits = Limits {
        smtp_per_mailbox: 1,
        imap_per_mailbox: 1,
        patience: Duration::ZERO,
        idle: Duration::from_secs(30),
    };
    let place = pace.take(&wanted, &limits).await.unwrap();
    let Rig {
        mail_client,
        mut upstream,
        relay,
        ..
    } = rig_of(Protocol::Smtp, VERSIONS[1], b"235 2.7.0 ok\r\n", b"", place).await;

    // It vanishes with a reset, as a device does that is switched off.
    socket2::SockRef::from(&mail_client)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(mail_client);
    relay.await.unwrap();
    assert_eq!(pace.in_use(Protocol::Smtp), 1);

    let mut rest = Vec::new();
    // Cut, as the mail client's connection was.
    let _ = upstream.read_to_end(&mut rest).await;
    drop(upstream);
    tokio::time::timeout(Duration::from_secs(10), async {
        while pace.in_use(Protocol::Smtp) > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}
