//! Chosen passwords: Argon2id, RFC 9106.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroizing;

use super::{HashingError, PasswordHashError, base64url, bytes, fields, random};
use crate::secret::Secret;

/// What a stored chosen password starts with.
pub(super) const SCHEME: &str = "sg2";

const SALT: usize = 16;
const HASH: usize = 32;

/// The most that one login may cost: a worker holds that much memory while it hashes.
const MOST_MEMORY: u32 = 256 * 1024;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 4;

/// What one guess costs.
///
/// Stored beside the hash, so that later defaults leave old hashes alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// 19 MiB and two passes, the second of OWASP's equal choices: about 20 ms, and a worker stays small in a container.
impl Default for Cost {
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
            lanes: 1,
        }
    }
}

impl Cost {
    /// The least that Argon2 can cost: tests prove what is hashed, not how slowly.
    #[cfg(test)]
    pub(in crate::account) const CHEAP: Self = Self {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };

    fn parse(memory_kib: &str, passes: &str, lanes: &str) -> Result<Self, PasswordHashError> {
        let lanes = number("number of lanes", lanes, 1, MOST_LANES)?;
        Ok(Self {
            // RFC 9106 3.1: eight KiB for each lane at least.
            memory_kib: number("memory in KiB", memory_kib, 8 * lanes, MOST_MEMORY)?,
            passes: number("number of passes", passes, 1, MOST_PASSES)?,
            lanes,
        })
    }
}

fn number(field: &'static str, text: &str, least: u32, most: u32) -> Result<u32, PasswordHashError> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or(PasswordHashError::Cost { field, least, most })
}

/// What is stored of a chosen password: what a guess costs, a salt, and the Argon2id hash.
#[derive(Clone)]
pub struct ChosenHash {
    cost: Cost,
    salt: [u8; SALT],
    hash: [u8; HASH],
}

impl ChosenHash {
    /// Hashes a password. Takes as long as its cost says: not for an async task.
    pub fn make(password: &Secret<String>, cost: Cost) -> Result<Self, HashingError> {
        let salt = random()?;
        let hash = *argon2id(cost, &salt, password.expose()).ok_or(HashingError::NoMemory)?;
        Ok(Self { cost, salt, hash })
    }

    /// What a guess costs.
    pub const fn cost(&self) -> Cost {
        self.cost
    }

    /// A hash that nothing matches, for attempts that meet no stored one and must cost the same.
    pub(in crate::account) fn stand_in(cost: Cost) -> Result<Self, HashingError> {
        Ok(Self {
            cost,
            salt: random()?,
            hash: random()?,
        })
    }

    /// The same hash at another cost: another stand-in.
    pub(in crate::account) fn costing(&self, cost: Cost) -> Self {
        Self { cost, ..self.clone() }
    }

    /// Whether that is the password; none if there was no memory to find out.
    pub(in crate::account) fn matches(&self, password: &str) -> Option<bool> {
        let hash = argon2id(self.cost, &self.salt, password)?;
        Some(verify_slices_are_equal(&*hash, &self.hash).is_ok())
    }

    /// The bytes that tell it from every other hash.
    pub(in crate::account) fn fingerprint(&self) -> [&[u8]; 2] {
        [&self.salt, &self.hash]
    }

    pub(super) fn stored(&self) -> String {
        let Cost {
            memory_kib,
            passes,
            lanes,
        } = self.cost;
        let (salt, hash) = (base64url(&self.salt), base64url(&self.hash));
        format!("{SCHEME}:{memory_kib}:{passes}:{lanes}:{salt}:{hash}")
    }

    pub(super) fn parse(text: &str) -> Result<Self, PasswordHashError> {
        let [memory_kib, passes, lanes, salt, hash] = fields(SCHEME, text)?;
        Ok(Self {
            cost: Cost::parse(memory_kib, passes, lanes)?,
            salt: bytes("salt", salt)?,
            hash: bytes("hash", hash)?,
        })
    }
}

/// Shows what a guess costs, never the hash, which can be guessed at.
impl fmt::Debug for ChosenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChosenHash({:?})", self.cost)
    }
}

/// None only where its working memory is not to be had: every other argument was checked.
fn argon2id(cost: Cost, salt: &[u8; SALT], password: &str) -> Option<Zeroizing<[u8; HASH]>> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(HASH)).ok()?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = Zeroizing::new([0; HASH]);
    argon2
        .hash_password_into(password.as_bytes(), salt, &mut *hash)
        .ok()?;
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_password_matches_itself_only() {
        let hash = ChosenHash::make(&Secret::new("Grüße \"1\\".into()), Cost::default()).unwrap();
        let table = [
            ("Grüße \"1\\", true),
            ("Grüße \"1", false),
            ("grüße \"1\\", false),
            ("", false),
        ];
        for (typed, right) in table {
            assert_eq!(hash.matches(typed), Some(right), "{typed}");
        }
    }

    #[test]
    fn a_hash_of_the_reference_implementation_is_recognised() {
        // printf 'correct horse' | argon2 saltsaltsaltsalt -id -k 64 -t 3 -p 1 -l 32 -v 13
        let made = "64:3:1:c2FsdHNhbHRzYWx0c2FsdA:DTdtJLapPYcjgTYHOZxUV3qJmZY3meND8KxSBoxCgKw";
        let hash = ChosenHash::parse(made).unwrap();
        assert_eq!(hash.matches("correct horse"), Some(true));
        assert_eq!(hash.matches("incorrect horse"), Some(false));
    }
}
