//! A provider's refusal (RFC 6749 5.2), explained.

use super::aadsts::{self, Class, Row};
use super::error::{Kind, TokenError};
use super::fault::{Asked, SAID};
use super::reply::ErrorReply;
use super::words;

/// The longest word: `unsupported_grant_type` has 22 characters.
const WORD: usize = 60;

/// What the operator is told.
pub(super) fn told(asked: &Asked, reply: &ErrorReply) -> TokenError {
    let numbers = reply.aadsts();
    let known = numbers
        .iter()
        .find_map(|number| Some((*number, aadsts::row(*number)?)));
    let error = match (known, numbers.first()) {
        (Some((number, row)), _) => by_row(asked, reply, number, row),
        (None, Some(number)) => by_unknown_code(asked, reply, *number),
        (None, None) => by_word(asked, reply),
    };
    error.with_detail(asked.readable(&reply.said(), SAID))
}

/// By a code of the table. It tells more than the word beside it: a revoked sign-in, a disabled user and a request loop
/// all come as `invalid_grant`. What the word calls a passing fault is one, whatever the code.
fn by_row(asked: &Asked, reply: &ErrorReply, number: u64, row: &Row) -> TokenError {
    let error = special(asked, reply, number).unwrap_or_else(|| row.error(number));
    let kind = match kind(&reply.error) {
        passing @ Kind::Temporary { .. } => passing,
        // Whatever was wrong with a grant, a new one is made by signing in again.
        Kind::NeedsSignIn if row.class == Class::Bug => Kind::NeedsSignIn,
        _ => error.kind,
    };
    TokenError { kind, ..error }
}

/// Where something beside the code tells more than the code does.
fn special(asked: &Asked, reply: &ErrorReply, number: u64) -> Option<TokenError> {
    let of_secret = || asked.shape_of_secret().row();
    let closer = if reply.suberror.as_deref() == Some("consent_required") {
        aadsts::CONSENT
    } else {
        of_secret().filter(|row| row.codes.contains(&number))?
    };
    Some(closer.error(number))
}

/// The word explains as far as it can; Microsoft explains the code.
fn by_unknown_code(asked: &Asked, reply: &ErrorReply, number: u64) -> TokenError {
    TokenError {
        code: Some(aadsts::name(number)),
        fix: format!("open https://login.microsoftonline.com/error?code={number}, which explains the code")
            .into(),
        ..by_word(asked, reply)
    }
}

/// For providers without AADSTS codes.
fn by_word(asked: &Asked, reply: &ErrorReply) -> TokenError {
    let words::Row { what, why, fix, .. } = words::row(&reply.error);
    TokenError {
        code: Some(asked.readable(&reply.error, WORD).into()),
        ..TokenError::new(kind(&reply.error), format!("{} {what}", asked.host), *why, *fix)
    }
}

/// Who can mend it, as RFC 6749 5.2 and Microsoft mean the word.
fn kind(word: &str) -> Kind {
    match word {
        "temporarily_unavailable" | "server_error" | "slow_down" => Kind::Temporary { retry_after: None },
        "interaction_required" | "invalid_grant" | "login_required" => Kind::NeedsSignIn,
        _ => Kind::Misconfigured,
    }
}
