//! Where the token store is, once it is open: a saslgate that is just ending may have it for a moment longer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::store::{StoreError, TokenStore};

/// How long a login waits for the store. The other process lets it go before it drains its sessions, so soon or not at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// The place for a store. Clones share it.
#[derive(Clone)]
pub struct StoreSlot(watch::Receiver<State>);

/// Who opens the store puts it in its place by this.
#[derive(Debug)]
pub struct StoreOpener(watch::Sender<State>);

#[derive(Clone, Debug)]
enum State {
    /// And what keeps it from being opened for now.
    Opening(Option<StoreError>),
    Open(Arc<dyn TokenStore>),
    Failed(StoreError),
}

impl StoreSlot {
    /// A place in which a store is already.
    pub fn open(store: Arc<dyn TokenStore>) -> Self {
        Self(watch::channel(State::Open(store)).1)
    }

    /// A place for a store that is still to be opened.
    pub fn opening() -> (StoreOpener, Self) {
        let (sender, receiver) = watch::channel(State::Opening(None));
        (StoreOpener(sender), Self(receiver))
    }

    /// The store, if it is open or will be soon.
    pub async fn store(&self) -> Result<Arc<dyn TokenStore>, StoreError> {
        let mut slot = self.0.clone();
        // Who waits in vain is told how it stands by then.
        let settled = slot.wait_for(|state| !matches!(state, State::Opening(_)));
        let _ = timeout(PATIENCE, settled).await;
        self.at_once()
    }

    /// The store as it is at this moment; what is still being opened is not waited for.
    pub fn at_once(&self) -> Result<Arc<dyn TokenStore>, StoreError> {
        match &*self.0.borrow() {
            State::Open(store) => Ok(Arc::clone(store)),
            State::Failed(error) => Err(error.clone()),
            State::Opening(known) => Err(known.clone().unwrap_or_else(StoreError::still_opening)),
        }
    }

    /// The store, if it is open now.
    pub fn now(&self) -> Option<Arc<dyn TokenStore>> {
        match &*self.0.borrow() {
            State::Open(store) => Some(Arc::clone(store)),
            State::Opening(_) | State::Failed(_) => None,
        }
    }
}

impl fmt::Debug for StoreSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreSlot({:?})", *self.0.borrow())
    }
}

impl StoreOpener {
    /// Tells why it takes longer.
    pub fn waits(&self, for_now: StoreError) {
        self.0.send_replace(State::Opening(Some(for_now)));
    }

    /// Puts the store in its place, or the reason why there is none yet.
    pub fn opened(&self, store: Result<Arc<dyn TokenStore>, StoreError>) {
        self.0.send_replace(match store {
            Ok(store) => State::Open(store),
            Err(error) => State::Failed(error),
        });
    }
}
