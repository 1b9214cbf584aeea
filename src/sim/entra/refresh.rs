//! Refresh tokens: to whom they were given, what has become of them, and who comes with one that has a successor.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::error::{self, EntraError};
use super::proof::Kind;
use super::scope::Scope;
use crate::sim::directory::Person;
use crate::sim::knob::Knob;
use crate::sim::random::Random;

/// 90 days without use.
const INACTIVE: Duration = Duration::from_secs(90 * 86_400);

/// A single-page app's sign-in lasts a day, however often its token is exchanged.
const SINGLE_PAGE: Duration = Duration::from_secs(86_400);

/// Length in characters; Entra's own are 900 to 1,500.
const LENGTH: usize = 1_200;

/// What happens to a refresh token when it is exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rotation {
    /// The answer brings another one, and the old one goes on working: Entra's way.
    #[default]
    KeepsOld,
    /// The old one dies; whoever brings it again ends the whole sign-in (RFC 9700, 4.14.2).
    Strict,
    /// The answer brings none; the first one is used for ever, as at Google.
    Never,
}

/// What a refresh token stands for.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// Number of the sign-in that it descends from.
    pub(super) family: u64,
    pub(super) client_id: String,
    pub(super) upn: String,
    /// What the app was when the person signed in.
    pub(super) kind: Kind,
    /// What was asked for at the sign-in.
    pub(super) scope: Scope,
    /// When the person signed in.
    signed_in: Duration,
    /// When this token was given out or last used.
    used: Duration,
    revocations: u32,
    password_changes: u32,
    has_successor: bool,
}

impl Held {
    /// Whether an administrator or a new password has ended the sign-in.
    pub(super) fn check_revoked(&self, person: &Person) -> Result<(), EntraError> {
        // A confidential app's tokens outlive a change of the password.
        let password_changed =
            self.kind != Kind::Confidential && self.password_changes != person.password_changes;
        if password_changed || self.revocations != person.revocations {
            Err(error::refresh_token_revoked())
        } else {
            Ok(())
        }
    }
}

#[derive(Default)]
struct State {
    held: HashMap<String, Held>,
    families: u64,
    ended: HashSet<u64>,
    reuses: u64,
}

/// Every refresh token that was ever given out.
#[derive(Default)]
pub(super) struct RefreshTokens {
    state: Knob<State>,
}

/// A sign-in that gets its first refresh token.
pub(super) struct SignedIn<'a> {
    pub(super) client_id: &'a str,
    pub(super) person: &'a Person,
    pub(super) personal: bool,
    pub(super) kind: Kind,
    pub(super) scope: Scope,
}

impl RefreshTokens {
    /// The first token of a sign-in, and the number of its family.
    pub(super) fn first(&self, sign_in: SignedIn<'_>, now: Duration, random: &Random) -> (String, u64) {
        let token = text(sign_in.personal, random);
        let family = self.state.change(|state| {
            state.families += 1;
            let held = Held {
                family: state.families,
                client_id: sign_in.client_id.to_owned(),
                upn: sign_in.person.upn.clone(),
                kind: sign_in.kind,
                scope: sign_in.scope,
                signed_in: now,
                used: now,
                revocations: sign_in.person.revocations,
                password_changes: sign_in.person.password_changes,
                has_successor: false,
            };
            state.held.insert(token.clone(), held);
            state.families
        });
        (token, family)
    }

    /// What a token stands for, if its time is not over.
    pub(super) fn look(&self, token: &str, now: Duration) -> Result<Held, EntraError> {
        let whole = token.len() == LENGTH && (token.starts_with("0.AX") || token.starts_with("M.C5"));
        if !whole {
            return Err(error::malformed_grant());
        }
        let held = self
            .state
            .change(|state| state.held.get(token).cloned())
            .ok_or_else(error::unknown_grant)?;
        if held.kind == Kind::SinglePage && now.saturating_sub(held.signed_in) > SINGLE_PAGE {
            return Err(error::single_page_token_expired());
        }
        if now.saturating_sub(held.used) > INACTIVE {
            return Err(error::refresh_token_inactive());
        }
        Ok(held)
    }

    /// Exchanges a token. What the answer brings: the next one, if there is one.
    pub(super) fn exchange(
        &self,
        token: &str,
        rotation: Rotation,
        now: Duration,
        random: &Random,
    ) -> Result<Option<String>, EntraError> {
        self.state.change(|state| {
            let held = state.held.get_mut(token).ok_or_else(error::unknown_grant)?;
            if state.ended.contains(&held.family) {
                return Err(error::refresh_token_again());
            }
            if held.has_successor {
                state.reuses += 1;
                if rotation == Rotation::Strict {
                    state.ended.insert(held.family);
                    return Err(error::refresh_token_again());
                }
            }
            held.used = now;
            if rotation == Rotation::Never {
                return Ok(None);
            }
            held.has_successor = true;
            let next = Held {
                has_successor: false,
                ..held.clone()
            };
            let text = text(token.starts_with('M'), random);
            state.held.insert(text.clone(), next);
            Ok(Some(text))
        })
    }

    /// How often somebody came with a token that had a successor already.
    pub(super) fn reuses(&self) -> u64 {
        self.state.change(|state| state.reuses)
    }
}

fn text(personal: bool, random: &Random) -> String {
    let prefix = if personal { "M.C5" } else { "0.AX" };
    format!("{prefix}{}", random.text(LENGTH - prefix.len()))
}
