//! The words of RFC 6749 5.2 and of the standards beside it, explained: all that there is of providers without codes of their own.

/// What a word means for the operator.
#[derive(Debug)]
pub struct Row {
    /// The words; none for all others.
    pub words: &'static [&'static str],
    /// What the provider does.
    pub what: &'static str,
    /// What causes this.
    pub why: &'static str,
    /// What mends it.
    pub fix: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        words: &["invalid_client"],
        what: "does not accept the app's client id and secret",
        why: "one of them is wrong, or the secret has expired or was withdrawn",
        fix: "compare `client_id` with the app registration, create a new client secret, and reload saslgate (`saslgate reload`)",
    },
    Row {
        words: &["invalid_grant"],
        what: "no longer accepts the sign-in",
        why: "it was revoked, has expired, was not used for a long time, or belongs to another client id",
        fix: "let the person sign in again: run `saslgate sign-in ACCOUNT`",
    },
    Row {
        words: &["unauthorized_client", "unsupported_grant_type"],
        what: "does not let the app get tokens in this way",
        why: "this grant is not enabled for the app registration, or the provider does not have it",
        fix: "enable this way of signing in for the app at the provider, or use another `grant`",
    },
    Row {
        words: &["invalid_scope", "invalid_resource", "invalid_target"],
        what: "does not know what the token is asked for",
        why: "the scope is misspelled, of another service, or not among the app's permissions",
        fix: "compare `scope` with the provider's documentation and with the app's permissions",
    },
    Row {
        words: &["consent_required", "access_denied"],
        what: "was not told by anybody that the app may have this",
        why: "an administrator's consent is missing, was withdrawn, or a policy stands above it",
        fix: "have an administrator grant consent for the app's permissions, or change the policy",
    },
    Row {
        words: &["interaction_required", "login_required"],
        what: "wants a person to sign in",
        why: "a policy asks for something that only a person can do",
        fix: "sign in again as the mailbox's owner: run `saslgate sign-in ACCOUNT`",
    },
    Row {
        words: &["temporarily_unavailable", "server_error", "slow_down"],
        what: "has a fault that passes",
        why: "the provider itself, or too many requests",
        fix: "wait: saslgate asks again by itself after a pause",
    },
];

const OTHER: Row = Row {
    words: &[],
    what: "refused the token request",
    why: "the provider's own words, which stand beside this, are all that is known",
    fix: "look the provider's words up in its documentation, and compare the app in the configuration with its registration",
};

/// Every row, that of all other words last.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().chain([&OTHER])
}

/// The row of a word.
pub fn row(word: &str) -> &'static Row {
    rows().find(|row| row.words.contains(&word)).unwrap_or(&OTHER)
}
