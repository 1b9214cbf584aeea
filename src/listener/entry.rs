//! From an accepted connection to its session: where it comes from, and whether it may come in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::proxy::{self, Broken};
use super::{Settings, tls};
use crate::complaints::Complaints;
use crate::peer::Peer;
use crate::provider::Protocol;
use crate::session::{Arrival, Context, session};
use crate::sessions::{Admission, Place};
use crate::transport::{self, Link, Upgrade};

/// How long a balancer may take to say where a connection comes from. It knows that before it connects.
const HEADER: Duration = Duration::from_secs(5);

/// The same where there is no place for the connection, which is not counted then and must not be kept long.
const HEADER_WITHOUT_PLACE: Duration = Duration::from_secs(1);

/// What a listener's connections need: swapped when the configuration changes.
pub struct Entry {
    settings: Arc<Settings>,
    upgrade: Option<Upgrade>,
    admission: Arc<Admission>,
    context: Arc<Context>,
    complaints: Arc<Complaints>,
}

/// IANA's registry of ALPN protocol ids has imap and pop3; SMTP has none, so that any that is named is another's.
const fn alpn(protocol: Protocol) -> &'static [u8] {
    match protocol {
        Protocol::Imap => b"imap",
        Protocol::Pop3 => b"pop3",
        Protocol::Smtp => b"smtp",
    }
}

impl Entry {
    /// Prepares what may fail, so that putting it in place can't.
    pub fn prepare(
        settings: Arc<Settings>,
        admission: Arc<Admission>,
        context: Arc<Context>,
    ) -> Result<Self, rustls::Error> {
        let upgrade = settings
            .identity
            .as_ref()
            .map(|identity| tls::acceptor(alpn(settings.protocol), identity))
            .transpose()?;
        Ok(Self {
            settings,
            upgrade: upgrade.map(Upgrade::Accept),
            admission,
            context,
            complaints: Arc::new(Complaints::default()),
        })
    }

    /// What it was prepared from.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether a line may be logged about a connection that the system could not hand over.
    pub(super) fn may_complain(&self) -> bool {
        self.admission.may_complain(Instant::now())
    }

    /// Starts the session of a connection, if it may have one.
    pub(super) fn welcome(self: &Arc<Self>, stream: TcpStream, peer: Peer, sessions: &TaskTracker) {
        transport::tune(&stream);
        if self.settings.proxy_from.is_empty() {
            if self.is_allowed(&peer) {
                let arrival = self.arrival(peer, None, self.admission.admit(&peer));
                sessions.spawn(session(Link::plain(stream), arrival, Arc::clone(&self.context)));
            }
        } else if peer.is_in(&self.settings.proxy_from) {
            sessions.spawn(Arc::clone(self).behind(stream, peer));
        } else {
            self.complain(
                &peer,
                "a connection came from outside `proxy_from`",
                "that names those who may say where others come from: this listener has `proxy_protocol`",
                &format!("if that is the balancer, add \"{}\" to `proxy_from` of this listener; if not, let nobody past the balancer", peer.address()),
            );
        }
    }

    /// The session of a mail client behind a balancer.
    async fn behind(self: Arc<Self>, stream: TcpStream, balancer: Peer) {
        let context = Arc::clone(&self.context);
        // Boxed, so that the header's room is gone while the session lasts.
        let introduced = Box::pin(self.introduced(stream, balancer)).await;
        if let Some((stream, arrival)) = introduced {
            session(Link::plain(stream), arrival, context).await;
        }
    }

    async fn introduced(
        self: Arc<Self>,
        mut stream: TcpStream,
        balancer: Peer,
    ) -> Option<(TcpStream, Box<Arrival>)> {
        let place = self.admission.reserve();
        let patience = if place.is_some() {
            HEADER
        } else {
            HEADER_WITHOUT_PLACE
        };
        let read = tokio::select! {
            read = timeout(patience, proxy::read(&mut stream)) => read.unwrap_or(Err(Broken::Late)),
            // Nobody has been greeted yet, so that nobody misses a goodbye.
            () = self.context.stopping.cancelled() => return None,
        };
        let announced = read.inspect_err(|broken| self.tell(&balancer, broken)).ok()?;
        let peer = announced.peer(&balancer);
        if !self.is_allowed(&peer) {
            return None;
        }
        let place = place.and_then(|place| place.of(&peer));
        Some((stream, self.arrival(peer, Some(balancer), place)))
    }

    fn is_allowed(&self, peer: &Peer) -> bool {
        let allowed = self.settings.allow_from.is_empty() || peer.is_in(&self.settings.allow_from);
        if !allowed {
            // A network that may not connect is told nothing at all. The operator is: a product whose address has changed
            // looks just like a stranger.
            self.complain(
                peer,
                "a connection was closed without a word",
                "`allow_from` of this listener does not contain the address",
                "if this address may log in, add it to `allow_from` of the listener",
            );
        }
        allowed
    }

    fn arrival(&self, peer: Peer, via: Option<Peer>, place: Option<Place>) -> Box<Arrival> {
        let Settings {
            protocol,
            passwords,
            devices,
            ..
        } = &*self.settings;
        Box::new(Arrival {
            protocol: *protocol,
            peer,
            via,
            tls: self.settings.tls_state(&peer),
            upgrade: self.upgrade.clone(),
            identity: self.settings.identity.clone(),
            place,
            passwords: *passwords,
            device: devices.at(&peer),
            complaints: Arc::clone(&self.complaints),
        })
    }

    /// Balancers look whether a port is open by opening it and saying nothing.
    fn tell(&self, balancer: &Peer, broken: &Broken) {
        match broken {
            Broken::Nothing => tracing::debug!(peer = %balancer, "{broken}"),
            _ => self.complain(
                balancer,
                &broken.to_string(),
                "this listener has `proxy_protocol`, and a connection whose source nobody vouches for is closed",
                broken.fix(),
            ),
        }
    }

    fn complain(&self, peer: &Peer, what: &str, why: &str, fix: &str) {
        if self.complaints.may(peer, "connection refused", Instant::now()) {
            tracing::warn!(%peer, protocol = %self.settings.protocol, what, why, fix, "connection refused");
        }
    }
}
