//! Places per mailbox: how many sessions a mailbox may have upstream at a time, who has to wait for one, and how much is sent
//! from it.
//!
//! Exchange refuses a mailbox's fourth concurrent submission after it has let it in. A login that waits here loses nothing; one
//! that Exchange throws out has to send again.

mod mailbox;
mod place;
mod rate;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::provider::Protocol;
use crate::sessions::SessionId;
use mailbox::{Holder, Mailbox, Who};
use place::Seat;
use rate::Rates;

pub use place::Place;

/// How many places there are, and how long is waited for one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// SMTP sessions of one mailbox.
    pub smtp_per_mailbox: u32,
    /// IMAP sessions of one mailbox.
    pub imap_per_mailbox: u32,
    /// How long a login waits for a place.
    pub patience: Duration,
    /// How long a session that has a place may do nothing while others wait.
    pub idle: Duration,
}

impl Limits {
    /// The limit for a protocol; none where no provider is known to count.
    fn of(&self, protocol: Protocol) -> Option<u32> {
        match protocol {
            Protocol::Imap => Some(self.imap_per_mailbox),
            Protocol::Pop3 => None,
            Protocol::Smtp => Some(self.smtp_per_mailbox),
        }
    }
}

/// A login that needs a place.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its protocol.
    pub protocol: Protocol,
    /// The mail host that counts.
    pub host: Box<str>,
    /// The mailbox that it counts: the name that upstream is told.
    pub mailbox: Box<str>,
    /// Whose login it is.
    pub account: Box<str>,
    /// Which session.
    pub session: SessionId,
}

/// A mailbox, a protocol and the host that counts them. Mailbox names are compared without ASCII case, as Exchange does.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Key {
    protocol: Protocol,
    host: Box<str>,
    mailbox: Box<str>,
}

impl Key {
    fn of(wanted: &Wanted) -> Self {
        Self {
            protocol: wanted.protocol,
            host: wanted.host.to_ascii_lowercase().into(),
            mailbox: wanted.mailbox.to_ascii_lowercase().into(),
        }
    }
}

/// All places of the program.
#[derive(Debug, Default)]
pub struct Pace {
    mailboxes: Mutex<HashMap<Arc<Key>, Mailbox>>,
    rates: Mutex<Rates>,
    ear: Option<Ear>,
}

/// A mailbox sends so much that its provider will refuse mail.
#[derive(Clone, Copy, Debug)]
pub struct Rushing<'a> {
    /// The account that sends.
    pub account: &'a str,
    /// What happened.
    pub what: &'static str,
    /// What follows from it.
    pub why: &'static str,
    /// What mends it.
    pub fix: &'static str,
}

/// Somebody who hears of it. It may not wait.
pub struct Ear(Box<dyn Fn(Rushing<'_>) + Send + Sync>);

impl fmt::Debug for Ear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ear")
    }
}

/// Why a login got no place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoPlace {
    /// Its protocol.
    pub protocol: Protocol,
    /// The mailbox whose places are taken.
    pub mailbox: Box<str>,
    /// How many there are.
    pub limit: u32,
    /// Who has them, the oldest first.
    pub holders: Vec<Held>,
    /// How it came that it did not wait longer.
    pub missed: Missed,
}

/// A place that is taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Held {
    /// Whose login it was.
    pub account: Box<str>,
    /// Which session.
    pub session: Box<str>,
    /// For how long.
    pub since: Duration,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.since.as_secs();
        write!(f, "session {} ({}) for {seconds} s", self.session, self.account)
    }
}

/// Why a login does not wait any longer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Missed {
    /// None came free within that time.
    Patience(Duration),
    /// The mail client hung up.
    HungUp,
    /// As many wait as may wait.
    Crowd,
}

impl Pace {
    /// No place is taken, and that one hears of mailboxes that send too much.
    pub fn heard_by(hear: impl Fn(Rushing<'_>) + Send + Sync + 'static) -> Self {
        Self {
            ear: Some(Ear(Box::new(hear))),
            ..Self::default()
        }
    }

    /// A place for that login: at once, or when it is its turn. None where nobody counts. Whoever drops the future gives its
    /// turn to the next.
    pub async fn take(self: &Arc<Self>, wanted: &Wanted, limits: &Limits) -> Result<Option<Place>, NoPlace> {
        let Some(limit) = limits.of(wanted.protocol) else {
            return Ok(None);
        };
        let Ok((place, turn)) = self.queue(wanted, limit, limits.idle) else {
            return Err(self.missed(wanted, limits, Missed::Crowd));
        };
        let Some(turn) = turn else {
            return Ok(Some(place));
        };
        match timeout(limits.patience, turn).await {
            Ok(Ok(())) => Ok(Some(place)),
            _ => Err(self.missed(wanted, limits, Missed::Patience(limits.patience))),
        }
    }

    /// Who has the places that a login misses.
    pub fn missed(&self, wanted: &Wanted, limits: &Limits, missed: Missed) -> NoPlace {
        let now = Instant::now();
        let mailboxes = self.mailboxes();
        let mailbox = mailboxes.get(&Key::of(wanted));
        let held = |holder: &Holder| Held {
            account: holder.who.account.clone(),
            session: holder.who.session.as_str().into(),
            since: now.duration_since(holder.since),
        };
        NoPlace {
            protocol: wanted.protocol,
            mailbox: wanted.mailbox.clone(),
            limit: limits.of(wanted.protocol).unwrap_or_default(),
            holders: mailbox.map_or_else(Vec::new, |mailbox| mailbox.holders.iter().map(held).collect()),
            missed,
        }
    }

    /// Places of a protocol that are taken now.
    pub fn in_use(&self, protocol: Protocol) -> usize {
        self.sum(protocol, |mailbox| mailbox.holders.len())
    }

    /// Logins by a protocol that wait for a place now.
    pub fn waiting(&self, protocol: Protocol) -> usize {
        self.sum(protocol, |mailbox| mailbox.waiting.len())
    }

    fn sum(&self, protocol: Protocol, count: impl Fn(&Mailbox) -> usize) -> usize {
        let mailboxes = self.mailboxes();
        let of_protocol = mailboxes.iter().filter(|(key, _)| key.protocol == protocol);
        of_protocol.map(|(_, mailbox)| count(mailbox)).sum()
    }

    /// Takes a place, or a number and word of its turn.
    fn queue(
        self: &Arc<Self>,
        wanted: &Wanted,
        limit: u32,
        idle: Duration,
    ) -> Result<(Place, Option<oneshot::Receiver<()>>), Missed> {
        let key = Arc::new(Key::of(wanted));
        let who = Who {
            account: wanted.account.clone(),
            session: wanted.session.clone(),
        };
        let mut mailboxes = self.mailboxes();
        let mailbox = mailboxes.entry(Arc::clone(&key)).or_insert_with(Mailbox::empty);
        (mailbox.limit, mailbox.idle) = (limit as usize, idle);
        // The limit may have been raised since.
        mailbox.admit();
        let number = mailbox.next;
        let turn = mailbox.join(who)?;
        drop(mailboxes);
        let seat = Seat {
            pace: Arc::clone(self),
            key,
            number,
            mailbox: wanted.mailbox.clone(),
            account: wanted.account.clone(),
        };
        Ok((Place(Box::new(seat)), turn))
    }

    fn leave(&self, key: &Arc<Key>, number: u64) {
        if let Entry::Occupied(mut entry) = self.mailboxes().entry(Arc::clone(key)) {
            entry.get_mut().leave(number);
            if entry.get().is_empty() {
                entry.remove();
            }
        }
    }

    fn mailboxes(&self) -> MutexGuard<'_, HashMap<Arc<Key>, Mailbox>> {
        self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
