//! A value that a test may turn while the simulator runs.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A setting read by every connection and writable at any moment.
///
/// A mutex and not a lock-free cell: it is read a few times per login, and held only to copy the value.
pub struct Knob<T>(Mutex<T>);

impl<T> Knob<T> {
    /// A knob that stands at `value`.
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Turns the knob; connections that are past the point where it is read are not touched.
    pub fn set(&self, value: T) {
        *self.lock() = value;
    }

    /// Changes the value in place and hands back what the closure says. The closure must not touch the same knob again:
    /// it is locked meanwhile.
    pub fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut self.lock())
    }

    /// Where the knob stands now.
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.lock().clone()
    }

    /// A test thread that panicked while holding the lock must not take the other tests' simulator with it.
    fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Default> Default for Knob<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

/// Never the value: a knob may hold a secret of the simulated tenant.
impl<T> fmt::Debug for Knob<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Knob")
    }
}
