//! Chosen passwords found right a moment ago: old mail clients open ten connections at once.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};
use aws_lc_rs::rand::SystemRandom;
use tokio::time::Instant;

use super::bounded::{Bounded, MOST_ENTRIES};
use super::password::{ChosenHash, HashingError};
use crate::secret::Secret;

/// How long a right password is remembered. Long enough for a mail client's burst and its usual polling.
const REMEMBERED: Duration = Duration::from_secs(300);

/// A keyed digest of account, stored hash and password. The key dies with the process, so that a memory dump of the
/// digests alone is worth nothing; a changed hash or another account makes another digest, so nothing needs clearing.
pub(super) type Digest = [u8; 32];

/// The digests of right passwords, until when.
pub(super) struct Verified {
    key: Key,
    until: Mutex<Bounded<Digest, Option<Instant>>>,
}

impl Verified {
    pub(super) fn new() -> Result<Self, HashingError> {
        let key = Key::generate(HMAC_SHA256, &SystemRandom::new());
        Ok(Self {
            key: key.map_err(|Unspecified| HashingError::NoRandomness)?,
            until: Mutex::new(Bounded::new(MOST_ENTRIES)),
        })
    }

    pub(super) fn digest(&self, account: &str, hash: &ChosenHash, password: &Secret<String>) -> Digest {
        let [salt, stored] = hash.fingerprint();
        self.digest_of(&[account.as_bytes(), salt, stored, password.expose().as_bytes()])
    }

    /// The same of a password that the provider has found right: what it was asked for stands in the place of a hash.
    pub(super) fn digest_by_provider(&self, asked: [&[u8]; 2], password: &Secret<String>) -> Digest {
        let [account, grant] = asked;
        self.digest_of(&[account, grant, password.expose().as_bytes()])
    }

    fn digest_of(&self, parts: &[&[u8]]) -> Digest {
        let mut context = Context::with_key(&self.key);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    pub(super) fn remember(&self, digest: Digest) {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        *until.entry(digest) = Some(Instant::now() + REMEMBERED);
    }

    pub(super) fn contains(&self, digest: &Digest) -> bool {
        let until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until
            .get(digest)
            .copied()
            .flatten()
            .is_some_and(|until| Instant::now() < until)
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verified(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::password::Cost;

    #[test]
    fn what_is_remembered_is_remembered_of_one_account_one_hash_and_one_password() {
        let (verified, restarted) = (Verified::new().unwrap(), Verified::new().unwrap());
        let [hash, other] = [(); 2].map(|()| ChosenHash::stand_in(Cost::CHEAP).unwrap());
        let [password, wrong] = ["choice", "guess"].map(|text| Secret::new(String::from(text)));
        let right = verified.digest("alice", &hash, &password);
        verified.remember(right);
        assert!(verified.contains(&right));
        assert_eq!(verified.digest("alice", &hash, &password), right);
        for digest in [
            verified.digest("bob", &hash, &password),
            verified.digest("alice", &other, &password),
            verified.digest("alice", &hash, &wrong),
            restarted.digest("alice", &hash, &password),
        ] {
            assert!(!verified.contains(&digest));
        }
    }
}
