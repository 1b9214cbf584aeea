//! How old codes, device codes, refresh tokens and lockouts are. A test makes them older instead of waiting.

use std::time::{Duration, Instant};

use crate::sim::knob::Knob;

/// A clock that runs on its own and can be put forward.
pub(super) struct Ages {
    start: Instant,
    ahead: Knob<Duration>,
}

impl Ages {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            ahead: Knob::default(),
        }
    }

    /// Time since the simulator began, and what was added to it.
    pub(super) fn now(&self) -> Duration {
        self.start.elapsed().saturating_add(self.ahead.get())
    }

    /// Puts the clock forward.
    pub(super) fn elapse(&self, time: Duration) {
        self.ahead.change(|ahead| *ahead = ahead.saturating_add(time));
    }
}
