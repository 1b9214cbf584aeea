//! A listener's certificate and key: PEM in, what rustls needs out.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A chain with its key, and until when it is good.
#[derive(Debug)]
pub struct Identity {
    /// What rustls presents.
    pub key: Arc<CertifiedKey>,
    /// The end of the first certificate's validity.
    pub not_after: SystemTime,
}

/// Why a certificate and a key cannot be used together. No message repeats what is in the files.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IdentityError {
    /// The certificate file has no `CERTIFICATE` block.
    #[error("the certificate file has no certificate in PEM form")]
    NoCertificate,
    /// A block of the certificate file is cut or damaged.
    #[error("the certificate file is cut or damaged")]
    BrokenCertificate,
    /// The key file has no private key.
    #[error("the key file has no private key in PEM form")]
    NoKey,
    /// The key is protected by a passphrase.
    #[error("the private key is encrypted, and nobody is there to type its passphrase")]
    EncryptedKey,
    /// The key is cut, damaged, or of a kind that TLS does not use.
    #[error("the private key is cut or damaged, or of a kind that TLS does not use")]
    BrokenKey,
    /// The key belongs to another certificate than the first.
    #[error("the key does not belong to the first certificate of the file")]
    Mismatch,
}

impl IdentityError {
    /// Whether the key file is where to look.
    pub const fn is_about_key(self) -> bool {
        matches!(self, Self::NoKey | Self::EncryptedKey | Self::BrokenKey)
    }

    /// What mends it.
    pub const fn fix(self) -> &'static str {
        match self {
            Self::NoCertificate => {
                "name a file with `-----BEGIN CERTIFICATE-----` in it, the listener's own certificate first"
            }
            Self::BrokenCertificate => "copy the certificate file again",
            Self::NoKey => "name a file with `-----BEGIN PRIVATE KEY-----` in it",
            Self::EncryptedKey => {
                "write it without a passphrase: `openssl pkey -in old.pem -out new.pem`, and chmod 600"
            }
            Self::BrokenKey => "copy the key file again; it is RSA, ECDSA or Ed25519",
            Self::Mismatch => {
                "name the key made with this certificate, and put the listener's own certificate first"
            }
        }
    }
}

/// Reads a chain, the listener's own certificate first, and its key. Both may be in one file.
pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Identity, IdentityError> {
    let chain = chain(certificate)?;
    let not_after = chain
        .first()
        .ok_or(IdentityError::NoCertificate)
        .and_then(not_after)?;
    let key = private_key(key)?;
    let provider = aws_lc_rs::default_provider();
    let key = CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => IdentityError::Mismatch,
        Error::InvalidCertificate(_) => IdentityError::BrokenCertificate,
        _ => IdentityError::BrokenKey,
    })?;
    Ok(Identity {
        key: Arc::new(key),
        not_after,
    })
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| IdentityError::BrokenCertificate)
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, IdentityError> {
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) if is_encrypted(pem) => Err(IdentityError::EncryptedKey),
        Err(pem::Error::NoItemsFound) => Err(IdentityError::NoKey),
        Err(_) => Err(IdentityError::BrokenKey),
    }
}

/// RFC 7468 11. The older form of OpenSSL keeps the usual label and says it in a header.
fn is_encrypted(pem: &[u8]) -> bool {
    let pem = String::from_utf8_lossy(pem);
    pem.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || pem.contains("Proc-Type: 4,ENCRYPTED")
}

fn not_after(certificate: &CertificateDer<'_>) -> Result<SystemTime, IdentityError> {
    let (_, certificate) =
        X509Certificate::from_der(certificate).map_err(|_| IdentityError::BrokenCertificate)?;
    // Before 1970 is as expired as any.
    let seconds = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
    Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}
