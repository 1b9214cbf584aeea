//! An upstream's no, and what kind of no it is.
//!
//! Exchange documents few of its replies, varies their tails and adds host, time and session; so replies are told
//! apart by codes and by short phrases, never by whole lines.

use crate::metrics;
use crate::name::shown;
use crate::provider::Protocol;

/// The longest reply that is kept, in characters.
const MAX_REPLY: usize = 500;

/// An upstream's no.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rejection {
    /// What it said, on one line, without its tag; no token in it, and nothing in it acts on a terminal.
    pub reply: String,
    /// What kind of no that is.
    pub kind: Kind,
    /// What its error challenge said (JSON with status and scope, RFC 7628 3.2.2), treated like the reply.
    pub challenge: Option<String>,
}

/// What an upstream's no means for what can be done about it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// The token, or this token with this mailbox.
    TokenRefused,
    /// The token was accepted and the mailbox did not open.
    NotConnected,
    /// A setting at the provider, which no other token and no waiting changes.
    Denied,
    /// Too many connections or messages for now.
    Limit,
    /// Trouble at the provider.
    Temporary,
    /// It did not understand us, or we not it.
    Protocol,
}

impl From<Kind> for metrics::Rejection {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::TokenRefused => Self::TokenRefused,
            Kind::NotConnected => Self::NotConnected,
            Kind::Denied => Self::Denied,
            Kind::Limit => Self::Limit,
            Kind::Temporary => Self::Temporary,
            Kind::Protocol => Self::Protocol,
        }
    }
}

impl Rejection {
    pub(super) fn new(reply: &str, kind: Kind, challenge: Option<String>) -> Self {
        Self {
            reply: shown(reply.as_bytes(), MAX_REPLY),
            kind,
            challenge: challenge.map(|text| shown(text.as_bytes(), MAX_REPLY)),
        }
    }

    /// Whether another token may help, because one that went stale is refused just so. A token of too small a scope,
    /// or a message that was not understood (RFC 7628 3.2.2, RFC 6750 3.1), is no matter of its age.
    pub fn may_be_stale_token(&self) -> bool {
        let not_its_age =
            |text: &String| text.contains("insufficient_scope") || text.contains("invalid_request");
        self.kind == Kind::TokenRefused && !self.challenge.as_ref().is_some_and(not_its_age)
    }
}

/// The kind of a reply, if its words or its code tell. `reply` starts with the status: `NO`, `BAD` or `BYE` (IMAP),
/// `-ERR` (POP3), the reply code (SMTP).
pub fn classify(protocol: Protocol, reply: &str) -> Option<Kind> {
    let text = reply.to_ascii_lowercase();
    phrase(TELLING, &text)
        .or_else(|| code(protocol, &text))
        .or_else(|| phrase(USUAL, &text))
        .or_else(|| status(protocol, &text))
}

/// Phrases that say more than any code beside them.
const TELLING: &[(&str, Kind)] = &[
    // IMAP, after a perfect OK; Exchange says it with BAD and with NO.
    ("authenticated but not connected", Kind::NotConnected),
    // SMTP, app-only without FullAccess: a 4xx that no waiting repairs.
    ("mailbox logon failure", Kind::NotConnected),
    ("accesstokenexpired", Kind::TokenRefused),
    // The HVE endpoint wants more than ten minutes of life left.
    ("token will expire soon", Kind::TokenRefused),
    ("the user credentials were incorrect", Kind::TokenRefused),
    ("concurrent connections limit", Kind::Limit),
    ("sender thread limit", Kind::Limit),
    ("session limit", Kind::Limit),
    ("too many", Kind::Limit),
    ("submissionquotaexceeded", Kind::Limit),
    ("sender throttled", Kind::Limit),
    // IMAP or POP3 is off for the mailbox.
    ("noadrecipient", Kind::Denied),
    ("authresultfrompopimapend=8", Kind::Denied),
    ("basicauthblocked", Kind::Denied),
    ("tls 1.0", Kind::Denied),
];

/// What is said when a code says nothing, or none is there.
const USUAL: &[(&str, Kind)] = &[
    ("is disabled", Kind::Denied),
    ("unavailable", Kind::Temporary),
    ("temporar", Kind::Temporary),
    ("try again", Kind::Temporary),
    ("protocol error", Kind::Protocol),
    ("not valid in this state", Kind::Protocol),
    // POP3's word for IMAP's `BYE Connection closed. 14`.
    ("connection is closed", Kind::Temporary),
    ("authenticate failed", Kind::TokenRefused),
    ("authentication failed", Kind::TokenRefused),
    ("authentication failure", Kind::TokenRefused),
    ("login failed", Kind::TokenRefused),
    ("logon failure", Kind::TokenRefused),
    ("invalid credentials", Kind::TokenRefused),
];

fn phrase(table: &[(&str, Kind)], text: &str) -> Option<Kind> {
    let (_, kind) = table.iter().find(|(words, _)| text.contains(words))?;
    Some(*kind)
}

/// Machine-readable codes: RFC 5530 3 and RFC 2221 (IMAP), RFC 2449 8 and RFC 3206 (POP3), RFC 4954 6 (SMTP).
fn code(protocol: Protocol, text: &str) -> Option<Kind> {
    match protocol {
        Protocol::Imap => imap_code(bracketed(text)?),
        Protocol::Pop3 => pop3_code(bracketed(text)?),
        Protocol::Smtp => smtp_code(text),
    }
}

/// The word behind the status in brackets, without its arguments.
fn bracketed(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(' ')?;
    let (code, _) = rest.strip_prefix('[')?.split_once(']')?;
    code.split(' ').next()
}

fn imap_code(code: &str) -> Option<Kind> {
    match code {
        "authenticationfailed" | "expired" => Some(Kind::TokenRefused),
        // A referral names another server; whoever followed it would show the token there.
        "authorizationfailed" | "contactadmin" | "noperm" | "privacyrequired" | "referral" => {
            Some(Kind::Denied)
        }
        "limit" => Some(Kind::Limit),
        "unavailable" | "inuse" | "serverbug" => Some(Kind::Temporary),
        "clientbug" => Some(Kind::Protocol),
        _ => None,
    }
}

fn pop3_code(code: &str) -> Option<Kind> {
    match code {
        "auth" => Some(Kind::TokenRefused),
        "sys/perm" => Some(Kind::Denied),
        "login-delay" => Some(Kind::Limit),
        "sys/temp" | "in-use" => Some(Kind::Temporary),
        _ => None,
    }
}

fn smtp_code(text: &str) -> Option<Kind> {
    // 5.7.139 is Exchange's for policy: SMTP AUTH off, Conditional Access, a locked account.
    if text.starts_with("535 5.7.139") {
        return Some(Kind::Denied);
    }
    match text.get(..3)? {
        "432" => Some(Kind::Limit),
        "535" => Some(Kind::TokenRefused),
        "500" | "501" | "502" | "503" | "504" | "530" | "538" => Some(Kind::Protocol),
        _ => None,
    }
}

fn status(protocol: Protocol, text: &str) -> Option<Kind> {
    match (protocol, text.as_bytes().first()?) {
        (Protocol::Imap, _) if text.starts_with("bad") => Some(Kind::Protocol),
        (Protocol::Imap, _) if text.starts_with("bye") => Some(Kind::Temporary),
        (Protocol::Smtp, b'4') => Some(Kind::Temporary),
        (Protocol::Smtp, b'5') => Some(Kind::Denied),
        _ => None,
    }
}
