//! From the token to an opened mailbox.

use std::net::SocketAddr;
use std::sync::Arc;

use super::mailbox::{Unproven, prove};
use super::token::told;
use super::{Begun, Outcome, Step, Witness};
use crate::account::Authorized;
use crate::account::state::Trouble;
use crate::failure::{self, Diagnosis, Facts, Failure};
use crate::oauth::{Claims, Grant, TokenError};
use crate::token::{AccessToken, Pending, Tokens};
use crate::transport::{Tap, issuer};
use crate::upstream::handshake::Kind;
use crate::upstream::{Cause, Opened, Stage, Upstream, UpstreamError};

/// How a probe ended.
#[derive(Debug)]
pub enum Ended {
    /// The mailbox opened.
    Opened,
    /// It did not.
    Failed(Failed),
    /// It could not be tried: the token needs a password that only a mail client brings.
    Untried,
}

/// What failed, and what the operator is told of it.
#[derive(Debug)]
pub struct Failed {
    failure: Failure,
    diagnosis: Diagnosis,
}

impl Failed {
    /// What keeps the account from being ready.
    pub fn trouble(&self) -> Option<Trouble> {
        self.failure.trouble(&self.diagnosis)
    }
}

/// Opens one account's mailbox by one protocol with the token that was asked for, and takes its leave.
pub async fn mailbox<W: Witness>(
    login: &Authorized,
    pending: Pending,
    tokens: &Tokens,
    upstream: &Upstream,
    witness: &W,
) -> Ended {
    let mut probe = Probe {
        login,
        tokens,
        upstream,
        witness,
        facts: Facts {
            sender: Some(login.mailbox().as_str().into()),
            ..Facts::of(login)
        },
        doubt: None,
    };
    match probe.run(&pending).await {
        Ok(()) => Ended::Opened,
        Err(Some(failed)) => Ended::Failed(failed),
        Err(None) => Ended::Untried,
    }
}

struct Probe<'a, W> {
    login: &'a Authorized,
    tokens: &'a Tokens,
    upstream: &'a Upstream,
    witness: &'a W,
    facts: Facts,
    /// What speaks against the token, by its own words.
    doubt: Option<Diagnosis>,
}

/// A step that failed and is not told yet.
type Fault<'a, W> = (Begun<'a, W>, UpstreamError);

impl<'a, W: Witness> Probe<'a, W> {
    async fn run(&mut self, pending: &Pending) -> Result<(), Option<Failed>> {
        let token = self.token(pending).await?;
        let opened = match self.open(&token).await {
            Ok(opened) => opened,
            Err(fault) => self.with_another(pending, &token, fault).await?,
        };
        self.prove(opened).await
    }

    async fn begin(&self, step: Step) -> Begun<'a, W> {
        Begun::at(step, self.witness).await
    }

    async fn token(&mut self, pending: &Pending) -> Result<Arc<AccessToken>, Option<Failed>> {
        let begun = self.begin(Step::Token).await;
        match pending.token().await {
            Ok(token) => {
                self.take_in(begun, &token).await;
                Ok(token)
            }
            Err(error) if self.waits_for_password(&error) => {
                begun.ended(Outcome::Skipped(waits(&error))).await;
                Err(None)
            }
            Err(error) => Err(Some(self.failed(begun, self.no_token(error)).await)),
        }
    }

    /// Tells what a token says of itself. An app whose token has no permission may have it from Exchange itself (RBAC for
    /// Applications), which is doubted only if Exchange says no.
    async fn take_in(&mut self, begun: Begun<'a, W>, token: &AccessToken) {
        let claims = Claims::read(token.secret().expose());
        if let Some(claims) = &claims {
            self.facts.token_known(claims);
        }
        let of_exchange = |claims: &Claims| claims.scp.is_empty() && claims.roles.is_empty();
        let may_be_fine = claims.as_ref().is_some_and(of_exchange);
        self.doubt = claims
            .as_ref()
            .and_then(|claims| failure::explain_claims(claims, &self.facts));
        let is_missing = |doubt: &&Diagnosis| doubt.code.as_deref() == Some("MissingPermission");
        match &self.doubt {
            Some(doubt) if !(may_be_fine && is_missing(&doubt)) => {
                begun.ended(Outcome::Remarked(doubt.clone())).await;
            }
            _ => {
                let left = self.tokens.standing(&self.login.token_wanted().key).left;
                begun.passed(told(claims.as_ref(), left)).await;
            }
        }
    }

    fn waits_for_password(&self, error: &TokenError) -> bool {
        let by_password = matches!(self.login.route().app.grant, Grant::Password(_));
        by_password && self.login.password().is_none() && error.is_temporary() && error.code.is_none()
    }

    fn no_token(&self, error: Arc<TokenError>) -> UpstreamError {
        UpstreamError {
            host: self.login.route().host.clone(),
            stage: Stage::Token,
            cause: Cause::Token(error),
        }
    }

    /// A token that was at hand may be older than the right that was given since: then a fresh one is tried, as a login does.
    async fn with_another(
        &mut self,
        pending: &Pending,
        token: &AccessToken,
        (begun, error): Fault<'a, W>,
    ) -> Result<Opened, Option<Failed>> {
        let another = match &error.cause {
            Cause::Rejected(no) if no.may_be_stale_token() => pending.another(token),
            _ => None,
        };
        let Some(another) = another else {
            return Err(Some(self.failed(begun, error).await));
        };
        let Ok(fresh) = another.token().await else {
            return Err(Some(self.failed(begun, error).await));
        };
        let again = "the token at hand was refused, and may be older than the right to it: once more with a fresh one";
        begun.ended(Outcome::Skipped(again.into())).await;
        let begun = self.begin(Step::Token).await;
        self.take_in(begun, &fresh).await;
        match self.open(&fresh).await {
            Ok(opened) => Ok(opened),
            Err((begun, error)) => Err(Some(self.failed(begun, error).await)),
        }
    }

    async fn open(&self, token: &AccessToken) -> Result<Opened, Fault<'a, W>> {
        let tap = Tap::new(None, "");
        let begun = self.begin(Step::Resolve).await;
        let host = &self.login.route().host;
        let resolved = match self.upstream.walk(self.login, &tap) {
            Ok(walk) => walk.resolve().await,
            Err(error) => Err(error),
        };
        let (resolved, begun) = with(begun, resolved)?;
        begun
            .passed(format!("{}: {}", host.name, listed(resolved.addresses())))
            .await;

        let begun = self.begin(Step::Connect).await;
        let (connected, begun) = with(begun, resolved.connect().await)?;
        begun.passed(connected.to().to_string()).await;

        let begun = self.begin(Step::Tls).await;
        let (secured, begun) = with(begun, connected.secure().await)?;
        let security = secured.security().map(|(version, certificate)| {
            format!("{version}, certificate issued by {}", issuer(certificate))
        });
        begun.passed(security.unwrap_or_default()).await;

        let begun = self.begin(Step::Offer).await;
        let (offered, begun) = with(begun, secured.offer().await)?;
        begun.passed("logins with a token are offered").await;

        let begun = self.begin(Step::Login).await;
        let (opened, begun) = with(begun, offered.log_in(token).await)?;
        begun
            .passed(format!("{} is taken with this token", self.login.identity()))
            .await;
        Ok(opened)
    }

    async fn prove(&self, opened: Opened) -> Result<(), Option<Failed>> {
        let begun = self.begin(Step::Mailbox).await;
        let host = self.login.route().host.clone();
        let error = |cause| UpstreamError {
            host: host.clone(),
            stage: Stage::Login,
            cause,
        };
        match prove(self.login, opened).await {
            Ok(found) => {
                begun.passed(found).await;
                Ok(())
            }
            Err(Unproven::Broken(cause)) => Err(Some(self.failed(begun, error(cause)).await)),
            Err(Unproven::Refused { command, rejection }) => {
                let diagnosis = failure::explain_command(&command, &host, &rejection, &self.facts);
                let failure = Failure::Upstream(error(Cause::Rejected(rejection)));
                Err(Some(self.tell(begun, failure, diagnosis).await))
            }
        }
    }

    async fn failed(&self, begun: Begun<'a, W>, error: UpstreamError) -> Failed {
        let is_about_token = match &error.cause {
            Cause::Rejected(no) => matches!(no.kind, Kind::TokenRefused | Kind::NotConnected | Kind::Denied),
            _ => false,
        };
        let failure = Failure::Upstream(error);
        let mut diagnosis = failure::explain(&failure, &self.facts);
        // The token itself shows what Exchange only hints at.
        if let Some(doubt) = self.doubt.as_ref().filter(|_| is_about_token) {
            diagnosis = Diagnosis {
                code: doubt.code.clone(),
                what: format!("{}; {}", diagnosis.what, doubt.what),
                why: doubt.why.clone(),
                fix: doubt.fix.clone(),
            };
        }
        self.tell(begun, failure, diagnosis).await
    }

    async fn tell(&self, begun: Begun<'a, W>, failure: Failure, diagnosis: Diagnosis) -> Failed {
        begun
            .ended(Outcome::Failed {
                commands: failure::commands(&diagnosis, &self.facts),
                takes: failure.mended_after(),
                diagnosis: diagnosis.clone(),
            })
            .await;
        Failed { failure, diagnosis }
    }
}

/// Keeps a step beside what came of it, so that whoever decides can tell how it ended.
fn with<T, W>(
    begun: Begun<'_, W>,
    came: Result<T, UpstreamError>,
) -> Result<(T, Begun<'_, W>), Fault<'_, W>> {
    match came {
        Ok(came) => Ok((came, begun)),
        Err(error) => Err((begun, error)),
    }
}

fn listed(addresses: &[SocketAddr]) -> String {
    let addresses: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
    addresses.join(", ")
}

fn waits(error: &TokenError) -> String {
    format!("{}: {}", error.what, error.fix)
}
