//! The TLS side of every port: which versions, which certificate, resumption or not.

use std::io;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{NoServerSessionStorage, ServerConfig};
use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};

use super::certificates::{Authority, CertificateChoice};
use super::knob::Knob;

/// TLS versions that are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersions {
    /// 1.2 and 1.3.
    #[default]
    Both,
    /// 1.2 alone, as seen on Exchange's IMAP and POP3 ports.
    Only12,
    /// 1.3 alone.
    Only13,
}

/// How a port does TLS. Changing it takes effect for the next handshake, and forgets all tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsSettings {
    /// What is shown.
    pub certificate: CertificateChoice,
    /// What is accepted.
    pub versions: TlsVersions,
    /// Whether tickets are handed out and taken.
    pub resumption: bool,
    /// Key exchange with X25519 only, no post-quantum hybrid and no NIST curve.
    pub x25519_only: bool,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            certificate: CertificateChoice::default(),
            versions: TlsVersions::default(),
            resumption: true,
            x25519_only: false,
        }
    }
}

/// What was agreed in one handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// `1.2` or `1.3`.
    pub version: &'static str,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// The host name that the peer asked for (SNI).
    pub server_name: Option<String>,
    /// The protocols that the peer offered (ALPN), none of which a mail port ever picks.
    pub alpn_offered: Vec<String>,
}

impl TlsFacts {
    pub(crate) fn of(connection: &ServerConnection, alpn_offered: Vec<String>) -> Self {
        Self {
            version: match connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_3) => "1.3",
                _ => "1.2",
            },
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
            server_name: connection.server_name().map(str::to_owned),
            alpn_offered,
        }
    }
}

/// The configuration in use, rebuilt only when the settings change (a configuration owns its tickets).
pub(crate) struct Tls {
    authority: Arc<Authority>,
    current: Knob<(TlsSettings, Arc<ServerConfig>)>,
}

impl Tls {
    pub(crate) fn new(authority: Arc<Authority>, settings: TlsSettings) -> io::Result<Self> {
        let config = build(&authority, settings)?;
        Ok(Self {
            authority,
            current: Knob::new((settings, config)),
        })
    }

    pub(crate) fn set(&self, settings: TlsSettings) -> io::Result<()> {
        self.current.set((settings, build(&self.authority, settings)?));
        Ok(())
    }

    pub(crate) fn settings(&self) -> TlsSettings {
        self.current.change(|current| current.0)
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        self.current.change(|current| Arc::clone(&current.1))
    }
}

fn build(authority: &Authority, settings: TlsSettings) -> io::Result<Arc<ServerConfig>> {
    let versions: &[_] = match settings.versions {
        TlsVersions::Both => &[&TLS12, &TLS13],
        TlsVersions::Only12 => &[&TLS12],
        TlsVersions::Only13 => &[&TLS13],
    };
    let (chain, key) = authority.identity(settings.certificate)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider(settings)))
        .with_protocol_versions(versions)
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(io::Error::other)?;
    if settings.resumption {
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(io::Error::other)?;
    } else {
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(Arc::new(config))
}

fn provider(settings: TlsSettings) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    if settings.x25519_only {
        provider.kx_groups = vec![aws_lc_rs::kx_group::X25519];
    }
    provider
}
