//! One request for a token, and those who wait for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::access::AccessToken;
use super::request::{Proof, TokenRequest};
use crate::oauth::TokenError;

/// What a flight ends with.
pub(super) type Outcome = Result<Arc<AccessToken>, Arc<TokenError>>;

/// Where a flight publishes its outcome.
pub(super) type Landing = watch::Sender<Option<Outcome>>;

/// A request in the air, seen by one who waits for it.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    /// When it started, by the boot-time clock.
    pub(super) started: Duration,
    scopes: Box<str>,
    proof: Proof,
    outcome: watch::Receiver<Option<Outcome>>,
}

impl Flight {
    pub(super) fn new(request: &TokenRequest, started: Duration) -> (Landing, Self) {
        let (landing, outcome) = watch::channel(None);
        let flight = Self {
            started,
            scopes: request.key.scopes.clone(),
            proof: request.proof(),
            outcome,
        };
        (landing, flight)
    }

    /// Whether a request asks for the token that it brings.
    pub(super) fn is_for(&self, request: &TokenRequest) -> bool {
        self.scopes == request.key.scopes
    }

    /// Whether what it brings is what a request asks for. Flights of one grant follow each other whatever their scopes,
    /// and what an old client secret brings says nothing about the new one.
    pub(super) fn answers(&self, request: &TokenRequest) -> bool {
        self.is_for(request) && self.proof == request.proof()
    }

    /// Waits for its end.
    pub(super) async fn landed(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        let landed = outcome.wait_for(Option::is_some).await;
        landed
            .map_or_else(|_| None, |outcome| outcome.clone())
            .unwrap_or_else(|| Err(Arc::new(lost())))
    }
}

/// The flight's task ended without an outcome: a defect of ours, or the program is ending.
pub(super) fn lost() -> TokenError {
    TokenError::temporary(
        "the request for a token ended without an answer",
        "saslgate is shutting down, or has a defect",
        "if it is not shutting down: report it with the lines of the log before this one",
    )
}
