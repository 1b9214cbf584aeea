//! What one way has still to tell: each change once, again after a failure, and nothing that has passed before it was told.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::alert::{Alert, Cause, Subject};

/// The pauses after the first failures; the last one counts for all that follow.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(60 * 60),
];

/// What could not be told for so long is old news.
const GIVEN_UP: Duration = Duration::from_secs(24 * 60 * 60);

/// Alerts that wait for one way. What waits is one for each thing, so this is for thousands of accounts in trouble.
const MOST: usize = 1000;

/// Alerts in one mail.
const IN_ONE: usize = 100;

/// What one way has still to tell.
pub(super) struct Outbox {
    joins: bool,
    waiting: VecDeque<Queued>,
    flying: Vec<Queued>,
    /// What was told to be in trouble, and why, until it is told to be well again.
    told: HashMap<Subject, Cause>,
}

struct Queued {
    alert: Alert,
    tries: usize,
    due: Instant,
    since: Instant,
}

impl Outbox {
    /// An empty one. Where a way `joins`, alerts are told together.
    pub(super) fn new(joins: bool) -> Self {
        Self {
            joins,
            waiting: VecDeque::new(),
            flying: Vec::new(),
            told: HashMap::new(),
        }
    }

    /// Puts in what is to be told, as far as it is news. How many others had to make room.
    pub(super) fn put(&mut self, mut alert: Alert, now: Instant) -> usize {
        // Nobody has to hear first what it was before.
        for queued in &mut self.waiting {
            queued
                .alert
                .subjects
                .retain(|known| !alert.subjects.contains(known));
        }
        self.waiting.retain(|queued| !queued.alert.subjects.is_empty());
        let (is_good, cause) = (alert.is_good(), alert.cause.clone());
        alert
            .subjects
            .retain(|subject| self.is_news(subject, is_good, &cause));
        if alert.subjects.is_empty() {
            return 0;
        }
        self.waiting.push_back(Queued {
            alert,
            tries: 0,
            due: now,
            since: now,
        });
        let excess = self.waiting.len().saturating_sub(MOST);
        self.waiting.drain(..excess);
        excess
    }

    /// Whether it says something else than what was told last, or is being told.
    fn is_news(&self, subject: &Subject, is_good: bool, cause: &Cause) -> bool {
        let flying = self
            .flying
            .iter()
            .rfind(|queued| queued.alert.subjects.contains(subject));
        match (flying, self.told.get(subject)) {
            (Some(flying), _) => flying.alert.is_good() != is_good || flying.alert.cause != *cause,
            (None, None) => !is_good,
            (None, Some(told)) => is_good || told != cause,
        }
    }

    /// What is to be told now; nothing while something is on its way.
    pub(super) fn take(&mut self, now: Instant) -> Vec<Alert> {
        if !self.flying.is_empty() {
            return Vec::new();
        }
        let most = if self.joins { IN_ONE } else { 1 };
        let mut kept = VecDeque::new();
        for queued in std::mem::take(&mut self.waiting) {
            if self.flying.len() < most && queued.due <= now {
                self.flying.push(queued);
            } else {
                kept.push_back(queued);
            }
        }
        self.waiting = kept;
        self.flying.iter().map(|queued| queued.alert.clone()).collect()
    }

    /// All that waits is due, because there will be no later.
    pub(super) fn hurry(&mut self, now: Instant) {
        for queued in &mut self.waiting {
            queued.due = now;
        }
    }

    /// What was taken has arrived.
    pub(super) fn arrived(&mut self) {
        for Queued { alert, .. } in std::mem::take(&mut self.flying) {
            let is_good = alert.is_good();
            for subject in alert.subjects {
                if is_good {
                    self.told.remove(&subject);
                } else {
                    self.told.insert(subject, alert.cause.clone());
                }
            }
        }
    }

    /// What was taken has not arrived: it is tried again later, unless something newer waits. How many are given up.
    pub(super) fn failed(&mut self, now: Instant) -> usize {
        let mut given_up = 0;
        for mut queued in std::mem::take(&mut self.flying) {
            self.overtake(&mut queued.alert);
            if queued.alert.subjects.is_empty() {
                continue;
            }
            if now.duration_since(queued.since) >= GIVEN_UP {
                given_up += 1;
                continue;
            }
            queued.due = now + PAUSES[queued.tries.min(PAUSES.len() - 1)];
            queued.tries += 1;
            self.waiting.push_back(queued);
        }
        given_up
    }

    /// Takes from an alert what newer ones tell, and from those the recoveries of what nobody has heard of.
    fn overtake(&mut self, alert: &mut Alert) {
        let Self { waiting, told, .. } = self;
        alert.subjects.retain(|subject| {
            let newer = waiting
                .iter_mut()
                .find(|one| one.alert.subjects.contains(subject));
            let Some(newer) = newer else { return true };
            if newer.alert.is_good() && !told.contains_key(subject) {
                newer.alert.subjects.retain(|known| known != subject);
            }
            false
        });
        waiting.retain(|queued| !queued.alert.subjects.is_empty());
    }

    /// When something will be due; none while something is on its way, because its end is waited for.
    pub(super) fn next(&self) -> Option<Instant> {
        let waiting = self.waiting.iter().map(|queued| queued.due);
        waiting.min().filter(|_| self.flying.is_empty())
    }
}
