//! How long a fix takes to count, so that nobody undoes a right one too early.

use super::Failure;
use crate::token::{Kind as TokenKind, TokenError};
use crate::upstream::Cause;
use crate::upstream::handshake::Kind;

/// Reports range from minutes to an hour for each of Exchange's settings and rights.
const AT_EXCHANGE: &str = "a setting or right that is changed at Exchange counts after some minutes to an hour, and a permission that is added in \
                           Entra ID with the next token, which a new test takes by itself within five minutes";

const MINUTES: &str = "it may pass by itself within minutes; a change counts at once";

const AT_ONCE: &str = "at once";

impl Failure {
    /// How long it takes until what mends this failure counts, in words.
    pub fn mended_after(&self) -> &'static str {
        match self {
            Self::Upstream(error) => match &error.cause {
                Cause::Rejected(rejection) => match rejection.kind {
                    Kind::TokenRefused | Kind::NotConnected | Kind::Denied => AT_EXCHANGE,
                    Kind::Limit | Kind::Temporary => MINUTES,
                    Kind::Protocol => AT_ONCE,
                },
                Cause::Token(error) => of_token(error),
                Cause::Timeout | Cause::Broken(_) | Cause::Protocol(_) => MINUTES,
                Cause::Resolve(_) | Cause::Connect(_) | Cause::Tls(_) | Cause::UnusableToken(_) => AT_ONCE,
            },
            Self::Unjudged(error) => of_token(error),
            Self::Login(_) | Self::BrokenPromise { .. } | Self::AccountGone | Self::Stopping => AT_ONCE,
            Self::NoPlace(_) => MINUTES,
        }
    }
}

fn of_token(error: &TokenError) -> &'static str {
    match error.kind {
        TokenKind::NeedsSignIn => "as soon as somebody has signed in",
        TokenKind::WrongPassword | TokenKind::PasswordExpired => AT_ONCE,
        TokenKind::Misconfigured => {
            "what is changed in Entra ID counts within minutes, and what is changed in the configuration when it is reloaded"
        }
        TokenKind::Temporary { .. } => MINUTES,
    }
}
