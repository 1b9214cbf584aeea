//! Who is connected: admission, the registry of sessions that are logged in, and their ids.

mod wishes;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;

pub use wishes::{Why, Wish, Wishes};

use crate::peer::Peer;

/// At most one line in that time about connections that can't be accepted.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(10);

/// What a session is called in the log and in every refusal, so that a phone call can be matched to a log line.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SessionId(Box<str>);

impl SessionId {
    /// A new id: 40 random bits in letters and digits that can't be mistaken on the phone (Crockford's base 32).
    pub fn random() -> Self {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let mut bytes = [0; 8];
        // An id is no secret: where the system has no randomness, all else has failed long before.
        let _ = aws_lc_rs::rand::fill(&mut bytes);
        Self(
            bytes
                .iter()
                .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
                .collect::<String>()
                .into(),
        )
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many may be connected.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections in all.
    pub connections: usize,
    /// Connections from one source (an IPv4 address or an IPv6 /64). Loopback is exempt: all local software shares it.
    pub per_source: usize,
}

/// Counts connections and hands out places.
#[derive(Debug)]
pub struct Admission {
    counts: Mutex<Counts>,
}

#[derive(Debug)]
struct Counts {
    limits: Limits,
    all: usize,
    by_source: HashMap<IpNet, usize>,
    complained: Option<Instant>,
}

impl Admission {
    /// Admission within those limits.
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            counts: Mutex::new(Counts {
                limits,
                all: 0,
                by_source: HashMap::new(),
                complained: None,
            }),
        })
    }

    /// Admits within other limits from now on. Whoever is connected stays.
    pub fn limit(&self, limits: Limits) {
        self.counts().limits = limits;
    }

    /// A place for that peer, kept until it is dropped; none if there is no room.
    pub fn admit(self: &Arc<Self>, peer: &Peer) -> Option<Place> {
        self.reserve()?.of(peer)
    }

    /// A place for somebody whose source is not known yet: behind a balancer that has yet to name it.
    pub fn reserve(self: &Arc<Self>) -> Option<Place> {
        let mut counts = self.counts();
        let limits = counts.limits;
        if counts.all >= limits.connections {
            return None;
        }
        counts.all += 1;
        Some(Place {
            admission: Arc::clone(self),
            source: None,
        })
    }

    /// How many are connected now.
    pub fn connected(&self) -> usize {
        self.counts().all
    }

    /// Whether a line may be logged about a connection that the system could not hand over: one now and then for all
    /// listeners, because all of them are out of descriptors together.
    pub fn may_complain(&self, now: Instant) -> bool {
        let complained = &mut self.counts().complained;
        let may = complained.is_none_or(|at| now.duration_since(at) >= COMPLAINT_INTERVAL);
        if may {
            *complained = Some(now);
        }
        may
    }

    fn leave(&self, source: Option<IpNet>) {
        let mut counts = self.counts();
        counts.all -= 1;
        if let Some(Entry::Occupied(mut entry)) = source.map(|source| counts.by_source.entry(source)) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // The counts are numbers: a panic elsewhere can't leave them half changed.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's place.
#[derive(Debug)]
pub struct Place {
    admission: Arc<Admission>,
    source: Option<IpNet>,
}

impl Place {
    /// The same place, counted as that peer's; none if its source has no more.
    pub fn of(mut self, peer: &Peer) -> Option<Self> {
        if !peer.is_loopback() {
            let source = peer.source();
            let mut counts = self.admission.counts();
            let per_source = counts.limits.per_source;
            let count = counts.by_source.entry(source).or_default();
            if *count >= per_source {
                drop(counts);
                return None;
            }
            *count += 1;
            drop(counts);
            self.source = Some(source);
        }
        Some(self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.leave(self.source);
    }
}

/// Sessions that are logged in, each with `T`: what the configuration let it in by.
#[derive(Debug)]
pub struct Registry<T> {
    entries: Mutex<Entries<T>>,
}

#[derive(Debug)]
struct Entries<T> {
    sessions: HashMap<SessionId, (T, Arc<Wishes>)>,
    /// How quiet sessions have to be before they end, once all of them shall.
    quiet: Option<Duration>,
}

impl<T> Default for Registry<T> {
    fn default() -> Self {
        Self {
            entries: Mutex::new(Entries {
                sessions: HashMap::new(),
                quiet: None,
            }),
        }
    }
}

impl<T> Registry<T> {
    /// Enters a session. It stays until the membership is dropped.
    pub fn enter(self: &Arc<Self>, id: &SessionId, let_in_by: T) -> Membership<T> {
        let wishes = Arc::new(Wishes::new(id.clone()));
        let mut entries = self.entries();
        if let Some(quiet) = entries.quiet {
            wishes.wind_down(quiet);
        }
        entries
            .sessions
            .insert(id.clone(), (let_in_by, Arc::clone(&wishes)));
        drop(entries);
        Membership {
            registry: Arc::clone(self),
            wishes,
        }
    }

    /// Ends every session for which `gone` says so, now; tells how many.
    pub fn end_where(&self, gone: impl Fn(&T) -> bool) -> usize {
        self.entries()
            .sessions
            .values()
            .filter(|(by, _)| gone(by))
            .inspect(|(_, wishes)| wishes.end_now())
            .count()
    }

    /// Has every session end, those that come later too, once nothing has been in the air for so long.
    pub fn wind_down(&self, quiet: Duration) {
        let mut entries = self.entries();
        entries.quiet = Some(quiet);
        for (_, wishes) in entries.sessions.values() {
            wishes.wind_down(quiet);
        }
    }

    /// How many sessions `meant` says yes of.
    pub fn count_where(&self, meant: impl Fn(&T) -> bool) -> usize {
        self.entries()
            .sessions
            .values()
            .filter(|(by, _)| meant(by))
            .count()
    }

    /// Shows by what each session was let in.
    pub fn each(&self, see: impl FnMut(&T)) {
        self.entries().sessions.values().map(|(by, _)| by).for_each(see);
    }

    /// How many are logged in.
    pub fn len(&self) -> usize {
        self.entries().sessions.len()
    }

    /// Whether nobody is logged in.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn entries(&self) -> MutexGuard<'_, Entries<T>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session's entry.
#[derive(Debug)]
pub struct Membership<T> {
    registry: Arc<Registry<T>>,
    wishes: Arc<Wishes>,
}

impl<T> Membership<T> {
    /// What is wished of the session.
    pub fn wishes(&self) -> &Arc<Wishes> {
        &self.wishes
    }
}

impl<T> Drop for Membership<T> {
    fn drop(&mut self) {
        self.registry.entries().sessions.remove(self.wishes.id());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Peer {
        Peer::new(text.parse().unwrap())
    }

    #[test]
    fn a_source_is_limited_and_loopback_is_not() {
        let admission = Admission::new(Limits {
            connections: 5,
            per_source: 2,
        });
        let outside = peer("192.0.2.1:1");
        let places: Vec<_> = (0..3).map(|_| admission.admit(&outside)).collect();
        assert_eq!(places.iter().filter(|place| place.is_some()).count(), 2);
        let local: Vec<_> = (0..4).map(|_| admission.admit(&peer("127.0.0.1:1"))).collect();
        assert_eq!(
            local.iter().filter(|place| place.is_some()).count(),
            3,
            "the limit in all still holds"
        );
        drop(places);
        drop(local);
        assert_eq!(admission.connected(), 0);
        assert!(
            admission.counts().by_source.is_empty(),
            "no source is remembered for ever"
        );
    }

    #[test]
    fn behind_a_balancer_the_source_it_names_is_counted() {
        let admission = Admission::new(Limits {
            connections: 3,
            per_source: 1,
        });
        let named = |text: &str| admission.reserve().and_then(|place| place.of(&peer(text)));
        let one = named("192.0.2.1:1");
        assert!(one.is_some() && named("192.0.2.1:2").is_none());
        assert_eq!(
            admission.connected(),
            1,
            "a place that is not to be had is given back"
        );
        let other = named("192.0.2.2:1");
        let unnamed = admission.reserve();
        assert!(other.is_some() && unnamed.is_some() && admission.reserve().is_none());
        drop((one, other, unnamed));
        assert_eq!(admission.connected(), 0);
        assert!(admission.counts().by_source.is_empty());
    }

    #[test]
    fn all_listeners_together_complain_once_in_ten_seconds() {
        let admission = Admission::new(Limits {
            connections: 1,
            per_source: 1,
        });
        let begun = Instant::now();
        let lines: Vec<_> = (0..=300)
            .filter(|tenths| admission.may_complain(begun + Duration::from_millis(tenths * 100)))
            .collect();
        assert_eq!(lines, [0, 100, 200, 300]);
    }

    #[test]
    fn the_registry_ends_only_whom_it_is_told_to() {
        let registry = Arc::new(Registry::default());
        let alice = registry.enter(&SessionId::random(), "alice");
        let bob = registry.enter(&SessionId::random(), "bob");
        assert_eq!(registry.end_where(|by| *by == "alice"), 1);
        assert_eq!(alice.wishes().now(), Wish::EndNow);
        assert_eq!(bob.wishes().now(), Wish::GoOn);
        drop((alice, bob));
        assert!(registry.is_empty());
    }

    /// A login that was under way when saslgate was told to stop must not keep it for an idle session.
    #[test]
    fn whoever_enters_late_winds_down_as_well() {
        let registry = Arc::new(Registry::default());
        let quiet = Duration::from_secs(2);
        let early = registry.enter(&SessionId::random(), "early");
        registry.wind_down(quiet);
        let late = registry.enter(&SessionId::random(), "late");
        for member in [&early, &late] {
            let wish = Wish::EndAtRest(Why::Stopping, quiet);
            assert_eq!(member.wishes().now(), wish);
        }
    }
}
