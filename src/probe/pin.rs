//! The one certificate that one of our own listeners has to show. Nobody else is asked whether it is any good: mostly this machine
//! does not know who issued it, and a probe that ended the handshake for that would look like a mail client that does.

use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

/// TLS toward a listener that has this certificate, and toward nobody else. Neither a password nor a token crosses it.
pub(super) fn client_config(own: CertificateDer<'static>) -> io::Result<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let pinned = Pinned {
        own,
        provider: Arc::clone(&provider),
    };
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = versions
        .map_err(io::Error::other)?
        // No laxer than what it stands for: it believes a single certificate, byte for byte, and the handshake proves its key.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(pinned));
    Ok(config.with_no_client_auth())
}

/// Whether the other side has shown another certificate.
pub(super) fn is_another(error: &io::Error) -> bool {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(tls, Some(Error::InvalidCertificate(_)))
}

#[derive(Debug)]
struct Pinned {
    own: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *end_entity == self.own {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::crypto::aws_lc_rs::sign::any_supported_type;
    use tokio::net::{TcpListener, TcpStream};
    use tokio_rustls::TlsConnector;

    use super::*;
    use crate::listener::acceptor;

    /// A handshake with a listener that has the first certificate, by whoever expects the one of that number.
    async fn shaken(expected: usize) -> io::Result<()> {
        let made = [(); 2].map(|()| generate_simple_self_signed(vec!["mail.example".to_owned()]).unwrap());
        let der = |made: &CertifiedKey<rcgen::KeyPair>| made.cert.der().clone();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made[0].signing_key.serialize_der()).unwrap();
        let identity =
            rustls::sign::CertifiedKey::new(vec![der(&made[0])], any_supported_type(&key).unwrap());
        let acceptor = acceptor(b"imap", &Arc::new(identity)).unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let accepting = async { acceptor.accept(socket.accept().await.unwrap().0).await };
        let connecting = async {
            let connector = TlsConnector::from(Arc::new(client_config(der(&made[expected])).unwrap()));
            let stream = TcpStream::connect(address).await.unwrap();
            connector.connect(ServerName::from(address.ip()), stream).await
        };
        let (_, connected) = tokio::join!(accepting, connecting);
        connected.map(drop)
    }

    #[tokio::test]
    async fn one_certificate_is_believed_and_no_other() {
        shaken(0).await.unwrap();
        let error = shaken(1).await.unwrap_err();
        assert!(is_another(&error), "{error}");
    }
}
