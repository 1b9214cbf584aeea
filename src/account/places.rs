//! Places that are taken, come back with time, and can be given back.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::select;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::bounded::{Bounded, MOST_ENTRIES};

/// A place comes back every so often, up to a number of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub(super) burst: u32,
    pub(super) every: Duration,
}

impl Rate {
    /// That many at once, and another after each so many seconds.
    pub(super) const fn new(burst: u32, seconds: u64) -> Self {
        Self {
            burst,
            every: Duration::from_secs(seconds),
        }
    }
}

/// The places for many keys, all at one rate.
#[derive(Debug)]
pub(super) struct Places {
    rate: Rate,
    taken: Mutex<Bounded<u64, Taken>>,
}

/// The places of one key: when all of them will be free again (the generic cell rate algorithm), and who waits for one.
#[derive(Debug, Default)]
struct Taken {
    until: Option<Instant>,
    /// Made when somebody waits: most keys never need one.
    given_back: Option<Arc<Notify>>,
}

impl Places {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            taken: Mutex::new(Bounded::new(MOST_ENTRIES)),
        }
    }

    /// Takes a place as soon as there is one; false if there was none in time.
    pub(super) async fn take(&self, key: u64, until: Instant) -> bool {
        loop {
            let Err((_, given_back)) = self.try_take(key) else {
                return true;
            };
            let mut given_back = pin!(given_back.notified());
            given_back.as_mut().enable();
            // What was given back before this line is found now, what is given back after it is heard.
            let Err((free, _)) = self.try_take(key) else {
                return true;
            };
            if Instant::now() >= until {
                return false;
            }
            select! {
                () = given_back => {}
                () = sleep_until(free.min(until)) => {}
            }
        }
    }

    /// Takes a place, or says when the next one grows and how to hear of one given back.
    fn try_take(&self, key: u64) -> Result<(), (Instant, Arc<Notify>)> {
        let now = Instant::now();
        let mut all = self.taken();
        let taken = all.entry(key);
        let filled = taken.until.map_or(now, |until| until.max(now)) + self.rate.every;
        match filled.checked_sub(self.rate.every * self.rate.burst) {
            Some(free) if free > now => Err((free, Arc::clone(taken.given_back.get_or_insert_default()))),
            _ => {
                taken.until = Some(filled);
                Ok(())
            }
        }
    }

    pub(super) fn give_back(&self, key: u64) {
        let mut all = self.taken();
        let taken = all.entry(key);
        taken.until = taken.until.and_then(|until| until.checked_sub(self.rate.every));
        if let Some(given_back) = &taken.given_back {
            given_back.notify_one();
        }
    }

    fn taken(&self) -> MutexGuard<'_, Bounded<u64, Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn places_run_out_and_grow_anew() {
        let places = Places::new(Rate::new(5, 4));
        let now = || Instant::now() + Duration::from_millis(1);
        for _ in 0..5 {
            assert!(places.take(1, now()).await);
        }
        assert!(!places.take(1, now()).await);
        assert!(places.take(2, now()).await, "another key");
        advance(Duration::from_secs(4)).await;
        assert!(places.take(1, now()).await);
        assert!(!places.take(1, now()).await);
        advance(Duration::from_secs(3_600)).await;
        for _ in 0..5 {
            assert!(places.take(1, now()).await);
        }
        assert!(!places.take(1, now()).await, "no more than the burst is saved up");
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_given_back_goes_to_the_next_in_line() {
        let places = Arc::new(Places::new(Rate::new(1, 3_600)));
        let long = Instant::now() + Duration::from_secs(60);
        assert!(places.take(1, long).await);
        let waiting: Vec<_> = (0..10)
            .map(|_| {
                let places = Arc::clone(&places);
                tokio::spawn(async move { places.take(1, long).await })
            })
            .collect();
        for taken in waiting {
            tokio::task::yield_now().await;
            places.give_back(1);
            assert!(taken.await.unwrap());
        }
        assert_eq!(
            Instant::now(),
            long - Duration::from_secs(60),
            "nobody waited for time to pass"
        );
        assert!(!places.take(1, long).await, "all are taken until the end");
    }
}
