//! Where flights go: to the grant of the app that is asked.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::oauth::{Commands, Endpoint, For, Grant, Issued, TokenError};

use super::request::TokenRequest;

/// What a flight awaits.
pub(super) type Minting = Pin<Box<dyn Future<Output = Result<Issued, TokenError>> + Send>>;

/// Something that mints tokens; tests bring their own.
pub(super) trait Source: Send + Sync + 'static {
    /// One token, by one request. Ends by itself within the grant's own deadline.
    fn mint(&self, request: Arc<TokenRequest>) -> Minting;
}

/// The grants.
pub(super) struct Grants {
    pub(super) endpoint: Endpoint,
    pub(super) commands: Commands,
}

impl Source for Grants {
    fn mint(&self, request: Arc<TokenRequest>) -> Minting {
        let (endpoint, commands) = (self.endpoint.clone(), self.commands.clone());
        Box::pin(async move {
            match &request.app.grant {
                Grant::ClientCredentials(grant) => endpoint.client_credentials(grant).await,
                Grant::ManagedIdentity(identity) => endpoint.managed_identity(identity).await,
                Grant::ServiceAccount(service) => endpoint.service_account(service, &request.owner).await,
                Grant::Command(command) => {
                    let whom = For {
                        mailbox: &request.mailbox,
                        owner: &request.owner,
                    };
                    commands.token(command, whom).await
                }
            }
        })
    }
}
