//! The gate before any password is looked at: it makes guessing slow and locks nobody out.
//!
//! A guess takes a place and gives it back when it turns out right, so that ten connections of one mail client, or a
//! thousand, wait for nothing but each other. Wrong guesses keep their place until it grows anew. Places are counted per
//! source and name, so that an attacker on 127.0.0.1 who guesses at one account hinders no other one there, and per
//! account over all sources. A generated password is counted apart by its id, which nobody can guess: whatever an
//! attacker does, its owner gets in.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use tokio::time::{Instant, sleep_until};

use super::bounded::{Bounded, MOST_ENTRIES};
use super::hashing::Queue;
use super::password::PasswordId;
use super::places::{Places, Rate};

/// How long a login waits for a place before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many seconds a refused login waits for its answer: the first, and each that follows it closely.
const PENALTIES: [u64; 4] = [2, 4, 8, 15];

/// After so long without a wrong guess the next penalty is one step shorter.
const FORGIVEN: Duration = Duration::from_secs(60);

/// One source guesses at one name: at most 5 + 60/4 = 20 in any minute.
const BY_PAIR: Rate = Rate::new(5, 4);

// At one account, all sources together: at most 15 + 15 + 30 = 60 in any minute. They are kept apart so that a crowd of
// attackers takes no place from a source that has logged in before, and none for long from one that is new.

/// At most 3 + 60/5 = 15.
const BY_STRANGERS: Rate = Rate::new(3, 5);

/// At most 3 + 60/5 = 15.
const BY_SUSPECTS: Rate = Rate::new(3, 5);

/// At most 10 + 60/3 = 30: more than one source may take, so that an attacker in the same place leaves some.
const BY_FRIENDS: Rate = Rate::new(10, 3);

/// What a login is counted by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guess<'a> {
    /// Where it comes from.
    pub(super) source: IpNet,
    /// The name as it was typed, ASCII case folded; known or not.
    pub(super) name: &'a [u8],
    /// The account that it means, if there is one: all spellings, and all names of a catch-all, share its places.
    pub(super) account: Option<&'a str>,
    /// The generated password of that account that it claims to be.
    pub(super) claimed: Option<PasswordId>,
}

/// Who guessed, and how often.
#[derive(Debug)]
pub(super) struct Throttle {
    keys: RandomState,
    pairs: Places,
    strangers: Places,
    suspects: Places,
    friends: Places,
    histories: Mutex<Bounded<u64, History>>,
}

/// What a source is to an account, by what it did before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Standing {
    /// Nothing yet.
    Stranger,
    /// It has guessed wrong.
    Suspect,
    /// It has logged in. An attacker may sit there as well.
    Friend,
}

/// What is known of one source and one name.
#[derive(Clone, Copy, Debug, Default)]
struct History {
    logged_in: bool,
    /// The next penalty, and when the last wrong guess was.
    penalty: u8,
    last_wrong: Option<Instant>,
}

/// A place for one guess. If the mail client hangs up before there is an answer, it counts as a wrong one.
#[derive(Debug)]
#[must_use = "a guess is right, wrong or was not looked at"]
pub(super) struct Admission<'a> {
    throttle: &'a Throttle,
    pair: u64,
    account: u64,
    standing: Standing,
    since: Instant,
    settled: bool,
}

impl Throttle {
    pub(super) fn new() -> Self {
        Self {
            keys: RandomState::new(),
            pairs: Places::new(BY_PAIR),
            strangers: Places::new(BY_STRANGERS),
            suspects: Places::new(BY_SUSPECTS),
            friends: Places::new(BY_FRIENDS),
            histories: Mutex::new(Bounded::new(MOST_ENTRIES)),
        }
    }

    /// A place for a guess, or none within [`PATIENCE`].
    pub(super) async fn admit(&self, guess: Guess<'_>) -> Option<Admission<'_>> {
        let until = Instant::now() + PATIENCE;
        let pair = self.keys.hash_one((guess.source, guess.name, guess.claimed));
        let account = guess.account.map_or(guess.name, str::as_bytes);
        let account = self.keys.hash_one((account, guess.claimed));
        if !self.pairs.take(pair, until).await {
            return None;
        }
        let standing = self.standing(pair);
        if !self.places(standing).take(account, until).await {
            self.pairs.give_back(pair);
            return None;
        }
        Some(Admission {
            throttle: self,
            pair,
            account,
            standing,
            since: Instant::now(),
            settled: false,
        })
    }

    fn standing(&self, pair: u64) -> Standing {
        match self.histories().get(&pair) {
            Some(History { logged_in: true, .. }) => Standing::Friend,
            Some(_) => Standing::Suspect,
            None => Standing::Stranger,
        }
    }

    fn places(&self, standing: Standing) -> &Places {
        match standing {
            Standing::Stranger => &self.strangers,
            Standing::Suspect => &self.suspects,
            Standing::Friend => &self.friends,
        }
    }

    fn histories(&self) -> MutexGuard<'_, Bounded<u64, History>> {
        self.histories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission<'_> {
    /// Where the guess waits to be hashed.
    pub(super) fn queue(&self) -> Queue {
        match self.standing {
            Standing::Friend => Queue::Friends,
            Standing::Stranger | Standing::Suspect => Queue::Others,
        }
    }

    /// The password was right.
    pub(super) fn right(self) {
        self.throttle.histories().entry(self.pair).logged_in = true;
        self.not_looked_at();
    }

    /// The password was not looked at.
    pub(super) fn not_looked_at(mut self) {
        self.settled = true;
        self.throttle.places(self.standing).give_back(self.account);
        self.throttle.pairs.give_back(self.pair);
    }

    /// The login is refused: returns when the mail client may hear of it. That moment counts from the admission, so
    /// that it does not tell how long the work took.
    pub(super) async fn wrong(mut self) {
        sleep_until(self.since + self.count()).await;
    }

    /// Counts it as wrong; its penalty.
    fn count(&mut self) -> Duration {
        self.settled = true;
        self.throttle.histories().entry(self.pair).wrong(Instant::now())
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.count();
        }
    }
}

impl History {
    /// Counts a wrong guess; its penalty.
    fn wrong(&mut self, now: Instant) -> Duration {
        let quiet = self
            .last_wrong
            .map_or(Duration::ZERO, |last| now.duration_since(last));
        let forgiven = quiet.as_secs() / FORGIVEN.as_secs();
        let step = self
            .penalty
            .saturating_sub(u8::try_from(forgiven).unwrap_or(u8::MAX));
        self.penalty = step + u8::from(usize::from(step) + 1 < PENALTIES.len());
        self.last_wrong = Some(now);
        Duration::from_secs(PENALTIES[usize::from(step)])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::advance;

    use super::*;

    fn guess<'a>(source: &str, name: &'a str) -> Guess<'a> {
        Guess {
            source: source.parse().unwrap(),
            name: name.as_bytes(),
            account: Some(name),
            claimed: None,
        }
    }

    /// How many guesses find a place at this moment.
    async fn places(throttle: &Throttle, guess: Guess<'_>) -> usize {
        let mut found = 0;
        let soon = Duration::from_millis(1);
        while let Ok(Some(admission)) = tokio::time::timeout(soon, throttle.admit(guess)).await {
            drop(admission);
            found += 1;
        }
        found
    }

    #[test]
    fn the_rates_are_what_their_comments_say() {
        let most = |rate: Rate| u64::from(rate.burst) + 60 / rate.every.as_secs();
        assert_eq!(most(BY_PAIR), 20);
        assert_eq!(most(BY_STRANGERS) + most(BY_SUSPECTS) + most(BY_FRIENDS), 60);
        // Otherwise a right password could wait longer than its patience although nobody else guesses.
        for rate in [BY_PAIR, BY_STRANGERS, BY_SUSPECTS, BY_FRIENDS] {
            assert!(rate.every <= PATIENCE);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn penalties_grow_and_are_forgiven_one_by_one() {
        let mut history = History::default();
        let table = [
            (0, 2),
            (1, 4),
            (1, 8),
            (1, 15),
            (1, 15),
            (60, 8),
            (1, 15),
            (180, 2),
            (59, 4),
            (3_600, 2),
        ];
        for (quiet, penalty) in table {
            advance(Duration::from_secs(quiet)).await;
            assert_eq!(history.wrong(Instant::now()), Duration::from_secs(penalty));
        }
        assert_eq!(table.len(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn the_answer_to_a_wrong_guess_comes_at_a_time_that_tells_nothing_of_the_work() {
        for work in [0, 20, 1_999] {
            let throttle = Throttle::new();
            let begun = Instant::now();
            let admission = throttle.admit(guess("127.0.0.1/32", "alice")).await.unwrap();
            advance(Duration::from_millis(work)).await;
            admission.wrong().await;
            assert_eq!(begun.elapsed(), Duration::from_secs(2));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_right_password_gives_its_place_to_the_next_in_line() {
        let throttle = Arc::new(Throttle::new());
        let begun = Instant::now();
        let mut logins = tokio::task::JoinSet::new();
        for _ in 0..1_000 {
            let throttle = Arc::clone(&throttle);
            logins.spawn(async move {
                let admission = throttle.admit(guess("127.0.0.1/32", "alice")).await;
                tokio::time::sleep(Duration::from_millis(1)).await;
                admission.map(Admission::right)
            });
        }
        let mut admitted = 0;
        while let Some(login) = logins.join_next().await {
            admitted += usize::from(login.unwrap().is_some());
        }
        assert_eq!(admitted, 1_000);
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn places_are_counted_per_source_and_name_and_per_account() {
        let throttle = Throttle::new();
        let alice = |source| guess(source, "alice");
        assert_eq!(
            places(&throttle, alice("127.0.0.1/32")).await,
            4,
            "once as a stranger, then as a suspect"
        );
        assert_eq!(
            places(&throttle, guess("127.0.0.1/32", "bob")).await,
            4,
            "another name"
        );
        let spelled = Guess {
            account: Some("alice"),
            ..guess("192.0.2.1/32", "CONTOSO\\alice")
        };
        assert_eq!(
            places(&throttle, spelled).await,
            1,
            "of the same account, whose suspects have none"
        );
        assert_eq!(places(&throttle, alice("192.0.2.2/32")).await, 1);
        assert_eq!(
            places(&throttle, alice("192.0.2.3/32")).await,
            0,
            "no more strangers"
        );

        let owner = alice("192.0.2.4/32");
        advance(Duration::from_secs(5)).await;
        throttle.admit(owner).await.unwrap().right();
        assert_eq!(
            places(&throttle, alice("192.0.2.3/32")).await,
            2,
            "what was given back, and one that grew"
        );
        assert_eq!(
            places(&throttle, owner).await,
            5,
            "who has logged in is counted apart"
        );
    }
}
