//! A place that a session has: what it hears of those who wait, and what is sent from it.

use std::sync::{Arc, PoisonError};

use tokio::time::Instant;

use super::mailbox::Holder;
use super::{Ear, Key, Pace, Rushing};
use crate::sessions::Wishes;

/// A place at a mailbox. It is given back when it is dropped.
#[derive(Debug)]
pub struct Place(pub(super) Box<Seat>);

#[derive(Debug)]
pub(super) struct Seat {
    pub(super) pace: Arc<Pace>,
    pub(super) key: Arc<Key>,
    pub(super) number: u64,
    pub(super) mailbox: Box<str>,
    pub(super) account: Box<str>,
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
