//! Whether two settings are the same, without keeping either: what a reload compares.

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;

/// A keyed digest. The key is made once per process and never leaves it, so a fingerprint of a short password tells
/// nothing to somebody who finds it elsewhere.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of some values in their order.
    pub(super) fn of(parts: &[&[u8]]) -> Self {
        let mut sum = Sum::new();
        for part in parts {
            sum.add(part);
        }
        sum.end()
    }

    /// Its bytes, for a fingerprint of more than this.
    pub(super) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// A fingerprint under way.
pub(super) struct Sum(hmac::Context);

impl Sum {
    pub(super) fn new() -> Self {
        Self(hmac::Context::with_key(key()))
    }

    /// Takes in one value; its length goes with it, so that `ab`, `c` is not `a`, `bc`.
    pub(super) fn add(&mut self, part: &[u8]) {
        self.0.update(&part.len().to_le_bytes());
        self.0.update(part);
    }

    pub(super) fn end(self) -> Fingerprint {
        let tag = self.0.sign();
        let mut bytes = [0; 32];
        for (byte, from) in bytes.iter_mut().zip(tag.as_ref()) {
            *byte = *from;
        }
        Fingerprint(bytes)
    }
}

fn key() -> &'static hmac::Key {
    static KEY: OnceLock<hmac::Key> = OnceLock::new();
    KEY.get_or_init(|| {
        // Without the system's random numbers there would be no TLS either; a fixed key still compares rightly.
        hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .unwrap_or_else(|_| hmac::Key::new(hmac::HMAC_SHA256, &[0; 32]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_only_join_alike_differ() {
        assert_eq!(Fingerprint::of(&[b"ab", b"c"]), Fingerprint::of(&[b"ab", b"c"]));
        assert_ne!(Fingerprint::of(&[b"ab", b"c"]), Fingerprint::of(&[b"a", b"bc"]));
    }
}
