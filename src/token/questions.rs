//! How often the provider is asked whether a password is right. Entra ID locks a person out after ten wrong ones, for
//! everybody and everywhere, so guesses at our listeners must never become that many guesses there.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use aws_lc_rs::rand::SystemRandom;
use tokio::time::Instant;

use crate::oauth::GrantKey;
use crate::secret::Secret;

/// So many refusals …
const MOST: usize = 3;

/// … in so long, whoever guesses: less than a third of what locks a person out, before the provider forgets them.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// How long a wrong password stays wrong without asking again: a mail program that has the old one tries it every minute.
const STILL_WRONG: Duration = Duration::from_secs(60 * 60);

/// More grants than this are not remembered without looking for some to forget.
const TIDY_AT: usize = 10_000;

/// What was asked lately.
pub(super) struct Questions {
    key: Option<Key>,
    asked: Mutex<HashMap<GrantKey, Asked>>,
}

#[derive(Default)]
struct Asked {
    refused: Vec<Instant>,
    wrong: Vec<([u8; 32], Instant)>,
}

/// Whether the provider may be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Leave {
    /// It may.
    Ask,
    /// This password was wrong a while ago.
    StillWrong,
    /// Too many were wrong lately.
    TooMany,
}

impl Questions {
    pub(super) fn new() -> Self {
        Self {
            key: Key::generate(HMAC_SHA256, &SystemRandom::new()).ok(),
            asked: Mutex::default(),
        }
    }

    /// Whether the provider may be asked about a password now.
    pub(super) fn leave(&self, grant: GrantKey, password: &Secret<String>) -> Leave {
        let (now, digest) = (Instant::now(), self.digest(password));
        let mut all = self.asked();
        let Some(asked) = all.get_mut(&grant) else {
            return Leave::Ask;
        };
        asked.tidy(now);
        if asked.wrong.iter().any(|(wrong, _)| *wrong == digest) {
            return Leave::StillWrong;
        }
        if asked.refused.len() < MOST {
            Leave::Ask
        } else {
            Leave::TooMany
        }
    }

    /// The provider counts it against the person. `wrong`: and says that it is not the password.
    pub(super) fn refused(&self, grant: GrantKey, password: &Secret<String>, wrong: bool) {
        let (now, digest) = (Instant::now(), self.digest(password));
        let mut all = self.asked();
        if all.len() >= TIDY_AT {
            all.retain(|_, asked| {
                asked.tidy(now);
                !asked.wrong.is_empty() || !asked.refused.is_empty()
            });
        }
        let asked = all.entry(grant).or_default();
        asked.refused.push(now);
        if wrong {
            asked.wrong.push((digest, now));
        }
    }

    /// The provider has taken it, so nothing that was said before is true any more.
    pub(super) fn taken(&self, grant: GrantKey) {
        self.asked().remove(&grant);
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<GrantKey, Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keyed, so that a memory dump holds nothing to guess at; the key dies with the process.
    fn digest(&self, password: &Secret<String>) -> [u8; 32] {
        let password = password.expose().as_bytes();
        let mut bytes = [0; 32];
        match &self.key {
            Some(key) => bytes.copy_from_slice(sign(key, password).as_ref()),
            None => bytes.copy_from_slice(digest(&SHA256, password).as_ref()),
        }
        bytes
    }
}

impl Asked {
    fn tidy(&mut self, now: Instant) {
        self.refused.retain(|at| now.duration_since(*at) < WINDOW);
        self.wrong.retain(|(_, at)| now.duration_since(*at) < STILL_WRONG);
    }
}

impl fmt::Debug for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Questions({} grants)", self.asked().len())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn grant() -> GrantKey {
        GrantKey::from_hex(&"07".repeat(32)).unwrap()
    }

    fn word(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn guessing_here_is_no_guessing_there() {
        let questions = Questions::new();
        for guess in ["one", "two", "three"] {
            assert_eq!(questions.leave(grant(), &word(guess)), Leave::Ask);
            questions.refused(grant(), &word(guess), true);
        }
        assert_eq!(questions.leave(grant(), &word("four")), Leave::TooMany);
        assert_eq!(questions.leave(grant(), &word("two")), Leave::StillWrong);
        let other = GrantKey::from_hex(&"08".repeat(32)).unwrap();
        assert_eq!(questions.leave(other, &word("two")), Leave::Ask);
        advance(WINDOW).await;
        assert_eq!(questions.leave(grant(), &word("four")), Leave::Ask);
        assert_eq!(questions.leave(grant(), &word("two")), Leave::StillWrong);
        advance(STILL_WRONG).await;
        assert_eq!(questions.leave(grant(), &word("two")), Leave::Ask);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_counts_and_says_nothing_of_the_password() {
        let questions = Questions::new();
        for _ in 0..MOST {
            questions.refused(grant(), &word("right"), false);
        }
        assert_eq!(questions.leave(grant(), &word("right")), Leave::TooMany);
        questions.taken(grant());
        assert_eq!(questions.leave(grant(), &word("right")), Leave::Ask);
    }
}
