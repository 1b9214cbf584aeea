//! Sign-ins that no mail client uses are renewed once a week: a refresh token that is not used for 90 days is dead, and an
//! account that is needed once a quarter should not need its owner each time.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::expiry;
use crate::account::{Accounts, Authorized};
use crate::name::LoginName;
use crate::provider::Protocol;
use crate::session::Context;
use crate::token::StoreSlot;
use crate::token::store::{Condition, Content, Listed, TokenStore};

/// How often it is looked for sign-ins that are due.
const LOOK: Duration = Duration::from_secs(60 * 60);

/// A sign-in that was not renewed for so long is due.
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Renews until told to stop: one sign-in after the other, because nobody waits.
pub(super) async fn run(context: Arc<Context>, slot: StoreSlot, stop: CancellationToken) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = stop.cancelled() => return,
        }
        // At the start it is still being opened.
        let store = tokio::select! {
            store = slot.store() => store,
            () = stop.cancelled() => return,
        };
        let Ok(store) = store else { continue };
        let Ok(listed) = store.list().await else { continue };
        let due: Vec<_> = {
            let rooms = context.rooms.load();
            let due = listed.iter().filter(|listed| is_due(listed, SystemTime::now()));
            due.filter_map(|listed| login(&rooms.accounts, listed)).collect()
        };
        for login in due {
            // What comes of it is told by the room of tokens.
            tokio::select! {
                _ = async { context.tokens.pending(&login).token().await.is_ok() } => {}
                () = stop.cancelled() => return,
            }
        }
        // After that, so that nobody is told of what was just renewed.
        note_ending(&context, &*store).await;
    }
}

/// Has those told whose sign-in ends within days although it was tried to renew it.
async fn note_ending(context: &Context, store: &dyn TokenStore) {
    let Ok(listed) = store.list().await else { return };
    let rooms = context.rooms.load();
    let ending = listed.iter().filter(|listed| {
        expiry::is_ending(listed, SystemTime::now()) && login(&rooms.accounts, listed).is_some()
    });
    context
        .notices
        .ending(ending.map(|listed| listed.account.clone()).collect());
}

fn is_due(listed: &Listed, now: SystemTime) -> bool {
    let Some(Content::SignIn(sign_in)) = &listed.content else {
        return false;
    };
    let unused = now.duration_since(sign_in.refreshed).unwrap_or_default();
    listed.condition == Condition::Whole && unused >= WEEK
}

/// The login that a record belongs to, if the configuration still has one.
pub(super) fn login(accounts: &Accounts, listed: &Listed) -> Option<Authorized> {
    let name = LoginName::parse(listed.account.as_bytes()).ok()?;
    let logins = Protocol::ALL.map(|protocol| accounts.for_operator(&name, protocol));
    logins
        .into_iter()
        .flatten()
        .find(|login| login.token_wanted().key.grant == listed.key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::GrantKey;
    use crate::token::store::{MemoryStore, Record, SignIn};

    async fn listed(content: Content) -> Listed {
        let (store, key) = (MemoryStore::new(), GrantKey::from_hex(&"07".repeat(32)).unwrap());
        let record = Record {
            account: "alice@contoso.com".into(),
            app: "app".into(),
            content,
            secret: "secret".to_owned().into(),
        };
        let swap = store.swap(key, None, record).await.unwrap();
        assert!(matches!(swap, crate::token::store::Swap::Saved(_)));
        store.list().await.unwrap().remove(0)
    }

    fn sign_in(refreshed: SystemTime) -> Content {
        Content::SignIn(SignIn {
            owner: None,
            expected: None,
            scopes: "scope".into(),
            client_id: "id".into(),
            authority: "https://login.example/token".into(),
            signed_in: SystemTime::UNIX_EPOCH,
            refreshed,
        })
    }

    #[tokio::test]
    async fn what_was_not_renewed_for_a_week_is_due() {
        let now = SystemTime::UNIX_EPOCH + WEEK * 100;
        let cases = [
            (sign_in(now - WEEK), true),
            (sign_in(now - WEEK + LOOK), false),
            // A clock that was set back: not even a week of waiting.
            (sign_in(now + WEEK), false),
            (
                Content::VerifiedPassword {
                    verified: SystemTime::UNIX_EPOCH,
                },
                false,
            ),
        ];
        let count = cases.len();
        for (content, due) in cases {
            let listed = listed(content).await;
            assert_eq!(is_due(&listed, now), due, "{listed:?}");
        }
        assert_eq!(count, 4);
    }
}
