//! An access token and how long it is good for.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

use super::clock::Moment;
use crate::oauth::Issued;
use crate::secret::Secret;

/// With less than this left a token is not used any more: Exchange ends an IMAP session when its token expires,
/// and High Volume Email refuses tokens that are about to.
const LEAST_LEFT: Duration = Duration::from_secs(5 * 60);

/// Which token it is, without being it: part of a digest, fit for logs and comparisons.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fingerprint(u64);

impl Fingerprint {
    pub(super) fn of(token: &str) -> Self {
        let digest = digest(&SHA256, token.as_bytes());
        let head = digest.as_ref().iter().take(8);
        Self(head.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0 >> 32)
    }
}

/// An access token. No formatter shows it.
pub struct AccessToken {
    value: Secret<String>,
    fingerprint: Fingerprint,
    minted: Moment,
    lifetime: Duration,
}

impl AccessToken {
    pub(super) fn new(issued: Issued, now: Moment) -> Self {
        Self {
            fingerprint: Fingerprint::of(issued.token.expose()),
            value: issued.token,
            minted: now,
            lifetime: issued.lifetime,
        }
    }

    /// The token itself, for the one place that says it.
    pub fn secret(&self) -> &Secret<String> {
        &self.value
    }

    /// Which token it is, for logs and comparisons.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    pub(super) fn minted(&self) -> Moment {
        self.minted
    }

    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// How long it is still good for.
    pub(super) fn left(&self, now: Moment) -> Duration {
        self.lifetime.saturating_sub(now.since(self.minted))
    }

    /// The age at which it is renewed although nobody waits: before it stops being fresh, and not for all tokens that
    /// were minted together (after a start, or an outage) at once.
    pub(super) fn renewal(&self) -> Duration {
        let spread = u32::try_from(self.fingerprint.0 % 256).unwrap_or_default();
        self.lifetime / 4 + self.lifetime / 16 * spread / 256
    }

    /// Whether two thirds of its life are left. A login takes no older one without asking for a better: the session
    /// may last as long as its token does.
    pub(super) fn is_fresh(&self, now: Moment) -> bool {
        self.left(now) >= self.lifetime * 2 / 3
    }

    /// Whether a login may still take it when there is no better. Tokens that live only minutes are used longer in proportion.
    pub(super) fn is_usable(&self, now: Moment) -> bool {
        self.left(now) >= LEAST_LEFT.min(self.lifetime / 3)
    }

    /// Whether it has any life left.
    pub(super) fn is_alive(&self, now: Moment) -> bool {
        !self.left(now).is_zero()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "AccessToken({}, {} s)",
            self.fingerprint,
            self.lifetime.as_secs()
        )
    }
}
