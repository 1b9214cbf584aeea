//! What is asked for in a flight: a grant, its scopes, and for whom.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};

use crate::account::Authorized;
use crate::name::Mailbox;
use crate::oauth::{App, Grant, TokenKey};

/// A token, asked for on behalf of a login.
#[derive(Clone, Debug)]
pub(super) struct TokenRequest {
    /// Where the token is kept.
    pub(super) key: TokenKey,
    /// How it is obtained.
    pub(super) app: Arc<App>,
    /// The mailbox that is opened with it; a command may want to know.
    pub(super) mailbox: Mailbox,
    /// Whose token it is.
    pub(super) owner: Mailbox,
}

impl TokenRequest {
    /// What a login may have.
    pub(super) fn for_session(login: &Authorized) -> Self {
        Self {
            key: login.token_key(),
            app: Arc::clone(&login.route().app),
            mailbox: login.mailbox().clone(),
            owner: login.owner().clone(),
        }
    }
}

/// A digest of what an app proves itself with. A failure belongs to it: with another client secret or another
/// command the next login asks again at once.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) struct Proof([u8; 32]);

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(…)")
    }
}

impl Proof {
    pub(super) fn of(app: &App) -> Self {
        let mut context = Context::new(&SHA256);
        let mut add = |part: &[u8]| {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        };
        match &app.grant {
            Grant::ClientCredentials(grant) => {
                let app = &grant.registration;
                add(app.token_url.as_str().as_bytes());
                add(app.client_id.as_bytes());
                app.proof.distinguish(add);
            }
            Grant::ManagedIdentity(identity) => {
                add(identity.platform.to_string().as_bytes());
                add(identity.client_id.as_deref().unwrap_or_default().as_bytes());
            }
            Grant::ServiceAccount(service) => {
                add(service.token_url().as_str().as_bytes());
                add(service.address().as_bytes());
                add(service.key_id().as_bytes());
            }
            Grant::Command(command) => command.argv.iter().for_each(|part| add(part.as_bytes())),
        }
        let mut proof = [0; 32];
        proof.copy_from_slice(context.finish().as_ref());
        Self(proof)
    }
}
