//! Local passwords as they are stored: `sg1:` for generated ones, `sg2:` for chosen ones.
//!
//! Fields are joined by `:` and written in base64url, so that a hash survives compose files and shells, which eat `$`.

mod chosen;
mod generated;

use aws_lc_rs::error::Unspecified;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use chosen::{ChosenHash, Cost};
pub use generated::{GeneratedHash, GeneratedPassword, PasswordId};

pub(super) use generated::Symbols;

/// A stored local password: enough to recognise it, not enough to type it.
#[derive(Clone, Debug)]
pub enum PasswordHash {
    /// A password that `saslgate password` made: 130 random bits make a slow hash needless.
    Generated(GeneratedHash),
    /// A password that somebody chose: Argon2id makes guessing it slow.
    Chosen(ChosenHash),
}

impl PasswordHash {
    /// Reads a stored password. No error quotes it: what is mistaken for a hash may be a password.
    pub fn parse(text: &str) -> Result<Self, PasswordHashError> {
        match text.split_once(':') {
            Some((generated::SCHEME, fields)) => GeneratedHash::parse(fields).map(Self::Generated),
            Some((chosen::SCHEME, fields)) => ChosenHash::parse(fields).map(Self::Chosen),
            _ if is_foreign(text) => Err(PasswordHashError::Foreign),
            _ => Err(PasswordHashError::NotAHash),
        }
    }

    /// What recognises a generated password whose text is known; none if the text is none.
    pub fn of_generated(text: &str) -> Result<Option<Self>, HashingError> {
        let symbols = Symbols::read(text);
        let hash = symbols.map(|symbols| GeneratedHash::make(&symbols)).transpose()?;
        Ok(hash.map(Self::Generated))
    }

    /// The text to store, which [`Self::parse`] reads.
    pub fn stored(&self) -> String {
        match self {
            Self::Generated(hash) => hash.stored(),
            Self::Chosen(hash) => hash.stored(),
        }
    }
}

/// Why a text is no stored password.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PasswordHashError {
    /// Neither ours nor another program's: perhaps the password itself.
    #[error(
        "it is not a password hash, which starts with `sg1:` or `sg2:`: make one with `saslgate password`"
    )]
    NotAHash,
    /// `$argon2id$…`, `{SSHA}…` and their like.
    #[error("it is the password hash of another program: make one with `saslgate password`")]
    Foreign,
    /// Too many or too few parts between colons.
    #[error(
        "it should have {expected} fields after `{scheme}:` and has {found}: it was cut or changed when it was copied"
    )]
    Fields {
        /// `sg1` or `sg2`.
        scheme: &'static str,
        /// How many fields it should have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// The id of a generated password.
    #[error(
        "its id should be {} letters and digits: it was changed when it was copied",
        generated::ID_SYMBOLS
    )]
    Id,
    /// A field that is not base64url of the right length.
    #[error(
        "its {field} should be {expected} characters of base64url: it was cut or changed when it was copied"
    )]
    Bytes {
        /// Which field.
        field: &'static str,
        /// How many characters it should have.
        expected: usize,
    },
    /// A cost that is no number, or one that a login should not have.
    #[error("its {field} should be a number from {least} to {most}")]
    Cost {
        /// Which cost.
        field: &'static str,
        /// The smallest that Argon2 can work with.
        least: u32,
        /// The largest that a login may cost.
        most: u32,
    },
}

/// Why a password could not be hashed or made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HashingError {
    /// No random bytes for a salt or a password.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
    /// Argon2's working memory could not be had.
    #[error("there is not enough memory to hash a password")]
    NoMemory,
}

/// How other programs mark their hashes.
fn is_foreign(text: &str) -> bool {
    text.starts_with('$') || text.starts_with('{')
}

/// The fields of a stored password, which must be exactly as many as its scheme has.
fn fields<'a, const N: usize>(
    scheme: &'static str,
    text: &'a str,
) -> Result<[&'a str; N], PasswordHashError> {
    let all: Vec<&str> = text.split(':').collect();
    let found = all.len();
    all.try_into().map_err(|_| PasswordHashError::Fields {
        scheme,
        expected: N,
        found,
    })
}

/// Bytes of a known length, from base64url without padding.
fn bytes<const N: usize>(field: &'static str, text: &str) -> Result<[u8; N], PasswordHashError> {
    let decoded = URL_SAFE_NO_PAD.decode(text).ok();
    decoded
        .and_then(|decoded| decoded.try_into().ok())
        .ok_or(PasswordHashError::Bytes {
            field,
            expected: (N * 4).div_ceil(3),
        })
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Bytes that nobody can foresee.
fn random<const N: usize>() -> Result<[u8; N], HashingError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|Unspecified| HashingError::NoRandomness)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    use PasswordHashError::{Bytes, Fields, Foreign, Id, NotAHash};

    const SALT: &str = "AAAAAAAAAAAAAAAAAAAAAA";
    const HASH: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn assert_refused(table: &[(String, PasswordHashError)]) {
        for (text, why) in table {
            let error = PasswordHash::parse(text).unwrap_err();
            assert_eq!(error, *why, "{text}");
            assert!(
                text.len() < 5 || !error.to_string().contains(text),
                "quoted: {error}"
            );
        }
    }

    #[test]
    fn what_is_no_hash_is_refused_and_never_quoted() {
        let table = [
            ("hunter2".into(), NotAHash),
            (String::new(), NotAHash),
            ("sg3:a:b:c".into(), NotAHash),
            ("sg1".into(), NotAHash),
            ("$argon2id$v=19$m=16,t=2,p=1$c2FsdA$aGFzaA".into(), Foreign),
            ("{SSHA}c2FsdA==".into(), Foreign),
        ];
        assert_refused(&table);
        assert_eq!(table.len(), 6);
    }

    #[test]
    fn a_damaged_hash_is_refused_with_its_reason() {
        let fields = |scheme, expected, found| Fields {
            scheme,
            expected,
            found,
        };
        let table = [
            ("sg1:".into(), fields("sg1", 3, 1)),
            (format!("sg1:abcd:{SALT}:{HASH}:x"), fields("sg1", 3, 4)),
            (format!("sg1:abc:{SALT}:{HASH}"), Id),
            (format!("sg1:abc1:{SALT}:{HASH}"), Id),
            (
                format!("sg1:abcd:{SALT}A:{HASH}"),
                Bytes {
                    field: "salt",
                    expected: 22,
                },
            ),
            (
                format!("sg1:abcd:{SALT}:{HASH}="),
                Bytes {
                    field: "hash",
                    expected: 43,
                },
            ),
            (
                format!("sg1:abcd:{SALT}:"),
                Bytes {
                    field: "hash",
                    expected: 43,
                },
            ),
            (format!("sg2:19456:2:{SALT}:{HASH}"), fields("sg2", 5, 4)),
            (
                format!("sg2:19456:2:1:{SALT}!:{HASH}"),
                Bytes {
                    field: "salt",
                    expected: 22,
                },
            ),
        ];
        assert_refused(&table);
        assert_eq!(table.len(), 9);
    }

    #[test]
    fn a_hash_that_no_login_should_cost_is_refused() {
        let cost = |field, least, most| PasswordHashError::Cost { field, least, most };
        let memory = |least| cost("memory in KiB", least, 262_144);
        let table = [
            (format!("sg2:x:2:1:{SALT}:{HASH}"), memory(8)),
            (format!("sg2:4294967296:2:1:{SALT}:{HASH}"), memory(8)),
            (format!("sg2:262145:2:1:{SALT}:{HASH}"), memory(8)),
            (format!("sg2:16:2:4:{SALT}:{HASH}"), memory(32)),
            (
                format!("sg2:19456:0:1:{SALT}:{HASH}"),
                cost("number of passes", 1, 16),
            ),
            (
                format!("sg2:19456:2:0:{SALT}:{HASH}"),
                cost("number of lanes", 1, 4),
            ),
        ];
        assert_refused(&table);
        assert_eq!(table.len(), 6);
    }

    #[test]
    fn a_stored_password_is_read_back_and_survives_compose_files() {
        let (_, generated) = GeneratedPassword::make().unwrap();
        let chosen = ChosenHash::make(&Secret::new("correct horse".into()), Cost::default()).unwrap();
        for hash in [PasswordHash::Generated(generated), PasswordHash::Chosen(chosen)] {
            let stored = hash.stored();
            assert_eq!(PasswordHash::parse(&stored).unwrap().stored(), stored);
            assert!(
                stored
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b":_-".contains(&b)),
                "{stored}"
            );
            assert!(!format!("{hash:?}").contains(&stored[10..]), "{hash:?}");
        }
    }
}
