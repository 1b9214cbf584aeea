//! What really happened, for the operator; and from it, what the mail client is told.
//!
//! [`explain`] turns a failure into code, what, why and fix; [`Failure::refusal`] into what the mail client hears. `local`
//! explains what saslgate itself refuses, `reaching` the way to upstream, `exchange` what upstream says.

mod claims;
pub mod exchange;
mod facts;
mod local;
mod mending;
mod places;
mod reaching;
mod reason;

use std::borrow::Cow;
use std::sync::Arc;

pub use claims::explain_claims;
pub use facts::{Access, Facts};

use crate::account::RefusedLogin;
use crate::account::state::{State, Trouble};
use crate::downstream::Refusal;
use crate::pace::NoPlace;
use crate::provider::MailHost;
use crate::token::{Kind as TokenKind, TokenError, Unproven};
use crate::upstream::handshake::{Kind, Rejection};
use crate::upstream::{Cause, UpstreamError};

/// Why a login was not let through.
#[derive(Debug)]
pub enum Failure {
    /// saslgate refused it.
    Login(RefusedLogin),
    /// The provider was asked whether the password is right, and did not say so.
    Unjudged(Arc<TokenError>),
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
    /// The mailbox has as many sessions as it may have.
    NoPlace(Box<NoPlace>),
    /// saslgate was told to stop while the login waited.
    Stopping,
}

impl From<Unproven> for Failure {
    fn from(why: Unproven) -> Self {
        match why {
            Unproven::Login(refused) => Self::Login(refused),
            Unproven::Token(error) => Self::Unjudged(error),
        }
    }
}

impl From<UpstreamError> for Failure {
    fn from(error: UpstreamError) -> Self {
        Self::Upstream(error)
    }
}

impl Failure {
    /// What the mail client is told.
    ///
    /// Only what saslgate itself refuses is told as a wrong password, and with the password grant what the provider calls
    /// one: whatever goes wrong behind a right one must not
    /// make a mail program forget it or ask for it.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Login(refused) if refused.is_limit() => Refusal::LimitReached,
            Self::NoPlace(_) => Refusal::LimitReached,
            Self::Stopping => Refusal::ShuttingDown,
            Self::Login(_) | Self::AccountGone => Refusal::AuthenticationFailed,
            Self::BrokenPromise { .. } => Refusal::Unavailable,
            Self::Unjudged(error) => of_token(error),
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

impl Failure {
    /// The state that it puts its account into; none if it says nothing of the account: a wrong password, a limit.
    pub fn state(&self) -> Option<State> {
        match self {
            Self::Login(_) | Self::AccountGone | Self::NoPlace(_) | Self::Stopping => None,
            Self::BrokenPromise { .. } => Some(State::Waiting),
            Self::Unjudged(error) => of_token_error(error),
            Self::Upstream(error) => match &error.cause {
                Cause::Rejected(rejection) => Some(match rejection.kind {
                    Kind::TokenRefused | Kind::Denied => State::NeedsAdmin,
                    Kind::NotConnected | Kind::Temporary | Kind::Limit | Kind::Protocol => State::Waiting,
                }),
                Cause::Token(error) => of_token_error(error),
                Cause::UnusableToken(_) => Some(State::NeedsAdmin),
                Cause::Resolve(_)
                | Cause::Connect(_)
                | Cause::Tls(_)
                | Cause::Broken(_)
                | Cause::Protocol(_)
                | Cause::Timeout => Some(State::Waiting),
            },
        }
    }

    /// Whether the mail client showed a password that is not the account's, or none that its listener takes.
    pub fn is_wrong_password(&self) -> bool {
        match self {
            Self::Login(refused) => {
                matches!(refused, RefusedLogin::WrongPassword | RefusedLogin::NotGenerated)
            }
            Self::Unjudged(error) => matches!(error.kind, TokenKind::WrongPassword),
            _ => false,
        }
    }

    /// What keeps the account from being ready, in the words of its diagnosis.
    pub fn trouble(&self, diagnosis: &Diagnosis) -> Option<Trouble> {
        Some(Trouble {
            state: self.state()?,
            code: diagnosis.code.as_deref().map(Into::into),
            what: diagnosis.what.as_str().into(),
            why: diagnosis.why.as_ref().into(),
            fix: diagnosis.fix.as_ref().into(),
        })
    }
}

/// The state that a token error puts an account into. A mail program's wrong password is no trouble of the account.
pub fn of_token_error(error: &TokenError) -> Option<State> {
    match error.kind {
        TokenKind::WrongPassword => None,
        TokenKind::NeedsSignIn | TokenKind::PasswordExpired => Some(State::NeedsSignIn),
        TokenKind::Misconfigured => Some(State::NeedsAdmin),
        TokenKind::Temporary { .. } => Some(State::Waiting),
    }
}

/// What the operator is told of a failure: by the log, the page of errors, and whatever shows the state of an account.
pub fn explain(failure: &Failure, facts: &Facts) -> Diagnosis {
    match failure {
        Failure::Login(refused) => local::explain(*refused),
        Failure::Unjudged(error) => reaching::of_token(error, facts),
        Failure::Upstream(error) => reaching::explain(error, facts),
        Failure::BrokenPromise { host, promise } => Diagnosis {
            code: None,
            what: format!("{host} no longer announces {promise}, which this mail client was promised"),
            why: "the mail provider changed what its service can do, and the mail client counted on it".into(),
            fix: "let the mail client connect again, as it does by itself: the next connection is promised what upstream keeps now"
                .into(),
        },
        Failure::AccountGone => Diagnosis {
            code: None,
            what: "the account was removed while the login was under way".into(),
            why: "the configuration was reloaded".into(),
            fix: "put the account back and reload saslgate (`saslgate reload`), if it should still be there".into(),
        },
        Failure::NoPlace(missed) => places::explain(missed),
        Failure::Stopping => Diagnosis {
            code: None,
            what: "saslgate was told to stop while the login waited for its turn".into(),
            why: "the mailbox had as many sessions as it may have".into(),
            fix: "start saslgate again, if nothing else does: mail clients try again by themselves, and keep what they have to send".into(),
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

/// What the operator is told of a command that upstream refused to somebody whom it had let in.
pub fn explain_command(command: &str, host: &MailHost, rejection: &Rejection, facts: &Facts) -> Diagnosis {
    exchange::explain_command(command, &host.name, rejection, facts)
}

/// The commands of Exchange's PowerShell that a fix names, in the order in which they have to be run: each filled in, by itself, to
/// be pasted. Where something is not known, its word in capitals stands for it. `facts` are those that the diagnosis was made with.
pub fn commands(diagnosis: &Diagnosis, facts: &Facts) -> Vec<String> {
    exchange::commands(diagnosis, facts)
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
        TokenKind::WrongPassword => Refusal::AuthenticationFailed,
        TokenKind::PasswordExpired => Refusal::PasswordExpired,
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
