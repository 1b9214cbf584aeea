//! Device codes: what became of each, and when it was last asked about.

use std::time::Duration;

use crate::sim::entra::error::{self, EntraError};
use crate::sim::entra::scope::Scope;
use crate::sim::knob::Knob;

/// Letters and digits of user codes: none that look like another.
const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// What `slow_down` adds to the interval (RFC 8628, 3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// What the person at the other device has done.
#[derive(Debug, Clone)]
enum State {
    Pending,
    Approved(String),
    Declined,
    Redeemed,
}

/// A pair of codes.
struct Pair {
    device_code: String,
    user_code: String,
    client_id: String,
    realm: String,
    scope: Scope,
    expires: Duration,
    interval: Duration,
    asked: Option<Duration>,
    state: State,
}

/// Who asks about a device code.
pub(in crate::sim::entra) struct Poll<'a> {
    pub(in crate::sim::entra) device_code: &'a str,
    pub(in crate::sim::entra) client_id: &'a str,
    pub(in crate::sim::entra) realm: &'a str,
    pub(in crate::sim::entra) now: Duration,
}

/// An approved device code.
pub(in crate::sim::entra) struct Approval {
    pub(in crate::sim::entra) upn: String,
    pub(in crate::sim::entra) scope: Scope,
}

/// What a new pair of codes is for.
pub(super) struct Wish {
    pub(super) client_id: String,
    pub(super) realm: String,
    pub(super) scope: Scope,
    pub(super) expires: Duration,
    pub(super) interval: Duration,
}

/// What somebody who types a user code signs in for.
pub(super) struct Entered {
    pub(super) client_id: String,
    pub(super) realm: String,
    pub(super) scope: Scope,
}

/// All of them.
#[derive(Default)]
pub(in crate::sim::entra) struct DeviceCodes(Knob<Vec<Pair>>);

impl DeviceCodes {
    /// Keeps a new pair: the device code as it is given, the user code made of the random bytes.
    pub(super) fn issue(&self, wish: Wish, device_code: String, random: &[u8]) -> String {
        let user_code: String = random
            .iter()
            .filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()))
            .map(|letter| char::from(*letter))
            .collect();
        self.0.change(|codes| {
            codes.push(Pair {
                device_code,
                user_code: user_code.clone(),
                client_id: wish.client_id,
                realm: wish.realm,
                scope: wish.scope,
                expires: wish.expires,
                interval: wish.interval,
                asked: None,
                state: State::Pending,
            });
        });
        user_code
    }

    /// Answers one poll. A pending code that is asked about too soon makes its interval longer.
    pub(in crate::sim::entra) fn poll(&self, poll: &Poll<'_>) -> Result<Approval, EntraError> {
        self.0.change(|codes| {
            let code = codes
                .iter_mut()
                .find(|code| code.device_code == poll.device_code && code.realm == poll.realm)
                .ok_or_else(error::unknown_device_code)?;
            if code.client_id != poll.client_id {
                return Err(error::grant_of_another_app());
            }
            let asked = code.asked.replace(poll.now);
            match &code.state {
                State::Redeemed => Err(error::code_again()),
                State::Declined => Err(error::device_declined()),
                _ if poll.now >= code.expires => Err(error::device_code_expired()),
                State::Approved(upn) => Ok(Approval {
                    upn: upn.clone(),
                    scope: code.scope.clone(),
                }),
                State::Pending if asked.is_some_and(|asked| poll.now < asked + code.interval) => {
                    code.interval += SLOWER;
                    Err(error::too_fast(code.interval.as_secs()))
                }
                State::Pending => Err(error::pending()),
            }
        })
    }

    /// Uses an approved code up; of two who try at once, one gets it.
    pub(in crate::sim::entra) fn redeem(&self, device_code: &str) -> Result<(), EntraError> {
        self.0.change(|codes| {
            let code = codes.iter_mut().find(|code| code.device_code == device_code);
            match code {
                Some(code) if matches!(code.state, State::Approved(_)) => {
                    code.state = State::Redeemed;
                    Ok(())
                }
                _ => Err(error::code_again()),
            }
        })
    }

    /// What the pending code that a person types is for.
    pub(super) fn entered(&self, user_code: &str, now: Duration) -> Option<Entered> {
        self.with_pending(user_code, now, |code| Entered {
            client_id: code.client_id.clone(),
            realm: code.realm.clone(),
            scope: code.scope.clone(),
        })
    }

    /// Writes down what the person did: signed in under this name, or declined. `false` when no such code is waiting.
    pub(in crate::sim::entra) fn decide(&self, user_code: &str, upn: Option<&str>, now: Duration) -> bool {
        let state = match upn {
            Some(upn) => State::Approved(upn.to_owned()),
            None => State::Declined,
        };
        self.with_pending(user_code, now, |code| code.state = state)
            .is_some()
    }

    /// The user codes that wait for a person, oldest first.
    pub(in crate::sim::entra) fn waiting(&self, now: Duration) -> Vec<String> {
        self.0.change(|codes| {
            let waits = |code: &&Pair| now < code.expires && matches!(code.state, State::Pending);
            let waiting = codes.iter().filter(waits);
            waiting.map(|code| code.user_code.clone()).collect()
        })
    }

    fn with_pending<R>(&self, user_code: &str, now: Duration, act: impl FnOnce(&mut Pair) -> R) -> Option<R> {
        self.0.change(|codes| {
            let waits = |code: &&mut Pair| {
                code.user_code.eq_ignore_ascii_case(user_code)
                    && now < code.expires
                    && matches!(code.state, State::Pending)
            };
            codes.iter_mut().find(waits).map(act)
        })
    }
}
