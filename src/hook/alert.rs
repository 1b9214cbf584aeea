//! What is told. It is made of names, states and a diagnosis: no type that holds a secret goes into it.

use std::fmt::Write as _;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::clock::rfc3339;
use super::event::{Event, State};
use crate::account::state::{self, Turn};
use crate::provider::Protocol;

/// How many names a summary lists; the number is told in its `what`.
const NAMED: usize = 100;

/// How many of them its `what` repeats.
const REPEATED: usize = 3;

/// What an alert is about, down to the one thing whose state changes.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Subject {
    event: Event,
    name: Box<str>,
    protocol: Option<Protocol>,
}

/// What others have in common with it when many things change for one reason.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Cause(Box<str>);

/// Something to be told, of one thing or of several that changed for one reason.
#[derive(Clone, Debug)]
pub struct Alert {
    event: Event,
    pub(super) subjects: Vec<Subject>,
    pub(super) cause: Cause,
    state: State,
    was: Option<State>,
    code: Option<Box<str>>,
    what: Box<str>,
    why: Box<str>,
    fix: Box<str>,
    at: SystemTime,
}

/// The fields of an alert as JSON. All are always there; what is not known is null.
pub const FIELDS: [&str; 13] = [
    "event", "account", "accounts", "protocol", "state", "was", "code", "what", "why", "fix", "at", "host",
    "version",
];

/// The words of an alert.
struct Words {
    what: Box<str>,
    why: Box<str>,
    fix: Box<str>,
}

fn words(what: impl Into<Box<str>>, why: impl Into<Box<str>>, fix: impl Into<Box<str>>) -> Words {
    Words {
        what: what.into(),
        why: why.into(),
        fix: fix.into(),
    }
}

/// What a thing that is well again needs.
const NOTHING: &str = "nothing";

impl Alert {
    fn new(event: Event, name: &str, (state, was): (State, Option<State>), words: Words) -> Self {
        let Words { what, why, fix } = words;
        Self {
            event,
            subjects: vec![Subject {
                event,
                name: name.into(),
                protocol: None,
            }],
            cause: Cause(format!("{} {} {name}", event.name(), state.name()).into()),
            state,
            was,
            code: None,
            what,
            why,
            fix,
            at: SystemTime::now(),
        }
    }

    /// An account changed its state.
    pub(super) fn account(turn: &Turn<'_>) -> Self {
        let standing = |trouble: Option<&state::Trouble>| {
            State::Of(trouble.map_or(state::State::Ready, |trouble| trouble.state))
        };
        let states = (standing(turn.now), Some(standing(turn.was)));
        let told = match turn.now {
            Some(trouble) => words(trouble.what.clone(), trouble.why.clone(), trouble.fix.clone()),
            None => words("the account works again", "what was wrong is mended", NOTHING),
        };
        // Accounts that one thing broke are mended by one thing.
        let mut cause = states.0.name().to_owned();
        if let Some(trouble) = turn.now.or(turn.was) {
            cause = format!(
                "{cause}\n{}\n{}",
                trouble.code.as_deref().unwrap_or_default(),
                trouble.why
            );
        }
        let mut alert = Self::new(Event::Account, turn.account, states, told);
        alert.subjects[0].protocol = Some(turn.protocol);
        alert.code = turn.now.and_then(|trouble| trouble.code.clone());
        alert.cause = Cause(cause.into());
        alert
    }

    /// The token store can't be saved: what, why and what mends it, as the log has it, and whose tokens that concerns.
    pub fn store_degraded(what: &str, why: &str, fix: &str, accounts: &[Box<str>]) -> Self {
        let what = format!(
            "{what}; new tokens are in memory only, and a restart would lose them: {}",
            shortened(accounts.iter().map(AsRef::as_ref), accounts.len())
        );
        Self::new(
            Event::Store,
            "store",
            (State::Degraded, Some(State::Ready)),
            words(what, why, fix),
        )
    }

    /// The token store can't be opened: what, why and what mends it, as the log has it.
    pub fn store_closed(what: &str, why: &str, fix: &str) -> Self {
        let what = format!("{what}; accounts that need it can't log in");
        Self::new(
            Event::Store,
            "store",
            (State::Closed, Some(State::Ready)),
            words(what, why, fix),
        )
    }

    /// The token store is open after all.
    pub fn store_opened() -> Self {
        let told = words("the token store is open", "what was wrong is mended", NOTHING);
        Self::new(Event::Store, "store", (State::Ready, Some(State::Closed)), told)
    }

    /// The token store is saved again.
    pub fn store_saved() -> Self {
        let told = words(
            "the token store is saved again",
            "what was wrong is mended",
            NOTHING,
        );
        Self::new(Event::Store, "store", (State::Ready, Some(State::Degraded)), told)
    }

    /// Something ends in so many days; 0 means that it has ended. `at` is the end, in seconds since 1970.
    pub fn expiry(thing: &str, at: u64, days: u64, fix: &str) -> Self {
        let (state, what) = match days {
            0 => (State::Ended, format!("{thing} has ended")),
            1 => (State::EndsSoon, format!("{thing} ends in 1 day")),
            days => (State::EndsSoon, format!("{thing} ends in {days} days")),
        };
        let why = format!(
            "its end is {}",
            rfc3339(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(at))
        );
        let mut alert = Self::new(Event::Expiry, thing, (state, None), words(what, why, fix));
        // The same number of days before another end is news.
        alert.cause = Cause(format!("{thing} {at} {days}").into());
        alert
    }

    /// A changed configuration was refused; `problem` is the first that was found, which never repeats a secret.
    pub fn reload_refused(problem: &str) -> Self {
        let told = words(
            "a changed configuration was not taken; the old one stays in use",
            problem,
            "`saslgate check` shows every problem in the file",
        );
        Self::new(
            Event::Reload,
            "configuration",
            (State::Refused, Some(State::Ready)),
            told,
        )
    }

    /// The next configuration was taken.
    pub fn reload_taken() -> Self {
        let told = words(
            "the configuration is taken again",
            "what was wrong is mended",
            NOTHING,
        );
        Self::new(
            Event::Reload,
            "configuration",
            (State::Ready, Some(State::Refused)),
            told,
        )
    }

    /// A mailbox of an account is near a limit of its provider: which and how near is in `what`.
    pub fn rate_near(account: &str, what: &str, why: &str, fix: &str) -> Self {
        Self::new(
            Event::Rate,
            account,
            (State::Near, Some(State::Ready)),
            words(what, why, fix),
        )
    }

    /// An operator tries whether alerts arrive.
    pub(super) fn test() -> Self {
        let told = words(
            "this is a test",
            "somebody typed `saslgate alert --test`",
            NOTHING,
        );
        Self::new(Event::Test, "test", (State::Test, None), told)
    }

    /// Whether it says that something is well again.
    pub(super) fn is_good(&self) -> bool {
        matches!(self.state, State::Ready | State::Of(state::State::Ready))
    }

    /// Whether what it tells may pass by itself.
    pub(super) fn may_pass(&self) -> bool {
        self.state == State::Of(state::State::Waiting)
    }

    /// Whether it says that this account is in trouble.
    pub(super) fn is_trouble_of(&self, account: &str) -> bool {
        let mut names = self
            .subjects
            .iter()
            .filter(|subject| subject.event == Event::Account);
        !self.is_good() && names.any(|subject| *subject.name == *account)
    }

    /// Takes in another with the same cause.
    pub(super) fn join(&mut self, other: Self) {
        self.subjects.extend(other.subjects);
    }

    pub(super) fn event(&self) -> Event {
        self.event
    }

    /// The accounts that it is about, each once.
    fn accounts(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for subject in self.subjects.iter().filter(|subject| subject.event.has_account()) {
            if !names.contains(&&*subject.name) {
                names.push(&*subject.name);
            }
        }
        names
    }

    /// The account, if it is about one.
    pub(super) fn one_account(&self) -> Option<&str> {
        match self.accounts().as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    fn protocol(&self) -> Option<Protocol> {
        match self.subjects.as_slice() {
            [one] => one.protocol,
            _ => None,
        }
    }

    pub(super) fn state(&self) -> &'static str {
        self.state.name()
    }

    /// What happened; of a summary, to how many.
    pub(super) fn what(&self) -> String {
        let accounts = self.accounts();
        match accounts.len() {
            0 | 1 => self.what.to_string(),
            count => format!(
                "{count} accounts ({}): {}",
                shortened(accounts.iter().copied(), count),
                self.what
            ),
        }
    }

    /// What it is about, for a person.
    pub(super) fn about(&self) -> String {
        let accounts = self.accounts();
        let of = match (accounts.as_slice(), self.event) {
            ([one], _) => (*one).to_owned(),
            ([], Event::Store) => "token store".to_owned(),
            ([], Event::Expiry) => self
                .subjects
                .first()
                .map_or_else(String::new, |one| one.name.to_string()),
            ([], Event::Test) => return "test".to_owned(),
            ([], _) => "configuration".to_owned(),
            (several, _) => format!("{} accounts", several.len()),
        };
        let protocol = self
            .protocol()
            .map_or_else(String::new, |protocol| format!(" ({protocol})"));
        format!("{of}{protocol}: {}", self.state.name())
    }

    /// As the log and a person read it.
    pub(super) fn paragraph(&self) -> String {
        let code = self
            .code
            .as_deref()
            .map_or_else(String::new, |code| format!(" [{code}]"));
        let mut text = format!(
            "{}\n  at:   {}\n  what: {}{code}\n",
            self.about(),
            rfc3339(self.at),
            self.what()
        );
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  why:  {}\n  fix:  {}", self.why, self.fix);
        let accounts = self.accounts();
        if accounts.len() > REPEATED {
            let _ = writeln!(text, "  accounts: {}", accounts.join(", "));
        }
        text
    }

    /// As a program reads it.
    pub(super) fn json(&self, host: &str) -> Value {
        let accounts = self.accounts();
        json!({
            "event": self.event.name(),
            "account": self.one_account(),
            "accounts": accounts.iter().take(NAMED).collect::<Vec<_>>(),
            "protocol": self.protocol().map(Protocol::name),
            "state": self.state.name(),
            "was": self.was.map(State::name),
            "code": self.code,
            "what": self.what(),
            "why": self.why,
            "fix": self.fix,
            "at": rfc3339(self.at),
            "host": host,
            "version": env!("CARGO_PKG_VERSION"),
        })
    }
}

/// The first few names, and how many there are besides.
fn shortened<'a>(names: impl Iterator<Item = &'a str>, count: usize) -> String {
    let first: Vec<_> = names.take(REPEATED).collect();
    match count.saturating_sub(REPEATED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
