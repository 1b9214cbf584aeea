//! What time it is, twice: a token's life is measured by the clock that runs faster.

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};

/// Where the time comes from; tests bring their own.
pub(super) trait Clock: Send + Sync + 'static {
    fn now(&self) -> Moment;
}

/// A moment by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// The wall clock: it is what the provider measures by, but it can be set.
    pub(super) wall: SystemTime,
    /// Since the machine started, time asleep included: it never jumps.
    pub(super) boot: Duration,
}

impl Moment {
    /// How long ago another moment was: what the faster clock says. A wall clock that is set back hides nothing,
    /// one that is set forward makes a token older rather than younger.
    pub(super) fn since(self, earlier: Self) -> Duration {
        let wall = self.wall.duration_since(earlier.wall).unwrap_or_default();
        wall.max(self.boot.saturating_sub(earlier.boot))
    }
}

/// The machine's own clocks.
pub(super) struct SystemClock;

/// `CLOCK_MONOTONIC` stands still while a Linux machine sleeps; elsewhere it is the best there is.
#[cfg(target_os = "linux")]
const SINCE_BOOT: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const SINCE_BOOT: ClockId = ClockId::Monotonic;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment {
            wall: SystemTime::now(),
            // Neither field of a clock that counts from the start is ever negative.
            boot: Duration::try_from(clock_gettime(SINCE_BOOT)).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(wall: u64, boot: u64) -> Moment {
        Moment {
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(wall),
            boot: Duration::from_secs(boot),
        }
    }

    #[test]
    fn the_faster_clock_counts() {
        let then = moment(1000, 50);
        let seconds = |now: Moment| now.since(then).as_secs();
        assert_eq!(seconds(moment(1010, 60)), 10);
        assert_eq!(seconds(moment(10, 60)), 10, "the wall clock was set back");
        assert_eq!(seconds(moment(4600, 60)), 3600, "the wall clock was set forward");
    }

    #[test]
    fn the_system_has_both_clocks() {
        let first = SystemClock.now();
        let second = SystemClock.now();
        assert!(first.boot > Duration::ZERO && second.boot >= first.boot);
    }
}
