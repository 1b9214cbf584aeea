//! What changes for one reason is told together: a client secret that ends breaks every account of its tenant, and nobody
//! reads two hundred alerts.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::alert::{Alert, Cause};

/// How long an alert waits for others: they are one mail then, and a recovery takes it back.
const TOGETHER: Duration = Duration::from_secs(3);

/// The same for what may pass by itself: Exchange says so while it moves a mailbox, and nobody wants to be woken for that.
const MAY_PASS: Duration = Duration::from_secs(2 * 60);

/// So many with one cause are told one by one; more are told in one.
const ONE_BY_ONE: usize = 5;

/// How long further ones wait once a cause has shown that it breaks many: accounts meet it when their mail clients log in.
const FLOOD: Duration = Duration::from_secs(10 * 60);

/// A cause of which nothing was heard for so long is a new one.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);

/// What waits to be told.
#[derive(Default)]
pub(super) struct Gathering(HashMap<Cause, Gathered>);

struct Gathered {
    waiting: Vec<Alert>,
    due: Instant,
    told: usize,
    last: Instant,
}

impl Gathering {
    /// Takes an alert in. What waits of the same things is older news.
    pub(super) fn add(&mut self, alert: Alert, now: Instant) {
        self.forget(&alert, now);
        let wait = if alert.may_pass() { MAY_PASS } else { TOGETHER };
        let soonest = self.next().filter(|due| *due <= now + wait);
        let gathered = self.0.entry(alert.cause.clone()).or_insert(Gathered {
            waiting: Vec::new(),
            due: now,
            told: 0,
            last: now,
        });
        if gathered.waiting.is_empty() {
            let is_flood = gathered.told >= ONE_BY_ONE;
            gathered.due = match soonest {
                _ if is_flood => now + FLOOD,
                // What changes within the same few seconds is one mail, whatever the causes.
                Some(due) if !alert.may_pass() => due,
                _ => now + wait,
            };
        }
        gathered.last = now;
        gathered.waiting.push(alert);
    }

    fn forget(&mut self, news: &Alert, now: Instant) {
        for gathered in self.0.values_mut() {
            for alert in &mut gathered.waiting {
                alert.subjects.retain(|subject| !news.subjects.contains(subject));
            }
            gathered.waiting.retain(|alert| !alert.subjects.is_empty());
        }
        self.0
            .retain(|_, gathered| !gathered.waiting.is_empty() || now < gathered.last + FORGOTTEN);
    }

    /// What is to be told now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Alert> {
        let ripe = self.0.values_mut().filter(|gathered| gathered.due <= now);
        ripe.flat_map(Gathered::release).collect()
    }

    /// Everything, because there will be no later.
    pub(super) fn all(&mut self) -> Vec<Alert> {
        self.0.values_mut().flat_map(Gathered::release).collect()
    }

    /// When something will be due.
    pub(super) fn next(&self) -> Option<Instant> {
        let waiting = self.0.values().filter(|gathered| !gathered.waiting.is_empty());
        waiting.map(|gathered| gathered.due).min()
    }
}

impl Gathered {
    fn release(&mut self) -> Vec<Alert> {
        let mut waiting = std::mem::take(&mut self.waiting).into_iter();
        let count = waiting.len();
        self.told += count;
        if self.told <= ONE_BY_ONE {
            return waiting.collect();
        }
        let Some(mut summary) = waiting.next() else {
            return Vec::new();
        };
        for other in waiting {
            summary.join(other);
        }
        vec![summary]
    }
}
