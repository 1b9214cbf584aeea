//! The first login after an import, and those that follow it.

use std::sync::Arc;
use std::time::SystemTime;

use tracing::{error, warn};

use super::{Holds, Sealed, kept};
use crate::account::{Authorized, Candidate};
use crate::audit;
use crate::oauth::GrantKey;
use crate::secret::Secret;
use crate::token::people::{People, Unproven, of_store};
use crate::token::request::TokenRequest;
use crate::token::store::{Content, SignIn, StoreError, Stored, Swap, TokenStore, Trouble};

/// What the store says of a password.
enum Known {
    Right,
    Wrong,
    /// There is none.
    Nothing,
}

impl People {
    /// Whether a login's password is the one that the store keeps of its account, or that opens what another program had.
    /// `moved` is told when there is a sign-in that was not there before.
    pub(in crate::token) async fn judge_by_store(
        &self,
        candidate: Candidate<'_>,
        request: &TokenRequest,
        moved: impl FnOnce(),
    ) -> Result<Authorized, Unproven> {
        if candidate.is_remembered() {
            return Ok(candidate.right());
        }
        match self.known(&candidate, request, moved).await {
            Ok(Known::Right) => Ok(candidate.right()),
            Ok(Known::Wrong) => Err(Unproven::Login(candidate.wrong().await)),
            Ok(Known::Nothing) => Err(Unproven::Login(candidate.has_none().await)),
            Err(why) => {
                candidate.undecided();
                Err(why)
            }
        }
    }

    async fn known(
        &self,
        candidate: &Candidate<'_>,
        request: &TokenRequest,
        moved: impl FnOnce(),
    ) -> Result<Known, Unproven> {
        let key = GrantKey::of_local_password(&request.name);
        let store = self.slot.store().await.map_err(|error| trouble(&error))?;
        let store = &*store;
        if let Some(known) = by_hash(load(store, key).await?.as_ref(), candidate).await? {
            tell_who_waits(store, candidate).await;
            return Ok(known);
        }
        // One at a time: of ten connections of one mail program the first derives the key, and the others find a hash.
        let lease = store.lease(key).await;
        let _lease = lease.map_err(|error| trouble(&error))?;
        let stored = load(store, key).await?;
        if let Some(known) = by_hash(stored.as_ref(), candidate).await? {
            return Ok(known);
        }
        let Some(stored) = stored else {
            return Ok(Known::Nothing);
        };
        let sealed =
            Sealed::read(&stored.record.secret).ok_or_else(|| trouble(&unreadable(&request.name)))?;
        let Some(opened) = sealed.opened(candidate).await.map_err(Unproven::Login)? else {
            return Ok(Known::Wrong);
        };
        take_over(store, candidate, request, (&stored, &sealed, opened), moved).await;
        Ok(Known::Right)
    }
}

async fn load(store: &dyn TokenStore, key: GrantKey) -> Result<Option<Stored>, Unproven> {
    store.load(key).await.map_err(|error| trouble(&error))
}

/// By the hash that the store keeps; `None` if it keeps none, but something sealed.
async fn by_hash(stored: Option<&Stored>, candidate: &Candidate<'_>) -> Result<Option<Known>, Unproven> {
    let Some(stored) = stored else {
        return Ok(Some(Known::Nothing));
    };
    match &stored.record.content {
        Content::LocalPassword { .. } => {
            let right = candidate
                .is(&stored.record.secret)
                .await
                .map_err(Unproven::Login)?;
            Ok(Some(if right { Known::Right } else { Known::Wrong }))
        }
        Content::Imported { .. } => Ok(None),
        // Nothing else is kept under such a key.
        Content::SignIn(_) | Content::VerifiedPassword { .. } | Content::SignInLink { .. } => {
            Ok(Some(Known::Nothing))
        }
    }
}

/// Puts a hash of the password in the place of what was sealed, and what was in that where a sign-in belongs. The sign-in
/// first: whoever stops saslgate in between finds the seal as it was.
async fn take_over(
    store: &dyn TokenStore,
    candidate: &Candidate<'_>,
    request: &TokenRequest,
    (stored, sealed, opened): (&Stored, &Sealed, Secret<String>),
    moved: impl FnOnce(),
) {
    if sealed.holds == Holds::RefreshToken && !keep_sign_in(store, request, (stored, sealed, opened)).await {
        return;
    }
    moved();
    let Some(hash) = candidate.kept().await else {
        return;
    };
    let content = Content::LocalPassword {
        since: SystemTime::now(),
    };
    let record = kept(&stored.record.account, &stored.record.app, content, hash);
    let swap = store
        .swap(
            GrantKey::of_local_password(&request.name),
            Some(stored.generation),
            record,
        )
        .await;
    if is_kept(swap) {
        audit::imported(&request.name, &stored.record.app);
        tell_who_waits(store, candidate).await;
    }
}

/// Whether there is a sign-in for the account now. One that somebody has made meanwhile is newer than what is brought along.
async fn keep_sign_in(
    store: &dyn TokenStore,
    request: &TokenRequest,
    (stored, sealed, token): (&Stored, &Sealed, Secret<String>),
) -> bool {
    let Some(app) = request
        .app
        .grant
        .delegated()
        .filter(|_| request.app.name == stored.record.app)
    else {
        warn!(
            account = %request.name, app = %request.app.name, imported = %stored.record.app,
            "the imported token belongs to another app than this login uses; it waits for a login that uses that one"
        );
        return false;
    };
    let Content::Imported { imported } = stored.record.content else {
        return false;
    };
    let content = Content::SignIn(SignIn {
        owner: None,
        expected: Some(request.owner.as_str().into()),
        scopes: app.scopes.to_string().into(),
        client_id: app.registration.client_id.clone(),
        authority: app.registration.token_url.as_str().into(),
        signed_in: imported,
        refreshed: sealed.last_used().unwrap_or(imported),
    });
    let record = kept(&request.account, &request.app.name, content, token);
    match store.swap(request.key.grant, None, record).await {
        Ok(Swap::Conflict(Some(_))) => true,
        swap => is_kept(swap),
    }
}

fn is_kept(swap: Result<Swap, StoreError>) -> bool {
    match swap {
        Ok(Swap::Saved(_) | Swap::Unsaved(..)) => true,
        Ok(Swap::Conflict(_)) => false,
        Err(error) => {
            error!(what = %error, why = %error.why, fix = %error.fix, "what was imported could not be moved; the next login tries again");
            false
        }
    }
}

/// Tells the room of accounts whether some still wait: what an unknown name costs follows from it.
async fn tell_who_waits(store: &dyn TokenStore, candidate: &Candidate<'_>) {
    if let Ok(listed) = store.list().await {
        let waits = |content: &Content| matches!(content, Content::Imported { .. });
        candidate.some_wait(
            listed
                .iter()
                .any(|listed| listed.content.as_ref().is_some_and(waits)),
        );
    }
}

fn trouble(error: &StoreError) -> Unproven {
    Unproven::Token(Arc::new(of_store(error)))
}

fn unreadable(account: &str) -> StoreError {
    StoreError {
        trouble: Trouble::RecordDamaged,
        what: format!("what was imported for {account} can't be read").into(),
        why: "its record opens, but is not what `saslgate import` writes".into(),
        fix: format!(
            "run `saslgate sign-out {account}` and `saslgate import` once more; or give the account a password with `saslgate password`"
        )
        .into(),
    }
}
