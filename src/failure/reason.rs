//! A word for each reason, for programs that read the log: it stays what it is while sentences get better.

use super::Failure;
use crate::account::RefusedLogin;
use crate::token::{Kind as TokenKind, TokenError};
use crate::upstream::Cause;
use crate::upstream::handshake::Kind;

impl Failure {
    /// The word for this failure in the log.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Login(refused) => of_login(*refused),
            Self::Unjudged(error) => of_token(error),
            Self::Upstream(error) => of_cause(&error.cause),
            Self::BrokenPromise { .. } => "promise_broken",
            Self::AccountGone => "account_gone",
            Self::NoPlace(_) => "no_place",
            Self::Stopping => "stopping",
        }
    }
}

/// `wrong_password`, `password_not_generated` (which is not looked at), `unknown_user` and `bad_name` are those of a guesser:
/// `config/fail2ban` bans by them.
const fn of_login(refused: RefusedLogin) -> &'static str {
    match refused {
        RefusedLogin::BadName(_) => "bad_name",
        RefusedLogin::UnknownUser => "unknown_user",
        RefusedLogin::WrongPassword => "wrong_password",
        RefusedLogin::NotGenerated => "password_not_generated",
        RefusedLogin::NoPasswordSet => "no_password_set",
        RefusedLogin::ProtocolNotAllowed(_) => "protocol_not_allowed",
        RefusedLogin::ForbiddenSource => "forbidden_source",
        RefusedLogin::MailboxNotAllowed => "mailbox_not_allowed",
        RefusedLogin::UnknownDevice => "unknown_device",
        RefusedLogin::TooManyGuesses => "too_many_guesses",
        RefusedLogin::Busy => "busy",
    }
}

fn of_token(error: &TokenError) -> &'static str {
    match error.kind {
        TokenKind::WrongPassword => "wrong_password",
        TokenKind::PasswordExpired => "password_expired",
        TokenKind::NeedsSignIn => "needs_sign_in",
        TokenKind::Misconfigured => "token_refused",
        TokenKind::Temporary { .. } => "token_unavailable",
    }
}

fn of_cause(cause: &Cause) -> &'static str {
    match cause {
        Cause::Rejected(rejection) => match rejection.kind {
            Kind::TokenRefused => "upstream_refused_token",
            Kind::NotConnected => "upstream_not_connected",
            Kind::Denied => "upstream_denied",
            Kind::Limit => "upstream_limit",
            Kind::Temporary => "upstream_temporary",
            Kind::Protocol => "upstream_not_understood",
        },
        Cause::Token(error) => of_token(error),
        Cause::UnusableToken(_) => "token_unusable",
        Cause::Resolve(_)
        | Cause::Connect(_)
        | Cause::Tls(_)
        | Cause::Broken(_)
        | Cause::Protocol(_)
        | Cause::Timeout => "upstream_unreachable",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn the_handbook_has_every_reason_and_no_other() {
        let product = include_str!("reason.rs").split("#[cfg(test)]").next().unwrap();
        let said: BTreeSet<_> = product
            .lines()
            .filter_map(|line| line.split_once("=> \"")?.1.split('"').next())
            .collect();
        let page = include_str!("../../docs/operations.md");
        let (_, table) = page.split_once("| Whose turn it is | `reason` |").unwrap();
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let documented: BTreeSet<_> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
        assert_eq!(said, documented);
        assert!(said.len() > 20, "{said:?}");
    }
}
