//! Workload identity federation: a token of another issuer in the place of a secret, and such an issuer to play with.

use std::fmt;
use std::io;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::Proof;
use super::jwt::Jwt;
use crate::sim::clock;
use crate::sim::directory::{App, FederatedCredential};
use crate::sim::entra::error::{self, EntraError};

/// Checks issuer, audience and subject in Entra's order, each to the letter, then signature and time.
pub(super) fn check(app: &App, jwt: &Jwt<'_>, issuer: &str) -> Result<Proof, EntraError> {
    if issuer.starts_with("https://sts.windows.net/") {
        return Err(error::own_token());
    }
    let of_issuer: Vec<_> = app.federated.iter().filter(|it| it.issuer == issuer).collect();
    if of_issuer.is_empty() {
        return Err(error::not_federated(700_211, "issuer", issuer));
    }
    let audience = jwt.text("aud").unwrap_or_default();
    let subject = jwt.text("sub").unwrap_or_default();
    let of_audience: Vec<_> = of_issuer
        .into_iter()
        .filter(|it| it.audience == audience)
        .collect();
    if of_audience.is_empty() {
        return Err(error::not_federated(700_212, "audience", audience));
    }
    let credential = of_audience
        .into_iter()
        .find(|it| it.subject == subject)
        .ok_or_else(|| error::not_federated(700_213, "subject", subject))?;
    if !jwt.is_signed_by(&credential.key) {
        return Err(error::bad_signature("The signature is invalid.", ""));
    }
    let now = clock::now();
    let (not_before, expires) = (
        jwt.time("nbf").or(jwt.time("iat")).unwrap_or_default(),
        jwt.time("exp").unwrap_or_default(),
    );
    if expires > now && not_before <= now + 300 {
        Ok(Proof::Federated)
    } else {
        Err(error::assertion_time(now, not_before, expires))
    }
}

/// Another issuer of tokens, such as a Kubernetes cluster.
pub struct ForeignIssuer {
    url: String,
    key: RsaKeyPair,
}

impl ForeignIssuer {
    /// An issuer with this `iss` and a key of its own.
    ///
    /// # Errors
    ///
    /// The key could not be made.
    pub fn new(url: impl Into<String>) -> io::Result<Self> {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(io::Error::other)?;
        Ok(Self { url: url.into(), key })
    }

    /// What an app registration has to hold so that this issuer's tokens for `subject` and `audience` are taken.
    ///
    /// # Errors
    ///
    /// The public key could not be written down.
    pub fn credential(&self, subject: &str, audience: &str) -> io::Result<FederatedCredential> {
        let key = self.key.public_key().as_der().map_err(io::Error::other)?;
        Ok(FederatedCredential {
            issuer: self.url.clone(),
            subject: subject.to_owned(),
            audience: audience.to_owned(),
            key: key.as_ref().to_vec(),
        })
    }

    /// A token that ends at `expires` (seconds since 1970) and began an hour before that, as a projected service account
    /// token does.
    ///
    /// # Errors
    ///
    /// The signature could not be made.
    pub fn token(&self, subject: &str, audience: &str, expires: u64) -> io::Result<String> {
        let begin = expires.saturating_sub(3_600);
        let header = json!({"alg": "RS256", "kid": "cluster", "typ": "JWT"});
        let claims = json!({
            "iss": self.url, "sub": subject, "aud": audience, "iat": begin, "nbf": begin, "exp": expires,
        });
        let signed = [header, claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
            .join(".");
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(io::Error::other)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl fmt::Debug for ForeignIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ForeignIssuer").field(&self.url).finish()
    }
}
