//! A person's next access token, by the refresh token that the store keeps.
//!
//! What the provider gives is in the store before anybody uses it, and nothing that a provider says takes anything out.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tracing::{error, info, warn};
use url::Url;

use super::people::{People, of_store};
use super::request::TokenRequest;
use super::store::TokenStore;
use super::store::{Content, Generation, Listed, Record, SignIn, Stored, Swap};
use crate::oauth::{Delegated, GrantKey, Granted, Issued, Kind, Owner, TokenError};
use crate::secret::Secret;

/// How old the noted time of the last renewal may grow where the provider keeps its refresh tokens: not every renewal
/// is worth a write.
const NOTED: Duration = Duration::from_secs(24 * 60 * 60);

/// A sign-in as the store has it.
struct Standing {
    generation: Generation,
    record: Arc<Record>,
}

impl Standing {
    fn sign_in(&self) -> Option<&SignIn> {
        match &self.record.content {
            Content::SignIn(sign_in) => Some(sign_in),
            Content::VerifiedPassword { .. }
            | Content::Imported { .. }
            | Content::LocalPassword { .. }
            | Content::SignInLink { .. } => None,
        }
    }
}

impl From<Stored> for Standing {
    fn from(stored: Stored) -> Self {
        Self {
            generation: stored.generation,
            record: stored.record,
        }
    }
}

impl People {
    /// One access token. Whoever else wants one of the same grant waits for the lease.
    pub(super) async fn renewed(
        &self,
        app: &Delegated,
        request: &TokenRequest,
    ) -> Result<Issued, TokenError> {
        let store = self.slot.store().await.map_err(|error| of_store(&error))?;
        let store = &*store;
        let lease = store.lease(request.key.grant).await;
        let _lease = lease.map_err(|error| of_store(&error))?;
        let Some(mut standing) = load(store, request).await? else {
            return self.adopt(store, app, request).await;
        };
        loop {
            let sign_in = standing.sign_in().ok_or_else(|| self.nobody(request))?;
            let refreshed = self.refresh(app, &standing.record.secret).await;
            match refreshed {
                Ok(granted) => {
                    check_owner(sign_in, &granted)?;
                    let (issued, kept) = keep(store, request, &standing, granted).await?;
                    match kept {
                        None => return Ok(issued),
                        // Somebody has signed in meanwhile: that sign-in counts, and what we hold is of the one before.
                        Some(newer) => standing = newer,
                    }
                }
                Err(error) if error.kind == Kind::NeedsSignIn => match load(store, request).await? {
                    Some(newer) if newer.generation != standing.generation => standing = newer,
                    _ => return Err(error),
                },
                Err(error) => return Err(error),
            }
        }
    }

    fn nobody(&self, request: &TokenRequest) -> TokenError {
        TokenError::new(
            Kind::NeedsSignIn,
            format!("nobody has signed in for {} yet", request.account),
            "the app acts on behalf of a person, who has to allow it once",
            self.sign_in_command(&request.account),
        )
    }

    async fn refresh(&self, app: &Delegated, token: &Secret<String>) -> Result<Granted, TokenError> {
        self.endpoint.refresh(&app.registration, &app.scopes, token).await
    }

    /// Looks for a sign-in of this account whose app was described otherwise when it was made: a tenant by its domain
    /// instead of its id, say. One that still gives tokens, for the person whom the account means, is taken over.
    async fn adopt(
        &self,
        store: &dyn TokenStore,
        app: &Delegated,
        request: &TokenRequest,
    ) -> Result<Issued, TokenError> {
        let listed = store.list().await.map_err(|error| of_store(&error))?;
        let mut passing = None;
        for orphan in listed.iter().filter(|listed| is_orphan_of(listed, request)) {
            let Ok(Some(stored)) = store.load(orphan.key).await else {
                continue;
            };
            let standing = Standing::from(stored);
            let Some(sign_in) = standing.sign_in().filter(|sign_in| is_at(sign_in, app)) else {
                continue;
            };
            let granted = match self.refresh(app, &standing.record.secret).await {
                Ok(granted) => granted,
                Err(error) => {
                    passing = Some(error).filter(TokenError::is_temporary).or(passing);
                    continue;
                }
            };
            check_owner(sign_in, &granted)?;
            let mut record = renewed(&standing, sign_in, &granted);
            if let Content::SignIn(sign_in) = &mut record.content {
                sign_in.client_id = app.registration.client_id.clone();
                sign_in.authority = app.registration.token_url.as_str().into();
            }
            if put(store, request.key.grant, None, record).await?.is_none() {
                let (account, app) = (&request.account, &request.app.name);
                info!(%account, %app, "the sign-in from before the configuration was changed goes on being used");
                if let Err(error) = store.remove(orphan.key).await {
                    warn!(%error, fix = %error.fix, "the sign-in's old record can't be removed");
                }
            }
            return Ok(granted.issued);
        }
        // Whoever could not be asked may still be signed in: no person is bothered for an outage.
        match passing {
            Some(error) => Err(error),
            None if waits(store, &request.name).await => Err(waits_for_first_login(request)),
            None => Err(self.nobody(request)),
        }
    }
}

/// Whether a record could only be of use for this request: the same account, app and person, under a key that they no
/// longer have.
fn is_orphan_of(listed: &Listed, request: &TokenRequest) -> bool {
    let is_for_owner = |content: &Content| match content {
        Content::SignIn(sign_in) => {
            let expected = sign_in.expected.as_deref().unwrap_or_default();
            expected.eq_ignore_ascii_case(request.owner.as_str())
        }
        Content::VerifiedPassword { .. }
        | Content::Imported { .. }
        | Content::LocalPassword { .. }
        | Content::SignInLink { .. } => false,
    };
    listed.key != request.key.grant
        && listed.account == request.account
        && listed.app == request.app.name
        && listed.content.as_ref().is_some_and(is_for_owner)
}

/// Whether it was made at the same provider with the same app registration: a refresh token is shown to nobody else.
fn is_at(sign_in: &SignIn, app: &Delegated) -> bool {
    let host = Url::parse(&sign_in.authority).ok().map(|url| url.origin());
    sign_in.client_id == app.registration.client_id && host == Some(app.registration.token_url.origin())
}

async fn load(store: &dyn TokenStore, request: &TokenRequest) -> Result<Option<Standing>, TokenError> {
    let stored = store.load(request.key.grant).await;
    Ok(stored.map_err(|error| of_store(&error))?.map(Standing::from))
}

/// Keeps what came with an access token: the record that is there instead, if it is not the one that was renewed.
async fn keep(
    store: &dyn TokenStore,
    request: &TokenRequest,
    standing: &Standing,
    granted: Granted,
) -> Result<(Issued, Option<Standing>), TokenError> {
    let Some(sign_in) = standing.sign_in() else {
        return Ok((granted.issued, None));
    };
    let is_known = |token: &Secret<String>| token.expose() == standing.record.secret.expose();
    let noted = SystemTime::now()
        .duration_since(sign_in.refreshed)
        .unwrap_or_default();
    if granted.refresh_token.as_ref().is_none_or(is_known) && noted < NOTED {
        return Ok((granted.issued, None));
    }
    let record = renewed(standing, sign_in, &granted);
    let instead = put(store, request.key.grant, Some(standing.generation), record).await?;
    Ok((granted.issued, instead))
}

/// Swaps a record. One that counts but could not be saved is as good as saved: the store tells who has to know, and
/// tries again.
async fn put(
    store: &dyn TokenStore,
    key: GrantKey,
    expected: Option<Generation>,
    record: Record,
) -> Result<Option<Standing>, TokenError> {
    match store.swap(key, expected, record).await {
        Ok(Swap::Saved(_) | Swap::Unsaved(..)) => Ok(None),
        Ok(Swap::Conflict(Some(newer))) => Ok(Some(newer.into())),
        // Somebody has signed out while we asked. The token goes with it.
        Ok(Swap::Conflict(None)) => Err(signed_out()),
        Err(error) => {
            error!(what = %error, why = %error.why, fix = %error.fix, "a new refresh token could not be kept");
            Err(of_store(&error))
        }
    }
}

/// The record with what the provider gave: where it gave no new refresh token, the one before stays good.
fn renewed(standing: &Standing, sign_in: &SignIn, granted: &Granted) -> Record {
    let token = granted.refresh_token.as_ref().unwrap_or(&standing.record.secret);
    let owner = granted.owner.as_ref().or(sign_in.owner.as_ref());
    Record {
        account: standing.record.account.clone(),
        app: standing.record.app.clone(),
        content: Content::SignIn(SignIn {
            owner: owner.cloned(),
            scopes: granted.scope.clone().unwrap_or_else(|| sign_in.scopes.clone()),
            refreshed: SystemTime::now(),
            ..sign_in.clone()
        }),
        secret: Secret::new(token.expose().clone()),
    }
}

/// Somebody else's token would open somebody else's mailbox. The sign-in name may change; who it is may not.
fn check_owner(sign_in: &SignIn, granted: &Granted) -> Result<(), TokenError> {
    let is_same = |pinned: &Owner, owner: &Owner| pinned.oid == owner.oid && pinned.tid == owner.tid;
    let (Some(pinned), Some(owner)) = (&sign_in.owner, &granted.owner) else {
        return Ok(());
    };
    if is_same(pinned, owner) {
        return Ok(());
    }
    Err(TokenError::misconfigured(
        "the provider gave a token of another person than the one who signed in",
        "the user or the organisation in it is not the one that was noted at the sign-in",
        "run `saslgate sign-in ACCOUNT`; if it comes back, ask whoever administers Entra ID (or the provider that you have) what became of the user",
    ))
}

/// Whether an account's token is still sealed under the password that its mail client has.
pub(super) async fn waits(store: &dyn TokenStore, account: &str) -> bool {
    let stored = store.load(GrantKey::of_local_password(account)).await;
    let stored = stored.ok().flatten();
    stored.is_some_and(|stored| matches!(stored.record.content, Content::Imported { .. }))
}

fn waits_for_first_login(request: &TokenRequest) -> TokenError {
    TokenError::temporary(
        format!("{} waits for its mail client's first login", request.account),
        "its token was brought along from another program, sealed under the mail client's password",
        "let the mail client log in once, with the password that it had there",
    )
}

fn signed_out() -> TokenError {
    TokenError::new(
        Kind::NeedsSignIn,
        "the account was signed out while its token was being renewed",
        "somebody ran `saslgate sign-out`",
        "run `saslgate sign-in ACCOUNT`, if mail should still be read",
    )
}
