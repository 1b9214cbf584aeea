//! Everything in one sealed file, which one process has at a time.
//!
//! `layout` is the file's text, `seal` what nobody can look into or forge; `place` names the files, `key` finds the key,
//! `lock` keeps others out, `recovery` reads what is there, `saving` says when `disk` replaces it. `state` is what counts
//! while the store is open: a disk that refuses to be written costs nothing but the promise that a restart would find it.

mod calls;
mod disk;
mod failing;
mod key;
mod layout;
mod lock;
mod opening;
mod place;
mod recovery;
mod saving;
mod seal;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

pub use key::{CREDENTIAL, KeySource};

use super::lease::Leases;
use super::{
    Answer, Generation, Lease, Listed, Record, StoreError, Stored, Swap, TokenStore, Trouble, Unsaved,
};
use crate::oauth::GrantKey;
use calls::{Calls, System};
use saving::Writer;
use seal::Keys;
use state::{Change, State};

/// How often it is looked whether another process has let the store go: a restart should not take longer for it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Where a store is and what opens it.
#[derive(Debug)]
pub struct Settings {
    /// The file. Its directory is made if it is missing, for saslgate's user alone.
    pub path: PathBuf,
    /// Where its key comes from.
    pub key: KeySource,
    /// The command that opens it, such as `run`: whoever finds the store in use is told of it.
    pub command: &'static str,
}

/// The store in a file.
pub struct FileStore(Arc<Inner>);

struct Inner {
    keys: Keys,
    state: Mutex<State>,
    /// Whoever has it writes; the task that does keeps it to the end, even if nobody waits for it any more.
    writer: Arc<AsyncMutex<Writer>>,
    leases: Leases,
}

impl FileStore {
    /// Opens the store, or makes one. [`Trouble::InUse`] if another process has it. With it comes what somebody should
    /// know all the same, to be told at every start.
    pub async fn open(settings: &Arc<Settings>) -> Result<(Self, Vec<StoreError>), StoreError> {
        Self::open_on(settings, || Box::new(System)).await
    }

    /// Opens the store as soon as no other process has it, however long that takes. `waits` hears who has it, again and again.
    pub async fn open_when_free(
        settings: &Arc<Settings>,
        mut waits: impl FnMut(StoreError),
    ) -> Result<(Self, Vec<StoreError>), StoreError> {
        loop {
            match Self::open(settings).await {
                Err(error) if error.trouble == Trouble::InUse => {
                    waits(error);
                    sleep(LOOK_AGAIN).await;
                }
                opened => return opened,
            }
        }
    }

    /// The records that a store's file names, without its key and whoever has it: for whoever checks a configuration. None of it
    /// is proven.
    pub fn at_a_glance(path: &Path) -> io::Result<Vec<Listed>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(layout::at_a_glance(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Why the store could not be opened, its lock aside: for whoever checks a configuration. Nothing is made, changed or taken.
    pub fn examine(settings: &Settings) -> Option<StoreError> {
        opening::examine(settings).err()
    }

    async fn open_on(
        settings: &Arc<Settings>,
        calls: impl FnOnce() -> Box<dyn Calls>,
    ) -> Result<(Self, Vec<StoreError>), StoreError> {
        let (settings, calls) = (Arc::clone(settings), calls());
        let opened = spawn_blocking(move || opening::open(&settings, calls)).await;
        let opened =
            opened.unwrap_or_else(|_| Err(StoreError::defect("the token store could not be opened")))?;
        let inner = Inner {
            keys: opened.keys,
            state: Mutex::new(State::new(opened.image)),
            writer: Arc::new(AsyncMutex::new(opened.writer)),
            leases: Leases::default(),
        };
        Ok((Self(Arc::new(inner)), opened.notices))
    }

    async fn swapped(
        &self,
        key: GrantKey,
        expected: Option<Generation>,
        record: Record,
    ) -> Result<Swap, StoreError> {
        match self.0.put(key, expected, &record)? {
            Err(current) => Ok(Swap::Conflict(current)),
            Ok(generation) => match self.save(generation).await {
                Ok(()) => Ok(Swap::Saved(generation)),
                Err(error) => Ok(Swap::Unsaved(generation, error)),
            },
        }
    }

    async fn removed(&self, key: GrantKey) -> Result<bool, StoreError> {
        let removed = self.0.open_state()?.remove(key);
        match removed {
            Some(generation) => self.save(generation).await.map(|()| true),
            None => Ok(false),
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, unless the store is closed.
    fn open_state(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.state();
        if state.is_closed() {
            return Err(StoreError::closed());
        }
        Ok(state)
    }

    fn opened(&self, state: &State, key: GrantKey) -> Result<Option<Stored>, StoreError> {
        let Some(entry) = state.entry(key) else {
            return Ok(None);
        };
        let record = entry
            .open(&self.keys)
            .map_err(|condition| recovery::unopened(entry, condition))?;
        Ok(Some(Stored {
            generation: entry.listed.generation,
            record: Arc::new(record),
        }))
    }

    /// Changes a record in memory: its new generation, or what is there instead of what was expected.
    fn put(
        &self,
        key: GrantKey,
        expected: Option<Generation>,
        record: &Record,
    ) -> Result<Result<Generation, Option<Stored>>, StoreError> {
        let mut state = self.open_state()?;
        match state.put(key, expected, record, &self.keys)? {
            Change::Made(generation) => Ok(Ok(generation)),
            // One that can't be opened counts as none here too.
            Change::Conflict => Ok(Err(self.opened(&state, key).unwrap_or_default())),
        }
    }
}

impl TokenStore for FileStore {
    fn load(&self, key: GrantKey) -> Answer<'_, Option<Stored>> {
        Box::pin(async move { self.0.opened(&*self.0.open_state()?, key) })
    }

    fn list(&self) -> Answer<'_, Vec<Listed>> {
        Box::pin(async { Ok(self.0.open_state()?.list()) })
    }

    fn swap(&self, key: GrantKey, expected: Option<Generation>, record: Record) -> Answer<'_, Swap> {
        Box::pin(self.swapped(key, expected, record))
    }

    fn remove(&self, key: GrantKey) -> Answer<'_, bool> {
        Box::pin(self.removed(key))
    }

    fn lease(&self, key: GrantKey) -> Answer<'_, Lease> {
        Box::pin(async move {
            drop(self.0.open_state()?);
            Ok(self.0.leases.take(key).await)
        })
    }

    fn unsaved(&self) -> Option<Unsaved> {
        self.0.state().unsaved()
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(self.closed())
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileStore(key {})", self.0.keys.id())
    }
}
