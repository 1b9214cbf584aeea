//! Where mail hosts are: one lookup serves the logins of a few seconds, and the family that last led somewhere goes first.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex as Lock, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long a lookup serves. Everybody comes back at once after an outage, and every lookup takes a thread of its own; a
/// host that has moved is found again by the next try of any mail client.
const FRESH: Duration = Duration::from_secs(5);

/// How long a failed lookup serves: only those who waited for it.
const FAILED: Duration = Duration::from_millis(500);

/// The addresses of all mail hosts. They come from the configuration, so that there are few.
#[derive(Default)]
pub(super) struct Addresses {
    hosts: Lock<HashMap<Box<str>, Arc<Host>>>,
}

/// What is known of one host.
#[derive(Default)]
struct Host {
    /// Held while somebody asks: the others wait for the same answer.
    lookup: Mutex<Option<Lookup>>,
    /// Whether the last connection was made by IPv4.
    ipv4: Lock<Option<bool>>,
}

struct Lookup {
    at: Instant,
    found: Result<Vec<IpAddr>, (io::ErrorKind, String)>,
}

impl Lookup {
    fn serves(&self) -> bool {
        let time = if self.found.is_ok() { FRESH } else { FAILED };
        self.at.elapsed() < time
    }

    fn answer(&self) -> io::Result<Vec<IpAddr>> {
        let found = self.found.clone();
        found.map_err(|(kind, text)| io::Error::new(kind, text))
    }
}

impl Addresses {
    /// The addresses of that name, families in turns, in the order in which they should be tried.
    pub(super) async fn of(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let host = self.host(name);
        let addresses = host.addresses(name).await?;
        let first = *lock(&host.ipv4);
        let addresses = addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, port));
        Ok(interleaved(addresses.collect(), first))
    }

    /// A connection to that name stands: its family goes first from now on (RFC 8305 4 prefers what was used before).
    /// Where IPv6 leads nowhere, this spares each login the wait for it.
    pub(super) fn reached(&self, name: &str, by: SocketAddr) {
        *lock(&self.host(name).ipv4) = Some(by.is_ipv4());
    }

    /// No connection to that name could be made: it may have moved.
    pub(super) async fn unreached(&self, name: &str) {
        *self.host(name).lookup.lock().await = None;
    }

    fn host(&self, name: &str) -> Arc<Host> {
        let mut hosts = lock(&self.hosts);
        if let Some(host) = hosts.get(name) {
            return Arc::clone(host);
        }
        Arc::clone(hosts.entry(name.into()).or_default())
    }
}

impl Host {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut lookup = self.lookup.lock().await;
        if let Some(recent) = lookup.as_ref().filter(|lookup| lookup.serves()) {
            return recent.answer();
        }
        let asked = lookup_host((name, 0)).await;
        let found = asked.map(|addresses| addresses.map(|address| address.ip()).collect());
        let fresh = lookup.insert(Lookup {
            at: Instant::now(),
            found: found.map_err(|error| (error.kind(), error.to_string())),
        });
        fresh.answer()
    }
}

/// What is in there is replaced whole: a panic elsewhere can't leave it half changed.
fn lock<T>(lock: &Lock<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// RFC 8305 4: families take turns, the resolver's order stays within each, so that a family that leads nowhere
/// costs one stagger and not one per address. `ipv4` says which goes first, else the resolver's first address does.
fn interleaved(addresses: Vec<SocketAddr>, ipv4: Option<bool>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else {
        return addresses;
    };
    let ipv4 = ipv4.unwrap_or(first.is_ipv4());
    let (preferred, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv4() == ipv4);
    let longest = preferred.len().max(other.len());
    let turns = (0..longest).flat_map(|turn| [preferred.get(turn), other.get(turn)]);
    turns.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns_and_the_one_that_worked_goes_first() {
        let cases: &[(&[&str], Option<bool>, &[&str])] = &[
            (&[], None, &[]),
            (&["1.1.1.1:1"], None, &["1.1.1.1:1"]),
            (&["1.1.1.1:1"], Some(false), &["1.1.1.1:1"]),
            (
                &["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"],
                None,
                &["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "[::3]:1"],
            ),
            (
                &["[::1]:1", "[::2]:1", "1.1.1.1:1"],
                Some(true),
                &["1.1.1.1:1", "[::1]:1", "[::2]:1"],
            ),
            (
                &["1.1.1.1:1", "[::1]:1", "[::2]:1"],
                None,
                &["1.1.1.1:1", "[::1]:1", "[::2]:1"],
            ),
        ];
        for (resolved, ipv4, tried) in cases {
            assert_eq!(interleaved(addresses(resolved), *ipv4), addresses(tried));
        }
        assert_eq!(cases.len(), 6);
    }

    #[tokio::test]
    async fn logins_of_a_few_seconds_share_a_lookup_until_nothing_is_reached() {
        let known = Addresses::default();
        let found = known.of("localhost", 25).await.unwrap();
        assert!(
            found
                .iter()
                .all(|address| address.ip().is_loopback() && address.port() == 25)
        );
        let asked_at = |lookup: &Option<Lookup>| lookup.as_ref().map(|lookup| lookup.at);
        let host = known.host("localhost");
        let first = asked_at(&*host.lookup.lock().await).unwrap();

        known.of("localhost", 993).await.unwrap();
        assert_eq!(asked_at(&*host.lookup.lock().await), Some(first));
        known.unreached("localhost").await;
        known.of("localhost", 993).await.unwrap();
        assert!(asked_at(&*host.lookup.lock().await).unwrap() > first);
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_an_error_each_time() {
        let known = Addresses::default();
        let (one, other) = tokio::join!(
            known.of("no-such-host.invalid", 1),
            known.of("no-such-host.invalid", 1)
        );
        assert_eq!(one.unwrap_err().to_string(), other.unwrap_err().to_string());
    }
}
