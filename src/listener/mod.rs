//! One bound socket: accept, permits, implicit TLS, a session per connection.

pub mod identity;

use std::net::SocketAddr;
use std::sync::Arc;

use ipnet::IpNet;
use rustls::sign::CertifiedKey;

use crate::provider::Protocol;

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
