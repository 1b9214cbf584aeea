//! A word in the mail program of whoever reads a mailbox that is about to be refused: somebody has to sign in for it, and while
//! mail still comes nobody looks at a log.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::account::state::{State, States};
use crate::account::{Authorized, Pattern, Route};
use crate::oauth::Grant;
use crate::provider::Protocol;
use crate::token::Tokens;

/// How long an account is left in peace after a notice: mail clients show it in a window that somebody has to close.
const PEACE: Duration = Duration::from_secs(24 * 60 * 60);

/// Whose sign-in ends, and who was told. All of it is known without asking anybody, so that no login waits for it.
#[derive(Debug, Default)]
pub struct Notices(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The accounts whose sign-in ends within days.
    ending: HashSet<Box<str>>,
    /// When each account was told, within the last day.
    told: HashMap<Box<str>, Instant>,
}

impl Notices {
    /// The accounts whose sign-in ends within days, in the place of those before.
    pub fn ending(&self, accounts: HashSet<Box<str>>) {
        self.known().ending = accounts;
    }

    /// Somebody has signed in for an account.
    pub fn signed_in(&self, account: &str) {
        self.known().ending.remove(account);
    }

    /// The account to name to a mail client that logs in, if somebody has to sign in for it, wants to be told so, and was not
    /// told today. Only IMAP has a word for it (RFC 3501 7.1, ALERT).
    pub(super) fn due(&self, login: &Authorized, tokens: &Tokens, states: &States) -> Option<Box<str>> {
        if login.protocol() != Protocol::Imap || !login.account().notify_in_client {
            return None;
        }
        let account = login.token_wanted().account;
        let is_wanted = self.known().ending.contains(&account)
            || is_signed_in_to(login.route()) && tokens.need_sign_in(login)
            || another_needs_sign_in(login, states);
        let due = is_wanted && self.known().may_tell(&account, Instant::now());
        due.then_some(account)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Whether the account's day of peace is over. If so, the next one begins.
    fn may_tell(&mut self, account: &str, now: Instant) -> bool {
        self.told
            .retain(|_, told| now.saturating_duration_since(*told) < PEACE);
        let may = !self.told.contains_key(account);
        if may {
            self.told.insert(account.into(), now);
        }
        may
    }
}

fn is_signed_in_to(route: &Route) -> bool {
    matches!(route.app.grant, Grant::SignIn(_))
}

/// Whether the account has another app, for another protocol, that waits for a sign-in. A name that stands for many has one
/// state for all of them.
fn another_needs_sign_in(login: &Authorized, states: &States) -> bool {
    let account = login.account();
    let Pattern::Login(name) = &account.name else {
        return false;
    };
    let is_another = |route: &Route| !Arc::ptr_eq(&route.app, &login.route().app);
    account
        .routes
        .iter()
        .filter(|(_, route)| is_signed_in_to(route) && is_another(route))
        .filter_map(|(protocol, _)| states.of(name.as_str(), *protocol).trouble)
        .any(|trouble| trouble.state == State::NeedsSignIn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_told_once_a_day() {
        let (mut known, start) = (Known::default(), Instant::now());
        let hours = |hours: u64| start + Duration::from_secs(hours * 60 * 60);
        let told: Vec<u64> = (0..49)
            .filter(|hour| known.may_tell("alice", hours(*hour)))
            .collect();
        assert_eq!(told, [0, 24, 48]);
        // Another one has a day of its own, and whoever was told long ago is forgotten.
        assert!(known.may_tell("bob", hours(49)));
        assert!(known.may_tell("carol", hours(100)));
        assert_eq!(known.told.len(), 1);
    }

    #[test]
    fn a_sign_in_ends_until_somebody_signs_in() {
        let notices = Notices::default();
        notices.ending(["alice".into(), "bob".into()].into());
        notices.signed_in("alice");
        assert_eq!(notices.known().ending, ["bob".into()].into());
        notices.ending(HashSet::new());
        assert!(notices.known().ending.is_empty());
    }
}
