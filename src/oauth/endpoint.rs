//! The only HTTP that goes to a provider.

use std::pin::Pin;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use oauth2::basic::{BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use oauth2::{
    AsyncHttpClient, AuthType, Client, ClientId, HttpRequest, HttpResponse, RequestTokenError,
    StandardRevocableToken, TokenUrl,
};
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::time::timeout;
use url::{Url, form_urlencoded};

use super::Registration;
use super::error::TokenError;
use super::fault::Asked;
use super::granted::{self, Granted};
use super::issued::Issued;
use super::proof::Presented;
use super::refusal;
use super::reply::{ErrorReply, TokenReply};
use crate::outgoing::Outgoing;
use crate::secret::Secret;

/// For one request in all: a mail client waits about a minute for its login, and upstream has to be opened in it too.
const DEADLINE: Duration = Duration::from_secs(10);

/// The longest reply read: a token has 2 KiB.
const MAX_REPLY: usize = 64 * 1024;

/// Asks token endpoints for tokens: https only, no redirects, no cookies, ten seconds and 64 KiB at most.
///
/// Each grant has its method, in the file of that grant under `flow`.
#[derive(Clone, Debug)]
pub struct Endpoint(Outgoing);

impl Endpoint {
    /// An endpoint that is reached by this way, and by the one that takes its place.
    pub const fn new(outgoing: Outgoing) -> Self {
        Self(outgoing)
    }

    /// The way to an app's provider for one request, with what proves the app. `secrets` are what else the request carries.
    pub(super) async fn way(
        &self,
        app: &Registration,
        url: &Url,
        secrets: &[&Secret<String>],
    ) -> Result<Way, TokenError> {
        let proof = app.proof.present(&app.client_id, &app.token_url).await?;
        let carried = proof.secret().into_iter().chain(secrets.iter().copied());
        Ok(Way {
            asked: Asked::new(url, carried),
            client: self.0.https(),
            proof,
        })
    }

    /// The way to a provider for a request that proves nothing.
    pub(super) fn way_unproven(&self, url: &Url) -> Way {
        Way {
            asked: Asked::new(url, []),
            client: self.0.https(),
            proof: Presented::Nothing,
        }
    }

    /// The way to the platform that this process runs on, which knows its own machines and wants no proof.
    pub(super) fn way_to_platform(&self, url: &Url, secret: Option<&Secret<String>>) -> Way {
        Way {
            asked: Asked::new(url, secret),
            client: self.0.local(),
            proof: Presented::Nothing,
        }
    }
}

/// How one request reaches a provider, `oauth2`'s own included: its adapter is for an older `reqwest` with another TLS stack.
pub(super) struct Way {
    pub(super) asked: Asked,
    client: reqwest::Client,
    proof: Presented,
}

/// Why there is no reply to work with.
pub(super) enum Unanswered {
    /// The provider said no, in its own words.
    Refused(Box<ErrorReply>),
    /// Anything else.
    Failed(TokenError),
}

impl Unanswered {
    /// What the operator is told.
    pub(super) fn told(self, asked: &Asked) -> TokenError {
        match self {
            Self::Refused(reply) => refusal::told(asked, &reply),
            Self::Failed(error) => error,
        }
    }
}

/// A reply as it came.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl<'c> AsyncHttpClient<'c> for Way {
    type Error = TokenError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TokenError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

impl Way {
    /// The app's own token that a request of `oauth2` ends with.
    pub(super) async fn issued(
        &self,
        request: impl Future<Output = Requested>,
    ) -> Result<Issued, TokenError> {
        let reply = self.token(request).await;
        granted::issued(&self.asked, reply.map_err(|why| why.told(&self.asked))?)
    }

    /// The person's tokens that a request of `oauth2` ends with.
    pub(super) async fn granted(
        &self,
        request: impl Future<Output = Requested>,
    ) -> Result<Granted, TokenError> {
        let reply = self.token(request).await;
        Granted::of(&self.asked, reply.map_err(|why| why.told(&self.asked))?)
    }

    /// What a request of `oauth2` ends with. Its own errors are never shown: they hold the whole body of a reply that it
    /// could not read.
    pub(super) async fn token(
        &self,
        request: impl Future<Output = Requested>,
    ) -> Result<TokenReply, Unanswered> {
        let asked = &self.asked;
        let reply = timeout(DEADLINE, request)
            .await
            .map_err(|_| Unanswered::Failed(asked.timed_out(DEADLINE)))?;
        reply.map_err(|error| match error {
            RequestTokenError::ServerResponse(reply) => Unanswered::Refused(Box::new(reply)),
            RequestTokenError::Request(error) => Unanswered::Failed(error),
            RequestTokenError::Parse(..) => {
                Unanswered::Failed(asked.malformed("the reply is not the JSON of RFC 6749 5.1"))
            }
            RequestTokenError::Other(_) => Unanswered::Failed(asked.unaskable()),
        })
    }

    /// What a form is answered with, for requests that `oauth2` does not know.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        form: &[(&str, &str)],
    ) -> Result<T, Unanswered> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = http::Request::post(url.as_str())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.into_bytes())
            .map_err(|_| Unanswered::Failed(self.asked.unaskable()))?;
        let reply = timeout(DEADLINE, self.send(request))
            .await
            .map_err(|_| Unanswered::Failed(self.asked.timed_out(DEADLINE)))?
            .map_err(Unanswered::Failed)?;
        if reply.status() != StatusCode::OK {
            let reply = serde_json::from_slice(reply.body());
            return Err(match reply {
                Ok(reply) => Unanswered::Refused(Box::new(reply)),
                Err(_) => Unanswered::Failed(self.asked.malformed("the reply is no OAuth error")),
            });
        }
        serde_json::from_slice(reply.body())
            .map_err(|_| Unanswered::Failed(self.asked.malformed("the reply lacks what it should hold")))
    }

    /// What a GET is answered with, whatever its status.
    pub(super) async fn get(&self, url: &Url, (name, value): (&str, &str)) -> Result<Reply, TokenError> {
        let mut value = HeaderValue::from_str(value).map_err(|_| self.asked.unaskable())?;
        // It may be a proof; whoever formats a request then does not see it.
        value.set_sensitive(true);
        let request = http::Request::get(url.as_str()).header(name, value);
        let request = request.body(Vec::new()).map_err(|_| self.asked.unaskable())?;
        timeout(DEADLINE, self.exchange(request))
            .await
            .map_err(|_| self.asked.timed_out(DEADLINE))?
    }

    /// One request with the app's proof on it. What `oauth2` could not tell any more (a status, a `Retry-After`, a body
    /// that is no JSON) is settled here.
    async fn send(&self, mut request: HttpRequest) -> Result<HttpResponse, TokenError> {
        self.proof.put_on(request.body_mut());
        let reply = self.exchange(request).await?;
        check(&self.asked, &reply)?;
        let mut response = HttpResponse::new(reply.body);
        *response.status_mut() = reply.status;
        Ok(response)
    }

    async fn exchange(&self, request: HttpRequest) -> Result<Reply, TokenError> {
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
        Ok(Reply {
            status,
            headers,
            body,
        })
    }
}

/// Lets through what can be read: a JSON object with a token, or one with an OAuth error.
fn check(asked: &Asked, reply: &Reply) -> Result<(), TokenError> {
    let Reply {
        status,
        headers,
        body,
    } = reply;
    // 408 and 425 are a gateway's way to say "again, later".
    let again = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
    ];
    if status.is_server_error() || again.contains(status) {
        return Err(asked.busy(*status, retry_after(headers), body));
    }
    if *status != StatusCode::OK {
        return match serde_json::from_slice::<ErrorReply>(body) {
            Ok(_) => Ok(()),
            Err(_) => Err(asked.unexpected(*status, body)),
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

/// What a token request of `oauth2` ends with.
pub(super) type Requested = Result<TokenReply, RequestTokenError<TokenError, ErrorReply>>;

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

/// `oauth2`'s view of an app. It knows client secrets as the only proof, so a proof is put on the request by [`Way`].
pub(super) fn oauth_client(app: &Registration) -> OAuthClient {
    Client::new(ClientId::new(app.client_id.clone().into()))
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(TokenUrl::from_url(app.token_url.clone()))
}

fn text(headers: &HeaderMap, name: http::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// `Retry-After` in seconds, the form in which providers send it. With a date (RFC 9110 10.2.3) our own back-off counts:
/// the clock that it is measured by is not ours.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    text(headers, RETRY_AFTER)?
        .trim()
        .parse()
        .ok()
        .map(Duration::from_secs)
}
