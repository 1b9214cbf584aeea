//! Generated passwords: their text, and how it is recognised.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use zeroize::Zeroizing;

use super::{HashingError, PasswordHashError, base64url, bytes, fields, random};
use crate::secret::Secret;

/// What a stored generated password starts with.
pub(super) const SCHEME: &str = "sg1";

/// Thirty-two symbols that survive being read aloud, written on paper and typed on a device's keypad: neither `0` and `o`
/// nor `1` and `l`, no capital, nothing that a shell, a quoted string or a URL treats specially.
const ALPHABET: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";

/// How many symbols name the password. Twenty bits are enough for the few passwords of one account.
pub(super) const ID_SYMBOLS: usize = 4;

/// All symbols. The 26 behind the id carry 130 bits, so that no rate of guessing matters and a fast hash is enough.
const SYMBOLS: usize = 30;

/// Five groups of six are shown, joined by `-`.
const GROUP: usize = 6;

/// Which of an account's generated passwords: the first symbols of its text. Not secret; logs name it.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct PasswordId([u8; ID_SYMBOLS]);

impl PasswordId {
    fn parse(text: &str) -> Result<Self, PasswordHashError> {
        let id = text.as_bytes().try_into().map_err(|_| PasswordHashError::Id)?;
        if text.bytes().all(|symbol| ALPHABET.contains(&symbol)) {
            Ok(Self(id))
        } else {
            Err(PasswordHashError::Id)
        }
    }
}

impl fmt::Display for PasswordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|symbol| write!(f, "{}", char::from(*symbol)))
    }
}

impl fmt::Debug for PasswordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordId({self})")
    }
}

/// A generated password that has just been made, to be shown once.
#[derive(Debug)]
pub struct GeneratedPassword(Secret<String>);

impl GeneratedPassword {
    /// Makes a password and what is stored of it.
    pub fn make() -> Result<(Self, GeneratedHash), HashingError> {
        let symbols = Symbols::random()?;
        let hash = GeneratedHash::make(&symbols)?;
        Ok((Self(symbols.grouped()), hash))
    }

    /// Whether a text could be one: where a password does not belong, it must not be shown.
    pub fn could_be(text: &str) -> bool {
        Symbols::read(text).is_some()
    }

    /// Its text, in groups. Hyphens and capitals do not matter when it is typed.
    pub fn text(&self) -> &str {
        self.0.expose()
    }
}

/// What is stored of a generated password: its id, a salt, and HMAC-SHA256 of it under the salt.
#[derive(Clone)]
pub struct GeneratedHash {
    id: PasswordId,
    salt: [u8; 16],
    hash: [u8; 32],
}

impl GeneratedHash {
    /// Which password it is.
    pub const fn id(&self) -> PasswordId {
        self.id
    }

    /// A hash that nothing matches, for attempts that meet no stored one and must cost the same.
    pub(in crate::account) fn stand_in() -> Result<Self, HashingError> {
        let id = Symbols::random()?.id();
        Ok(Self {
            id,
            salt: random()?,
            hash: random()?,
        })
    }

    /// Whether that is the password.
    pub(in crate::account) fn matches(&self, symbols: &Symbols) -> bool {
        let digest = digest(&self.salt, symbols);
        verify_slices_are_equal(digest.as_ref(), &self.hash).is_ok()
    }

    pub(super) fn stored(&self) -> String {
        format!(
            "{SCHEME}:{}:{}:{}",
            self.id,
            base64url(&self.salt),
            base64url(&self.hash)
        )
    }

    pub(super) fn parse(text: &str) -> Result<Self, PasswordHashError> {
        let [id, salt, hash] = fields(SCHEME, text)?;
        Ok(Self {
            id: PasswordId::parse(id)?,
            salt: bytes("salt", salt)?,
            hash: bytes("hash", hash)?,
        })
    }

    pub(super) fn make(symbols: &Symbols) -> Result<Self, HashingError> {
        let salt = random()?;
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&salt, symbols).as_ref());
        Ok(Self {
            id: symbols.id(),
            salt,
            hash,
        })
    }
}

/// Shows which password it is, never its hash.
impl fmt::Debug for GeneratedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GeneratedHash({})", self.id)
    }
}

fn digest(salt: &[u8], symbols: &Symbols) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(HMAC_SHA256, salt), &*symbols.0)
}

/// A password with the shape of a generated one: its symbols alone.
pub(in crate::account) struct Symbols(Zeroizing<[u8; SYMBOLS]>);

impl Symbols {
    /// What was typed, if it could be a generated password. Telephones write a capital first, people leave hyphens
    /// out or write spaces, and some scanners take no more than 32 characters: none of that loses an entropy bit.
    pub(in crate::account) fn read(typed: &str) -> Option<Self> {
        let mut symbols = Zeroizing::new([0; SYMBOLS]);
        let mut room = symbols.iter_mut();
        for typed in typed.bytes().filter(|typed| !b"- ".contains(typed)) {
            let symbol = typed.to_ascii_lowercase();
            if !ALPHABET.contains(&symbol) {
                return None;
            }
            *room.next()? = symbol;
        }
        let complete = room.next().is_none();
        complete.then_some(Self(symbols))
    }

    /// Symbols that are no one's password, to spend the usual work on.
    pub(in crate::account) fn blank() -> Self {
        Self(Zeroizing::new([ALPHABET[0]; SYMBOLS]))
    }

    /// The id in front.
    pub(in crate::account) fn id(&self) -> PasswordId {
        let mut id = [0; ID_SYMBOLS];
        id.copy_from_slice(&self.0[..ID_SYMBOLS]);
        PasswordId(id)
    }

    fn random() -> Result<Self, HashingError> {
        let mut symbols = Zeroizing::new(random::<SYMBOLS>()?);
        // 256 is a multiple of 32: every symbol is as likely as every other.
        symbols
            .iter_mut()
            .for_each(|symbol| *symbol = ALPHABET[usize::from(*symbol % 32)]);
        Ok(Self(symbols))
    }

    fn grouped(&self) -> Secret<String> {
        // Made in one piece: a string that grows leaves copies behind.
        let mut text = String::with_capacity(SYMBOLS + SYMBOLS / GROUP);
        for (at, symbol) in self.0.iter().enumerate() {
            if at > 0 && at % GROUP == 0 {
                text.push('-');
            }
            text.push(char::from(*symbol));
        }
        Secret::new(text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_generated_password_is_easy_to_type_and_never_the_same() {
        let mut seen = HashSet::new();
        for _ in 0..1_000 {
            let (password, hash) = GeneratedPassword::make().unwrap();
            let text = password.text();
            assert_eq!(text.len(), 34, "five groups of six and four hyphens");
            assert!(text.split('-').all(|group| group.len() == 6));
            assert!(
                text.bytes().all(|b| b == b'-' || ALPHABET.contains(&b)),
                "a symbol to stumble over"
            );
            assert_eq!(text[..4], hash.id().to_string());
            assert!(seen.insert(text.to_owned()));
            assert_eq!(format!("{password:?}"), "GeneratedPassword(Secret(…))");
        }
        assert_eq!(seen.len(), 1_000);
    }

    #[test]
    fn every_symbol_is_used() {
        let mut seen = HashSet::new();
        for _ in 0..200 {
            seen.extend(Symbols::random().unwrap().0.iter().copied());
        }
        assert_eq!(seen.len(), ALPHABET.len());
    }

    #[test]
    fn a_generated_password_is_recognised_however_it_is_typed_and_never_another() {
        let (password, hash) = GeneratedPassword::make().unwrap();
        let (other, _) = GeneratedPassword::make().unwrap();
        let text = password.text();
        let typed = [
            text.to_owned(),
            text.replace('-', ""),
            text.replace('-', " "),
            text.to_ascii_uppercase(),
            format!(" {text} "),
        ];
        for typed in &typed {
            assert!(hash.matches(&Symbols::read(typed).unwrap()));
        }
        assert_eq!(typed.len(), 5);
        assert!(!hash.matches(&Symbols::read(other.text()).unwrap()));
        assert!(!hash.matches(&Symbols::blank()));
        assert!(
            !GeneratedHash::stand_in()
                .unwrap()
                .matches(&Symbols::read(text).unwrap())
        );
    }

    #[test]
    fn each_symbol_counts() {
        let (password, hash) = GeneratedPassword::make().unwrap();
        let text = password.text().replace('-', "");
        for at in 0..SYMBOLS {
            let mut typed = text.clone().into_bytes();
            typed[at] = if typed[at] == b'2' { b'3' } else { b'2' };
            let symbols = Symbols::read(str::from_utf8(&typed).unwrap()).unwrap();
            assert!(!hash.matches(&symbols), "symbol {at}");
        }
    }

    #[test]
    fn other_shapes_are_no_generated_password() {
        let short = "a".repeat(SYMBOLS - 1);
        let long = "a".repeat(SYMBOLS + 1);
        let foreign = format!("{short}1");
        let accented = format!("{short}é");
        for typed in ["", "hunter2", &short, &long, &foreign, &accented] {
            assert!(Symbols::read(typed).is_none(), "{typed}");
        }
    }
}
