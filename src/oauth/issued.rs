//! What a grant yields: an access token that has passed every check that needs no key.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::secret::Secret;

/// The longest access token taken. Exchange's have 2 KiB, 4 with many group claims; a bound is needed because
/// each login sends it upstream.
const MAX_TOKEN: usize = 16 * 1024;

/// No lifetime is believed to be shorter: a provider that says 0 or -1 would have us ask for a token at every login.
const MIN_LIFETIME: Duration = Duration::from_secs(60);

/// No lifetime is believed to be longer: a day is the most that Entra ID's policies allow.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// An access token as a provider or a command gave it.
#[derive(Debug)]
pub struct Issued {
    /// The token: 1 byte to 16 KiB of visible ASCII.
    pub token: Secret<String>,
    /// How long it lives from now: 60 seconds to 24 hours.
    pub lifetime: Duration,
}

/// Why a token can't be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unusable {
    Empty,
    TooLong,
    NotVisible,
    Expired,
    ManyLines,
    NotJson,
    NoTime,
}

impl Unusable {
    /// Said without repeating the token.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Empty => "the access token is empty",
            Self::TooLong => "the access token is longer than 16 KiB",
            // It goes into a SASL message whose fields end with U+0001 and whose lines end with CR LF.
            Self::NotVisible => "the access token contains a character that is not visible ASCII",
            Self::Expired => "the access token has already expired",
            Self::ManyLines => "there is more than one line",
            Self::NotJson => "it begins like JSON, but is no JSON object with a string access_token",
            Self::NoTime => "when the access token expires is not said as a number or a time",
        }
    }
}

impl Issued {
    /// Checks a token, and brings its lifetime into bounds.
    pub(super) fn new(token: Secret<String>, lifetime: Duration) -> Result<Self, Unusable> {
        let text = token.expose();
        if text.is_empty() {
            return Err(Unusable::Empty);
        }
        if text.len() > MAX_TOKEN {
            return Err(Unusable::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Unusable::NotVisible);
        }
        Ok(Self {
            token,
            lifetime: lifetime.clamp(MIN_LIFETIME, MAX_LIFETIME),
        })
    }

    /// Checks a token that is known to live until a moment.
    pub(super) fn until(
        token: Secret<String>,
        expires: SystemTime,
        now: SystemTime,
    ) -> Result<Self, Unusable> {
        let lifetime = expires.duration_since(now).map_err(|_| Unusable::Expired)?;
        Self::new(token, lifetime)
    }
}

/// A moment from seconds since 1970, when it is one.
pub(super) fn since_epoch(seconds: f64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issued(token: &str, seconds: u64) -> Result<Issued, Unusable> {
        Issued::new(Secret::new(token.to_owned()), Duration::from_secs(seconds))
    }

    #[test]
    fn only_a_token_that_can_be_said_is_taken() {
        let cases: &[(&str, Unusable)] = &[
            ("", Unusable::Empty),
            (&"t".repeat(MAX_TOKEN + 1), Unusable::TooLong),
            ("a b", Unusable::NotVisible),
            ("a\x01auth=Bearer b", Unusable::NotVisible),
            ("a\r\n", Unusable::NotVisible),
            ("tökén", Unusable::NotVisible),
        ];
        for (token, why) in cases {
            assert_eq!(issued(token, 3600).unwrap_err(), *why, "{} bytes", token.len());
        }
        assert_eq!(cases.len(), 6);
        assert!(issued(&"t".repeat(MAX_TOKEN), 3600).is_ok());
    }

    #[test]
    fn a_lifetime_is_brought_into_bounds() {
        let lifetimes = [(0, 60), (59, 60), (61, 61), (86_400, 86_400), (u64::MAX, 86_400)];
        for (said, taken) in lifetimes {
            assert_eq!(issued("t", said).unwrap().lifetime, Duration::from_secs(taken));
        }
    }

    #[test]
    fn a_token_that_has_expired_is_refused() {
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        let until = |seconds| {
            Issued::until(
                Secret::new("t".to_owned()),
                UNIX_EPOCH + Duration::from_secs(seconds),
                now,
            )
        };
        assert_eq!(until(999).unwrap_err(), Unusable::Expired);
        assert_eq!(until(1600).unwrap().lifetime, Duration::from_secs(600));
    }
}
