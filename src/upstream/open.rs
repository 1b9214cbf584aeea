//! Whether one more try may help.

use std::future::Future;
use std::mem::replace;
use std::sync::Arc;

use tracing::debug;

use super::attempt::{Attempt, Fault, Way, server_name};
use super::handshake::Kind;
use super::{Cause, Opened, PATIENCE, Times, Upstream, UpstreamError};
use crate::account::Authorized;
use crate::oauth::{Kind as TokenKind, TokenError};
use crate::secret::Secret;
use crate::token::{AccessToken, Pending, Tokens};
use crate::transport::{Patience, Tap, Upgrade};

/// A login's claim on a token: what `open` asks of the room of tokens.
pub trait Claim: Sized + Sync {
    /// What it leads to.
    type Token: Send + Sync;

    /// Whether the token is at hand or nearly so, and dialling beside it is worth it.
    fn is_near(&self) -> bool;

    /// The token, as soon as it is there.
    fn token(&self) -> impl Future<Output = Result<Self::Token, Arc<TokenError>>> + Send;

    /// A claim on another token, after the upstream has refused this one, if one can be had.
    fn another(&self, refused: &Self::Token) -> Option<Self>;

    /// The token itself.
    fn secret(token: &Self::Token) -> &Secret<String>;
}

impl Claim for Pending {
    type Token = Arc<AccessToken>;

    fn is_near(&self) -> bool {
        Pending::is_near(self)
    }

    fn token(&self) -> impl Future<Output = Result<Self::Token, Arc<TokenError>>> + Send {
        Pending::token(self)
    }

    fn another(&self, refused: &Self::Token) -> Option<Self> {
        Pending::another(self, refused)
    }

    fn secret(token: &Self::Token) -> &Secret<String> {
        token.secret()
    }
}

/// A token that is at hand, and stands for no other.
struct Given(Arc<AccessToken>);

impl Claim for Given {
    type Token = Arc<AccessToken>;

    fn is_near(&self) -> bool {
        true
    }

    async fn token(&self) -> Result<Self::Token, Arc<TokenError>> {
        Ok(Arc::clone(&self.0))
    }

    fn another(&self, _refused: &Self::Token) -> Option<Self> {
        None
    }

    fn secret(token: &Self::Token) -> &Secret<String> {
        token.secret()
    }
}

impl Upstream {
    /// Opens the upstream that a checked login leads to. `ehlo` is the mail client's own argument (SMTP).
    pub async fn open(
        &self,
        authorized: &Authorized,
        tokens: &Tokens,
        ehlo: Option<&str>,
        tap: &Tap,
    ) -> Result<Opened, UpstreamError> {
        self.open_way(&Way::of(authorized, ehlo, tap), tokens.pending(authorized))
            .await
    }

    /// Opens it with one token and no other: whether that token lets its owner in there.
    pub async fn open_with(
        &self,
        authorized: &Authorized,
        token: Arc<AccessToken>,
        tap: &Tap,
    ) -> Result<Opened, UpstreamError> {
        self.open_way(&Way::of(authorized, None, tap), Given(token)).await
    }

    /// Tries until it is open or no further try may help.
    pub(super) async fn open_way<C: Claim>(&self, way: &Way<'_>, claim: C) -> Result<Opened, UpstreamError> {
        let opened = self.tries(way, claim).await;
        let opened = opened.map_err(|(stage, cause)| UpstreamError {
            host: way.host.clone(),
            stage,
            cause,
        })?;
        self.offers.seen(way.protocol, way.host, &opened.welcome.offer);
        Ok(opened)
    }

    async fn tries<C: Claim>(&self, way: &Way<'_>, mut claim: C) -> Result<Opened, Fault> {
        let upgrade = Upgrade::Connect(self.connector(), server_name(way.host)?);
        let (mut patience, mut times) = (Patience::new(PATIENCE), Times::default());
        let mut retries = Retries::default();
        loop {
            let mut attempt = Attempt {
                way,
                upgrade: upgrade.clone(),
                addresses: &self.addresses,
                claim: &claim,
                patience: &mut patience,
                times: &mut times,
                shown: None,
            };
            let fault = match attempt.run().await {
                Ok(opened) => return Ok(opened),
                Err(fault) => fault,
            };
            let shown = attempt.shown.take();
            if let Some(other) = retries.after(fault, shown.as_ref(), &claim)? {
                claim = other;
            }
        }
    }
}

/// The further tries of one login: each kind at most once.
#[derive(Default)]
struct Retries {
    lost: bool,
    not_connected: bool,
    /// The refusal after which another token was asked for. If there is none, this is what stands, unless it is for want of
    /// a sign-in: then both have the same cause, and that is its name.
    refused: Option<Fault>,
}

impl Retries {
    /// What to try again with: another claim, or `None` for the same. An error if no further try may help. `shown` is
    /// the token that the upstream has seen.
    fn after<C: Claim>(
        &mut self,
        fault: Fault,
        shown: Option<&C::Token>,
        claim: &C,
    ) -> Result<Option<C>, Fault> {
        debug!(stage = %fault.0, cause = %fault.1, "a try to open upstream failed");
        match (&fault.1, shown) {
            (Cause::Token(error), _) if error.kind == TokenKind::NeedsSignIn => Err(fault),
            (Cause::Token(_), _) => Err(self.refused.take().unwrap_or(fault)),
            // Never behind a credential: whoever counts logins upstream would count it twice.
            (cause, None) if cause.is_lost_connection() && !replace(&mut self.lost, true) => Ok(None),
            // Exchange says so too while rights spread or a server is moved; a new connection may land elsewhere.
            (Cause::Rejected(no), Some(_))
                if no.kind == Kind::NotConnected && !replace(&mut self.not_connected, true) =>
            {
                Ok(None)
            }
            (Cause::Rejected(no), Some(token)) if no.may_be_stale_token() && self.refused.is_none() => {
                let Some(other) = claim.another(token) else {
                    return Err(fault);
                };
                self.refused = Some(fault);
                Ok(Some(other))
            }
            _ => Err(fault),
        }
    }
}
