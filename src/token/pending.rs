//! A login's claim on a token.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::access::AccessToken;
use super::cache::{Claim, Want};
use super::flight::{Flight, Outcome};
use super::manager::Tokens;
use super::request::TokenRequest;
use crate::oauth::TokenError;

/// How long a login waits for a better token when it has one that is good enough.
const PATIENCE: Duration = Duration::from_secs(3);

/// A flight younger than this ends soon: nearly all token requests take less than a second.
const YOUNG: Duration = Duration::from_secs(2);

/// A token that a login has asked for. Dropping it stops nothing: the request goes on, for the next login.
pub struct Pending {
    tokens: Tokens,
    request: TokenRequest,
    want: Want,
    asked: Duration,
    claim: Claim,
}

impl Pending {
    pub(super) fn new(tokens: Tokens, request: TokenRequest, want: Want, claim: Claim) -> Self {
        Self {
            asked: tokens.now().boot,
            tokens,
            request,
            want,
            claim,
        }
    }

    /// Whether the token is at hand or nearly so: whether dialling upstream beside it is worth it. Exchange drops
    /// connections that do not log in within a minute.
    pub fn is_near(&self) -> bool {
        match &self.claim {
            Claim::Ready(_) => true,
            Claim::Remembered(_) => false,
            Claim::Waiting { flight, fallback } => {
                let age = self.tokens.now().boot.saturating_sub(flight.started);
                fallback.is_some() || age < YOUNG
            }
        }
    }

    /// The token, as soon as it is there.
    ///
    /// An older token that is still good stands in when a request for a better one fails or takes longer than three
    /// seconds. Without one the wait ends with the request: after ten seconds, or a command's own time limit.
    pub async fn token(&self) -> Result<Arc<AccessToken>, Arc<TokenError>> {
        let mut claim = self.claim.clone();
        loop {
            let outcome = match claim {
                Claim::Ready(token) => Some(Ok(token)),
                Claim::Remembered(error) => Some(Err(error)),
                Claim::Waiting { flight, fallback } => self.outcome(&flight, fallback).await,
            };
            match outcome {
                Some(outcome) => return self.checked(outcome),
                None => claim = self.tokens.claim(&self.request, self.want),
            }
        }
    }

    /// Another token, after upstream has refused this login's.
    ///
    /// Only when a stale token can be the reason: this one existed before the login began, no refusal has made us
    /// ask for another in the last five minutes, and the source can give one. At most once for each login. An error
    /// of the second token means that there is no other: the first refusal stands, unless the error says that a person has
    /// to sign in, which explains it.
    pub fn another(&self, refused: &AccessToken) -> Option<Self> {
        let existed = match &self.claim {
            Claim::Ready(token) => Some(token),
            Claim::Waiting { fallback, .. } => fallback.as_ref(),
            Claim::Remembered(_) => None,
        };
        let is_first = matches!(self.want, Want::Fresh);
        let was_there = existed.is_some_and(|token| token.fingerprint() == refused.fingerprint());
        if !is_first || !was_there {
            return None;
        }
        let claim = self.tokens.claim_another(&self.request, refused.fingerprint())?;
        let want = Want::OtherThan(refused.fingerprint());
        Some(Self::new(self.tokens.clone(), self.request.clone(), want, claim))
    }

    /// What a flight has for this login; `None` if it was one for others.
    async fn outcome(&self, flight: &Flight, older: Option<Arc<AccessToken>>) -> Option<Outcome> {
        let Some(older) = older else {
            let outcome = flight.landed().await;
            return flight.answers(&self.request).then_some(outcome);
        };
        let waited = self
            .tokens
            .now()
            .boot
            .saturating_sub(flight.started.min(self.asked));
        match timeout(PATIENCE.saturating_sub(waited), flight.landed()).await {
            Err(_) => Some(Ok(older)),
            Ok(outcome) if flight.answers(&self.request) => Some(outcome.or(Ok(older))),
            Ok(_) => None,
        }
    }

    fn checked(&self, outcome: Outcome) -> Outcome {
        match (self.want, &outcome) {
            (Want::OtherThan(refused), Ok(token)) if token.fingerprint() == refused => {
                Err(Arc::new(no_other()))
            }
            _ => outcome,
        }
    }
}

fn no_other() -> TokenError {
    TokenError::temporary(
        "the source gave the token again that upstream has just refused",
        "it keeps tokens of its own and renews them when it sees fit",
        "what upstream said about the token says what to do",
    )
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let claim = match &self.claim {
            Claim::Ready(_) => "Ready",
            Claim::Remembered(_) => "Remembered",
            Claim::Waiting { .. } => "Waiting",
        };
        write!(f, "Pending({:?}, {claim})", self.request.key)
    }
}
