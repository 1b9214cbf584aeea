//! The token store of a running server: opened beside the first logins, handed on before the last ones end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::{Account, Accounts};
use crate::hook::{Alert, Alerts};
use crate::oauth::Grant;
use crate::token::store::{FileStore, Settings, StoreError, TokenStore, Trouble};
use crate::token::{StoreOpener, StoreSlot, Tokens};

/// For what is in the air when saslgate stops: a request for a token ends by itself within ten seconds, and what it brings
/// has to be kept.
const LAST_REQUESTS: Duration = Duration::from_secs(12);

/// How often it is looked whether the store could be saved.
const LOOK: Duration = Duration::from_secs(2);

/// The place of the store, and what opens it.
pub(super) struct Keeping {
    slot: StoreSlot,
    unopened: Option<(StoreOpener, Settings)>,
}

impl Keeping {
    pub(super) fn new(settings: Settings) -> Self {
        let (opener, slot) = StoreSlot::opening();
        Self {
            slot,
            unopened: Some((opener, settings)),
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
            tokio::spawn(async move { opener.opened(opened(Arc::new(settings)).await) });
        }
    }

    /// Waits for the requests that are in the air, and for what commands have begun, then lets the next saslgate have the
    /// store.
    pub(super) async fn hand_on(&self, tokens: &Tokens, orders: &TaskTracker) {
        let in_the_air = async { tokio::join!(orders.wait(), tokens.shutdown()) };
        if timeout(LAST_REQUESTS, in_the_air).await.is_err() {
            tracing::warn!("a request for a token has not ended; what it may still bring is not kept");
        }
        let Some(store) = self.slot.now() else { return };
        if let Err(error) = store.close().await {
            tracing::error!(what = %error, why = %error.why, fix = %error.fix, "the token store could not be saved at the end");
        }
    }
}

async fn opened(settings: Arc<Settings>) -> Result<Arc<dyn TokenStore>, StoreError> {
    let first = FileStore::open(&settings).await;
    let opened = match first {
        Err(error) if error.trouble == Trouble::InUse => {
            tracing::warn!(what = %error, fix = %error.fix, "waiting for the token store; accounts that need none are served");
            FileStore::open_when_free(&settings).await
        }
        first => first,
    };
    match opened {
        Ok((store, notices)) => {
            notices.iter().for_each(tell);
            tracing::info!(path = %settings.path.display(), "token store opened");
            Ok(Arc::new(store))
        }
        Err(error) => {
            tracing::error!(what = %error, why = %error.why, fix = %error.fix, "the token store can't be opened; accounts that need it can't log in");
            Err(error)
        }
    }
}

fn tell(notice: &StoreError) {
    tracing::warn!(why = %notice.why, fix = %notice.fix, "token store: {notice}");
}

/// Tells the log, and whoever hears alerts, when the store can't be saved, and when it can again. Logins go on meanwhile.
pub(super) async fn tell_trouble(slot: StoreSlot, alerts: Alerts, stop: CancellationToken) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known: Option<String> = None;
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = stop.cancelled() => return,
        }
        let unsaved = slot.now().and_then(|store| store.unsaved());
        match (&unsaved, &known) {
            (Some(unsaved), None) => {
                let error = &unsaved.error;
                let degraded = Alert::store_degraded(&error.what, &error.why, &error.fix, &unsaved.accounts);
                alerts.tell(degraded);
            }
            (None, Some(_)) => alerts.tell(Alert::store_saved()),
            _ => {}
        }
        match (&unsaved, &known) {
            (Some(unsaved), known) if known.as_deref() != Some(&*unsaved.error.what) => tracing::error!(
                what = %unsaved.error, why = %unsaved.error.why, fix = %unsaved.error.fix, accounts = unsaved.accounts.join(", "),
                "degraded: new tokens are in memory only, and a restart would lose them; saving is tried again"
            ),
            (None, Some(_)) => tracing::info!("the token store is saved again"),
            _ => {}
        }
        known = unsaved.map(|unsaved| unsaved.error.what.into_owned());
    }
}

/// Whether an account's grant keeps something.
pub(super) fn is_needed<'a>(accounts: impl Iterator<Item = &'a Account>) -> bool {
    let mut routes = accounts.flat_map(|account| account.routes.values());
    routes.any(|route| matches!(route.app.grant, Grant::SignIn(_) | Grant::Password(_)))
}
