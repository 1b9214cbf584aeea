//! TLS toward mail clients, and toward browsers.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::ResolvesServerCert;
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::transport::RECORD;

/// Tickets sent after a TLS 1.3 handshake: mail clients open several connections, one at a time each.
const TICKETS: usize = 1;

/// An acceptor with one certificate, TLS 1.2 and 1.3, for what speaks the one protocol of that name.
pub fn acceptor(alpn: &[u8], identity: &Arc<CertifiedKey>) -> Result<TlsAcceptor, rustls::Error> {
    let resolver = OneCertificate(Arc::clone(identity));
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    // A mail client names no protocol or this one; a browser that names HTTP is turned away before it can send a
    // request that we would misread (the ALPACA attack).
    config.alpn_protocols = vec![alpn.to_vec()];
    config.send_tls13_tickets = TICKETS;
    config.max_fragment_size = Some(RECORD);
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[derive(Debug)]
struct OneCertificate(Arc<CertifiedKey>);

impl ResolvesServerCert for OneCertificate {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}
