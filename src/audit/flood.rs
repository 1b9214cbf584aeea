//! Lines that a stranger can cause, counted per event and source, so that a flood of them is a number and not a full disk.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::peer::Peer;

/// Lines of one event that one source (an IPv4 address or an IPv6 /64) may cause in any second, the one included that tells
/// how many more there were.
pub const LINES: usize = 10;

/// In what time.
const SECOND: Duration = Duration::from_secs(1);

/// Sources that are told apart at a time, about 200 bytes each. What comes from others while there is no room counts as one
/// source: a flood from more addresses than this is no longer about one of them.
const SOURCES: usize = 4096;

/// How those others are named.
const OTHERS: &str = "others";

static FLOODS: LazyLock<Mutex<Floods>> = LazyLock::new(Mutex::default);

/// A line was left out that nobody has told of yet.
static LEFT_OUT: Notify = Notify::const_new();

/// Whether one more line of that event may be written for that peer, now.
pub(super) fn admits(event: &'static str, peer: &Peer) -> bool {
    let admitted = floods().admits(event, peer, Instant::now());
    if !admitted {
        LEFT_OUT.notify_one();
    }
    admitted
}

/// Tells once a second how many lines were left out, as long as any are, until told to stop. What is left out later is told
/// by [`super::stopped`].
pub async fn tell_suppressed(stop: CancellationToken) {
    let tell = async {
        loop {
            LEFT_OUT.notified().await;
            sleep(SECOND).await;
            tell_all();
        }
    };
    tokio::select! {
        () = tell => {}
        () = stop.cancelled() => {}
    }
}

/// Tells how many lines were left out.
pub(super) fn tell_all() {
    let counts = floods().take(Instant::now());
    for (event, source, count) in counts {
        super::lines_suppressed(event, &source, count);
    }
}

fn floods() -> MutexGuard<'static, Floods> {
    // Counts and times: a panic elsewhere can't leave them half changed.
    FLOODS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What sources have caused lately.
#[derive(Debug, Default)]
struct Floods {
    sources: HashMap<(&'static str, Option<IpNet>), Source>,
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Source {
    name: Box<str>,
    /// When the last lines were written, the oldest at `next`.
    written: [Option<Instant>; LINES - 1],
    next: usize,
    left_out: u64,
}

impl Floods {
    fn admits(&mut self, event: &'static str, peer: &Peer, now: Instant) -> bool {
        let source = self.source(event, peer, now);
        if source.written[source.next].is_some_and(|at| now.duration_since(at) < SECOND) {
            source.left_out += 1;
            return false;
        }
        source.written[source.next] = Some(now);
        source.next = (source.next + 1) % source.written.len();
        true
    }

    fn source(&mut self, event: &'static str, peer: &Peer, now: Instant) -> &mut Source {
        let mut key = (event, Some(peer.source()));
        if self.sources.len() >= SOURCES && !self.sources.contains_key(&key) {
            self.sweep(now);
            if self.sources.len() >= SOURCES {
                key.1 = None;
            }
        }
        self.sources.entry(key).or_insert_with(|| Source {
            name: key
                .1
                .map_or_else(|| OTHERS.into(), |_| super::source(peer).into()),
            written: [None; LINES - 1],
            next: 0,
            left_out: 0,
        })
    }

    /// Forgets who was quiet for a second. Once in that time, because it looks at everybody.
    fn sweep(&mut self, now: Instant) {
        if self.swept.is_none_or(|at| now.duration_since(at) >= SECOND) {
            self.swept = Some(now);
            self.sources.retain(|_, source| source.is_loud(now));
        }
    }

    /// Event, source and number of lines that were left out since the last call.
    fn take(&mut self, now: Instant) -> Vec<(&'static str, Box<str>, u64)> {
        let mut counts = Vec::new();
        self.sources.retain(|(event, _), source| {
            if source.left_out > 0 {
                counts.push((*event, source.name.clone(), std::mem::take(&mut source.left_out)));
            }
            source.is_loud(now)
        });
        counts
    }
}

impl Source {
    fn is_loud(&self, now: Instant) -> bool {
        let lately = |at: &Instant| now.duration_since(*at) < SECOND;
        self.left_out > 0 || self.written.iter().flatten().any(lately)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Peer {
        Peer::new(text.parse().unwrap())
    }

    #[test]
    fn any_second_has_ten_lines_of_a_source_and_the_count_makes_up_for_the_rest() {
        let mut floods = Floods::default();
        let begun = Instant::now();
        let peer = peer("192.0.2.7:1");
        let mut written = Vec::new();
        let mut told = 0;
        for millisecond in 0..5_000_u64 {
            let now = begun + Duration::from_millis(millisecond);
            if floods.admits("x", &peer, now) {
                written.push(now);
            }
            if millisecond % 1_000 == 999 {
                let counts = floods.take(now);
                assert_eq!((counts.len(), counts[0].0, &*counts[0].1), (1, "x", "192.0.2.7"));
                told += counts[0].2;
                written.push(now);
            }
        }
        let most = written
            .iter()
            .map(|at| {
                let within = |other: &&Instant| **other >= *at && other.duration_since(*at) < SECOND;
                written.iter().filter(within).count()
            })
            .max();
        assert_eq!(most, Some(LINES));
        assert_eq!(u64::try_from(written.len() - 5).unwrap() + told, 5_000);
    }

    #[test]
    fn sources_and_events_are_apart_and_an_ipv6_network_is_one() {
        let mut floods = Floods::default();
        let now = Instant::now();
        let mut admitted =
            |event, text: &str| (0..20).filter(|_| floods.admits(event, &peer(text), now)).count();
        assert_eq!(admitted("x", "192.0.2.7:1"), LINES - 1);
        assert_eq!(admitted("x", "192.0.2.7:2"), 0);
        assert_eq!(admitted("y", "192.0.2.7:2"), LINES - 1);
        assert_eq!(admitted("x", "192.0.2.8:1"), LINES - 1);
        assert_eq!(admitted("x", "[2001:db8::1]:1"), LINES - 1);
        assert_eq!(admitted("x", "[2001:db8::2]:1"), 0);
        let told = floods.take(now + SECOND);
        assert_eq!(told.iter().map(|(.., count)| count).sum::<u64>(), 6 * 20 - 4 * 9);
        assert!(told.iter().any(|(_, source, _)| &**source == "2001:db8::/64"));
        assert!(floods.sources.is_empty(), "nobody is remembered for ever");
    }

    #[test]
    fn a_flood_from_everywhere_costs_a_bounded_table_and_ten_lines_more() {
        let mut floods = Floods::default();
        let now = Instant::now();
        let all = (0..20_000_u32).map(|number| {
            let address = std::net::Ipv4Addr::from(0x0a00_0000 + number);
            Peer::new((address, 1).into())
        });
        let admitted = all.filter(|peer| floods.admits("x", peer, now)).count();
        assert_eq!(admitted, SOURCES + LINES - 1);
        assert_eq!(floods.sources.len(), SOURCES + 1);
        let told = floods.take(now + SECOND);
        assert_eq!(
            told,
            [("x", OTHERS.into(), (20_000 - SOURCES - LINES + 1) as u64)]
        );
    }
}
