//! Saving: many changes at once are one save, what was begun is finished, and what failed is tried again.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::super::{Generation, StoreError};
use super::disk::{Disk, Previous};
use super::layout;
use super::lock::Lock;
use super::{FileStore, Inner};

/// How long after a failed save it is tried again, and how long at most, as the pause doubles each time: a disk that is
/// full now is often full for long, and a sign-in that only memory has should not wait for an hour when there is room.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Whose attempt to save counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Attempt {
    /// Any that wrote the change, whoever made it: a hundred changes at once are a few saves.
    Shared,
    /// One of our own, unless there is nothing left to write: an earlier one has failed.
    Own,
}

/// The right to write the store, until it is released.
pub(super) struct Writer {
    disk: Disk,
    lock: Option<Lock>,
    last: Option<(Generation, Result<(), StoreError>)>,
}

impl Writer {
    pub(super) fn new(disk: Disk, lock: Lock) -> Self {
        Self {
            disk,
            lock: Some(lock),
            last: None,
        }
    }

    /// What came of a change that the last attempt tried to write.
    fn outcome(&self, wanted: Generation, attempt: Attempt) -> Option<Result<(), StoreError>> {
        let (written, outcome) = self.last.as_ref()?;
        let counts = *written >= wanted && (attempt == Attempt::Shared || outcome.is_ok());
        counts.then(|| outcome.clone())
    }

    /// Writes the store. Without the lock it may be another process's by now.
    fn write(&mut self, text: &[u8], previous: Previous) -> Result<(), StoreError> {
        if self.lock.is_none() {
            return Err(StoreError::closed());
        }
        self.disk.save(text, previous)
    }
}

impl FileStore {
    /// Returns when a change is safe, or when an attempt to save it has failed.
    pub(super) async fn save(&self, wanted: Generation) -> Result<(), StoreError> {
        let inner = Arc::clone(&self.0);
        // A task of its own: a change that was made is written even if nobody waits for it.
        let saved = tokio::spawn(async move {
            let saved = inner.attempt(wanted, Attempt::Shared).await;
            if saved.is_err() {
                inner.try_again();
            }
            saved
        });
        saved.await.unwrap_or_else(|_| Err(cut_short()))
    }

    /// Saves once more what is left, lets the store go, and writes nothing afterwards.
    pub(super) async fn closed(&self) -> Result<(), StoreError> {
        let inner = Arc::clone(&self.0);
        let closed = tokio::spawn(async move {
            inner.state().close();
            let saved = inner.save_pending().await;
            inner.writer.lock().await.lock = None;
            saved
        });
        closed.await.unwrap_or_else(|_| Err(cut_short()))
    }
}

impl Inner {
    async fn attempt(self: &Arc<Self>, wanted: Generation, attempt: Attempt) -> Result<(), StoreError> {
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        if let Some(outcome) = writer.outcome(wanted, attempt) {
            return outcome;
        }
        let inner = Arc::clone(self);
        let written = spawn_blocking(move || inner.write(&mut writer)).await;
        written.unwrap_or_else(|_| Err(cut_short()))
    }

    /// Saves what is left to save.
    pub(super) async fn save_pending(self: &Arc<Self>) -> Result<(), StoreError> {
        let pending = self.state().pending();
        match pending {
            Some(generation) => self.attempt(generation, Attempt::Own).await,
            None => Ok(()),
        }
    }

    /// Has the store saved as soon as the disk takes it, by one task. A store that nobody has any more is not kept for it.
    fn try_again(self: &Arc<Self>) {
        if !self.state().begins_retrying() {
            return;
        }
        let store = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
                let Some(inner) = store.upgrade() else { return };
                // How it ended stands in the state, as does what another change's save has done meanwhile.
                drop(inner.save_pending().await);
                if inner.state().ends_retrying() {
                    return;
                }
            }
        });
    }

    /// Writes all that has changed up to now.
    fn write(&self, writer: &mut Writer) -> Result<(), StoreError> {
        let (snapshot, previous) = self.state().snapshot();
        let text = layout::write(&snapshot, &self.keys);
        let outcome = text.and_then(|text| writer.write(&text, previous));
        self.state()
            .note(snapshot.generation, &outcome, SystemTime::now());
        writer.last = Some((snapshot.generation, outcome.clone()));
        outcome
    }
}

fn cut_short() -> StoreError {
    StoreError::defect("saving the token store was cut short")
}
