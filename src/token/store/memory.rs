//! A store for runs without a file: what is in it ends with the process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::lease::Leases;
use super::record::in_order;
use super::{Answer, Generation, Lease, Listed, Record, StoreError, Stored, Swap, TokenStore, Unsaved};
use crate::oauth::GrantKey;

/// Records in memory. Nothing is sealed: they are never written anywhere.
#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    leases: Leases,
}

#[derive(Default)]
struct State {
    records: HashMap<GrantKey, Stored>,
    generation: Generation,
    closed: bool,
}

impl MemoryStore {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(StoreError::closed());
        }
        Ok(state)
    }

    fn listed(&self) -> Result<Vec<Listed>, StoreError> {
        let state = self.state()?;
        let listed =
            |(key, stored): (&GrantKey, &Stored)| Listed::of(*key, stored.generation, &stored.record);
        Ok(in_order(state.records.iter().map(listed)))
    }

    fn swapped(
        &self,
        key: GrantKey,
        expected: Option<Generation>,
        record: Record,
    ) -> Result<Swap, StoreError> {
        let mut state = self.state()?;
        let current = state.records.get(&key);
        if current.map(|stored| stored.generation) != expected {
            return Ok(Swap::Conflict(current.cloned()));
        }
        let generation = state.generation.next();
        state.generation = generation;
        let record = Arc::new(record);
        state.records.insert(key, Stored { generation, record });
        Ok(Swap::Saved(generation))
    }

    fn removed(&self, key: GrantKey) -> Result<bool, StoreError> {
        Ok(self.state()?.records.remove(&key).is_some())
    }

    fn closed(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.closed = true;
    }
}

impl TokenStore for MemoryStore {
    fn load(&self, key: GrantKey) -> Answer<'_, Option<Stored>> {
        Box::pin(async move { Ok(self.state()?.records.get(&key).cloned()) })
    }

    fn list(&self) -> Answer<'_, Vec<Listed>> {
        Box::pin(async { self.listed() })
    }

    fn swap(&self, key: GrantKey, expected: Option<Generation>, record: Record) -> Answer<'_, Swap> {
        Box::pin(async move { self.swapped(key, expected, record) })
    }

    fn remove(&self, key: GrantKey) -> Answer<'_, bool> {
        Box::pin(async move { self.removed(key) })
    }

    fn lease(&self, key: GrantKey) -> Answer<'_, Lease> {
        Box::pin(async move {
            drop(self.state()?);
            Ok(self.leases.take(key).await)
        })
    }

    fn unsaved(&self) -> Option<Unsaved> {
        None
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async {
            self.closed();
            Ok(())
        })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore(…)")
    }
}
