//! Log lines about strangers: one for each of them and each thing now and then, however often they come back.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;

use crate::peer::Peer;

/// A device that is not set up yet tries again every minute or so, for days.
const INTERVAL: Duration = Duration::from_secs(600);

/// Sources and things remembered at a time. When there are more, the rest is not told of: a crowd is no device that waits to be set up.
const MOST: usize = 256;

/// Who was complained about lately.
#[derive(Debug, Default)]
pub struct Complaints {
    lately: Mutex<HashMap<(IpNet, &'static str), Instant>>,
}

impl Complaints {
    /// Whether a line may be written now that says this about that peer. It counts as written.
    pub fn may(&self, peer: &Peer, about: &'static str, now: Instant) -> bool {
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        let source = (peer.source(), about);
        if lately.len() >= MOST || lately.contains_key(&source) {
            lately.retain(|_, at| now.duration_since(*at) < INTERVAL);
        }
        if lately.len() >= MOST || lately.contains_key(&source) {
            return false;
        }
        lately.insert(source, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: usize) -> Peer {
        let [.., high, low] = number.to_be_bytes();
        Peer::new(([10, 0, high, low], 1).into())
    }

    #[test]
    fn each_source_is_told_of_once_in_ten_minutes_and_a_crowd_is_not() {
        let complaints = Complaints::default();
        let begun = Instant::now();
        assert!(complaints.may(&peer(0), "it", begun));
        assert!(!complaints.may(&peer(0), "it", begun + INTERVAL / 2));
        assert!(complaints.may(&peer(1), "it", begun + INTERVAL / 2));
        // What is mended and shows the next fault is told of again.
        assert!(complaints.may(&peer(0), "another", begun + INTERVAL / 2));
        assert!(complaints.may(&peer(0), "it", begun + INTERVAL));
        let told = (0..2 * MOST).filter(|number| complaints.may(&peer(*number), "it", begun + INTERVAL));
        assert_eq!(told.count(), MOST - 3);
        assert!(complaints.may(&peer(2 * MOST), "it", begun + 3 * INTERVAL));
    }
}
