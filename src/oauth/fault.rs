//! Whatever a token endpoint can do instead of giving a token, told to an operator.

use std::error::Error;
use std::io;
use std::iter;
use std::time::Duration;

use http::StatusCode;
use url::Url;

use super::endpoint::CONNECT_DEADLINE;
use super::error::{Kind, TokenError};
use super::readable::readable;
use super::refusal;
use super::reply::ErrorReply;
use crate::name;
use crate::secret::Secret;

/// The longest pause that a provider can make us take: with a typing error in a gateway's `Retry-After`, mail would stand still for days.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(10 * 60);

/// How much of what was said is kept: an `error_description` with its three ids has about 300 characters.
pub(super) const SAID: usize = 500;

/// How much is kept of a reply that is not OAuth: it is some page of HTML.
const FIRST_LINE: usize = 120;

/// Who was asked, and what must not be repeated from the answer.
pub(super) struct Asked {
    pub(super) host: Box<str>,
    secret: Secret<String>,
}

impl Asked {
    pub(super) fn new(url: &Url, secret: &Secret<String>) -> Self {
        Self {
            host: url.host_str().unwrap_or("the token endpoint").into(),
            secret: Secret::new(secret.expose().clone()),
        }
    }

    /// The text on one line of at most `cap` characters, without secrets.
    pub(super) fn readable(&self, text: &str, cap: usize) -> String {
        readable(text, &[self.secret.expose()], cap)
    }

    /// A request that could not even be built.
    pub(super) fn unaskable(&self) -> TokenError {
        TokenError::misconfigured(
            format!("no request can be made to {}", self.host),
            "token_url is not an https address",
            "correct token_url: a client secret is sent over https only",
        )
    }

    /// No answer in time: the deadline is for name resolution, TCP, TLS and the whole reply.
    pub(super) fn timed_out(&self, deadline: Duration) -> TokenError {
        TokenError::temporary(
            format!(
                "{} did not give a token within {} s",
                self.host,
                deadline.as_secs()
            ),
            "the provider, or a firewall or proxy on the way to it, is slow or swallows packets",
            "nothing, if it passes; else check the way from this machine to the provider (TCP 443, HTTPS_PROXY)",
        )
    }

    /// No connection, or one that broke.
    pub(super) fn unreachable(&self, error: reqwest::Error) -> TokenError {
        // The URL of a request is the operator's own and may hold anything.
        let error = error.without_url();
        if error.is_builder() {
            return self.unaskable();
        }
        let (what, why, fix) = self.broken(&error);
        TokenError::temporary(what, why, fix).with_detail(self.readable(&root(&error), SAID))
    }

    fn broken(&self, error: &reqwest::Error) -> (String, &'static str, &'static str) {
        let host = &self.host;
        if has_certificate_trouble(error) {
            (
                format!("the certificate of {host} is not trusted"),
                "a proxy or firewall that inspects TLS, a missing CA, or a wrong clock",
                "give the inspecting proxy's CA as [upstream] ca_file, or let this host pass uninspected; check the clock",
            )
        } else if error.is_dns() {
            (
                format!("the name {host} was not resolved"),
                "no name server answered, or it does not know the name",
                "check the name servers of this machine, and the tenant or provider in the configuration",
            )
        } else if error.is_timeout() {
            (
                format!(
                    "{host} could not be reached within {} s",
                    CONNECT_DEADLINE.as_secs()
                ),
                "a firewall or proxy on the way swallows packets, or name resolution hangs",
                "check the way from this machine to the provider (name servers, TCP 443, HTTPS_PROXY)",
            )
        } else if error.is_connect() {
            (
                format!("{host} could not be reached"),
                "the network, a firewall or a proxy on the way",
                "check the way from this machine to the provider (TCP 443, HTTPS_PROXY)",
            )
        } else {
            (
                format!("{host} broke its reply off"),
                "the provider, or a gateway or proxy on the way, closed the connection or does not speak HTTP",
                "nothing, if it passes; else check what stands between this machine and the provider",
            )
        }
    }

    /// A success that isn't one. `detail` is ours and repeats nothing of the reply, which may hold a token.
    pub(super) fn malformed(&self, detail: &'static str) -> TokenError {
        TokenError::temporary(
            format!("{} answered with something that is no token", self.host),
            "a gateway or captive portal on the way answered in the provider's place, or token_url leads elsewhere",
            "check token_url, and that nothing on the way answers for the provider",
        )
        .with_detail(detail)
    }

    /// A redirect. Not followed: the request carries the client secret, and its next reader is chosen by the reply.
    pub(super) fn redirected(&self, status: StatusCode, location: Option<&str>) -> TokenError {
        let to = location
            .and_then(|location| Url::parse(location).ok())
            .and_then(|url| url.host_str().map(str::to_owned));
        let to = to.map_or_else(
            || "a place it does not name".to_owned(),
            |host| name::shown(host.as_bytes(), SAID),
        );
        TokenError::misconfigured(
            format!("{} redirects token requests to {to}", self.host),
            "token endpoints do not redirect: token_url is wrong, or a gateway asks for a log-in",
            "correct token_url, or let this host pass the gateway; redirects are never followed, the secret stays here",
        )
        .with_detail(format!("HTTP {}", status.as_u16()))
    }

    /// Too many requests, or a fault of the provider.
    pub(super) fn busy(&self, status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> TokenError {
        let kind = Kind::Temporary {
            retry_after: retry_after.map(|pause| pause.min(MAX_RETRY_AFTER)),
        };
        if let Ok(reply) = serde_json::from_slice::<ErrorReply>(body) {
            return TokenError {
                kind,
                ..refusal::told(self, &reply)
            };
        }
        let throttled = status == StatusCode::TOO_MANY_REQUESTS;
        TokenError::new(
            kind,
            if throttled {
                format!("{} is throttling token requests", self.host)
            } else {
                format!("{} has a fault", self.host)
            },
            if throttled {
                "too many requests in a short time, from here or from others of the tenant"
            } else {
                "the provider, or a gateway before it"
            },
            "nothing: it is asked again after a pause",
        )
        .with_detail(self.status_and_line(status, body))
    }

    /// An error status without an OAuth error in it.
    pub(super) fn unexpected(&self, status: StatusCode, body: &[u8]) -> TokenError {
        TokenError::misconfigured(
            format!(
                "{} answered HTTP {} and no OAuth error",
                self.host,
                status.as_u16()
            ),
            "token_url is not a token endpoint, or a gateway or proxy on the way refuses the request",
            "check token_url and the tenant in it, and what the proxy lets through",
        )
        .with_detail(self.status_and_line(status, body))
    }

    fn status_and_line(&self, status: StatusCode, body: &[u8]) -> String {
        let body = String::from_utf8_lossy(body);
        let line = body
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty())
            .unwrap_or_default();
        let line = self.readable(line, FIRST_LINE);
        let gap = if line.is_empty() { "" } else { ": " };
        format!("HTTP {}{gap}{line}", status.as_u16())
    }
}

/// The last causes of an error: reqwest's own sentences, before them, say only that something failed.
fn root(error: &(dyn Error + 'static)) -> String {
    let mut said: Vec<String> = causes(error).map(ToString::to_string).collect();
    // An `io::Error` speaks with the voice of what it carries.
    said.dedup();
    said.split_off(said.len().saturating_sub(2)).join(": ")
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        // It hides the error that it carries from `source`.
        Some(carrier) => carrier.get_ref().map(|carried| carried as &(dyn Error + 'static)),
        None => error.source(),
    })
}

fn has_certificate_trouble(error: &(dyn Error + 'static)) -> bool {
    let mut tls = causes(error).filter_map(|cause| cause.downcast_ref::<rustls::Error>());
    tls.any(|error| matches!(error, rustls::Error::InvalidCertificate(_)))
}
