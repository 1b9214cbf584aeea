//! One renewal of a grant at a time.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::oauth::GrantKey;

/// The right to renew one grant's tokens, until it is dropped.
#[must_use]
pub struct Lease {
    _held: Box<dyn Send + Sync>,
}

impl Lease {
    /// A lease that ends when `held` is dropped.
    pub fn new(held: impl Send + Sync + 'static) -> Self {
        Self {
            _held: Box::new(held),
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease(…)")
    }
}

/// The leases of a store that one process owns: nobody outside it could renew anything.
#[derive(Clone, Debug, Default)]
pub(super) struct Leases {
    taken: Arc<Mutex<HashMap<GrantKey, Arc<AsyncMutex<()>>>>>,
}

impl Leases {
    /// Waits for a lease; those who wait get it in their order.
    pub(super) async fn take(&self, key: GrantKey) -> Lease {
        let place = Arc::clone(self.taken().entry(key).or_default());
        let turn = place.lock_owned().await;
        Lease::new(Held {
            leases: self.clone(),
            key,
            turn: Some(turn),
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<GrantKey, Arc<AsyncMutex<()>>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Held {
    leases: Leases,
    key: GrantKey,
    turn: Option<OwnedMutexGuard<()>>,
}

impl Drop for Held {
    /// Whoever leaves last clears the table.
    fn drop(&mut self) {
        let mut taken = self.leases.taken();
        self.turn = None;
        if taken
            .get(&self.key)
            .is_some_and(|place| Arc::strong_count(place) == 1)
        {
            taken.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::store::tests::grant;

    #[tokio::test]
    async fn the_table_holds_only_what_is_taken() {
        let leases = Leases::default();
        let first = leases.take(grant(1)).await;
        let other = leases.take(grant(2)).await;
        let waiting = tokio::spawn({
            let leases = leases.clone();
            async move { leases.take(grant(1)).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "the first one has it");
        drop(first);
        let second = waiting.await.unwrap();
        assert_eq!(leases.taken().len(), 2);
        drop((second, other));
        assert_eq!(leases.taken().len(), 0);
    }
}
