//! Places per mailbox: how many sessions a mailbox may have upstream at a time, who has to wait for one, and how much is sent
//! from it.
//!
//! Exchange refuses a mailbox's fourth concurrent submission after it has let it in. A login that waits here loses nothing; one
//! that Exchange throws out has to send again.

mod rate;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::provider::Protocol;
use crate::sessions::{SessionId, Wishes};
use rate::Rates;

/// Logins that may wait for one mailbox. All of them together are bounded by the connections that saslgate takes.
const MOST_WAITING: usize = 1_000;

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

/// Who has a place at a mailbox, and who waits for one.
#[derive(Debug)]
struct Mailbox {
    limit: usize,
    idle: Duration,
    holders: Vec<Holder>,
    /// First come, first served.
    waiting: VecDeque<Waiting>,
    next: u64,
}

#[derive(Debug)]
struct Holder {
    number: u64,
    who: Who,
    since: Instant,
    /// Known once the session is in the registry.
    wishes: Option<Arc<Wishes>>,
    /// Whether it is ending for somebody who waits.
    leaving: bool,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    who: Who,
    ready: oneshot::Sender<()>,
}

#[derive(Clone, Debug)]
struct Who {
    account: Box<str>,
    session: SessionId,
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

impl Mailbox {
    fn empty() -> Self {
        Self {
            limit: 0,
            idle: Duration::ZERO,
            holders: Vec::new(),
            waiting: VecDeque::new(),
            next: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.holders.is_empty() && self.waiting.is_empty()
    }

    /// A place at once, or word when it is there.
    fn join(&mut self, who: Who) -> Result<Option<oneshot::Receiver<()>>, Missed> {
        if self.waiting.len() >= MOST_WAITING {
            return Err(Missed::Crowd);
        }
        let (ready, turn) = oneshot::channel();
        let number = self.next;
        self.next += 1;
        self.waiting.push_back(Waiting { number, who, ready });
        self.admit();
        let waits = self.waiting.back().is_some_and(|last| last.number == number);
        Ok(waits.then_some(turn))
    }

    /// Lets in whose turn it is. While others wait, those who have a place are asked to give it up when they do not need it.
    fn admit(&mut self) {
        while self.holders.len() < self.limit
            && let Some(next) = self.waiting.pop_front()
        {
            self.holders.push(Holder {
                number: next.number,
                who: next.who,
                since: Instant::now(),
                wishes: None,
                leaving: false,
            });
            // Whoever has stopped listening gives the place back by itself.
            let _ = next.ready.send(());
        }
        let wish = self.wish();
        for wishes in self.holders.iter().filter_map(|holder| holder.wishes.as_ref()) {
            wishes.want_place(wish);
        }
    }

    fn wish(&self) -> Option<Duration> {
        (!self.waiting.is_empty()).then_some(self.idle)
    }

    fn give_way(&mut self, number: u64) -> bool {
        let leaving = self.holders.iter().filter(|holder| holder.leaving).count();
        let own = self.holders.iter_mut().find(|holder| holder.number == number);
        let gives_way = leaving < self.waiting.len();
        if let Some(holder) = own.filter(|_| gives_way) {
            holder.leaving = true;
        }
        gives_way
    }

    fn leave(&mut self, number: u64) {
        self.holders.retain(|holder| holder.number != number);
        self.waiting.retain(|waiting| waiting.number != number);
        self.admit();
    }
}

/// A place at a mailbox. It is given back when it is dropped.
#[derive(Debug)]
pub struct Place(Box<Seat>);

#[derive(Debug)]
struct Seat {
    pace: Arc<Pace>,
    key: Arc<Key>,
    number: u64,
    mailbox: Box<str>,
    account: Box<str>,
}

impl Place {
    /// Says by which wishes the session hears that others wait.
    pub fn held_by(&self, wishes: &Arc<Wishes>) {
        let mut mailboxes = self.0.pace.mailboxes();
        let Some(mailbox) = mailboxes.get_mut(&self.0.key) else {
            return;
        };
        let wish = mailbox.wish();
        let own = |holder: &&mut Holder| holder.number == self.0.number;
        if let Some(holder) = mailbox.holders.iter_mut().find(own) {
            wishes.want_place(wish);
            holder.wishes = Some(Arc::clone(wishes));
        }
    }

    /// Whether a session that does nothing has to end for another. Only one does for each that waits: mail clients that idle
    /// would all have to connect again for the sake of one.
    pub fn give_way(&self) -> bool {
        let mut mailboxes = self.0.pace.mailboxes();
        mailboxes
            .get_mut(&self.0.key)
            .is_some_and(|mailbox| mailbox.give_way(self.0.number))
    }

    /// Counts what was sent, and tells the operator when that comes near to what Exchange allows. Nothing is held up: Exchange
    /// delays by itself what is too much.
    pub fn sent(&self, messages: u32, recipients: u32) {
        let Seat {
            pace,
            key,
            mailbox,
            account,
            ..
        } = &*self.0;
        let mut rates = pace.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let warnings = rates.count(&key.mailbox, messages, recipients, Instant::now());
        drop(rates);
        for warning in warnings.into_iter().flatten() {
            tracing::warn!(
                %mailbox, %account, what = warning.what, why = warning.why, fix = warning.fix,
                "a mailbox sends much"
            );
            if let Some(Ear(hear)) = pace.ear.as_ref().filter(|_| warning.urgent) {
                hear(Rushing {
                    account,
                    what: warning.what,
                    why: warning.why,
                    fix: warning.fix,
                });
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.pace.leave(&self.0.key, self.0.number);
    }
}

#[cfg(test)]
mod tests;
