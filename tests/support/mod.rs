//! What the end-to-end tests share: a configuration, a saslgate (in this process, or the real program), mail clients.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    dead_code
)]

pub(crate) mod command;
pub(crate) mod config;
pub(crate) mod in_process;
pub(crate) mod log;
pub(crate) mod mail_client;
pub(crate) mod place;
pub(crate) mod program;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use saslgate::provider::Protocol;
use saslgate::sim::mailbox::Right;
use saslgate::sim::{Demo, Sim};
use tokio::net::{TcpSocket, TcpStream};

/// How long anything may take that should happen at once. Generous: the machine may be busy with other builds.
const DEADLINE: Duration = Duration::from_secs(60);

/// Waits for something that has to happen.
pub(crate) async fn soon<T>(what: &str, something: impl Future<Output = T>) -> T {
    within(DEADLINE, what, something).await
}

/// Waits for something that has to happen within that time.
pub(crate) async fn within<T>(time: Duration, what: &str, something: impl Future<Output = T>) -> T {
    tokio::time::timeout(time, something)
        .await
        .unwrap_or_else(|_| panic!("not within {time:?}: {what}"))
}

/// Waits until a condition holds that nobody announces, such as a number in /proc.
pub(crate) async fn until(time: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    const LOOK_AGAIN: Duration = Duration::from_millis(10);
    within(time, what, async {
        while !condition() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    })
    .await;
}

/// Connects from an address of this machine that nobody has used before: what the log says of strangers is counted per source.
pub(crate) async fn connect_as_another(address: SocketAddr) -> TcpStream {
    static USED: AtomicU16 = AtomicU16::new(1);
    let [high, low] = USED.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 1, high, low), 0).into()).unwrap();
    soon("a connection", socket.connect(address)).await.unwrap()
}

/// A port that is free now, for a redirect URI, an admin page, or a listener that moves: that has to be known before anybody listens, and is closed and opened
/// again. It is none of those that the system gives out (32768 and up), because meanwhile another test would be given it.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test programs that run at the same time begin at different places.
    let begin = u16::try_from(std::process::id() % 200).unwrap() * 100;
    loop {
        let port = 12_000 + (begin + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// When TLS starts on a listener, as the configuration spells it.
pub(crate) type Tls = &'static str;

/// Where a saslgate listens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses(Vec<(Protocol, Tls, SocketAddr)>);

impl Addresses {
    /// Puts addresses beside the listeners of the configuration, which are bound in its order.
    fn new(listeners: &[(Protocol, Tls)], bound: impl IntoIterator<Item = (Protocol, SocketAddr)>) -> Self {
        let both = listeners.iter().zip(bound);
        let addresses: Vec<_> = both
            .map(|((protocol, tls), (spoken, address))| {
                assert_eq!(*protocol, spoken);
                (*protocol, *tls, address)
            })
            .collect();
        assert_eq!(addresses.len(), listeners.len());
        Self(addresses)
    }

    /// The listener without TLS.
    pub(crate) fn of(&self, protocol: Protocol) -> SocketAddr {
        self.with_tls(protocol, "off")
    }

    /// The listener that starts TLS so.
    pub(crate) fn with_tls(&self, protocol: Protocol, tls: &str) -> SocketAddr {
        let found = self
            .0
            .iter()
            .find(|(of, mode, _)| (*of, *mode) == (protocol, tls));
        found
            .unwrap_or_else(|| panic!("no {protocol} listener with tls = {tls}"))
            .2
    }
}

/// A saslgate of either kind.
pub(crate) trait Gate {
    /// Where it listens.
    fn addresses(&self) -> &Addresses;

    /// Takes accounts and apps from another configuration.
    async fn reload(&mut self, config: &config::Config);
}

/// A mailbox in the demo's tenant that its app may open.
pub(crate) fn mailbox(sim: &Sim, name: &str) -> config::Account {
    let address = format!("{name}@{}", Demo::DOMAIN);
    let mailbox = sim.directory().add_mailbox(&address);
    mailbox.grant(Demo::CLIENT_ID, Right::FullAccess);
    mailbox.grant(Demo::CLIENT_ID, Right::SendAs);
    config::Account::new(&address)
}
