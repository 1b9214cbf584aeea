//! Smart Lockout: who tries wrong passwords, and for how long nobody may try at all.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use aws_lc_rs::digest;

use super::error::{self, EntraError};
use crate::sim::directory::Person;
use crate::sim::knob::Knob;

/// Wrong passwords until an account is locked.
const THRESHOLD: u32 = 10;

/// How long the first lockout lasts; each further one lasts twice as long.
const FIRST: Duration = Duration::from_secs(60);

/// The last wrong passwords that are known again: who repeats one of these is not counted.
const REMEMBERED: usize = 3;

#[derive(Default)]
struct Attempts {
    /// Counted ones since the last right password.
    wrong: u32,
    recent: VecDeque<Vec<u8>>,
    lockouts: u32,
    locked_until: Option<Duration>,
    /// All of them, counted or not.
    questions: u32,
}

impl Attempts {
    fn wrong_password(&mut self, password: &str, now: Duration) {
        let hash = digest::digest(&digest::SHA256, password.as_bytes())
            .as_ref()
            .to_vec();
        if self.recent.contains(&hash) {
            return;
        }
        self.recent.push_front(hash);
        self.recent.truncate(REMEMBERED);
        self.wrong += 1;
        if self.wrong >= THRESHOLD {
            let length = FIRST.saturating_mul(1 << self.lockouts.min(10));
            self.lockouts += 1;
            self.locked_until = Some(now.saturating_add(length));
        }
    }
}

/// The attempts at every account, by sign-in name in lower case.
#[derive(Default)]
pub(super) struct Lockouts(Knob<HashMap<String, Attempts>>);

impl Lockouts {
    /// Compares a password. While the account is locked, even the right one is refused.
    pub(super) fn check(&self, person: &Person, password: &str, now: Duration) -> Result<(), EntraError> {
        let right = person.password.as_deref().ok_or_else(error::no_password)?;
        self.0.change(|all| {
            let attempts = all.entry(person.upn.to_ascii_lowercase()).or_default();
            attempts.questions += u32::from(right != password);
            if attempts.locked_until.is_some_and(|until| now < until) {
                return Err(error::locked_out());
            }
            if right == password {
                attempts.wrong = 0;
                return Ok(());
            }
            attempts.wrong_password(password, now);
            Err(error::wrong_password())
        })
    }

    /// How many wrong passwords were tried, and whether the account is locked now.
    pub(super) fn of(&self, upn: &str, now: Duration) -> (u32, bool) {
        self.0.change(|all| {
            all.get(&upn.to_ascii_lowercase()).map_or((0, false), |attempts| {
                (
                    attempts.questions,
                    attempts.locked_until.is_some_and(|until| now < until),
                )
            })
        })
    }
}
