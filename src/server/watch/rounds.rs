//! When each account is looked at: once a day, never all at once, and a second time soon where something may pass by itself.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use tokio::time::Instant;

use super::Found;

/// How often an account is tried. The first time comes at some moment of the first day, so that a start, or ten saslgates that start
/// together, do not try everything at once.
const DAILY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long before a second look at what may pass by itself, and at an account that nobody may ask for now.
const AGAIN: Duration = Duration::from_secs(15 * 60);

/// When each account is looked at.
#[derive(Default)]
pub(super) struct Rounds {
    next: HashMap<String, Next>,
    chance: RandomState,
}

#[derive(Clone, Copy)]
struct Next {
    at: Instant,
    is_second: bool,
}

/// An account whose time has come.
pub(super) struct Due {
    pub(super) name: String,
    /// Whether the look before this one left a doubt.
    pub(super) is_second: bool,
}

impl Rounds {
    /// The account that has waited longest of those whose time has come. New ones get their time, gone ones are forgotten.
    pub(super) fn due(&mut self, accounts: impl Iterator<Item = String>) -> Option<Due> {
        let now = Instant::now();
        let mut known = HashMap::new();
        for name in accounts {
            let next = self.next.remove(&name).unwrap_or_else(|| Next {
                at: now + within(DAILY, &self.chance, &name),
                is_second: false,
            });
            known.insert(name, next);
        }
        self.next = known;
        let ripe = self.next.iter().filter(|(_, next)| next.at <= now);
        let (name, next) = ripe.min_by_key(|(_, next)| next.at)?;
        Some(Due {
            name: name.clone(),
            is_second: next.is_second,
        })
    }

    /// These are looked at next, and what they are found with is told.
    pub(super) fn hurry(&mut self, accounts: impl Iterator<Item = String>) {
        let next = Next {
            at: Instant::now(),
            is_second: true,
        };
        self.next.extend(accounts.map(|name| (name, next)));
    }

    /// An account was looked at.
    pub(super) fn looked(&mut self, due: Due, found: Found) {
        let is_second = found == Found::Doubtful && !due.is_second;
        // A day and up to an hour, so that accounts drift apart and never meet the same nightly work of somebody else.
        let pause = if is_second {
            AGAIN
        } else {
            DAILY + within(DAILY / 24, &self.chance, &due.name)
        };
        let at = Instant::now() + pause;
        self.next.insert(due.name, Next { at, is_second });
    }
}

/// Some part of that time, which is another for each name and each start; never none of it.
fn within(time: Duration, chance: &RandomState, name: &str) -> Duration {
    let part = u32::try_from(chance.hash_one(name) % 4095).unwrap_or_default();
    time / 4096 * (part + 1)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    /// How often `run` asks.
    const PAUSE: Duration = Duration::from_secs(5);
    const HOUR: Duration = Duration::from_secs(60 * 60);

    fn names(count: usize) -> impl Iterator<Item = String> {
        (0..count).map(|number| format!("user{number}@x.org"))
    }

    /// Lets that time pass as `run` does, and says who was looked at when.
    async fn watch(
        rounds: &mut Rounds,
        accounts: usize,
        time: Duration,
        found: Found,
    ) -> Vec<(String, Duration)> {
        let (begun, mut seen) = (Instant::now(), Vec::new());
        while begun.elapsed() < time {
            advance(PAUSE).await;
            if let Some(due) = rounds.due(names(accounts)) {
                seen.push((due.name.clone(), begun.elapsed()));
                rounds.looked(due, found);
            }
        }
        seen
    }

    /// How long lies between two looks.
    fn apart(pair: &[(String, Duration)]) -> Duration {
        pair[1].1.abs_diff(pair[0].1)
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_day_sees_each_account_once_and_never_all_at_once() {
        let mut rounds = Rounds::default();
        let seen = watch(&mut rounds, 200, DAILY, Found::Settled).await;
        let mut all: Vec<_> = seen.iter().map(|(name, _)| name.clone()).collect();
        all.sort();
        all.dedup();
        assert_eq!((seen.len(), all.len()), (200, 200));
        for hour in 0..24 {
            let at = |at: &Duration| (HOUR * hour..HOUR * (hour + 1)).contains(at);
            let count = seen.iter().filter(|(_, seen)| at(seen)).count();
            assert!(count < 40, "{count} in hour {hour}");
        }
        assert!(seen.windows(2).all(|pair| apart(pair) >= PAUSE));
    }

    #[tokio::test(start_paused = true)]
    async fn afterwards_it_is_once_a_day() {
        let mut rounds = Rounds::default();
        let seen = watch(&mut rounds, 1, DAILY * 10, Found::Settled).await;
        assert!((9..=10).contains(&seen.len()), "{}", seen.len());
        for pair in seen.windows(2) {
            let apart = apart(pair);
            assert!((DAILY..=DAILY + HOUR + PAUSE).contains(&apart), "{apart:?}");
        }
    }

    /// The second look tells what it finds, and the account has its day again, however it stands.
    #[tokio::test(start_paused = true)]
    async fn a_doubt_is_looked_at_again_soon_and_once() {
        let mut rounds = Rounds::default();
        let seen = watch(&mut rounds, 1, DAILY * 4, Found::Doubtful).await;
        assert!((6..=8).contains(&seen.len()), "{}", seen.len());
        for pair in seen.chunks_exact(2) {
            assert!((AGAIN..=AGAIN + PAUSE).contains(&apart(pair)));
        }
        for pair in seen[1..].chunks_exact(2) {
            assert!(apart(pair) >= DAILY);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_change_may_have_mended_is_looked_at_next() {
        let mut rounds = Rounds::default();
        assert!(rounds.due(names(9)).is_none());
        rounds.hurry(names(2));
        for _ in 0..2 {
            let due = rounds.due(names(9)).unwrap();
            assert!(due.is_second && ["user0@x.org", "user1@x.org"].contains(&&*due.name));
            rounds.looked(due, Found::Doubtful);
        }
        assert!(rounds.due(names(9)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_that_is_gone_is_forgotten() {
        let mut rounds = Rounds::default();
        assert!(rounds.due(names(50)).is_none());
        advance(DAILY).await;
        assert!(rounds.due(names(50)).is_some());
        assert!(rounds.due(names(0)).is_none());
        assert!(rounds.next.is_empty());
        assert!(rounds.due(names(50)).is_none(), "it comes back as a new one");
    }
}
