//! What must outlive the process: refresh tokens, verified passwords, tokens that were brought along, and links to sign in by.
//!
//! [`TokenStore`] is what the rest of saslgate knows of it. [`FileStore`] keeps everything in one sealed file;
//! [`MemoryStore`] is for runs without one. All stores pass one suite of tests.
//!
//! saslgate never deletes a refresh token because of what a provider says about it: [`TokenStore::remove`] is for the
//! operator's `sign-out`, for a record that was adopted under another key, and for links that are of no more use.

mod error;
mod file;
mod lease;
mod memory;
mod record;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

pub use error::{StoreError, Trouble};
pub use file::{CREDENTIAL, FileStore, KeySource, Settings};
pub use lease::Lease;
pub use memory::MemoryStore;
pub use record::{Condition, Content, Listed, Record, SignIn};

use crate::oauth::GrantKey;

/// What a store's functions return. They may be dropped at any await: what was begun is finished.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Records by the grant that they belong to, each with a generation.
///
/// An error means that the store can't answer at all, or that this one record can't be read. Trouble on the way to the
/// disk is none of both: [`Swap::Unsaved`] and [`Self::unsaved`] tell it, the store tries again by itself, and logins
/// go on.
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// One record; `None` if there is none. A record that is there and can't be opened is an error of its own
    /// ([`Trouble::RecordDamaged`], [`Trouble::RecordNewer`]): nobody is to take it for a missing one.
    fn load(&self, key: GrantKey) -> Answer<'_, Option<Stored>>;

    /// Every record without its secret, by account: for `status`, and to find those that no configuration names.
    fn list(&self) -> Answer<'_, Vec<Listed>>;

    /// Puts a record in the place of the one with the expected generation; `None` expects that none can be read.
    /// The answer comes when the new one is as safe as the store can make it.
    fn swap(&self, key: GrantKey, expected: Option<Generation>, record: Record) -> Answer<'_, Swap>;

    /// Forgets a record for good: whether there was one. After an error of the disk ([`Trouble::Disk`]) it is gone for
    /// logins, but stays in the file as long as it is [unsaved](Self::unsaved).
    fn remove(&self, key: GrantKey) -> Answer<'_, bool>;

    /// The right to renew one grant's tokens, held by one at a time over all processes that share the store. Waits
    /// until it is free; load the record again afterwards, another holder may have renewed it.
    fn lease(&self, key: GrantKey) -> Answer<'_, Lease>;

    /// What is only in memory because the last attempt to save it failed.
    fn unsaved(&self) -> Option<Unsaved>;

    /// Saves what is unsaved and lets another process have the store, whether that worked or not. Every later call
    /// is an error, so wait for what is in the air before.
    fn close(&self) -> Answer<'_, ()>;
}

/// Counts the changes of a store. A record gets the number of its last change; none comes twice, not even after
/// a record was removed and made again.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Generation(u64);

impl Generation {
    /// The one after.
    fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A record as it is now.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What the next [`TokenStore::swap`] has to expect.
    pub generation: Generation,
    /// The record.
    pub record: Arc<Record>,
}

/// What became of a [`TokenStore::swap`].
#[derive(Debug)]
#[must_use]
pub enum Swap {
    /// It is safe.
    Saved(Generation),
    /// It counts, but only until the process ends: saving it failed.
    Unsaved(Generation, StoreError),
    /// Another one is there, or none; nothing was changed.
    Conflict(Option<Stored>),
}

/// What is not on the disk although it should be.
#[derive(Clone, Debug)]
pub struct Unsaved {
    /// The accounts whose records have changed since the last save.
    pub accounts: Vec<Box<str>>,
    /// Since when saving fails.
    pub since: SystemTime,
    /// Why, the last time it was tried.
    pub error: StoreError,
}
