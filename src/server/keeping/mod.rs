//! The token store of a running server: opened beside the first logins, handed on before the last ones end.

mod trouble;

pub(super) use trouble::tell as tell_trouble;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::{Account, Accounts, Route};
use crate::oauth::Grant;
use crate::token::store::{FileStore, Settings, StoreError, Trouble};
use crate::token::{StoreOpener, StoreSlot, Tokens};

/// For what is in the air when saslgate stops: a request for a token ends by itself within ten seconds, and what it brings
/// has to be kept.
const LAST_REQUESTS: Duration = Duration::from_secs(12);

/// How often a store that can't be opened is tried again: somebody may have given it back its key, or a directory its rights.
const TRY_AGAIN: Duration = Duration::from_secs(15);

/// The place of the store, and what opens it.
pub(super) struct Keeping {
    slot: StoreSlot,
    unopened: Option<(StoreOpener, Settings)>,
    opening: TaskTracker,
    /// Fires when the next saslgate may have the store: it must not be opened any more.
    handed_on: CancellationToken,
}

impl Drop for Keeping {
    fn drop(&mut self) {
        self.handed_on.cancel();
    }
}

impl Keeping {
    pub(super) fn new(settings: Settings) -> Self {
        let (opener, slot) = StoreSlot::opening();
        Self {
            slot,
            unopened: Some((opener, settings)),
            opening: TaskTracker::new(),
            handed_on: CancellationToken::new(),
        }
    }

    pub(super) fn slot(&self) -> &StoreSlot {
        &self.slot
    }

    /// Opens the store if an account's grant keeps something. Other accounts do not wait for it, and where none keeps
    /// anything any number of processes may run.
    pub(super) fn open_for(&mut self, accounts: &Accounts) {
        if !is_needed(accounts.all().into_iter().map(AsRef::as_ref)) {
            return;
        }
        if let Some((opener, settings)) = self.unopened.take() {
            let handed_on = self.handed_on.clone();
            self.opening.spawn(async move {
                tokio::select! {
                    biased;
                    () = handed_on.cancelled() => {}
                    () = open(opener, Arc::new(settings)) => {}
                }
            });
        }
    }

    /// Waits for the requests that are in the air, and for what commands have begun, then lets the next saslgate have the
    /// store.
    pub(super) async fn hand_on(&self, tokens: &Tokens, orders: &TaskTracker) {
        let in_the_air = async { tokio::join!(orders.wait(), tokens.shutdown()) };
        if timeout(LAST_REQUESTS, in_the_air).await.is_err() {
            tracing::warn!("a request for a token has not ended; what it may still bring is not kept");
        }
        self.handed_on.cancel();
        self.opening.close();
        self.opening.wait().await;
        let Some(store) = self.slot.now() else { return };
        if let Err(error) = store.close().await {
            tracing::error!(what = %error, why = %error.why, fix = %error.fix, "the token store could not be saved at the end");
        }
    }
}

/// Opens the store, as soon as that is possible. Each other reason why it is not is told once.
async fn open(opener: StoreOpener, settings: Arc<Settings>) {
    let mut told = None;
    let mut opened = open_now_or_when_free(&opener, &settings).await;
    loop {
        match opened {
            Ok((store, notices)) => {
                notices.iter().for_each(tell);
                tracing::info!(path = %settings.path.display(), "token store opened");
                return opener.opened(Ok(Arc::new(store)));
            }
            Err(error) => {
                if told.as_ref() != Some(&error.what) {
                    tracing::error!(what = %error, why = %error.why, fix = %error.fix, "the token store can't be opened; accounts that need it can't log in");
                }
                told = Some(error.what.clone());
                opener.opened(Err(error));
            }
        }
        sleep(TRY_AGAIN).await;
        opened = FileStore::open(&settings).await;
    }
}

/// Opens the store, or waits for another saslgate that has it and is about to end. Each one that has it meanwhile is told of once.
async fn open_now_or_when_free(
    opener: &StoreOpener,
    settings: &Arc<Settings>,
) -> Result<(FileStore, Vec<StoreError>), StoreError> {
    let mut told = None;
    let waits = |error: StoreError| {
        if told.as_ref() != Some(&error.what) {
            tracing::warn!(what = %error, why = %error.why, fix = %error.fix, "waiting for the token store; accounts that need none are served");
            told = Some(error.what.clone());
            opener.waits(error);
        }
    };
    FileStore::open_when_free(settings, waits).await
}

fn tell(notice: &StoreError) {
    // So it is wherever nothing else was said: no fault, and the first line of most logs.
    if notice.trouble == Trouble::KeyBeside {
        tracing::info!(why = %notice.why, fix = %notice.fix, "token store: {notice}");
        return;
    }
    tracing::warn!(why = %notice.why, fix = %notice.fix, "token store: {notice}");
}

/// Whether an account's grant keeps something, or its password is kept.
pub fn is_needed<'a>(accounts: impl Iterator<Item = &'a Account>) -> bool {
    let keeps = |route: &Route| matches!(route.app.grant, Grant::SignIn(_) | Grant::Password(_));
    let mut accounts = accounts;
    accounts.any(|account| account.imported || account.routes.values().any(keeps))
}
