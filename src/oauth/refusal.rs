//! A provider's refusal (RFC 6749 5.2), explained.

use super::aadsts::{self, Class, Row};
use super::error::{Kind, TokenError};
use super::fault::{Asked, SAID};
use super::reply::ErrorReply;

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
    let (what, why, fix) = words(&reply.error);
    TokenError {
        code: Some(asked.readable(&reply.error, WORD).into()),
        ..TokenError::new(kind(&reply.error), format!("{} {what}", asked.host), why, fix)
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

/// What the provider does, why, and what mends it.
fn words(word: &str) -> (&'static str, &'static str, &'static str) {
    match word {
        "invalid_client" => (
            "does not accept the app's client id and secret",
            "one of them is wrong, or the secret has expired or was withdrawn",
            "compare `client_id` with the app registration, create a new client secret, and reload saslgate (`sudo kill -HUP $(pidof saslgate)`)",
        ),
        "invalid_grant" => (
            "no longer accepts the sign-in",
            "it was revoked, has expired, was not used for a long time, or belongs to another client id",
            "let the person sign in again: run `saslgate sign-in ACCOUNT`",
        ),
        "unauthorized_client" | "unsupported_grant_type" => (
            "does not let the app get tokens in this way",
            "this grant is not enabled for the app registration, or the provider does not have it",
            "enable this way of signing in for the app at the provider, or use another `grant`",
        ),
        "invalid_scope" | "invalid_resource" | "invalid_target" => (
            "does not know what the token is asked for",
            "the scope is misspelled, of another service, or not among the app's permissions",
            "compare `scope` with the provider's documentation and with the app's permissions",
        ),
        "consent_required" | "access_denied" => (
            "was not told by anybody that the app may have this",
            "an administrator's consent is missing, was withdrawn, or a policy stands above it",
            "have an administrator grant consent for the app's permissions, or change the policy",
        ),
        "interaction_required" | "login_required" => (
            "wants a person to sign in",
            "a policy asks for something that only a person can do",
            "sign in again as the mailbox's owner: run `saslgate sign-in ACCOUNT`",
        ),
        "temporarily_unavailable" | "server_error" | "slow_down" => (
            "has a fault that passes",
            "the provider itself, or too many requests",
            "wait: saslgate asks again by itself after a pause",
        ),
        _ => (
            "refused the token request",
            "the provider's own words, which stand beside this, are all that is known",
            "look the provider's words up in its documentation, and compare the app in the configuration with its registration",
        ),
    }
}
