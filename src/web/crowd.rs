//! The connections of one listener: who waits, and who is sent away for another.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::AbortHandle;

/// The connections, oldest first.
#[derive(Default)]
pub(super) struct Crowd(VecDeque<(Place, AbortHandle)>);

/// One connection's place: whether it is being answered at this moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Place(Arc<AtomicBool>);

/// For as long as a connection is being answered.
pub(super) struct Busy<'a>(&'a Place);

impl Place {
    /// From now on, until what is handed out is dropped.
    pub(super) fn is_answered(&self) -> Busy<'_> {
        self.0.store(true, Ordering::Relaxed);
        Busy(self)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Relaxed);
    }
}

impl Crowd {
    /// A place for one more. Whoever has said nothing for longest goes for it: a request comes at once, and a flood of silent
    /// connections must not make anybody believe that saslgate is dead. None if everybody is being answered.
    pub(super) fn place(&mut self, at_once: usize) -> Option<Place> {
        self.0.retain(|(_, connection)| !connection.is_finished());
        if self.0.len() < at_once {
            return Some(Place::default());
        }
        let is_idle = |(place, _): &(Place, AbortHandle)| !place.0.load(Ordering::Relaxed);
        let oldest = self.0.iter().position(is_idle)?;
        let (_, connection) = self.0.remove(oldest)?;
        connection.abort();
        Some(Place::default())
    }

    /// Takes a connection in.
    pub(super) fn enter(&mut self, place: Place, connection: AbortHandle) {
        self.0.push_back((place, connection));
    }
}
