//! Signed tokens of our own making (RFC 7515): with them an app proves itself, and a service account asks.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::{self, PemObject as _};
use serde_json::{Map, Value};

use super::error::TokenError;
use crate::secret::Secret;

/// How a token is signed (RFC 7518 3.3 and 3.5).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Algorithm {
    /// RSA with PSS and SHA-256: what Entra ID documents today.
    #[default]
    Ps256,
    /// RSA with PKCS #1 v1.5 and SHA-256: what older services know, and Google's only one.
    Rs256,
}

impl Algorithm {
    const fn name(self) -> &'static str {
        match self {
            Self::Ps256 => "PS256",
            Self::Rs256 => "RS256",
        }
    }

    fn encoding(self) -> &'static dyn RsaEncoding {
        match self {
            Self::Ps256 => &RSA_PSS_SHA256,
            Self::Rs256 => &RSA_PKCS1_SHA256,
        }
    }
}

/// Why a private key can't sign. No message repeats what is in the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// There is no private key.
    #[error("there is no private key in PEM form")]
    Missing,
    /// The key is protected by a passphrase.
    #[error("the private key is encrypted, and nobody is there to type its passphrase")]
    Encrypted,
    /// The key is cut, damaged, or not RSA.
    #[error("the private key is cut or damaged, or is not RSA of at least 2048 bits")]
    NotRsa,
}

impl KeyError {
    /// What mends it.
    pub const fn fix(self) -> &'static str {
        match self {
            Self::Missing => "name a file with `-----BEGIN PRIVATE KEY-----` in it",
            Self::Encrypted => {
                "write it without a passphrase: `openssl pkey -in old.pem -out new.pem`, and chmod 600"
            }
            Self::NotRsa => "copy the key file again, or make an RSA key: other kinds can't prove an app",
        }
    }
}

/// A private key that signs.
pub(super) struct SigningKey(KeyPair);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl SigningKey {
    /// Reads the first private key of a PEM file: `PRIVATE KEY` (PKCS #8) or `RSA PRIVATE KEY` (PKCS #1).
    pub(super) fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let key = match PrivateKeyDer::from_pem_slice(pem) {
            Ok(key) => key,
            // RFC 7468 11, and the older form of OpenSSL, which says it in a header.
            Err(_) if String::from_utf8_lossy(pem).contains("ENCRYPTED") => return Err(KeyError::Encrypted),
            Err(pem::Error::NoItemsFound) => return Err(KeyError::Missing),
            Err(_) => return Err(KeyError::NotRsa),
        };
        let pair = match &key {
            PrivateKeyDer::Pkcs8(key) => KeyPair::from_pkcs8(key.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(key) => KeyPair::from_der(key.secret_pkcs1_der()),
            _ => return Err(KeyError::NotRsa),
        };
        let pair = pair.map_err(|_| KeyError::NotRsa)?;
        // Entra ID takes no shorter one (RFC 7518 3.3).
        (pair.public_modulus_len() >= 256)
            .then_some(Self(pair))
            .ok_or(KeyError::NotRsa)
    }

    /// The public half, as a certificate holds it (RFC 8017 A.1.1).
    pub(super) fn public_key(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// The claims, signed (RFC 7515 7.1). `header` is what is to stand there beside `alg` and `typ`.
    pub(super) fn sign(
        &self,
        algorithm: Algorithm,
        header: &[(&str, &str)],
        claims: &Value,
    ) -> Result<Secret<String>, TokenError> {
        let usual = [("alg", algorithm.name()), ("typ", "JWT")];
        let header: Map<_, _> = usual
            .iter()
            .chain(header)
            .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
            .collect();
        let encoded = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
        let mut jwt = format!("{}.{}", encoded(&Value::Object(header)), encoded(claims));
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(
                algorithm.encoding(),
                &SystemRandom::new(),
                jwt.as_bytes(),
                &mut signature,
            )
            .map_err(|_| unsigned())?;
        jwt.push('.');
        jwt.push_str(&BASE64_URL_SAFE_NO_PAD.encode(&signature));
        Ok(Secret::new(jwt))
    }
}

/// 16 random bytes: no two tokens are the same (`jti` of RFC 7519 4.1.7).
pub(super) fn unique_id() -> Result<String, TokenError> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| no_randomness())?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Seconds since 1970 (`NumericDate` of RFC 7519 2).
pub(super) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs()
}

fn unsigned() -> TokenError {
    TokenError::misconfigured(
        "the app's private key does not sign",
        "it is damaged in a way that was not seen when it was read",
        "make a new key and certificate, and upload the certificate to the app registration",
    )
}

pub(super) fn no_randomness() -> TokenError {
    TokenError::temporary(
        "the operating system gave no random bytes",
        "they are what nobody can guess, so nothing is asked for without them",
        "check that this process may call getrandom",
    )
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
    use rcgen::{KeyPair as Made, PKCS_RSA_SHA256};

    use super::*;

    #[test]
    fn what_is_signed_can_be_verified_by_the_public_half_alone() {
        let pem = Made::generate_for(&PKCS_RSA_SHA256).unwrap().serialize_pem();
        let key = SigningKey::from_pem(pem.as_bytes()).unwrap();
        let claims = serde_json::json!({ "sub": "app" });
        for algorithm in [Algorithm::Ps256, Algorithm::Rs256] {
            let jwt = key.sign(algorithm, &[], &claims).unwrap();
            let (signed, signature) = jwt.expose().rsplit_once('.').unwrap();
            let (header, payload) = signed.split_once('.').unwrap();
            let read = |part| String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
            let expected = format!(r#"{{"alg":"{}","typ":"JWT"}}"#, algorithm.name());
            assert_eq!(
                (read(header), read(payload)),
                (expected, r#"{"sub":"app"}"#.to_owned())
            );
            let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
            let verify = |algorithm, text: &str| {
                UnparsedPublicKey::new(algorithm, key.public_key()).verify(text.as_bytes(), &signature)
            };
            let right: [&'static _; 2] = [&RSA_PSS_2048_8192_SHA256, &RSA_PKCS1_2048_8192_SHA256];
            let is_pss = algorithm == Algorithm::Ps256;
            assert_eq!(verify(right[0], signed).is_ok(), is_pss);
            assert_eq!(verify(right[1], signed).is_ok(), !is_pss);
            assert!(verify(right[usize::from(!is_pss)], &signed.replace('.', "..")).is_err());
        }
        assert_eq!(format!("{key:?}"), "SigningKey(…)");
    }

    #[test]
    fn a_key_that_cannot_sign_is_refused_with_its_reason() {
        let rsa = Made::generate_for(&PKCS_RSA_SHA256).unwrap().serialize_pem();
        let elliptic = Made::generate().unwrap().serialize_pem();
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        let old_style = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n\
                         -----END RSA PRIVATE KEY-----\n";
        let sec1 = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n";
        let cases = [
            ("", KeyError::Missing),
            ("certificate", KeyError::Missing),
            (&rsa[..rsa.len() / 2], KeyError::NotRsa),
            (&rsa.replacen("\nMII", "\nAAA", 1), KeyError::NotRsa),
            (&elliptic, KeyError::NotRsa),
            (sec1, KeyError::NotRsa),
            (encrypted, KeyError::Encrypted),
            (old_style, KeyError::Encrypted),
        ];
        for (pem, why) in &cases {
            assert_eq!(
                SigningKey::from_pem(pem.as_bytes()).unwrap_err(),
                *why,
                "{pem:.40}"
            );
            assert!(!why.fix().is_empty());
        }
        assert_eq!(cases.len(), 8);
    }

    #[test]
    fn ids_differ() {
        let ids = [unique_id().unwrap(), unique_id().unwrap()];
        assert_ne!(ids[0], ids[1]);
        assert_eq!(ids[0].len(), 22);
    }
}
