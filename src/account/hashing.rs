//! The only place where a typed password meets a stored one, so that work can be bounded and counted.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;

use aws_lc_rs::pbkdf2;
use tokio::sync::{Semaphore, TryAcquireError};
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use super::password::{ChosenHash, GeneratedHash, Symbols};
use crate::secret::Secret;

/// How many attempts of one queue may wait for one worker: about a second of work at the default cost. More would only
/// make all of them late, so they are told to come back.
const WAITING_PER_WORKER: usize = 48;

/// How many attempts of one queue may wait for a key to be derived: about four seconds of work at 1.2 million iterations,
/// less than a mail client's patience.
const DERIVING: usize = 12;

/// A key that was derived from a password.
pub type Derived = Secret<[u8; 32]>;

/// Where an attempt waits. A flood of made-up names fills the one queue and leaves room in the other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Queue {
    /// Sources that have logged in to the account before.
    Friends,
    /// All others.
    Others,
}

/// Why an attempt was not looked at: more chosen passwords are being hashed than this machine can.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Busy;

/// How much hashing was done since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Hashed {
    /// Fast hashes, of generated passwords.
    pub generated: u64,
    /// Slow hashes, of chosen passwords.
    pub chosen: u64,
    /// Keys, from passwords that another program knew.
    pub derived: u64,
}

/// Those who hash.
#[derive(Debug)]
pub(super) struct Hashing {
    workers: Arc<Semaphore>,
    friends: Semaphore,
    others: Semaphore,
    /// Who derives keys: one at a time, which takes ten times as long as a hash. Apart, so that nobody else waits for it.
    deriver: Arc<Semaphore>,
    deriving_friends: Semaphore,
    deriving_others: Semaphore,
    generated: AtomicU64,
    chosen: AtomicU64,
    derived: AtomicU64,
}

impl Hashing {
    /// Half of the cores hash, so that relaying goes on while somebody guesses.
    pub(super) fn new() -> Self {
        Self::with_workers((available_parallelism().map_or(1, NonZeroUsize::get) / 2).max(1))
    }

    fn with_workers(workers: usize) -> Self {
        let places = workers * (WAITING_PER_WORKER + 1);
        Self {
            workers: Arc::new(Semaphore::new(workers)),
            friends: Semaphore::new(places),
            others: Semaphore::new(places),
            deriver: Arc::new(Semaphore::new(1)),
            deriving_friends: Semaphore::new(DERIVING + 1),
            deriving_others: Semaphore::new(DERIVING + 1),
            generated: AtomicU64::new(0),
            chosen: AtomicU64::new(0),
            derived: AtomicU64::new(0),
        }
    }

    /// Whether that is the generated password. Takes a microsecond: done where it is called.
    pub(super) fn is_generated(&self, hash: &GeneratedHash, symbols: &Symbols) -> bool {
        self.generated.fetch_add(1, Ordering::Relaxed);
        hash.matches(symbols)
    }

    /// Whether that is the chosen password. A worker finishes even if nobody waits for it any more, and counts as
    /// one until then: mail clients that hang up early cannot start more work than there are workers.
    pub(super) async fn is_chosen(
        &self,
        hash: &ChosenHash,
        password: &Arc<Secret<String>>,
        queue: Queue,
    ) -> Result<bool, Busy> {
        let places = match queue {
            Queue::Friends => &self.friends,
            Queue::Others => &self.others,
        };
        let _place = places.try_acquire().map_err(|_: TryAcquireError| Busy)?;
        let worker = Arc::clone(&self.workers)
            .acquire_owned()
            .await
            .map_err(|_| Busy)?;
        self.chosen.fetch_add(1, Ordering::Relaxed);
        let (hash, password) = (hash.clone(), Arc::clone(password));
        let hashed = spawn_blocking(move || {
            let _worker = worker;
            hash.matches(password.expose())
        });
        hashed.await.ok().flatten().ok_or(Busy)
    }

    /// What PBKDF2 with HMAC-SHA-256 makes of a password. It is finished even if nobody waits for it any more.
    pub(super) async fn derive(
        &self,
        password: Arc<Secret<String>>,
        salt: Box<[u8]>,
        iterations: NonZeroU32,
        queue: Queue,
    ) -> Result<Derived, Busy> {
        let places = match queue {
            Queue::Friends => &self.deriving_friends,
            Queue::Others => &self.deriving_others,
        };
        let _place = places.try_acquire().map_err(|_: TryAcquireError| Busy)?;
        let deriver = Arc::clone(&self.deriver);
        let deriver = deriver.acquire_owned().await.map_err(|_| Busy)?;
        self.derived.fetch_add(1, Ordering::Relaxed);
        let derived = spawn_blocking(move || {
            let _deriver = deriver;
            let mut key = Zeroizing::new([0; 32]);
            let password = password.expose().as_bytes();
            pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, password, &mut *key);
            Secret::new(*key)
        });
        derived.await.map_err(|_| Busy)
    }

    pub(super) fn hashed(&self) -> Hashed {
        Hashed {
            generated: self.generated.load(Ordering::Relaxed),
            chosen: self.chosen.load(Ordering::Relaxed),
            derived: self.derived.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;
    use crate::account::password::Cost;

    #[tokio::test]
    async fn a_flood_of_guesses_fills_its_own_queue_and_the_rest_is_told_to_come_back() {
        let hashing = Arc::new(Hashing::with_workers(1));
        let hash = Arc::new(ChosenHash::stand_in(Cost::CHEAP).unwrap());
        let password = Arc::new(Secret::new(String::from("guess")));
        let mut waiting = Vec::new();
        let held = Arc::clone(&hashing.workers).acquire_owned().await.unwrap();

        let flood = |queue| {
            let mut guesses = JoinSet::new();
            for _ in 0..200 {
                let (hashing, hash, password) = (hashing.clone(), hash.clone(), password.clone());
                guesses.spawn(async move { hashing.is_chosen(&hash, &password, queue).await });
            }
            guesses
        };
        for queue in [Queue::Others, Queue::Friends] {
            let mut guesses = flood(queue);
            for _ in 0..200 - 49 {
                assert_eq!(guesses.join_next().await.unwrap().unwrap(), Err(Busy));
            }
            waiting.push(guesses);
        }
        assert_eq!(hashing.hashed().chosen, 0, "the worker is taken");

        drop(held);
        for guesses in waiting {
            assert_eq!(guesses.join_all().await, [Ok(false); 49]);
        }
        assert_eq!(
            hashing.hashed(),
            Hashed {
                generated: 0,
                chosen: 98,
                derived: 0,
            }
        );
    }
}
