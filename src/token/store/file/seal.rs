//! The keys of a store, and what is done with them: AES-256-GCM for each record, HMAC-SHA256 for their list.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::super::StoreError;

/// How many bytes a key has.
pub(super) const KEY: usize = 32;

/// How many bytes of a box are its nonce, at its start.
const NONCE: usize = 12;

/// What all keys of this format are bound to. A format with another meaning of the same bytes gets another
/// number, and then none of its boxes opens as one of these.
const FORMAT: &[u8] = b"saslgate token store 1";

/// Keys made from the operator's one key (HKDF, RFC 5869), one for each purpose.
pub(super) struct Keys {
    sealing: RandomizedNonceKey,
    checking: hmac::Key,
    id: String,
}

impl Keys {
    pub(super) fn derive(key: &[u8; KEY]) -> Result<Self, StoreError> {
        Self::derived(key).map_err(no_crypto)
    }

    fn derived(key: &[u8; KEY]) -> Result<Self, Unspecified> {
        let root = Prk::new_less_safe(HKDF_SHA256, key);
        let derive = |purpose: &[u8]| {
            let mut derived = Zeroizing::new([0; KEY]);
            root.expand(&[FORMAT, purpose], HKDF_SHA256)?
                .fill(derived.as_mut_slice())?;
            Ok::<_, Unspecified>(derived)
        };
        let id = derive(b"id")?;
        Ok(Self {
            sealing: RandomizedNonceKey::new(&AES_256_GCM, derive(b"sealing")?.as_slice())?,
            checking: hmac::Key::new(hmac::HMAC_SHA256, derive(b"checking")?.as_slice()),
            id: format!("{:016x}", u64::from_be_bytes(head(&id))),
        })
    }

    /// Which key it is, without being it: 16 hexadecimal digits that stand in the file's first line.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Seals a secret to its line of the list.
    pub(super) fn seal(&self, line: &str, mut secret: Zeroizing<Vec<u8>>) -> Result<String, StoreError> {
        let sealed = self
            .sealing
            .seal_in_place_separate_tag(Aad::from(line), &mut secret);
        let (nonce, tag) = sealed.map_err(no_crypto)?;
        Ok(BASE64_STANDARD.encode([nonce.as_ref(), secret.as_slice(), tag.as_ref()].concat()))
    }

    /// What is in a box; `None` if it was not sealed with this key to this line.
    pub(super) fn open(&self, line: &str, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(BASE64_STANDARD.decode(sealed).ok()?);
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let secret = self
            .sealing
            .open_in_place(nonce, Aad::from(line), sealed)
            .ok()?
            .len();
        bytes.truncate(NONCE + secret);
        bytes.drain(..NONCE);
        Some(bytes)
    }

    /// The check value of a file's head.
    pub(super) fn check(&self, head: &[u8]) -> String {
        BASE64_STANDARD.encode(hmac::sign(&self.checking, head))
    }

    /// Whether that is the check value of a file's head.
    pub(super) fn checks(&self, head: &[u8], value: &str) -> bool {
        let value = BASE64_STANDARD.decode(value).unwrap_or_default();
        hmac::verify(&self.checking, head, &value).is_ok()
    }
}

fn head(derived: &[u8; KEY]) -> [u8; 8] {
    derived.first_chunk().copied().unwrap_or_default()
}

fn no_crypto(_: Unspecified) -> StoreError {
    StoreError::defect("a record can't be sealed")
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.id)
    }
}
