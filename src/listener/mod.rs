//! One bound socket: accept, admission, implicit TLS, a session per connection.

mod entry;
pub mod identity;
pub mod proxy;
mod socket;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ipnet::IpNet;
use rustls::sign::CertifiedKey;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use entry::Entry;
pub use socket::{bind, take_over};
pub use tls::acceptor;

use crate::account::Passwords;
use crate::devices::Devices;
use crate::downstream::TlsState;
use crate::peer::Peer;
use crate::provider::Protocol;

/// How long accepting pauses when the system has no descriptor or memory for another connection: a loop without a
/// pause would burn a core until one is free.
const OUT_OF_RESOURCES_PAUSE: Duration = Duration::from_millis(250);

/// What one `[[listener]]` resolved to.
#[derive(Debug)]
pub struct Settings {
    /// What it speaks.
    pub protocol: Protocol,
    /// Where it listens; a name such as `localhost` has two addresses.
    pub bind: Vec<SocketAddr>,
    /// When TLS starts.
    pub tls: TlsMode,
    /// Certificate and key, where TLS is spoken.
    pub identity: Option<Arc<CertifiedKey>>,
    /// The files that it was read from.
    pub files: Option<identity::Files>,
    /// Networks from which a login without TLS is taken.
    pub plaintext_from: Vec<IpNet>,
    /// Networks that may connect; empty means anywhere.
    pub allow_from: Vec<IpNet>,
    /// Networks of the balancers that say by the PROXY protocol where each connection comes from; where there are any, nobody
    /// else may connect, and `allow_from` is about the address that they say.
    pub proxy_from: Vec<IpNet>,
    /// Which local passwords are taken.
    pub passwords: Passwords,
    /// Devices that send without a password (SMTP).
    pub devices: Arc<Devices>,
}

/// When TLS starts on a listener.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TlsMode {
    /// Never.
    Off,
    /// After STARTTLS, without which no password is read.
    StartTls,
    /// After STARTTLS, if the mail client wants it.
    StartTlsOptional,
    /// At the first byte.
    Implicit,
}

impl Settings {
    /// What it is called: `smtp 127.0.0.1:1587`.
    pub fn name(&self) -> String {
        let addresses = self.bind.iter().map(|address| format!(" {address}"));
        format!("{}{}", self.protocol, addresses.collect::<String>())
    }

    /// What a mail client at that address is told about TLS when it connects.
    fn tls_state(&self, peer: &Peer) -> TlsState {
        let plaintext_is_fine = peer.is_in(&self.plaintext_from);
        match self.tls {
            TlsMode::Implicit => TlsState::Established,
            TlsMode::StartTlsOptional if plaintext_is_fine => TlsState::Offered,
            TlsMode::StartTls | TlsMode::StartTlsOptional => TlsState::Required,
            TlsMode::Off if plaintext_is_fine => TlsState::Off,
            TlsMode::Off => TlsState::Unavailable,
        }
    }
}

/// A listener that is ready to accept.
pub struct Listener {
    socket: TcpListener,
    entry: Arc<ArcSwap<Entry>>,
}

impl Listener {
    /// A listener on a socket that somebody bound: ourselves, or a supervisor that kept it over a restart. What is put into
    /// `entry` later holds for the connections that come later.
    pub fn new(socket: TcpListener, entry: Arc<ArcSwap<Entry>>) -> Self {
        Self { socket, entry }
    }

    /// Accepts until `stop`. Sessions are spawned on `sessions`, which outlives this.
    pub async fn run(self, stop: CancellationToken, sessions: TaskTracker) {
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                () = stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, address)) => self.entry.load().welcome(stream, Peer::new(address), &sessions),
                Err(error) if is_of_that_connection(&error) => {}
                Err(error) => {
                    if self.entry.load().may_complain() {
                        tracing::warn!(
                            %error,
                            "can't accept connections for now; if this lasts, raise the limit of open files (ulimit -n)"
                        );
                    }
                    sleep(OUT_OF_RESOURCES_PAUSE).await;
                }
            }
        }
    }
}

/// accept(2): errors that belong to the one connection that was about to be accepted.
fn is_of_that_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
