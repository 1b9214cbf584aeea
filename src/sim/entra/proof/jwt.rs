//! A signed JWT in compact form (RFC 7515, 7.1), taken apart.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Header, claims, and what the signature is over.
pub(super) struct Jwt<'a> {
    pub(super) header: Value,
    claims: Value,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    /// Three parts of unpadded base64url, the first two being JSON objects.
    pub(super) fn decode(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let object = |part: &str| {
            let json = serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
            json.is_object().then_some(json)
        };
        Some(Self {
            header: object(header)?,
            claims: object(claims)?,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// A claim that is a text and not empty.
    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str().filter(|text| !text.is_empty())
    }

    /// A claim that is a whole number of seconds since 1970.
    pub(super) fn time(&self, claim: &str) -> Option<u64> {
        self.claims.get(claim)?.as_u64()
    }

    /// Whether `key` (DER) made the signature, with the algorithm that the header names.
    pub(super) fn is_signed_by(&self, key: &[u8]) -> bool {
        let Some(algorithm) = self.algorithm() else {
            return false;
        };
        UnparsedPublicKey::new(algorithm, key)
            .verify(self.signed.as_bytes(), &self.signature)
            .is_ok()
    }

    /// RSA, the only kind of key that an app registration takes (RFC 7518, 3.3 and 3.5).
    fn algorithm(&self) -> Option<&'static RsaParameters> {
        match self.header.get("alg")?.as_str()? {
            "RS256" => Some(&RSA_PKCS1_2048_8192_SHA256),
            "PS256" => Some(&RSA_PSS_2048_8192_SHA256),
            _ => None,
        }
    }
}
