//! Logins that failed for their name or password, for whoever looks how accounts stand: a mail client says no more than that it could
//! not log in.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::provider::Protocol;

/// Names that no account has, remembered at a time. Whoever guesses has more of them than anybody reads.
pub const MOST_NAMES: usize = 16;

/// Logins that were refused alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refused {
    /// How many.
    pub count: u64,
    /// When the last of them came.
    pub last: SystemTime,
    /// From where that was.
    pub from: IpAddr,
    /// By what it came.
    pub protocol: Protocol,
}

/// A name that no account has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unknown {
    /// As the log shows it.
    pub name: Box<str>,
    /// Its logins.
    pub refused: Refused,
}

/// What was refused since the start: of each account and protocol since its last right password, and the names lately typed that no
/// account has.
#[derive(Debug, Default)]
pub struct Refusals {
    all: Mutex<All>,
}

#[derive(Debug, Default)]
struct All {
    accounts: BTreeMap<(Box<str>, Protocol), Refused>,
    unknown: Vec<Unknown>,
}

impl Refused {
    const fn first(protocol: Protocol, from: IpAddr, last: SystemTime) -> Self {
        Self {
            count: 0,
            last,
            from,
            protocol,
        }
    }

    fn again(&mut self, protocol: Protocol, from: IpAddr, now: SystemTime) {
        *self = Self {
            count: self.count.saturating_add(1),
            last: now,
            from,
            protocol,
        };
    }
}

impl Refusals {
    /// A password was wrong. The account is one of the configuration's: strangers make up no entries.
    pub fn wrong_password(&self, account: &str, protocol: Protocol, from: IpAddr) {
        let now = SystemTime::now();
        let mut all = self.all();
        let refused = all.accounts.entry((account.into(), protocol));
        refused
            .or_insert_with(|| Refused::first(protocol, from, now))
            .again(protocol, from, now);
    }

    /// A password was right: what was wrong before it has been mended, or was a slip.
    pub fn right_password(&self, account: &str, protocol: Protocol) {
        self.all().accounts.remove(&(account.into(), protocol));
    }

    /// No account has that name, which is as the log shows it. Where too many were typed the one is forgotten that came the longest ago.
    pub fn unknown(&self, name: &str, protocol: Protocol, from: IpAddr) {
        let now = SystemTime::now();
        let mut all = self.all();
        let unknown = &mut all.unknown;
        if let Some(known) = unknown
            .iter_mut()
            .find(|known| known.name.eq_ignore_ascii_case(name))
        {
            known.refused.again(protocol, from, now);
            return;
        }
        if unknown.len() >= MOST_NAMES {
            let oldest = (0..unknown.len()).min_by_key(|at| unknown[*at].refused.last);
            oldest.map(|oldest| unknown.swap_remove(oldest));
        }
        let mut refused = Refused::first(protocol, from, now);
        refused.again(protocol, from, now);
        unknown.push(Unknown {
            name: name.into(),
            refused,
        });
    }

    /// Those of one account, by protocol.
    pub fn of(&self, account: &str) -> Vec<Refused> {
        let all = self.all();
        let of = |protocol| all.accounts.get(&(account.into(), protocol)).copied();
        Protocol::ALL.into_iter().filter_map(of).collect()
    }

    /// The names that no account has, typed since that moment; the last comes last.
    pub fn unknown_since(&self, since: SystemTime) -> Vec<Unknown> {
        let mut unknown = self.all().unknown.clone();
        unknown.retain(|one| one.refused.last >= since);
        unknown.sort_by_key(|one| one.refused.last);
        unknown
    }

    /// Forgets the accounts that are gone.
    pub(super) fn retain(&self, is_there: impl Fn(&str) -> bool) {
        self.all().accounts.retain(|(account, _), _| is_there(account));
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn from(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 5, last).into()
    }

    #[test]
    fn wrong_passwords_are_counted_until_a_right_one() {
        let refusals = Refusals::default();
        for last in 1..=4 {
            refusals.wrong_password("alice", Protocol::Imap, from(last));
        }
        refusals.wrong_password("alice", Protocol::Smtp, from(9));
        let told: Vec<_> = refusals
            .of("alice")
            .iter()
            .map(|one| (one.protocol, one.count, one.from))
            .collect();
        assert_eq!(told, [(Protocol::Imap, 4, from(4)), (Protocol::Smtp, 1, from(9))]);
        assert_eq!(refusals.of("bob"), []);

        refusals.right_password("alice", Protocol::Imap);
        let told = refusals.of("alice");
        assert_eq!(told.len(), 1, "the other mail client's is still wrong");
        assert_eq!(told[0].protocol, Protocol::Smtp);
        refusals.retain(|account| account != "alice");
        assert_eq!(refusals.of("alice"), []);
    }

    /// A guesser types a million names.
    #[test]
    fn of_names_that_no_account_has_the_last_few_are_remembered() {
        let refusals = Refusals::default();
        let since = SystemTime::now();
        for number in 0..1_000 {
            refusals.unknown(&format!("name{number}"), Protocol::Imap, from(1));
            refusals.unknown("Suport@contoso.com", Protocol::Pop3, from(2));
        }
        let known = refusals.unknown_since(since);
        assert_eq!(known.len(), MOST_NAMES);
        let again = known
            .iter()
            .find(|one| &*one.name == "Suport@contoso.com")
            .unwrap();
        assert_eq!(again.refused.count, 1_000, "what comes again is kept");
        assert!(known.iter().any(|one| &*one.name == "name999"));
        assert!(
            refusals
                .unknown_since(SystemTime::now() + std::time::Duration::from_secs(1))
                .is_empty()
        );
    }
}
