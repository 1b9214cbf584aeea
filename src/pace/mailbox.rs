//! The places of one mailbox: who has them, and who waits, first come, first served.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Missed;
use crate::sessions::{SessionId, Wishes};

/// Logins that may wait for one mailbox. All of them together are bounded by the connections that saslgate takes.
pub(super) const MOST_WAITING: usize = 1_000;

/// Who has a place at a mailbox, and who waits for one.
#[derive(Debug)]
pub(super) struct Mailbox {
    pub(super) limit: usize,
    pub(super) idle: Duration,
    pub(super) holders: Vec<Holder>,
    /// First come, first served.
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) next: u64,
}

#[derive(Debug)]
pub(super) struct Holder {
    pub(super) number: u64,
    pub(super) who: Who,
    pub(super) since: Instant,
    /// Known once the session is in the registry.
    pub(super) wishes: Option<Arc<Wishes>>,
    /// Whether it is ending for somebody who waits.
    leaving: bool,
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) number: u64,
    pub(super) who: Who,
    ready: oneshot::Sender<()>,
}

#[derive(Clone, Debug)]
pub(super) struct Who {
    pub(super) account: Box<str>,
    pub(super) session: SessionId,
}

impl Mailbox {
    pub(super) fn empty() -> Self {
        Self {
            limit: 0,
            idle: Duration::ZERO,
            holders: Vec::new(),
            waiting: VecDeque::new(),
            next: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.holders.is_empty() && self.waiting.is_empty()
    }

    /// A place at once, or word when it is there.
    pub(super) fn join(&mut self, who: Who) -> Result<Option<oneshot::Receiver<()>>, Missed> {
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
    pub(super) fn admit(&mut self) {
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

    pub(super) fn wish(&self) -> Option<Duration> {
        (!self.waiting.is_empty()).then_some(self.idle)
    }

    pub(super) fn give_way(&mut self, number: u64) -> bool {
        let leaving = self.holders.iter().filter(|holder| holder.leaving).count();
        let own = self.holders.iter_mut().find(|holder| holder.number == number);
        let gives_way = leaving < self.waiting.len();
        if let Some(holder) = own.filter(|_| gives_way) {
            holder.leaving = true;
        }
        gives_way
    }

    pub(super) fn leave(&mut self, number: u64) {
        self.holders.retain(|holder| holder.number != number);
        self.waiting.retain(|waiting| waiting.number != number);
        self.admit();
    }
}
