//! Client assertions (RFC 7523 2.2): a JWT that only the holder of the certificate's key could have made.

use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use serde_json::json;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::certificates::Validity;
use crate::oauth::error::TokenError;
use crate::oauth::jws::{self, Algorithm, KeyError, SigningKey};
use crate::secret::Secret;

/// How long an assertion is good: what Entra ID's documents recommend, and enough for a clock that is some minutes off.
const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// A certificate with its key, ready to sign.
#[derive(Debug)]
pub struct Signer {
    key: SigningKey,
    algorithm: Algorithm,
    sha256: String,
    sha1: String,
    validity: Validity,
}

/// Why a certificate and a key can't prove an app. No message repeats what is in the files.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignerError {
    /// The certificate file has no certificate.
    #[error("the certificate file has no certificate in PEM form")]
    NoCertificate,
    /// The certificate is cut or damaged.
    #[error("the certificate is cut or damaged")]
    BrokenCertificate,
    /// The key can't sign.
    #[error(transparent)]
    Key(KeyError),
    /// The key belongs to another certificate.
    #[error("the key does not belong to the first certificate of the file")]
    Mismatch,
}

impl SignerError {
    /// What mends it.
    pub const fn fix(self) -> &'static str {
        match self {
            Self::NoCertificate => "name the file with `-----BEGIN CERTIFICATE-----` in it",
            Self::BrokenCertificate => "copy the certificate file again",
            Self::Key(error) => error.fix(),
            Self::Mismatch => {
                "name the key that was made with this certificate, and put the app's own certificate first"
            }
        }
    }
}

impl Signer {
    /// Reads the app's certificate, the first of its file, and its key. Both may be in one file.
    pub fn from_pem(certificate: &[u8], key: &[u8], algorithm: Algorithm) -> Result<Self, SignerError> {
        let der = CertificateDer::from_pem_slice(certificate).map_err(|error| match error {
            pem::Error::NoItemsFound => SignerError::NoCertificate,
            _ => SignerError::BrokenCertificate,
        })?;
        let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| SignerError::BrokenCertificate)?;
        let key = SigningKey::from_pem(key).map_err(SignerError::Key)?;
        if *certificate.public_key().subject_public_key.data != *key.public_key() {
            return Err(SignerError::Mismatch);
        }
        let thumbprint = |algorithm| BASE64_URL_SAFE_NO_PAD.encode(digest::digest(algorithm, &der));
        Ok(Self {
            key,
            algorithm,
            sha256: thumbprint(&SHA256),
            sha1: thumbprint(&SHA1_FOR_LEGACY_USE_ONLY),
            validity: Validity::of(&certificate),
        })
    }

    /// From when until when the certificate is good. Entra ID refuses it afterwards.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The certificate's SHA-256 in base64url, by which it is found in the app registration.
    pub fn thumbprint(&self) -> &str {
        &self.sha256
    }

    /// A new assertion for a token endpoint. `now` is the wall clock: the provider compares it with its own.
    pub(super) fn assertion(
        &self,
        client_id: &str,
        audience: &str,
        now: SystemTime,
    ) -> Result<Secret<String>, TokenError> {
        let now = jws::seconds(now);
        let claims = json!({
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": jws::unique_id()?,
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME.as_secs(),
        });
        // Entra ID documents the two in pairs, today's and that of before 2025; services that know only the older signature
        // know only the older name of the certificate.
        let certificate = match self.algorithm {
            Algorithm::Ps256 => ("x5t#S256", self.sha256.as_str()),
            Algorithm::Rs256 => ("x5t", self.sha1.as_str()),
        };
        self.key.sign(self.algorithm, &[certificate], &claims)
    }
}

#[cfg(test)]
mod tests;
