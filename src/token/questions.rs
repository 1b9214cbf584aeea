//! How often the provider is asked whether a password is right. Entra ID locks a person out after ten wrong ones, for
//! everybody and everywhere, so guesses at our listeners must never become that many guesses there.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use aws_lc_rs::rand::SystemRandom;
use tokio::time::Instant;

use super::failures::pause;
use crate::oauth::{GrantKey, TokenError};
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
    unanswered: Option<Unanswered>,
}

/// A question that brought neither a yes nor a no: each login of an outage would ask it again.
struct Unanswered {
    error: Arc<TokenError>,
    /// The password that it is about; none if the provider said nothing about any.
    about: Option<[u8; 32]>,
    until: Instant,
    strikes: u32,
}

/// Whether the provider may be asked.
#[derive(Clone, Debug)]
pub(super) enum Leave {
    /// It may.
    Ask,
    /// This password was wrong a while ago.
    StillWrong,
    /// Too many were wrong lately.
    TooMany,
    /// It failed a moment ago.
    Failed(Arc<TokenError>),
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
        if asked.refused.len() >= MOST {
            return Leave::TooMany;
        }
        let failed = asked.unanswered.as_ref().filter(|failed| {
            let concerned = failed.about.is_none_or(|about| about == digest);
            now < failed.until && concerned
        });
        failed.map_or(Leave::Ask, |failed| Leave::Failed(Arc::clone(&failed.error)))
    }

    /// The provider has not said whether it is the password. `about_it`: but something about this one, such as that it
    /// is not enough.
    pub(super) fn failed(
        &self,
        grant: GrantKey,
        password: &Secret<String>,
        about_it: bool,
        error: &Arc<TokenError>,
    ) {
        let (now, digest) = (Instant::now(), self.digest(password));
        let mut all = self.asked();
        let asked = all.entry(grant).or_default();
        let strikes = asked
            .unanswered
            .as_ref()
            .map_or(1, |before| before.strikes.saturating_add(1));
        asked.unanswered = Some(Unanswered {
            error: Arc::clone(error),
            about: about_it.then_some(digest),
            until: now + pause(error, strikes),
            strikes,
        });
    }

    /// Somebody has mended something: what failed may be asked again. What was wrong stays wrong.
    pub(super) fn forget_failures(&self) {
        for asked in self.asked().values_mut() {
            asked.unanswered = None;
        }
    }

    /// The provider counts it against the person. `wrong`: and says that it is not the password.
    pub(super) fn refused(&self, grant: GrantKey, password: &Secret<String>, wrong: bool) {
        let (now, digest) = (Instant::now(), self.digest(password));
        let mut all = self.asked();
        if all.len() >= TIDY_AT {
            all.retain(|_, asked| {
                asked.tidy(now);
                !asked.wrong.is_empty() || !asked.refused.is_empty() || asked.unanswered.is_some()
            });
        }
        let asked = all.entry(grant).or_default();
        asked.refused.push(now);
        if wrong {
            asked.wrong.push((digest, now));
        }
    }

    /// The provider has taken this one, and counts from the beginning. Others that were wrong stay so: the one before the
    /// last change of the password among them.
    pub(super) fn taken(&self, grant: GrantKey, password: &Secret<String>) {
        let digest = self.digest(password);
        if let Some(asked) = self.asked().get_mut(&grant) {
            asked.refused.clear();
            asked.unanswered = None;
            asked.wrong.retain(|(wrong, _)| *wrong != digest);
        }
    }

    /// Whether the provider has said a while ago that this is not the password, whatever was true before.
    pub(super) fn is_wrong(&self, grant: GrantKey, password: &Secret<String>) -> bool {
        matches!(self.leave(grant, password), Leave::StillWrong)
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
        // The strikes of an outage count a while longer than its pause.
        self.unanswered
            .take_if(|failed| now.saturating_duration_since(failed.until) >= WINDOW);
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
    use crate::oauth::Kind;

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
            assert!(matches!(questions.leave(grant(), &word(guess)), Leave::Ask));
            questions.refused(grant(), &word(guess), true);
        }
        assert!(matches!(questions.leave(grant(), &word("four")), Leave::TooMany));
        assert!(matches!(
            questions.leave(grant(), &word("two")),
            Leave::StillWrong
        ));
        let other = GrantKey::from_hex(&"08".repeat(32)).unwrap();
        assert!(matches!(questions.leave(other, &word("two")), Leave::Ask));
        advance(WINDOW).await;
        assert!(matches!(questions.leave(grant(), &word("four")), Leave::Ask));
        assert!(matches!(
            questions.leave(grant(), &word("two")),
            Leave::StillWrong
        ));
        advance(STILL_WRONG).await;
        assert!(matches!(questions.leave(grant(), &word("two")), Leave::Ask));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_counts_and_says_nothing_of_the_password() {
        let questions = Questions::new();
        for _ in 0..MOST {
            questions.refused(grant(), &word("right"), false);
        }
        assert!(matches!(questions.leave(grant(), &word("right")), Leave::TooMany));
        questions.taken(grant(), &word("right"));
        assert!(matches!(questions.leave(grant(), &word("right")), Leave::Ask));
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_not_asked_about_by_each_login() {
        let questions = Questions::new();
        let outage = |seconds| {
            let kind = Kind::Temporary {
                retry_after: Some(Duration::from_secs(seconds)),
            };
            Arc::new(TokenError::new(kind, "busy", "", ""))
        };
        let leave = |text| questions.leave(grant(), &word(text));
        questions.failed(grant(), &word("one"), false, &outage(60));
        assert!(matches!(leave("one"), Leave::Failed(_)));
        assert!(matches!(leave("two"), Leave::Failed(_)));
        advance(Duration::from_secs(60)).await;
        assert!(matches!(leave("one"), Leave::Ask));
        // What was said of one password says nothing of another.
        questions.failed(grant(), &word("one"), true, &outage(60));
        assert!(matches!(leave("one"), Leave::Failed(_)));
        assert!(matches!(leave("two"), Leave::Ask));
        questions.forget_failures();
        assert!(matches!(leave("one"), Leave::Ask));
        questions.failed(grant(), &word("one"), false, &outage(60));
        questions.taken(grant(), &word("three"));
        assert!(matches!(leave("two"), Leave::Ask));
    }

    #[tokio::test(start_paused = true)]
    async fn the_password_before_the_last_change_stays_wrong() {
        let questions = Questions::new();
        questions.refused(grant(), &word("old"), true);
        questions.taken(grant(), &word("new"));
        assert!(questions.is_wrong(grant(), &word("old")));
        assert!(!questions.is_wrong(grant(), &word("new")));
        // Somebody has changed it back, and it came through another way than ours.
        questions.taken(grant(), &word("old"));
        assert!(!questions.is_wrong(grant(), &word("old")));
    }
}
