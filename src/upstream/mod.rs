//! The way to the mail provider: dial, prove the provider's name, log in with a token.
//!
//! [`Upstream::open`] is the way in. `handshake` speaks, without I/O; `addresses`, `connect` and `trust` see to it
//! that it speaks with the right host; `attempt` does it once and `open` decides whether to do it again.

mod addresses;
mod attempt;
mod connect;
mod error;
pub mod handshake;
mod offer;
mod open;
#[cfg(test)]
mod tests;
mod trust;
mod walk;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use tokio_rustls::TlsConnector;

pub use connect::Unreached;
pub use error::{Cause, Stage, UpstreamError};
pub use open::Claim;
pub use trust::TrustError;
pub use walk::{Connected, Offered, Resolved, Secured, Walk};

use crate::provider::{MailHost, Protocol};
use crate::transport::Link;
use crate::wire::{Offer, Welcome};
use addresses::Addresses;
use offer::Offers;

/// How long one login waits for an upstream in all, further tries included; waiting for a token does not count, it
/// has its own limits. Exchange takes up to eight seconds to say yes and five to say no, and mail clients give up
/// after a minute.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What `[upstream]` resolved to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Certificate authorities that are believed beside the system's.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Whether a post-quantum key exchange is offered.
    pub post_quantum: bool,
}

/// What all ways upstream share: whom we believe, where the mail hosts are, and what they are known to announce.
pub struct Upstream {
    tls: ArcSwap<ClientConfig>,
    addresses: Addresses,
    offers: Offers,
}

impl Upstream {
    /// Reads the system's certificate authorities; makes no connection.
    pub fn new(settings: &Settings) -> Result<Self, TrustError> {
        Ok(Self {
            tls: ArcSwap::new(trust::client_config(settings)?),
            addresses: Addresses::default(),
            offers: Offers::new(),
        })
    }

    /// Whom we believe: one TLS configuration for all that goes out.
    pub fn tls(&self) -> Arc<ClientConfig> {
        self.tls.load_full()
    }

    /// Believes whom another one believes, from the next connection on.
    pub fn believe_like(&self, other: &Self) {
        self.tls.store(other.tls());
    }

    fn connector(&self) -> TlsConnector {
        self.tls().into()
    }

    /// What may be promised before a login that leads to one of those hosts. Cheap enough for each connection.
    pub fn promise(&self, protocol: Protocol, hosts: &[MailHost]) -> Offer {
        self.offers.promise(protocol, hosts)
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upstream")
    }
}

/// An upstream that has let us in.
pub struct Opened {
    /// The connection to it.
    pub link: Link,
    /// What it sent beyond the login: the mail client's.
    pub unread: Vec<u8>,
    /// What it announces.
    pub welcome: Welcome,
    /// How long the steps took.
    pub times: Times,
}

/// How long the steps took, further tries included.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// Waiting for a token.
    pub token: Duration,
    /// Name, TCP and, where it comes first, TLS.
    pub dial: Duration,
    /// The talk, without the wait for the token.
    pub handshake: Duration,
}
