//! A map with an upper bound, for keys that strangers make up.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::mem;

/// How many entries one map holds at most: what fits into two hash tables of 32,768 slots. A million made-up names
/// cost two or three megabytes a map.
pub(super) const MOST_ENTRIES: usize = 57_344;

/// A map that forgets what was not asked for the longest: two halves, of which the older is dropped when the younger is full.
pub(super) struct Bounded<K, V> {
    half: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

/// Its size says enough; its keys and values may say too much.
impl<K, V> fmt::Debug for Bounded<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bounded({})", self.young.len() + self.old.len())
    }
}

impl<K: Copy + Eq + Hash, V: Default> Bounded<K, V> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            half: most / 2,
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }

    /// The entry of a key, made if it is missing.
    pub(super) fn entry(&mut self, key: K) -> &mut V {
        if !self.young.contains_key(&key) {
            let value = self.old.remove(&key).unwrap_or_default();
            if self.young.len() >= self.half {
                self.old = mem::take(&mut self.young);
            }
            self.young.insert(key, value);
        }
        self.young.entry(key).or_default()
    }

    /// The entry of a key, if there is one. Looking does not make it younger.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_new_keys_never_grows_the_map_and_spares_what_is_in_use() {
        let mut map: Bounded<u64, u64> = Bounded::new(100);
        *map.entry(0) = 7;
        for flood in 1..10_000 {
            *map.entry(flood) = flood;
            assert!(map.young.len() + map.old.len() <= 100);
            assert_eq!(*map.entry(0), 7, "in use, so kept");
        }
        assert_eq!(map.get(&9_999), Some(&9_999));
        assert_eq!(map.get(&1), None, "oldest out");
    }

    #[test]
    fn an_entry_that_is_asked_for_at_the_moment_of_dropping_is_kept() {
        let mut map: Bounded<u64, u64> = Bounded::new(4);
        for key in 1..=4 {
            *map.entry(key) = key;
        }
        assert_eq!((map.young.len(), map.old.len()), (2, 2));
        assert_eq!(*map.entry(1), 1, "from the half that is dropped now");
    }
}
