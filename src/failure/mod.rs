//! What really happened, for the operator; and from it, what the mail client is told.

pub mod exchange;
mod local;
mod reaching;

use std::borrow::Cow;

use crate::account::RefusedLogin;
use crate::downstream::Refusal;
use crate::provider::MailHost;
use crate::token::{Kind as TokenKind, TokenError};
use crate::upstream::handshake::Kind;
use crate::upstream::{Cause, UpstreamError};

/// Why a login was not let through.
#[derive(Debug)]
pub enum Failure {
    /// saslgate refused it.
    Login(RefusedLogin),
    /// Upstream, the token for it, or the way there.
    Upstream(UpstreamError),
    /// Upstream no longer keeps what this mail client was promised before its login.
    BrokenPromise {
        /// Which upstream.
        host: MailHost,
        /// What was promised.
        promise: String,
    },
    /// The account was removed while the login was under way.
    AccountGone,
}

impl From<UpstreamError> for Failure {
    fn from(error: UpstreamError) -> Self {
        Self::Upstream(error)
    }
}

impl Failure {
    /// What the mail client is told.
    ///
    /// Only what saslgate itself refuses is told as a wrong password: whatever goes wrong behind a right one must not
    /// make a mail program forget it or ask for it.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Login(refused) if refused.is_limit() => Refusal::LimitReached,
            Self::Login(_) | Self::AccountGone => Refusal::AuthenticationFailed,
            Self::BrokenPromise { .. } => Refusal::Unavailable,
            Self::Upstream(error) => match &error.cause {
                Cause::Rejected(rejection) => of_rejection(rejection.kind),
                Cause::Token(error) => of_token(error),
                Cause::UnusableToken(_) => Refusal::ContactAdmin,
                Cause::Resolve(_)
                | Cause::Connect(_)
                | Cause::Tls(_)
                | Cause::Broken(_)
                | Cause::Protocol(_)
                | Cause::Timeout => Refusal::Unavailable,
            },
        }
    }

    /// What the operator is told.
    pub fn explain(&self) -> Diagnosis {
        match self {
            Self::Login(refused) => local::explain(*refused),
            Self::Upstream(error) => reaching::explain(error),
            Self::BrokenPromise { host, promise } => Diagnosis::new(
                None,
                format!("{host} no longer announces {promise}, which this mail client was promised"),
                "the mail provider changed what its service can do",
                "nothing: the next connection is promised what upstream keeps now",
            ),
            Self::AccountGone => Diagnosis::new(
                None,
                "the account was removed while the login was under way",
                "the configuration was reloaded",
                "nothing, if that was intended",
            ),
        }
    }
}

fn of_rejection(kind: Kind) -> Refusal {
    match kind {
        // Exchange says "not connected" also while it is busy or a right has not spread yet: waiting may help, asking does too.
        Kind::NotConnected | Kind::Temporary | Kind::Protocol => Refusal::Unavailable,
        Kind::TokenRefused | Kind::Denied => Refusal::ContactAdmin,
        Kind::Limit => Refusal::LimitReached,
    }
}

fn of_token(error: &TokenError) -> Refusal {
    match error.kind {
        TokenKind::NeedsSignIn | TokenKind::Misconfigured => Refusal::ContactAdmin,
        TokenKind::Temporary { .. } => Refusal::Unavailable,
    }
}

/// A failure in an operator's words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Diagnosis {
    /// What others call it, if they have a name for it.
    pub code: Option<String>,
    /// What happened.
    pub what: String,
    /// What causes this.
    pub why: Cow<'static, str>,
    /// The command or click that mends it.
    pub fix: Cow<'static, str>,
}

impl Diagnosis {
    fn new(
        code: Option<String>,
        what: impl Into<String>,
        why: impl Into<Cow<'static, str>>,
        fix: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            code,
            what: what.into(),
            why: why.into(),
            fix: fix.into(),
        }
    }
}
