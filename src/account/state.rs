//! How each account stands: told by the room of tokens and by sessions, heard by whoever shows it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::refusals::Refusals;
use crate::provider::Protocol;

/// The five states of an account. The order is that of what wants attention most.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum State {
    /// Nobody can log in: it has no password.
    #[serde(rename = "off")]
    Off,
    /// Logins work, as far as is known.
    #[serde(rename = "ready")]
    Ready,
    /// Something is wrong that may pass by itself.
    #[serde(rename = "waiting")]
    Waiting,
    /// A person has to sign in at the provider.
    #[serde(rename = "needs sign-in")]
    NeedsSignIn,
    /// Somebody has to change a setting, here or at the provider.
    #[serde(rename = "needs admin")]
    NeedsAdmin,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Off,
        Self::Ready,
        Self::Waiting,
        Self::NeedsSignIn,
        Self::NeedsAdmin,
    ];

    /// The one word for it, in logs, pages, metrics and hooks.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Ready => "ready",
            Self::Waiting => "waiting",
            Self::NeedsSignIn => "needs sign-in",
            Self::NeedsAdmin => "needs admin",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What keeps an account from being ready.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trouble {
    /// Which state it makes.
    pub state: State,
    /// What others call it.
    pub code: Option<Box<str>>,
    /// What happened.
    pub what: Box<str>,
    /// What causes this.
    pub why: Box<str>,
    /// What mends it.
    pub fix: Box<str>,
}

impl Trouble {
    /// Whether it is the same trouble told in other words: a session id or a trace id in it changes each time.
    fn is_same(&self, other: &Self) -> bool {
        self.state == other.state && self.code == other.code && self.why == other.why
    }
}

/// How one account stands in one protocol.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// What is wrong, if something is.
    pub trouble: Option<Trouble>,
    /// Since when it stands so.
    pub since: Option<SystemTime>,
    /// When a mail client last logged in.
    pub last_login: Option<SystemTime>,
}

/// A change worth a line in the log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// It was ready, or had another trouble.
    Worse(Trouble),
    /// It works again.
    Mended,
}

impl Change {
    /// Tells the log, once for each change.
    pub fn log(&self, account: &str, protocol: Protocol) {
        match self {
            Self::Worse(trouble) => tracing::warn!(
                account, %protocol, state = %trouble.state, code = trouble.code.as_deref().unwrap_or("-"),
                what = &*trouble.what, why = &*trouble.why, fix = &*trouble.fix, "account in trouble"
            ),
            Self::Mended => tracing::info!(account, %protocol, state = %State::Ready, "account works again"),
        }
    }
}

/// A change of one account's state in one protocol, for whoever hears of each.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// The account.
    pub account: &'a str,
    /// The protocol.
    pub protocol: Protocol,
    /// What was wrong before.
    pub was: Option<&'a Trouble>,
    /// What is wrong now.
    pub now: Option<&'a Trouble>,
}

/// Somebody who hears of each change when it happens. It is called while nobody else can change anything, so that changes are
/// heard in their order: it may neither wait nor ask how accounts stand.
pub struct Ear(Box<dyn Fn(Turn<'_>) + Send + Sync>);

impl Ear {
    /// One that does this.
    pub fn new(hear: impl Fn(Turn<'_>) + Send + Sync + 'static) -> Self {
        Self(Box::new(hear))
    }
}

impl fmt::Debug for Ear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ear")
    }
}

/// How all accounts stand, as far as anything was heard of them since the start.
#[derive(Debug, Default)]
pub struct States {
    all: Mutex<BTreeMap<(Box<str>, Protocol), Standing>>,
    ear: Option<Ear>,
    refusals: Refusals,
}

impl States {
    /// All are ready as far as is known, and that one hears of each change.
    pub fn heard_by(ear: Ear) -> Self {
        Self {
            all: Mutex::default(),
            ear: Some(ear),
            refusals: Refusals::default(),
        }
    }

    /// A login got through.
    pub fn logged_in(&self, account: &str, protocol: Protocol) -> Option<Change> {
        let now = SystemTime::now();
        let mut all = self.all();
        let standing = entry(&mut all, account, protocol);
        standing.last_login = Some(now);
        self.mended(standing, account, protocol, now)
    }

    /// Everything works that was asked, though nobody logged in.
    pub fn works(&self, account: &str, protocol: Protocol) -> Option<Change> {
        let mut all = self.all();
        let standing = entry(&mut all, account, protocol);
        self.mended(standing, account, protocol, SystemTime::now())
    }

    /// A person has signed in: that nobody had is no trouble any more, before a mail client has tried. Other trouble stays
    /// until a login shows that it is gone.
    pub fn signed_in(&self, account: &str, protocol: Protocol) -> Option<Change> {
        let mut all = self.all();
        let standing = entry(&mut all, account, protocol);
        let waited = standing
            .trouble
            .as_ref()
            .is_some_and(|trouble| trouble.state == State::NeedsSignIn);
        waited.then(|| self.mended(standing, account, protocol, SystemTime::now()))?
    }

    /// Something is wrong.
    pub fn trouble(&self, account: &str, protocol: Protocol, trouble: Trouble) -> Option<Change> {
        let mut all = self.all();
        let standing = entry(&mut all, account, protocol);
        let known = standing
            .trouble
            .as_ref()
            .is_some_and(|before| before.is_same(&trouble));
        if !known {
            standing.since = Some(SystemTime::now());
            self.tell(account, protocol, standing.trouble.as_ref(), Some(&trouble));
        }
        standing.trouble = Some(trouble.clone());
        (!known).then_some(Change::Worse(trouble))
    }

    /// How an account stands in a protocol.
    pub fn of(&self, account: &str, protocol: Protocol) -> Standing {
        let all = self.all();
        all.get(&(account.into(), protocol)).cloned().unwrap_or_default()
    }

    /// Logins that were refused: they change no state, for a guesser could do that.
    pub const fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// Forgets the accounts that are gone.
    pub fn retain(&self, is_there: impl Fn(&str) -> bool) {
        self.refusals.retain(&is_there);
        self.all().retain(|(account, _), _| is_there(account));
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<(Box<str>, Protocol), Standing>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mended(
        &self,
        standing: &mut Standing,
        account: &str,
        protocol: Protocol,
        now: SystemTime,
    ) -> Option<Change> {
        let was = standing.trouble.take()?;
        standing.since = Some(now);
        self.tell(account, protocol, Some(&was), None);
        Some(Change::Mended)
    }

    fn tell(&self, account: &str, protocol: Protocol, was: Option<&Trouble>, now: Option<&Trouble>) {
        if let Some(Ear(hear)) = &self.ear {
            hear(Turn {
                account,
                protocol,
                was,
                now,
            });
        }
    }
}

fn entry<'a>(
    all: &'a mut BTreeMap<(Box<str>, Protocol), Standing>,
    account: &str,
    protocol: Protocol,
) -> &'a mut Standing {
    all.entry((account.into(), protocol)).or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(code: &str, what: &str) -> Trouble {
        Trouble {
            state: State::NeedsAdmin,
            code: Some(code.into()),
            what: what.into(),
            why: "why".into(),
            fix: "fix".into(),
        }
    }

    #[test]
    fn a_change_is_told_once() {
        let (states, imap) = (States::default(), Protocol::Imap);
        assert_eq!(states.logged_in("alice", imap), None);
        let change = states.trouble("alice", imap, trouble("1", "said at 12:00"));
        assert!(matches!(change, Some(Change::Worse(_))));
        assert_eq!(states.trouble("alice", imap, trouble("1", "said at 12:01")), None);
        assert_eq!(&*states.of("alice", imap).trouble.unwrap().what, "said at 12:01");
        assert!(states.trouble("alice", imap, trouble("2", "another")).is_some());
        // Another protocol, another account: they stand for themselves.
        assert_eq!(states.logged_in("alice", Protocol::Smtp), None);
        assert_eq!(states.of("bob", imap).trouble, None);
        assert_eq!(states.logged_in("alice", imap), Some(Change::Mended));
        assert_eq!(states.logged_in("alice", imap), None);
        // A sign-in ends the trouble that nobody had signed in, and no other.
        assert!(states.trouble("bob", imap, trouble("3", "admin")).is_some());
        assert_eq!(states.signed_in("bob", imap), None);
        let signed_out = Trouble {
            state: State::NeedsSignIn,
            ..trouble("4", "nobody")
        };
        assert!(states.trouble("bob", imap, signed_out).is_some());
        assert_eq!(states.signed_in("bob", imap), Some(Change::Mended));
        assert_eq!(states.of("bob", imap).trouble, None);
        states.retain(|account| account != "alice");
        assert!(states.of("alice", imap).last_login.is_none());
    }

    /// Whoever hears of changes hears of each once, in order, whoever noticed it.
    #[test]
    fn each_change_is_heard() {
        let heard = std::sync::Arc::new(Mutex::new(Vec::new()));
        let ear = {
            let heard = std::sync::Arc::clone(&heard);
            Ear::new(move |turn| {
                let code = |trouble: Option<&Trouble>| {
                    trouble.and_then(|one| one.code.as_deref().map(ToOwned::to_owned))
                };
                heard.lock().unwrap().push((code(turn.was), code(turn.now)));
            })
        };
        let (states, imap) = (States::heard_by(ear), Protocol::Imap);
        for code in ["1", "1", "2"] {
            states.trouble("alice", imap, trouble(code, "at some time"));
        }
        states.works("alice", imap);
        states.works("alice", imap);
        let some = |code: &str| Some(code.to_owned());
        let expected = [(None, some("1")), (some("1"), some("2")), (some("2"), None)];
        assert_eq!(*heard.lock().unwrap(), expected);
    }

    #[test]
    fn the_worst_state_is_the_last() {
        let mut states = State::ALL;
        states.sort();
        assert_eq!(states, State::ALL);
        let names = states.map(State::name);
        assert_eq!(serde_json::to_value(states).unwrap(), serde_json::json!(names));
        assert_eq!(names, ["off", "ready", "waiting", "needs sign-in", "needs admin"]);
    }
}
