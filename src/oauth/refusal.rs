//! A provider's refusal (RFC 6749 5.2), explained.

use std::borrow::Cow;

use super::aadsts::{self, Class, Row};
use super::error::{Kind, TokenError};
use super::fault::{Asked, SAID};
use super::reply::ErrorReply;

/// The longest word: `unsupported_grant_type` has 22 characters.
const WORD: usize = 60;

/// What, why and fix.
type Explained = (Cow<'static, str>, &'static str, &'static str);

/// What the operator is told.
pub(super) fn told(asked: &Asked, reply: &ErrorReply) -> TokenError {
    let numbers = reply.aadsts();
    let known = numbers
        .iter()
        .find_map(|number| Some((number, aadsts::row(*number)?)));
    let number = known.map(|(number, _)| number).or(numbers.first());
    let row = known.map(|(_, row)| row);
    let word = asked.readable(&reply.error, WORD);
    let (what, why, fix) = row.map_or_else(|| by_word(&asked.host, &word), by_row);
    TokenError {
        kind: kind(&reply.error, row.map(|row| row.class)),
        code: Some(number.map_or(word, |number| format!("AADSTS{number}")).into()),
        what,
        why: why.into(),
        fix: fix.into(),
        detail: Some(asked.readable(&reply.said(), SAID).into()),
    }
}

/// Who can mend it: by the word, as RFC 6749 5.2 and Microsoft mean it. A code only ever makes it milder, because what
/// passes by itself comes under several words.
fn kind(word: &str, class: Option<Class>) -> Kind {
    match word {
        "temporarily_unavailable" | "server_error" | "slow_down" => Kind::Temporary { retry_after: None },
        _ if class == Some(Class::Transient) => Kind::Temporary { retry_after: None },
        "interaction_required" | "login_required" => Kind::NeedsSignIn,
        _ => Kind::Misconfigured,
    }
}

fn by_row(row: &'static Row) -> Explained {
    (row.what.into(), row.why, row.fix)
}

/// For providers without AADSTS codes, and for codes that are not in the table.
fn by_word(host: &str, word: &str) -> Explained {
    let (what, why, fix) = match word {
        "invalid_client" => (
            "does not accept the app's client id and secret",
            "one of them is wrong, or the secret has expired or was withdrawn",
            "compare client_id with the app registration, and create a new client secret",
        ),
        "unauthorized_client" | "unsupported_grant_type" => (
            "does not let the app get tokens in this way",
            "this grant is not enabled for the app registration, or the provider does not have it",
            "enable the client-credentials grant for the app, or use another grant",
        ),
        "invalid_scope" | "invalid_resource" | "invalid_target" => (
            "does not know what the token is asked for",
            "the scope is misspelled, of another service, or not among the app's permissions",
            "compare the scope with the provider's documentation and with the app's permissions",
        ),
        "consent_required" | "access_denied" => (
            "was not told by anybody that the app may have this",
            "an administrator's consent is missing, was withdrawn, or a policy stands above it",
            "an administrator grants consent for the app's permissions, or changes the policy",
        ),
        "interaction_required" | "login_required" => (
            "wants a person to sign in",
            "a policy asks for something that only a person can do",
            "sign in again",
        ),
        "temporarily_unavailable" | "server_error" | "slow_down" => (
            "has a fault that passes",
            "the provider itself, or too many requests",
            "nothing: it is asked again after a pause",
        ),
        _ => (
            "refused the token request",
            "the provider's own words, which stand beside this, are all that is known",
            "look the provider's words up in its documentation, and compare the app in the configuration with its registration",
        ),
    };
    (format!("{host} {what}").into(), why, fix)
}
