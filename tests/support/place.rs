//! A folder with a configuration and the files that it names.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use saslgate::sim::{Demo, Sim};
use tempfile::TempDir;

use super::config::{Config, DEMO_SECRET};

/// A folder. It goes when it is dropped.
pub(crate) struct Place {
    folder: TempDir,
    certificate: CertificateDer<'static>,
}

impl Place {
    /// A folder with the simulator's roots, the demo's client secret, and a certificate for listeners.
    pub(crate) fn new(sim: &Sim) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let place = Self {
            folder: TempDir::with_prefix("saslgate-e2e-").unwrap(),
            certificate: made.cert.der().clone(),
        };
        place.write("ca.pem", &sim.ca_pem());
        place.write(DEMO_SECRET, Demo::CLIENT_SECRET);
        place.write("listener.pem", &made.cert.pem());
        place.write("listener.key", &made.signing_key.serialize_pem());
        place
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file for its owner's eyes, replacing the one before in one step.
    pub(crate) fn write(&self, name: &str, content: &str) {
        let fresh = self.path(&format!("{name}.new"));
        fs::write(&fresh, content).unwrap();
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(fresh, self.path(name)).unwrap();
    }

    /// Writes the configuration and says where it is.
    pub(crate) fn configure(&self, config: &Config) -> PathBuf {
        self.write("saslgate.toml", &config.text());
        self.path("saslgate.toml")
    }

    /// TLS of a mail client that trusts the listeners' certificate.
    pub(crate) fn trusting(&self) -> Arc<ClientConfig> {
        trusting(&self.certificate)
    }

    /// TLS of a mail client that trusts the certificate in a file of it.
    pub(crate) fn trusting_file(&self, name: &str) -> Arc<ClientConfig> {
        trusting(&CertificateDer::from_pem_file(self.path(name)).unwrap())
    }
}

fn trusting(certificate: &CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}
