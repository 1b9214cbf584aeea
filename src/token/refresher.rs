//! Renewal ahead of need: a login finds a token with most of its life left, and an outage of the provider that is
//! shorter than the rest of it is not seen by anybody.

use std::sync::Weak;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::manager::Inner;

/// How often it is looked for something to renew. Tokens live an hour; a token that lives only minutes is renewed by a login if not here.
const LOOK: Duration = Duration::from_secs(10);

/// Renews until the program ends, or nobody holds the tokens any more.
pub(super) async fn run(tokens: Weak<Inner>, ending: CancellationToken) {
    let mut looks = interval(LOOK);
    // After a machine's sleep one look is enough.
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = ending.cancelled() => return,
            _ = looks.tick() => {}
        }
        let Some(tokens) = tokens.upgrade() else { return };
        tokens.renew();
    }
}
