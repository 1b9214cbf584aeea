//! Whom we believe to be an upstream: one TLS configuration for all of them.

use std::sync::Arc;

use rustls::client::{VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, NamedGroup, RootCertStore};

use super::Settings;
use crate::transport::{RECORD, Verifier};

/// Why no TLS configuration could be made.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A certificate of the operator's `ca_file` is none.
    #[error("a certificate authority in `[upstream] ca_file` can't be used: {0}; export it again as PEM")]
    BadRoot(rustls::Error),
    /// The TLS library refuses what we ask of it.
    #[error("TLS can't be set up: {0}")]
    Unsupported(rustls::Error),
    /// There is nobody to believe.
    #[error("TLS can't be set up: {0}")]
    NobodyToBelieve(VerifierBuilderError),
}

/// The configuration that all connections share, because sessions are resumed through it and about 140 roots are read
/// for it. TLS 1.2 is the least that Exchange Online takes. Nothing can turn verification off.
pub(super) fn client_config(settings: &Settings) -> Result<Arc<ClientConfig>, TrustError> {
    let provider = Arc::new(provider(settings.post_quantum));
    let roots = Arc::new(roots(&settings.extra_roots)?);
    let webpki = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
        .build()
        .map_err(TrustError::NobodyToBelieve)?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(TrustError::Unsupported)?
        // What rustls calls dangerous is that a verifier could be lax: this one asks webpki, as rustls' own does.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier::asking(webpki)))
        .with_no_client_auth();
    config.max_fragment_size = Some(RECORD);
    Ok(Arc::new(config))
}

/// Without post-quantum groups the `ClientHello` fits in one packet again, for firewalls that choke on two.
fn provider(post_quantum: bool) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    if !post_quantum {
        let classical = [NamedGroup::X25519, NamedGroup::secp256r1, NamedGroup::secp384r1];
        provider
            .kx_groups
            .retain(|group| classical.contains(&group.name()));
    }
    provider
}

/// The system's roots (or `SSL_CERT_FILE`), else Mozilla's as of this build; the operator's beside them.
fn roots(extra: &[CertificateDer<'static>]) -> Result<RootCertStore, TrustError> {
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        tracing::warn!(
            "this system has no certificate authorities: using Mozilla's list as it was when saslgate was built; \
             install ca-certificates so that the list is kept up to date"
        );
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for root in extra {
        store.add(root.clone()).map_err(TrustError::BadRoot)?;
    }
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn post_quantum_groups_can_be_left_out() {
        let names = |post_quantum| -> Vec<NamedGroup> {
            let groups = provider(post_quantum).kx_groups;
            groups.iter().map(|group| group.name()).collect()
        };
        assert!(names(true).contains(&NamedGroup::X25519MLKEM768));
        assert_eq!(
            names(false),
            [NamedGroup::X25519, NamedGroup::secp256r1, NamedGroup::secp384r1]
        );
    }

    #[test]
    fn a_broken_authority_is_an_error_and_not_ignored() {
        let settings = Settings {
            extra_roots: vec![CertificateDer::from(b"garbage".to_vec())],
            post_quantum: true,
        };
        assert!(matches!(client_config(&settings), Err(TrustError::BadRoot(_))));
    }
}
