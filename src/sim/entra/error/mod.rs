//! Refusals of the endpoints, in the words and the JSON of Entra ID. The sentences are in the files of this folder, by
//! what is wrong.

mod grant;
mod proof;
mod request;
mod sign_in;

use hyper::StatusCode;
use serde_json::json;

pub(super) use self::grant::*;
pub(super) use self::proof::*;
pub(super) use self::request::*;
pub(super) use self::sign_in::*;
use crate::sim::clock;
use crate::sim::random::Random;

/// One `AADSTS` error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraError {
    /// The number after `AADSTS`.
    pub code: u32,
    /// The OAuth error (RFC 6749, 5.2) that goes with it.
    pub error: &'static str,
    /// The sentence after the number.
    pub text: String,
    /// `suberror`, where Entra sends one.
    pub suberror: Option<&'static str>,
    /// `claims`, the JSON that the next visit to the authorize endpoint has to bring.
    pub claims: Option<String>,
    /// `Retry-After` in seconds; only an overloaded Entra sends it.
    pub retry_after: Option<u32>,
}

/// What differs from one report about Entra's errors to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorShape {
    /// The HTTP status of `invalid_client`: 401, or 400 as some have seen it.
    pub invalid_client: u16,
    /// Whether the description puts its trailer on lines of its own, as older answers do, instead of behind spaces.
    pub trailer_on_lines: bool,
}

impl Default for ErrorShape {
    fn default() -> Self {
        Self {
            invalid_client: 401,
            trailer_on_lines: false,
        }
    }
}

impl EntraError {
    /// An error without `suberror`, `claims` and `Retry-After`.
    pub fn new(code: u32, error: &'static str, text: impl Into<String>) -> Self {
        Self {
            code,
            error,
            text: text.into(),
            suberror: None,
            claims: None,
            retry_after: None,
        }
    }

    /// The same with a `suberror`.
    #[must_use]
    pub fn suberror(mut self, suberror: &'static str) -> Self {
        self.suberror = Some(suberror);
        self
    }

    /// The same with the claims that a policy asks for.
    #[must_use]
    pub fn with_claims(mut self, claims: impl Into<String>) -> Self {
        self.claims = Some(claims.into());
        self
    }

    /// The same with `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(super) fn status(&self, shape: ErrorShape) -> StatusCode {
        match (self.error, self.code) {
            // "Tenant throttled", the one error of the table that comes with 429.
            (_, 90_055) => StatusCode::TOO_MANY_REQUESTS,
            ("invalid_client", _) => {
                StatusCode::from_u16(shape.invalid_client).unwrap_or(StatusCode::UNAUTHORIZED)
            }
            ("temporarily_unavailable", _) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// `error_description`, with a trailer that names this one occurrence.
    fn description(&self, trace: &str, correlation: &str, timestamp: &str, shape: ErrorShape) -> String {
        let gap = if shape.trailer_on_lines { "\r\n" } else { " " };
        format!(
            "AADSTS{}: {}{gap}Trace ID: {trace}{gap}Correlation ID: {correlation}{gap}Timestamp: {timestamp}",
            self.code, self.text
        )
    }

    /// The description as the authorize endpoint hands it on.
    pub(super) fn sentence(&self, random: &Random) -> String {
        let timestamp = clock::entra(clock::now());
        self.description(&random.guid(), &random.guid(), &timestamp, ErrorShape::default())
    }

    pub(super) fn uri(&self) -> String {
        format!("https://login.microsoftonline.com/error?code={}", self.code)
    }

    pub(super) fn body(&self, random: &Random, shape: ErrorShape) -> String {
        let (trace, correlation) = (random.guid(), random.guid());
        let timestamp = clock::entra(clock::now());
        let mut body = json!({
            "error": self.error,
            "error_description": self.description(&trace, &correlation, &timestamp, shape),
            "error_codes": [self.code],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": self.uri(),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = json!(suberror);
        }
        if let Some(claims) = &self.claims {
            body["claims"] = json!(claims);
        }
        body.to_string()
    }
}
