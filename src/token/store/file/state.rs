//! What the store of this process knows, whether the disk took it or not.

use std::collections::HashMap;
use std::mem;
use std::time::SystemTime;

use super::super::record::in_order;
use super::super::{Condition, Generation, Listed, Record, StoreError, Unsaved};
use super::disk::Previous;
use super::layout::{Entry, Image, Snapshot};
use super::seal::Keys;
use crate::oauth::GrantKey;

/// Records, sealed as they are in the file: they are opened only for who asks for them.
pub(super) struct State {
    entries: HashMap<GrantKey, Entry>,
    /// The last change.
    generation: Generation,
    /// The last change on the disk.
    saved: Generation,
    /// What was removed since: when, and whose it was.
    removed: Vec<(Generation, Box<str>)>,
    /// Since when saving fails, and how it failed last.
    failed: Option<(SystemTime, StoreError)>,
    /// Whether there is a task that tries again.
    retrying: bool,
    closed: bool,
}

/// What became of a change.
pub(super) enum Change {
    Made(Generation),
    /// Another record is there than was expected.
    Conflict,
}

impl State {
    pub(super) fn new(image: Image) -> Self {
        Self {
            entries: image.entries,
            generation: image.generation,
            saved: image.generation,
            removed: Vec::new(),
            failed: None,
            retrying: false,
            closed: false,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    pub(super) fn entry(&self, key: GrantKey) -> Option<&Entry> {
        self.entries.get(&key)
    }

    /// Puts a record in the place of the expected one. One that can't be opened counts as none: nobody can have read it.
    pub(super) fn put(
        &mut self,
        key: GrantKey,
        expected: Option<Generation>,
        record: &Record,
        keys: &Keys,
    ) -> Result<Change, StoreError> {
        let current = self.entries.get(&key);
        let current = current.filter(|entry| entry.listed.condition == Condition::Whole);
        if current.map(|entry| entry.listed.generation) != expected {
            return Ok(Change::Conflict);
        }
        let generation = self.generation.next();
        let entry = Entry::seal(key, generation, record, keys)?;
        self.entries.insert(key, entry);
        self.generation = generation;
        Ok(Change::Made(generation))
    }

    /// Removes a record.
    pub(super) fn remove(&mut self, key: GrantKey) -> Option<Generation> {
        let entry = self.entries.remove(&key)?;
        self.generation = self.generation.next();
        self.removed.push((self.generation, entry.listed.account));
        Some(self.generation)
    }

    pub(super) fn list(&self) -> Vec<Listed> {
        in_order(self.entries.values().map(|entry| entry.listed.clone()))
    }

    /// All that is to be written, and what is to become of the file before: what was removed is not to stay in it.
    pub(super) fn snapshot(&self) -> (Snapshot, Previous) {
        let order = self.list().into_iter();
        let snapshot = Snapshot {
            generation: self.generation,
            entries: order
                .filter_map(|listed| self.entries.get(&listed.key).cloned())
                .collect(),
        };
        let previous = if self.removed.is_empty() {
            Previous::Kept
        } else {
            Previous::Forgotten
        };
        (snapshot, previous)
    }

    /// The last change, if it is not on the disk.
    pub(super) fn pending(&self) -> Option<Generation> {
        (self.saved < self.generation).then_some(self.generation)
    }

    /// Takes down how an attempt to save ended.
    pub(super) fn note(&mut self, generation: Generation, outcome: &Result<(), StoreError>, now: SystemTime) {
        match outcome {
            Ok(()) => {
                self.saved = generation;
                self.failed = None;
                self.removed.retain(|(removed, _)| *removed > generation);
            }
            Err(error) => {
                let since = self.failed.take().map_or(now, |(since, _)| since);
                self.failed = Some((since, error.clone()));
            }
        }
    }

    /// Whether somebody has to be found who tries again.
    pub(super) fn begins_retrying(&mut self) -> bool {
        !mem::replace(&mut self.retrying, true)
    }

    /// Whether nothing is left to try again: it was saved, or closing was the last attempt.
    pub(super) fn ends_retrying(&mut self) -> bool {
        self.retrying = self.failed.is_some() && !self.closed;
        !self.retrying
    }

    /// What is only in memory after a failed attempt.
    pub(super) fn unsaved(&self) -> Option<Unsaved> {
        let (since, error) = self.failed.clone()?;
        let changed = self
            .entries
            .values()
            .filter(|entry| entry.listed.generation > self.saved);
        let changed = changed.map(|entry| entry.listed.account.clone());
        let mut accounts: Vec<_> = changed
            .chain(self.removed.iter().map(|(_, account)| account.clone()))
            .collect();
        accounts.sort();
        accounts.dedup();
        Some(Unsaved {
            accounts,
            since,
            error,
        })
    }
}
