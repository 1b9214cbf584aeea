//! Waiting for a place at the mailbox.

use super::Context;
use crate::account::Authorized;
use crate::failure::Failure;
use crate::pace::{Limits, Missed, Place, Wanted};
use crate::sessions::SessionId;
use crate::transport::Link;

/// A place for a login that was found right, as soon as it is its turn. A mail client that hangs up meanwhile, or the end of
/// saslgate, ends the waiting at once: others wait behind it.
pub(super) async fn take(
    link: &Link,
    login: &Authorized,
    limits: &Limits,
    session: &SessionId,
    context: &Context,
) -> Result<Option<Place>, Failure> {
    let wanted = Wanted {
        protocol: login.protocol(),
        host: login.route().host.name.clone(),
        mailbox: login.identity().as_str().into(),
        account: login.account().name.to_string().into(),
        session: session.clone(),
    };
    tokio::select! {
        biased;
        taken = context.pace.take(&wanted, limits) => taken.map_err(|missed| Failure::NoPlace(Box::new(missed))),
        () = link.hung_up() => {
            let missed = context.pace.missed(&wanted, limits, Missed::HungUp);
            Err(Failure::NoPlace(Box::new(missed)))
        }
        () = context.stopping.cancelled() => Err(Failure::Stopping),
    }
}
