//! RFC 6749 4.4: the app itself, for every mailbox that Exchange lets it open.

use crate::oauth::endpoint::{Endpoint, oauth_client};
use crate::oauth::error::TokenError;
use crate::oauth::{Issued, Registration};

/// What the client-credentials grant needs.
#[derive(Debug)]
pub struct ClientCredentials {
    /// The app.
    pub registration: Registration,
    /// One resource's `/.default`.
    pub scope: Box<str>,
}

impl Endpoint {
    /// One token by the client-credentials grant.
    pub async fn client_credentials(&self, grant: &ClientCredentials) -> Result<Issued, TokenError> {
        let app = &grant.registration;
        let way = self.way(app, &app.token_url, &[]).await?;
        let (client, (name, value)) = (oauth_client(app), app.dialect.asks(&grant.scope));
        let request = client.exchange_client_credentials().add_extra_param(name, value);
        way.issued(request.request_async(&way)).await
    }
}
