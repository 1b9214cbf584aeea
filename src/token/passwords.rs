//! The password grant: a mail client's own password, judged by the provider.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tracing::warn;

use super::people::{People, Unproven, of_store};
use super::questions::Leave;
use super::request::TokenRequest;
use super::store::{Content, Record, SignIn, Swap, TokenStore};
use crate::account::{Authorized, Candidate, RefusedLogin};
use crate::oauth::flow::password::{PasswordError, Verdict};
use crate::oauth::{Delegated, GrantKey, Granted, Issued, Kind, TokenError};
use crate::secret::Secret;

/// How long a password that the provider has found right is right without asking. Whoever changes it elsewhere, because it
/// has leaked, should not find the old one good here for as long as refreshes work.
const VERIFIED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Entra ID's Smart Lockout, which every further question makes longer.
const LOCKED: &str = "AADSTS50053";

impl People {
    /// The next token of a person whose password is known to be right: by the refresh token that the last one brought, or
    /// by the password once more.
    pub(super) async fn renewed_or_asked(
        &self,
        app: &Delegated,
        request: &TokenRequest,
    ) -> Result<Issued, TokenError> {
        let error = match self.renewed(app, request).await {
            Err(error) if error.kind == Kind::NeedsSignIn => error,
            renewed => return renewed,
        };
        let Some(password) = &request.password else {
            return Err(waits_for_login(&error));
        };
        let store = self.slot.store().await.map_err(|error| of_store(&error))?;
        let lease = store.lease(request.key.grant).await;
        let _lease = lease.map_err(|error| of_store(&error))?;
        let answer = self.ask(&*store, app, request, password).await;
        let error = match answer {
            Ok(issued) => return Ok(issued),
            Err(error) => error,
        };
        if request.by_operator {
            return Err(of_operator(&error));
        }
        if error.kind == Kind::WrongPassword {
            // It was right once, and let this login in.
            forget_verified(&*store, request.key.grant).await;
        }
        Err(TokenError::clone(&error))
    }

    /// Whether a login's password is right: by what was once found right, else by the provider. The token that comes of
    /// a question goes to `keep` before anybody else may ask.
    pub(super) async fn judge(
        &self,
        candidate: Candidate<'_>,
        request: &TokenRequest,
        keep: impl FnOnce(Issued),
    ) -> Result<Authorized, Unproven> {
        match self.know_or_ask(&candidate, request, keep).await {
            Ok(()) => Ok(candidate.right()),
            Err(Unproven::Token(error)) if error.kind == Kind::WrongPassword => {
                Err(Unproven::Login(candidate.wrong().await))
            }
            Err(why) => {
                candidate.undecided();
                Err(why)
            }
        }
    }

    async fn know_or_ask(
        &self,
        candidate: &Candidate<'_>,
        request: &TokenRequest,
        keep: impl FnOnce(Issued),
    ) -> Result<(), Unproven> {
        let trouble = |error: TokenError| Unproven::Token(Arc::new(error));
        let (grant, password) = (request.key.grant, candidate.password());
        if candidate.is_remembered() && !self.questions.is_wrong(grant, password) {
            return Ok(());
        }
        let app = request
            .app
            .grant
            .delegated()
            .ok_or_else(|| trouble(no_person()))?;
        let store = self
            .slot
            .store()
            .await
            .map_err(|error| trouble(of_store(&error)))?;
        let store = &*store;
        // One question at a time: ten connections of one mail program ask once, and the others find it answered.
        let lease = store.lease(grant).await;
        let _lease = lease.map_err(|error| trouble(of_store(&error)))?;
        if self.questions.is_wrong(grant, password) {
            return Err(trouble(wrong()));
        }
        let verified = verified(store, grant, candidate).await?;
        if candidate.is_remembered() || verified.is_some_and(|age| age < VERIFIED_FOR) {
            return Ok(());
        }
        let was_right = verified.is_some();
        if let Leave::TooMany = self.questions.leave(grant, password) {
            // Somebody else's guesses; what was right yesterday is not one of them.
            let refused = Err(Unproven::Login(RefusedLogin::TooManyGuesses));
            return if was_right { Ok(()) } else { refused };
        }
        match self.ask(store, app, request, password).await {
            Ok(issued) => keep(issued),
            // An outage is no reason to doubt it.
            Err(error) if was_right && error.is_temporary() => return Ok(()),
            Err(error) => {
                if was_right && error.kind == Kind::WrongPassword {
                    forget_verified(store, grant).await;
                }
                return Err(Unproven::Token(error));
            }
        }
        if let Some(hash) = candidate.kept().await {
            keep_verified(store, request, hash).await;
        }
        Ok(())
    }

    /// One question, within the limits; the lease is the caller's.
    async fn ask(
        &self,
        store: &dyn TokenStore,
        app: &Delegated,
        request: &TokenRequest,
        password: &Secret<String>,
    ) -> Result<Issued, Arc<TokenError>> {
        let grant = request.key.grant;
        match self.questions.leave(grant, password) {
            Leave::Ask => {}
            Leave::StillWrong => return Err(Arc::new(wrong())),
            Leave::TooMany => return Err(Arc::new(too_many())),
            Leave::Failed(error) => return Err(error),
        }
        let registration = &app.registration;
        let answer = self
            .endpoint
            .password(registration, &app.scopes, &request.owner, password);
        match answer.await {
            Ok(granted) => {
                self.questions.taken(grant, password);
                keep_sign_in(store, app, request, &granted).await;
                Ok(granted.issued)
            }
            Err(PasswordError { verdict, error }) => {
                let (error, is_wrong) = (Arc::new(*error), verdict == Verdict::Wrong);
                if is_wrong || error.code.as_deref() == Some(LOCKED) {
                    self.questions.refused(grant, password, is_wrong);
                }
                if !is_wrong {
                    let about_it = verdict != Verdict::Unknown;
                    self.questions.failed(grant, password, about_it, &error);
                }
                Err(error)
            }
        }
    }
}

/// How long ago the provider has found this very password right; none if it never has.
async fn verified(
    store: &dyn TokenStore,
    grant: GrantKey,
    candidate: &Candidate<'_>,
) -> Result<Option<Duration>, Unproven> {
    let stored = store.load(grant.of_verified_password()).await;
    // One that can't be read is asked for anew.
    let Ok(Some(stored)) = stored else {
        return Ok(None);
    };
    let Content::VerifiedPassword { verified } = stored.record.content else {
        return Ok(None);
    };
    let is_it = candidate.is(&stored.record.secret).await;
    let age = SystemTime::now().duration_since(verified).unwrap_or_default();
    Ok(is_it.map_err(Unproven::Login)?.then_some(age))
}

async fn keep_verified(store: &dyn TokenStore, request: &TokenRequest, hash: Secret<String>) {
    let content = Content::VerifiedPassword {
        verified: SystemTime::now(),
    };
    let key = request.key.grant.of_verified_password();
    replace(store, key, record(request, content, hash)).await;
}

async fn forget_verified(store: &dyn TokenStore, grant: GrantKey) {
    if let Err(error) = store.remove(grant.of_verified_password()).await {
        warn!(%error, fix = %error.fix, "a password that is no longer right can't be taken out of the token store");
    }
}

/// What renews the token without the password, if the provider gave it.
async fn keep_sign_in(store: &dyn TokenStore, app: &Delegated, request: &TokenRequest, granted: &Granted) {
    let Some(token) = &granted.refresh_token else {
        return;
    };
    let sign_in = SignIn::begun(app, &request.owner, granted);
    let secret = Secret::new(token.expose().clone());
    let record = record(request, Content::SignIn(sign_in), secret);
    replace(store, request.key.grant, record).await;
}

fn record(request: &TokenRequest, content: Content, secret: Secret<String>) -> Record {
    Record {
        account: request.account.clone(),
        app: request.app.name.clone(),
        content,
        secret,
    }
}

/// Puts a record in the place of whatever is there. The lease is ours, so nobody changes it meanwhile; what can't be
/// kept is asked for again after a restart.
async fn replace(store: &dyn TokenStore, key: GrantKey, record: Record) {
    let before = store
        .load(key)
        .await
        .ok()
        .flatten()
        .map(|stored| stored.generation);
    match store.swap(key, before, record).await {
        Ok(Swap::Saved(_) | Swap::Unsaved(..)) => {}
        Ok(Swap::Conflict(_)) => {
            warn!("what a password brought was not kept: the operator changed the record meanwhile");
        }
        Err(error) => warn!(%error, fix = %error.fix, "what a password brought can't be kept"),
    }
}

fn wrong() -> TokenError {
    TokenError::new(
        Kind::WrongPassword,
        "the provider has said within the last hour that this password is wrong",
        "the mail client has another password than the mailbox; the provider is not asked again so soon, because wrong passwords lock people out",
        "enter the mailbox's password in the mail client",
    )
}

/// The mail client's own password was right: it must not be asked for another.
fn of_operator(error: &TokenError) -> TokenError {
    if !matches!(error.kind, Kind::WrongPassword | Kind::PasswordExpired) {
        return error.clone();
    }
    TokenError {
        kind: Kind::Misconfigured,
        why: "it is the one of `upstream_password_file`, which no mail client knows".into(),
        fix:
            "put the password that the person has now into that file, and reload saslgate (`saslgate reload`)"
                .into(),
        ..error.clone()
    }
}

fn too_many() -> TokenError {
    TokenError::temporary(
        "the provider has refused three passwords of this account within 15 minutes, so it is not asked now",
        "somebody is guessing, or a mail client has an old password; more questions would lock the person out",
        "find out which mail client it is (`peer` in the log), and enter the right password there; a right password gets in again within 15 minutes",
    )
}

fn waits_for_login(error: &TokenError) -> TokenError {
    TokenError::temporary(
        format!("the token can't be renewed without the password: {}", error.what),
        "the provider gave no refresh token, or takes it no more; the password is known only while a mail client logs in",
        "wait: the next login of a mail client brings it",
    )
}

fn no_person() -> TokenError {
    TokenError::misconfigured(
        "the account's app asks no provider about passwords",
        "the configuration was changed while the login was under way",
        "let the mail client log in again",
    )
}
