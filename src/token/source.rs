//! Where flights go: to the grant of the app that is asked.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::oauth::{Commands, Endpoint, For, Grant, Issued, TokenError};

use super::people::People;
use super::request::TokenRequest;

/// What a flight awaits.
pub(super) type Minting = Pin<Box<dyn Future<Output = Result<Issued, TokenError>> + Send>>;

/// Something that mints tokens; tests bring their own.
pub(super) trait Source: Send + Sync + 'static {
    /// One token, by one request. Ends by itself within the grant's own deadline.
    fn mint(&self, request: Arc<TokenRequest>) -> Minting;
}

/// The grants. Clones share what they know.
#[derive(Clone)]
pub(super) struct Grants {
    endpoint: Endpoint,
    commands: Commands,
    people: People,
}

impl Grants {
    pub(super) fn new(endpoint: Endpoint, people: People) -> Self {
        Self {
            endpoint,
            commands: Commands::default(),
            people,
        }
    }

    async fn issue(&self, request: &TokenRequest) -> Result<Issued, TokenError> {
        match &request.app.grant {
            Grant::ClientCredentials(grant) => self.endpoint.client_credentials(grant).await,
            Grant::ManagedIdentity(identity) => self.endpoint.managed_identity(identity).await,
            Grant::ServiceAccount(service) => self.endpoint.service_account(service, &request.owner).await,
            Grant::SignIn(app) => self.people.renewed(app, request).await,
            Grant::Password(app) => self.people.renewed_or_asked(app, request).await,
            Grant::Command(command) => {
                let whom = For {
                    mailbox: &request.mailbox,
                    owner: &request.owner,
                };
                self.commands.token(command, whom).await
            }
        }
    }
}

impl Source for Grants {
    fn mint(&self, request: Arc<TokenRequest>) -> Minting {
        let grants = self.clone();
        Box::pin(async move { grants.issue(&request).await })
    }
}
