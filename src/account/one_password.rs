//! A password that opens no mailbox: the admin page's. Guesses at it are slowed as those at accounts are, and counted apart, so
//! that whoever guesses at the one takes no place at the other.

use std::sync::Arc;

use ipnet::IpNet;
use tokio::sync::Semaphore;

use super::check::Shared;
use super::hashing::Busy;
use super::password::{PasswordHash, Symbols};
use super::throttle::{Guess, Throttle};
use crate::secret::Secret;

/// Guesses that are looked at or wait for their answer at one time. A wrong one waits up to 15 seconds, and must not take all
/// connections of whoever asks.
const AT_ONCE: usize = 16;

/// Those who guess at one password.
#[derive(Debug)]
pub struct OnePassword {
    throttle: Throttle,
    shared: Shared,
    places: Semaphore,
}

/// What came of a guess.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Guessed {
    /// It is the password.
    Right,
    /// It is not; the answer was held back for a while.
    Wrong,
    /// It was not looked at: there were too many guesses.
    TooMany,
}

impl OnePassword {
    /// Nobody has guessed yet.
    pub fn new(shared: Shared) -> Self {
        Self {
            throttle: Throttle::new(),
            shared,
            places: Semaphore::new(AT_ONCE),
        }
    }

    /// Whether `typed` is the password of that hash. `source` is where it comes from.
    pub async fn guess(&self, hash: &PasswordHash, typed: Secret<String>, source: IpNet) -> Guessed {
        let Ok(_place) = self.places.try_acquire() else {
            return Guessed::TooMany;
        };
        let guess = Guess {
            source,
            name: b"",
            account: None,
            claimed: None,
        };
        let Some(admission) = self.throttle.admit(guess).await else {
            return Guessed::TooMany;
        };
        let hashing = self.shared.hashing();
        let right = match hash {
            PasswordHash::Generated(hash) => {
                let symbols = Symbols::read(typed.expose()).unwrap_or_else(Symbols::blank);
                Ok(hashing.is_generated(hash, &symbols))
            }
            PasswordHash::Chosen(hash) => hashing.is_chosen(hash, &Arc::new(typed), admission.queue()).await,
        };
        match right {
            Ok(true) => {
                admission.right();
                Guessed::Right
            }
            Ok(false) => {
                admission.wrong().await;
                Guessed::Wrong
            }
            Err(Busy) => {
                admission.not_looked_at();
                Guessed::TooMany
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::account::password::{ChosenHash, Cost, GeneratedPassword};

    fn typed(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn twenty_guesses_take_minutes_and_the_owner_still_gets_in() {
        let gate = OnePassword::new(Shared::new().unwrap());
        let hash = PasswordHash::Chosen(ChosenHash::make(&typed("correct horse"), Cost::CHEAP).unwrap());
        let attacker = "192.0.2.1/32".parse().unwrap();
        let begun = Instant::now();
        for _ in 0..20 {
            let guessed = gate.guess(&hash, typed("battery staple"), attacker).await;
            assert_eq!(guessed, Guessed::Wrong);
        }
        assert!(
            begun.elapsed() > Duration::from_secs(200),
            "{:?}",
            begun.elapsed()
        );
        let owner = "192.0.2.2/32".parse().unwrap();
        let begun = Instant::now();
        assert_eq!(
            gate.guess(&hash, typed("correct horse"), owner).await,
            Guessed::Right
        );
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_that_guesses_at_once_is_told_to_come_back() {
        let gate = Arc::new(OnePassword::new(Shared::new().unwrap()));
        let (_, hash) = GeneratedPassword::make().unwrap();
        let mut guesses = tokio::task::JoinSet::new();
        for number in 0..200_u8 {
            let (gate, hash) = (Arc::clone(&gate), PasswordHash::Generated(hash.clone()));
            let source = format!("198.51.100.{number}/32").parse().unwrap();
            guesses.spawn(async move { gate.guess(&hash, typed("guess"), source).await });
        }
        let guessed = guesses.join_all().await;
        let looked_at = guessed
            .iter()
            .filter(|guessed| **guessed == Guessed::Wrong)
            .count();
        assert!((1..=AT_ONCE).contains(&looked_at), "{looked_at}");
        assert!(!guessed.contains(&Guessed::Right));
    }
}
