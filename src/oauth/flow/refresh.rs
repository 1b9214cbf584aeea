//! RFC 6749 6: a person's next access token.

use oauth2::RefreshToken;

use crate::oauth::endpoint::{Endpoint, oauth_client};
use crate::oauth::error::TokenError;
use crate::oauth::granted::Granted;
use crate::oauth::{Registration, Scopes};
use crate::secret::Secret;

impl Endpoint {
    /// One access token for the resource of `scopes`, and mostly a new refresh token.
    ///
    /// The one that was given stays good until another has been kept; an error never means that it is worthless, only
    /// [`Kind::NeedsSignIn`](crate::oauth::Kind::NeedsSignIn) that the provider says so today.
    pub async fn refresh(
        &self,
        app: &Registration,
        scopes: &Scopes,
        refresh_token: &Secret<String>,
    ) -> Result<Granted, TokenError> {
        let way = self.way(app, &app.token_url, &[refresh_token]).await?;
        let (client, (name, value)) = (oauth_client(app), app.dialect.asks(&scopes.to_string()));
        let token = RefreshToken::new(refresh_token.expose().clone());
        let mut request = client.exchange_refresh_token(&token);
        // Without a scope the provider gives what was asked for at the sign-in (RFC 6749 6).
        if !value.is_empty() {
            request = request.add_extra_param(name, value);
        }
        way.granted(request.request_async(&way)).await
    }
}
