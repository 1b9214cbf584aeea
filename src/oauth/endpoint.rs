//! The only HTTP that goes to a provider.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use oauth2::basic::{BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use oauth2::{
    AsyncHttpClient, AuthType, Client, ClientId, ClientSecret, HttpRequest, HttpResponse, RequestTokenError,
    Scope, StandardRevocableToken, TokenUrl,
};
use reqwest::redirect;
use serde::de::IgnoredAny;
use tokio::time::timeout;
use url::Url;

use super::ClientCredentials;
use super::error::TokenError;
use super::fault::Asked;
use super::issued::{Issued, Unusable};
use super::refusal;
use super::reply::{ErrorReply, TokenReply};
use crate::secret::Secret;

/// For one request in all: a mail client waits about a minute for its login, and upstream has to be opened in it too.
const DEADLINE: Duration = Duration::from_secs(10);

/// For name resolution, TCP and TLS; less than [`DEADLINE`], so that an address that swallows packets is told apart from a slow provider.
pub(super) const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// The longest reply read: a token has 2 KiB.
const MAX_REPLY: usize = 64 * 1024;

/// By which way requests leave this machine.
#[derive(Clone, Default)]
pub enum Proxy {
    /// As `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    #[default]
    Environment,
    /// Through this HTTP proxy, except to what `NO_PROXY` names.
    At(Url),
    /// Straight.
    Direct,
}

impl fmt::Debug for Proxy {
    /// A proxy's URL may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("Environment"),
            Self::At(url) => write!(f, "At({})", url.host_str().unwrap_or_default()),
            Self::Direct => f.write_str("Direct"),
        }
    }
}

/// The proxy for token requests can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the proxy can't be used: its URL has to begin with http:// or https:// and name a host")]
pub struct EndpointError;

/// Asks token endpoints for tokens: https only, no redirects, no cookies, ten seconds and 64 KiB at most.
#[derive(Clone)]
pub struct Endpoint {
    http: reqwest::Client,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint")
    }
}

impl Endpoint {
    /// An endpoint that trusts what `tls` trusts.
    pub fn new(tls: &Arc<rustls::ClientConfig>, proxy: &Proxy) -> Result<Self, EndpointError> {
        let mut tls = rustls::ClientConfig::clone(tls);
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_DEADLINE)
            // Requests come most of an hour apart: a kept connection would be found dead by the next one.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("saslgate/", env!("CARGO_PKG_VERSION")));
        let http = match proxy {
            Proxy::Environment => http,
            Proxy::At(url) => http.proxy(fixed(url)?),
            Proxy::Direct => http.no_proxy(),
        };
        let http = http.build().map_err(|_| EndpointError)?;
        Ok(Self { http })
    }

    /// One token by the client-credentials grant (RFC 6749 4.4).
    pub async fn client_credentials(&self, grant: &ClientCredentials) -> Result<Issued, TokenError> {
        let asked = Asked::new(&grant.token_url, &grant.secret);
        let http = Http {
            client: self.http.clone(),
            asked,
        };
        let client = oauth_client(grant);
        let request = client
            .exchange_client_credentials()
            .add_scope(Scope::new(grant.scope.clone().into()));
        let reply = timeout(DEADLINE, request.request_async(&http))
            .await
            .map_err(|_| http.asked.timed_out(DEADLINE))?
            .map_err(|error| failed(&http.asked, error))?;
        issued(&http.asked, reply)
    }
}

/// How `oauth2` reaches the network: its own adapter is for an older `reqwest` with another TLS stack.
struct Http {
    client: reqwest::Client,
    asked: Asked,
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = TokenError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TokenError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

impl Http {
    /// One request. What `oauth2` could not tell any more (a status, a `Retry-After`, a body that is no JSON) is settled here.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TokenError> {
        let asked = &self.asked;
        let request = request.try_into().map_err(|error| asked.unreachable(error))?;
        let mut response = self
            .client
            .execute(request)
            .await
            .map_err(|error| asked.unreachable(error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_redirection() {
            return Err(asked.redirected(status, text(&headers, LOCATION)));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| asked.unreachable(error))? {
            if body.len() + chunk.len() > MAX_REPLY {
                return Err(asked.malformed("the reply is longer than 64 KiB"));
            }
            body.extend_from_slice(&chunk);
        }
        check(asked, status, &headers, &body)?;
        let mut reply = HttpResponse::new(body);
        *reply.status_mut() = status;
        Ok(reply)
    }
}

/// Lets through what `oauth2` can read: a JSON object with a token, or one with an OAuth error.
fn check(asked: &Asked, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<(), TokenError> {
    // 408 and 425 are a gateway's way to say "again, later".
    let again = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
    ];
    if status.is_server_error() || again.contains(&status) {
        return Err(asked.busy(status, retry_after(headers), body));
    }
    if status != StatusCode::OK {
        return match serde_json::from_slice::<ErrorReply>(body) {
            Ok(_) => Ok(()),
            Err(_) => Err(asked.unexpected(status, body)),
        };
    }
    if body.is_empty() {
        return Err(asked.malformed("the reply is empty"));
    }
    let is_json = text(headers, CONTENT_TYPE)
        .is_none_or(|kind| kind.to_ascii_lowercase().starts_with("application/json"));
    // `oauth2` would not look at what follows the first value.
    if !is_json || serde_json::from_slice::<IgnoredAny>(body).is_err() {
        return Err(asked.malformed("the reply is not JSON"));
    }
    Ok(())
}

type OAuthClient = Client<
    ErrorReply,
    TokenReply,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointSet,
>;

fn oauth_client(grant: &ClientCredentials) -> OAuthClient {
    Client::new(ClientId::new(grant.client_id.clone().into()))
        .set_client_secret(ClientSecret::new(grant.secret.expose().clone()))
        // In the body: with HTTP Basic, providers differ on how the two are encoded before base64 (RFC 6749 2.3.1).
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(TokenUrl::from_url(grant.token_url.clone()))
}

/// What `oauth2` found. Its own errors are never shown: they hold the whole body of a reply that it could not read.
fn failed(asked: &Asked, error: RequestTokenError<TokenError, ErrorReply>) -> TokenError {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(reply) => refusal::told(asked, &reply),
        RequestTokenError::Parse(..) => asked.malformed("the reply is not the JSON of RFC 6749 5.1"),
        RequestTokenError::Other(_) => asked.unaskable(),
    }
}

fn issued(asked: &Asked, reply: TokenReply) -> Result<Issued, TokenError> {
    if !reply.is_bearer() {
        return Err(asked.malformed("token_type is not Bearer"));
    }
    let Some(lifetime) = reply.lifetime() else {
        return Err(asked.malformed(Unusable::NoTime.text()));
    };
    Issued::new(Secret::new(reply.into_token()), Duration::from_secs(lifetime))
        .map_err(|unusable| asked.malformed(unusable.text()))
}

fn fixed(url: &Url) -> Result<reqwest::Proxy, EndpointError> {
    // Any other kind would be taken here and found out with the first request.
    if !matches!(url.scheme(), "http" | "https") {
        return Err(EndpointError);
    }
    let proxy = reqwest::Proxy::all(url.clone()).map_err(|_| EndpointError)?;
    Ok(proxy.no_proxy(reqwest::NoProxy::from_env()))
}

fn text(headers: &HeaderMap, name: http::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// `Retry-After` in seconds, the form in which providers send it. With a date (RFC 9110 10.2.3) our own back-off counts:
/// the clock that it is measured by is not ours.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    text(headers, RETRY_AFTER)?
        .trim()
        .parse()
        .ok()
        .map(Duration::from_secs)
}
