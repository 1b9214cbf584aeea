//! RFC 6749 4.1.3: what the browser brought back becomes tokens.

use std::borrow::Cow;

use oauth2::{AuthorizationCode, PkceCodeVerifier, RedirectUrl};

use super::pkce::Verifier;
use crate::oauth::endpoint::{Endpoint, oauth_client};
use crate::oauth::error::TokenError;
use crate::oauth::granted::Granted;
use crate::oauth::{Registration, Scopes};
use crate::secret::Secret;

/// A code with what proves that it was this sign-in that asked for it. It is good for one request (RFC 6749 4.1.2).
#[derive(Debug)]
pub struct Redemption {
    pub(super) code: Secret<String>,
    pub(super) verifier: Verifier,
    pub(super) redirect_uri: Box<str>,
}

impl Endpoint {
    /// A person's tokens for a code. `scopes` are of one resource, though the sign-in may have asked for consent to more;
    /// without any, the token is for all that was consented (RFC 6749 4.1.3 has no scope here, Entra ID has).
    pub async fn authorization_code(
        &self,
        app: &Registration,
        scopes: &Scopes,
        redemption: Redemption,
    ) -> Result<Granted, TokenError> {
        let Redemption {
            code,
            verifier,
            redirect_uri,
        } = redemption;
        let way = self.way(app, &app.token_url, &[&code, verifier.secret()]).await?;
        let redirect = RedirectUrl::new(redirect_uri.into()).map_err(|_| way.asked.unaskable())?;
        let (client, (name, value)) = (oauth_client(app), app.dialect.asks(&scopes.to_string()));
        let mut request = client
            .exchange_code(AuthorizationCode::new(code.expose().clone()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.secret().expose().clone()))
            .set_redirect_uri(Cow::Owned(redirect));
        if !value.is_empty() {
            request = request.add_extra_param(name, value);
        }
        way.granted(request.request_async(&way)).await
    }
}
