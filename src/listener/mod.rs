//! One bound socket: accept, admission, implicit TLS, a session per connection.

pub mod identity;
mod socket;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use ipnet::IpNet;
use rustls::sign::CertifiedKey;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use socket::{bind, take_over};

use crate::downstream::TlsState;
use crate::peer::Peer;
use crate::provider::Protocol;
use crate::session::{Arrival, Context, session};
use crate::sessions::Admission;
use crate::transport::{self, Link, Upgrade};

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

/// What a listener does with a connection: its settings, and TLS where they have it.
pub struct Serving {
    settings: Arc<Settings>,
    upgrade: Option<Upgrade>,
}

impl Serving {
    /// Prepares what may fail, so that putting it in place can't.
    pub fn prepare(settings: Arc<Settings>) -> Result<Self, rustls::Error> {
        let upgrade = settings
            .identity
            .as_ref()
            .map(|identity| tls::acceptor(settings.protocol, identity))
            .transpose()?;
        Ok(Self {
            settings,
            upgrade: upgrade.map(Upgrade::Accept),
        })
    }

    /// What it was prepared from.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

/// A listener that is ready to accept.
pub struct Listener {
    socket: TcpListener,
    serving: Arc<ArcSwap<Serving>>,
    admission: Arc<Admission>,
    context: Arc<Context>,
}

impl Listener {
    /// A listener on a socket that somebody bound: ourselves, or a supervisor that kept it over a restart. What is put into
    /// `serving` later holds for the connections that come later.
    pub fn new(
        socket: TcpListener,
        serving: Arc<ArcSwap<Serving>>,
        admission: Arc<Admission>,
        context: Arc<Context>,
    ) -> Self {
        Self {
            socket,
            serving,
            admission,
            context,
        }
    }

    /// Accepts until `stop`. Sessions are spawned on `sessions`, which outlives this.
    pub async fn run(self, stop: CancellationToken, sessions: TaskTracker) {
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                () = stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, address)) => self.welcome(stream, Peer::new(address), &sessions),
                Err(error) if is_of_that_connection(&error) => {}
                Err(error) => {
                    if self.admission.may_complain(Instant::now()) {
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

    fn welcome(&self, stream: TcpStream, peer: Peer, sessions: &TaskTracker) {
        let serving = self.serving.load();
        let settings = &serving.settings;
        let allowed = settings.allow_from.is_empty() || peer.is_in(&settings.allow_from);
        if !allowed {
            // A network that may not connect is told nothing at all.
            tracing::debug!(%peer, protocol = %settings.protocol, "connection from outside allow_from closed");
            return;
        }
        transport::tune(&stream);
        let arrival = Arrival {
            protocol: settings.protocol,
            peer,
            tls: settings.tls_state(&peer),
            upgrade: serving.upgrade.clone(),
            place: self.admission.admit(&peer),
        };
        sessions.spawn(session(Link::plain(stream), arrival, Arc::clone(&self.context)));
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
