//! What is wrong with the token store, told to the log and to whoever hears alerts: once for each change.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::hook::{Alert, Alerts};
use crate::session::Context;
use crate::token::StoreSlot;
use crate::token::store::{StoreError, Trouble, Unsaved};

/// How often it is looked whether the store is open and could be saved.
const LOOK: Duration = Duration::from_secs(2);

/// How the store stands.
enum Standing {
    Well,
    /// Accounts that need it can't log in. The log has heard of it from whoever opens the store.
    Unopened(StoreError),
    /// Logins go on, and a restart would lose tokens.
    Unsaved(Unsaved),
}

impl Standing {
    /// None while another saslgate still has it, which is no trouble yet, and no end of one.
    fn of(slot: &StoreSlot) -> Option<Self> {
        match slot.at_once() {
            Ok(store) => Some(store.unsaved().map_or(Self::Well, Self::Unsaved)),
            Err(error) if error.trouble == Trouble::InUse => None,
            Err(error) => Some(Self::Unopened(error)),
        }
    }

    /// What whoever does not look has to hear, if it is another kind of trouble than before, or the end of it.
    fn news(&self, before: &Self) -> Option<Alert> {
        match (self, before) {
            (Self::Well, Self::Unopened(_)) => Some(Alert::store_opened()),
            (Self::Well, Self::Unsaved(_)) => Some(Alert::store_saved()),
            (Self::Unopened(_), Self::Unopened(_))
            | (Self::Unsaved(_), Self::Unsaved(_))
            | (Self::Well, Self::Well) => None,
            (Self::Unopened(error), _) => Some(Alert::store_closed(&error.what, &error.why, &error.fix)),
            (Self::Unsaved(Unsaved { accounts, error, .. }), _) => Some(Alert::store_degraded(
                &error.what,
                &error.why,
                &error.fix,
                accounts,
            )),
        }
    }

    /// One line for each change, of the reason too.
    fn log(&self, before: &Self) {
        match (self, before) {
            (Self::Unsaved(unsaved), Self::Unsaved(known)) if unsaved.error.what == known.error.what => {}
            (Self::Unsaved(Unsaved { accounts, error, .. }), _) => tracing::error!(
                what = %error, why = %error.why, fix = %error.fix, accounts = accounts.join(", "),
                "degraded: new tokens are in memory only, and a restart would lose them; saving is tried again"
            ),
            (Self::Well, Self::Unsaved(_)) => tracing::info!("the token store is saved again"),
            _ => {}
        }
    }
}

/// Tells of trouble with the store and of its end, until told to stop.
pub(in crate::server) async fn tell(
    slot: StoreSlot,
    context: Arc<Context>,
    alerts: Alerts,
    stop: CancellationToken,
) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known = Standing::Well;
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = stop.cancelled() => return,
        }
        let Some(standing) = Standing::of(&slot) else {
            continue;
        };
        if let Some(news) = standing.news(&known) {
            alerts.tell(news);
        }
        standing.log(&known);
        if matches!((&known, &standing), (Standing::Unopened(_), Standing::Well)) {
            // What was asked for in vain may be asked for at once.
            context.tokens.forget_failures();
        }
        known = standing;
    }
}
