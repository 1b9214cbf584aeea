//! What is asked for in a flight: a grant, its scopes, and for whom.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};

use crate::account::{Authorized, Candidate, TokenWanted};
use crate::name::Mailbox;
use crate::oauth::{App, Grant, TokenKey};
use crate::secret::Secret;

/// A token, asked for on behalf of a login.
#[derive(Clone, Debug)]
pub(super) struct TokenRequest {
    /// Where the token is kept.
    pub(super) key: TokenKey,
    /// How it is obtained.
    pub(super) app: Arc<App>,
    /// The account, as its sign-in is kept under.
    pub(super) account: Box<str>,
    /// The account, as the configuration names it.
    pub(super) name: Box<str>,
    /// The mailbox that is opened with it; a command may want to know.
    pub(super) mailbox: Mailbox,
    /// Whose token it is.
    pub(super) owner: Mailbox,
    /// What proves the owner, for the password grant.
    pub(super) password: Option<Arc<Secret<String>>>,
    /// Whether that is the operator's word; else a mail client typed it.
    pub(super) by_operator: bool,
}

impl TokenRequest {
    /// What a login may have.
    pub(super) fn for_session(login: &Authorized) -> Self {
        Self {
            by_operator: login.account().upstream_password.is_some(),
            ..Self::new(login.token_wanted(), login.password().cloned())
        }
    }

    /// What a login may have if its password is right.
    pub(super) fn for_candidate(candidate: &Candidate<'_>) -> Self {
        Self::new(candidate.token_wanted(), Some(Arc::clone(candidate.password())))
    }

    fn new(wanted: TokenWanted, password: Option<Arc<Secret<String>>>) -> Self {
        let TokenWanted {
            key,
            app,
            account,
            name,
            mailbox,
            owner,
        } = wanted;
        Self {
            key,
            app,
            account,
            name,
            mailbox,
            owner,
            password,
            by_operator: false,
        }
    }

    /// A digest of what proves this request.
    pub(super) fn proof(&self) -> Proof {
        Proof::of(&self.app, self.password.as_deref())
    }
}

/// A digest of what an app, and for the password grant a person, proves itself with. A failure belongs to it: with
/// another client secret, another command or another password the next login asks again at once.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) struct Proof([u8; 32]);

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(…)")
    }
}

impl Proof {
    fn of(app: &App, password: Option<&Secret<String>>) -> Self {
        let mut context = Context::new(&SHA256);
        let mut add = |part: &[u8]| {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        };
        match &app.grant {
            Grant::ClientCredentials(grant) => grant.registration.distinguish(add),
            Grant::ManagedIdentity(identity) => {
                add(identity.platform.to_string().as_bytes());
                add(identity.client_id.as_deref().unwrap_or_default().as_bytes());
            }
            Grant::ServiceAccount(service) => {
                add(service.token_url().as_str().as_bytes());
                add(service.address().as_bytes());
                add(service.key_id().as_bytes());
            }
            Grant::SignIn(app) => app.registration.distinguish(add),
            Grant::Password(app) => {
                add(password.map_or(&[], |password| password.expose().as_bytes()));
                app.registration.distinguish(add);
            }
            Grant::Command(command) => command.argv.iter().for_each(|part| add(part.as_bytes())),
        }
        let mut proof = [0; 32];
        proof.copy_from_slice(context.finish().as_ref());
        Self(proof)
    }
}
