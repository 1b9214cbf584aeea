//! Whatever a token endpoint can do instead of giving a token, told to an operator.

use std::error::Error;
use std::time::Duration;

use http::StatusCode;
use url::Url;

use super::aadsts;
use super::error::{Kind, TokenError};
use super::readable::readable;
use super::refusal;
use super::reply::ErrorReply;
use crate::name;
use crate::outgoing::CONNECT_DEADLINE;
use crate::secret::Secret;
use crate::transport::{Trouble, WhyAndFix, causes};

/// The longest pause that a provider can make us take: with a typing error in a gateway's `Retry-After`, mail would stand still for days.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(10 * 60);

/// How much of what was said is kept: an `error_description` with its three ids has about 300 characters.
pub(super) const SAID: usize = 500;

/// How much is kept of a reply that is not OAuth: it is some page of HTML.
const FIRST_LINE: usize = 120;

/// Who was asked, and what must not be repeated from the answer.
pub(super) struct Asked {
    pub(super) host: Box<str>,
    port: u16,
    secrets: Vec<Secret<String>>,
}

impl Asked {
    /// `secrets` are what the request carries.
    pub(super) fn new<'s>(url: &Url, secrets: impl IntoIterator<Item = &'s Secret<String>>) -> Self {
        let secrets = secrets
            .into_iter()
            .map(|secret| Secret::new(secret.expose().clone()));
        Self {
            host: url.host_str().unwrap_or("the token endpoint").into(),
            port: url.port_or_known_default().unwrap_or(443),
            secrets: secrets.collect(),
        }
    }

    /// The text on one line of at most `cap` characters, without secrets.
    pub(super) fn readable(&self, text: &str, cap: usize) -> String {
        let secrets: Vec<_> = self
            .secrets
            .iter()
            .map(|secret| secret.expose().as_str())
            .collect();
        readable(text, &secrets, cap)
    }

    /// What the client secret looks like.
    pub(super) fn shape_of_secret(&self) -> aadsts::Shape {
        // The app's proof comes first.
        let secret = self.secrets.first();
        aadsts::Shape::of(secret.map_or("", |secret| secret.expose()))
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
            "wait: saslgate asks again by itself; if it lasts, check the way from this machine to the provider (TCP 443, HTTPS_PROXY)",
        )
    }

    /// No connection, or one that broke.
    pub(super) fn unreachable(&self, error: reqwest::Error) -> TokenError {
        // The URL of a request is the operator's own and may hold anything.
        let error = error.without_url();
        if error.is_builder() {
            return self.unaskable();
        }
        let (why, fix) = of_proxy(&error)
            .or_else(|| self.of_network(&error))
            .unwrap_or_else(|| of_stage(&error));
        TokenError::temporary(self.broken(&error), why, fix).with_detail(self.readable(&root(&error), SAID))
    }

    fn broken(&self, error: &reqwest::Error) -> String {
        let host = &self.host;
        if matches!(Trouble::of(error), Some(Trouble::Distrust(_) | Trouble::NoProof)) {
            format!("the certificate of {host} is not trusted")
        } else if error.is_dns() {
            format!("the name {host} was not resolved")
        } else if error.is_timeout() {
            format!(
                "{host} could not be reached within {} s",
                CONNECT_DEADLINE.as_secs()
            )
        } else if error.is_connect() {
            format!("{host} could not be reached")
        } else {
            format!("{host} broke its reply off")
        }
    }

    fn of_network(&self, error: &reqwest::Error) -> Option<WhyAndFix> {
        let (why, mut fix) = Trouble::of(error)?.explain(&self.host, self.port);
        if error.is_connect() {
            fix.push_str("; with an HTTP proxy (HTTPS_PROXY, or `proxy` in [upstream]) the same holds for the way to it");
        }
        Some((why, fix))
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
            "wait: saslgate asks again by itself after a pause",
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

/// What an HTTP proxy says that does not let us through.
fn of_proxy(error: &reqwest::Error) -> Option<WhyAndFix> {
    let said = |words: &str| causes(error).any(|cause| cause.to_string().contains(words));
    let (why, fix) = if said("proxy authorization required") {
        (
            "the HTTP proxy wants a user name and a password",
            "add them to the proxy's address: http://NAME:PASSWORD@proxy.example.com:3128 (HTTPS_PROXY, or `proxy` in [upstream])",
        )
    } else if said("tunnel error") {
        (
            "the HTTP proxy does not let us through to that host",
            "allow CONNECT to that host, port 443, in the proxy; or name the host in NO_PROXY if it is reached without",
        )
    } else {
        return None;
    };
    Some((why.into(), fix.into()))
}

/// Where nothing else tells, what we were doing does.
fn of_stage(error: &reqwest::Error) -> WhyAndFix {
    let (why, fix) = if error.is_timeout() {
        (
            "a firewall or proxy on the way swallows packets, or name resolution hangs",
            "check the way from this machine to the provider: name servers, TCP 443, HTTPS_PROXY",
        )
    } else if error.is_connect() {
        (
            "the network, a firewall or a proxy on the way",
            "check the way from this machine to the provider: TCP 443, HTTPS_PROXY",
        )
    } else {
        (
            "the provider, or a gateway or proxy on the way, closed the connection or does not speak HTTP",
            "wait: saslgate asks again by itself; if it lasts, check what stands between this machine and the provider",
        )
    };
    (why.into(), fix.into())
}

/// The last causes of an error: reqwest's own sentences, before them, say only that something failed.
fn root(error: &(dyn Error + 'static)) -> String {
    // rustls shows the inside of an error that is not its own.
    if let Some(Trouble::Distrust(distrust)) = Trouble::of(error) {
        return distrust.to_string();
    }
    let mut said: Vec<String> = causes(error).map(ToString::to_string).collect();
    // An `io::Error` speaks with the voice of what it carries.
    said.dedup();
    said.split_off(said.len().saturating_sub(2)).join(": ")
}
