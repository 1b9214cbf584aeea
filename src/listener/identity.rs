//! A listener's certificate and key: PEM in, what rustls needs out.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::certificates::Validity;

/// A chain with its key, and until when it is good.
#[derive(Debug)]
pub struct Identity {
    /// What rustls presents.
    pub key: Arc<CertifiedKey>,
    /// The first certificate's.
    pub validity: Validity,
}

/// Where a listener's certificate and key came from, for whoever looks after their end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Files {
    /// The chain.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The first certificate's, as it was read.
    pub validity: Validity,
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
    let validity = chain
        .first()
        .ok_or(IdentityError::NoCertificate)
        .and_then(validity)?;
    let key = private_key(key)?;
    let provider = aws_lc_rs::default_provider();
    let key = CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => IdentityError::Mismatch,
        Error::InvalidCertificate(_) => IdentityError::BrokenCertificate,
        _ => IdentityError::BrokenKey,
    })?;
    Ok(Identity {
        key: Arc::new(key),
        validity,
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
        Err(_) if is_encrypted(pem) => Err(IdentityError::EncryptedKey),
        Err(pem::Error::NoItemsFound) => Err(IdentityError::NoKey),
        Err(_) => Err(IdentityError::BrokenKey),
    }
}

/// RFC 7468 11. The older form of OpenSSL keeps the usual label and says it in a header.
fn is_encrypted(pem: &[u8]) -> bool {
    let pem = String::from_utf8_lossy(pem);
    pem.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || pem.contains("Proc-Type: 4,ENCRYPTED")
}

/// From when until when a certificate is good.
pub fn validity(certificate: &CertificateDer<'_>) -> Result<Validity, IdentityError> {
    let (_, certificate) =
        X509Certificate::from_der(certificate).map_err(|_| IdentityError::BrokenCertificate)?;
    Ok(Validity::of(&certificate))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn certificate(key: &KeyPair) -> String {
        let params = CertificateParams::new(["mail.example.com".to_owned()]).unwrap();
        params.self_signed(key).unwrap().pem()
    }

    #[test]
    fn a_certificate_and_its_key_are_taken_from_two_files_or_one() {
        for algorithm in [
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_RSA_SHA256,
            &rcgen::PKCS_ED25519,
        ] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let (certificate, key) = (certificate(&key), key.serialize_pem());
            let both = format!("{key}\n{certificate}");
            for (certificate, key) in [(&certificate, &key), (&both, &both)] {
                let identity = from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
                assert_eq!(identity.key.cert.len(), 1);
                // The year 4096, which is what the maker of the certificate writes if nothing is said.
                assert!(identity.validity.not_after > std::time::SystemTime::now());
            }
        }
    }

    #[test]
    fn each_mistake_has_its_own_words() {
        use IdentityError::{BrokenCertificate, BrokenKey, EncryptedKey, Mismatch, NoCertificate, NoKey};
        let pair = KeyPair::generate().unwrap();
        let (good, key) = (certificate(&pair), pair.serialize_pem());
        let other = KeyPair::generate().unwrap();
        let other_key = other.serialize_pem();
        let wrong_order = certificate(&other) + &good;
        let cut = |pem: &str| pem[..pem.len() / 2].to_owned();
        let damaged = |pem: &str| pem.replacen("\nMII", "\nAAA", 1).replacen("\nMI", "\nAA", 1);
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        let old_style = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n\
                         -----END RSA PRIVATE KEY-----\n";
        let cases = [
            ("", key.as_str(), NoCertificate),
            (key.as_str(), key.as_str(), NoCertificate),
            ("\u{30}\u{82}\u{1}", key.as_str(), NoCertificate),
            (&cut(&good), key.as_str(), BrokenCertificate),
            (&damaged(&good), key.as_str(), BrokenCertificate),
            (good.as_str(), "", NoKey),
            (good.as_str(), good.as_str(), NoKey),
            (good.as_str(), &cut(&key), BrokenKey),
            (good.as_str(), &damaged(&key), BrokenKey),
            (good.as_str(), encrypted, EncryptedKey),
            (good.as_str(), old_style, EncryptedKey),
            (good.as_str(), other_key.as_str(), Mismatch),
            (wrong_order.as_str(), key.as_str(), Mismatch),
        ];
        for (at, (certificate, key, expected)) in cases.iter().enumerate() {
            let error = from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err();
            assert_eq!(error, *expected, "case {at}");
            assert!(!error.fix().is_empty());
        }
        assert_eq!(cases.len(), 13);
    }
}
