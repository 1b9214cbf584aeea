//! What an app proves itself with when it asks for a token (RFC 6749 2.3).

mod assertion;
mod certificate;
mod federated;

use std::fmt;

use url::{Url, form_urlencoded};

use super::error::TokenError;
use crate::secret::Secret;

pub use assertion::{Signer, SignerError};
pub use certificate::CertificateFiles;
pub use federated::FederatedToken;

/// RFC 7523 2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What proves that it is this app that asks.
#[derive(Debug)]
pub enum Proof {
    /// Nothing: a public app, of which everybody may hold a copy. Entra ID refuses any proof of it (AADSTS700025).
    None,
    /// The client secret's Value.
    Secret(Secret<String>),
    /// A certificate that is uploaded to the app registration: each request carries an assertion signed with its key.
    Certificate(CertificateFiles),
    /// Another issuer's token about this workload, which the app registration trusts.
    Federated(FederatedToken),
}

impl Proof {
    /// What a request carries now. Files are read for it, so it may take a moment.
    pub(super) async fn present(&self, client_id: &str, audience: &Url) -> Result<Presented, TokenError> {
        match self {
            Self::None => Ok(Presented::Nothing),
            Self::Secret(secret) => Ok(Presented::Secret(Secret::new(secret.expose().clone()))),
            Self::Certificate(files) => files
                .assertion(client_id, audience.as_str())
                .await
                .map(Presented::Assertion),
            Self::Federated(token) => token.read().await.map(Presented::Assertion),
        }
    }

    /// What tells one proof from another: the secret itself, or where it is read from.
    pub fn distinguish(&self, mut add: impl FnMut(&[u8])) {
        match self {
            Self::None => add(b"none"),
            Self::Secret(secret) => {
                add(b"secret");
                add(secret.expose().as_bytes());
            }
            Self::Certificate(files) => {
                add(b"certificate");
                for path in files.paths() {
                    add(path.as_os_str().as_encoded_bytes());
                }
            }
            Self::Federated(token) => {
                add(b"federated");
                add(token.path().as_os_str().as_encoded_bytes());
            }
        }
    }
}

/// A proof as one request carries it.
pub(super) enum Presented {
    Nothing,
    Secret(Secret<String>),
    Assertion(Secret<String>),
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presented(…)")
    }
}

impl Presented {
    /// What must not be repeated from an answer.
    pub(super) fn secret(&self) -> Option<&Secret<String>> {
        match self {
            Self::Nothing => None,
            Self::Secret(secret) | Self::Assertion(secret) => Some(secret),
        }
    }

    /// Adds it to the form of a request. In the body: with HTTP Basic, providers differ on how client id and secret are
    /// encoded before base64 (RFC 6749 2.3.1).
    pub(super) fn put_on(&self, body: &mut Vec<u8>) {
        let pairs: &[(&str, &str)] = match self {
            Self::Nothing => return,
            Self::Secret(secret) => &[("client_secret", secret.expose())],
            Self::Assertion(assertion) => &[
                ("client_assertion_type", JWT_BEARER),
                ("client_assertion", assertion.expose()),
            ],
        };
        let encoded = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        let encoded = Secret::new(encoded);
        if !body.is_empty() {
            body.push(b'&');
        }
        body.extend_from_slice(encoded.expose().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::jws::Algorithm;

    fn on(presented: &Presented, body: &str) -> String {
        let mut body = body.as_bytes().to_vec();
        presented.put_on(&mut body);
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn a_proof_is_encoded_exactly_once() {
        let secret = Presented::Secret(Secret::new("8Q~s.e/c+r e%t&=".to_owned()));
        let assertion = Presented::Assertion(Secret::new("a.b-_.c".to_owned()));
        let cases = [
            (&Presented::Nothing, "client_id=x", "client_id=x"),
            (
                &secret,
                "client_id=x",
                "client_id=x&client_secret=8Q%7Es.e%2Fc%2Br+e%25t%26%3D",
            ),
            (
                &assertion,
                "client_id=x",
                "client_id=x&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer\
                 &client_assertion=a.b-_.c",
            ),
        ];
        for (presented, before, after) in cases {
            assert_eq!(on(presented, before), after);
            assert_eq!(format!("{presented:?}"), "Presented(…)");
        }
        assert_eq!(on(&secret, ""), "client_secret=8Q%7Es.e%2Fc%2Br+e%25t%26%3D");
    }

    #[test]
    fn what_is_another_proof_is_told_apart() {
        let secret = |text: &str| Proof::Secret(Secret::new(text.to_owned()));
        let files = |certificate: &str, key: &str| {
            Proof::Certificate(CertificateFiles::new(
                certificate.into(),
                key.into(),
                Algorithm::Ps256,
            ))
        };
        let proofs = [
            Proof::None,
            secret("a"),
            secret("b"),
            files("a", "b"),
            files("a", "c"),
            Proof::Federated(FederatedToken::new("a".into())),
            Proof::Federated(FederatedToken::new("b".into())),
        ];
        let told = proofs.each_ref().map(|proof| {
            let mut parts = Vec::new();
            proof.distinguish(|part| parts.push(part.to_vec()));
            parts
        });
        for (at, one) in told.iter().enumerate() {
            assert!(!told[at + 1..].contains(one), "{:?}", proofs[at]);
        }
    }
}
