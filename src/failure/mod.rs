//! What really happened, for the operator; and from it, what the mail client is told.
//!
//! [`explain`] turns a failure into code, what, why and fix; [`Failure::refusal`] into what the mail client hears. `local`
//! explains what saslgate itself refuses, `reaching` the way to upstream, `exchange` what upstream says.

pub mod exchange;
mod facts;
mod local;
mod reaching;

use std::borrow::Cow;

pub use facts::{Access, Facts};

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
}

/// What the operator is told of a failure: by the log, the page of errors, and whatever shows the state of an account.
pub fn explain(failure: &Failure, facts: &Facts) -> Diagnosis {
    match failure {
        Failure::Login(refused) => local::explain(*refused),
        Failure::Upstream(error) => reaching::explain(error, facts),
        Failure::BrokenPromise { host, promise } => Diagnosis {
            code: None,
            what: format!("{host} no longer announces {promise}, which this mail client was promised"),
            why: "the mail provider changed what its service can do".into(),
            fix: "let the mail client connect again: the next connection is promised what upstream keeps now"
                .into(),
        },
        Failure::AccountGone => Diagnosis {
            code: None,
            what: "the account was removed while the login was under way".into(),
            why: "the configuration was reloaded".into(),
            fix: "put the account back and reload saslgate (`kill -HUP` its process), if it should still be there".into(),
        },
    }
}

/// What the operator is told where a token was asked for and no login failed: ahead of the next one, or after a sign-in.
pub fn explain_token(error: &TokenError, facts: &Facts) -> Diagnosis {
    reaching::of_token(error, facts)
}

/// What the operator is told of a running session: of the first of upstream's refusals in it that is a known one.
pub fn explain_notes(notes: &[Box<str>], facts: &Facts) -> Option<Diagnosis> {
    notes.iter().find_map(|note| exchange::explain_note(note, facts))
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
    /// The command or click that mends it; begins with what to do.
    pub fix: Cow<'static, str>,
}
