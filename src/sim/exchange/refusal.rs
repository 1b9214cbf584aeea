//! Refusals that a test asks for: what Exchange answers to a login that is right in itself.

use super::smtp::{SendingRefusal, SmtpRefusal};

/// What becomes of an IMAP login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImapRefusal {
    /// `NO AUTHENTICATE failed.`
    Denied,
    /// The same with the diagnostic tail that some tenants show.
    DeniedWithDiagnostics,
    /// `NO [UNAVAILABLE] Server Unavailable. 15`, a passing fault.
    Unavailable,
    /// `OK`, then `BAD User is authenticated but not connected.` twice and `BYE`.
    NotConnectedBad,
    /// The same with `NO`.
    NotConnectedNo,
    /// The account has too many sessions: `* BYE Connection closed. 14` instead of an answer.
    TooManySessions,
    /// This text behind the tag, or as it is if it begins with `*` or `+`.
    Reply(String),
}

impl ImapRefusal {
    /// What stands behind the tag.
    pub(super) fn text(&self, user: &str) -> String {
        match self {
            Self::DeniedWithDiagnostics => format!(
                "NO AUTHENTICATE failed.[Error=\"AuthFailed:LogonDenied-None-OAuthLog:AuthExc_NoMailbox User:{user}\"]"
            ),
            Self::Unavailable => "NO [UNAVAILABLE] Server Unavailable. 15".to_owned(),
            Self::Reply(text) => text.clone(),
            _ => "NO AUTHENTICATE failed.".to_owned(),
        }
    }
}

/// What becomes of a POP3 login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pop3Refusal {
    /// `-ERR Authentication failure: unknown user name or bad password.`
    Denied,
    /// `-ERR [SYS/TEMP] Server Unavailable. 15`, a passing fault.
    Unavailable,
    /// `+OK`, then `-ERR` to every command of the mailbox.
    NotConnected,
    /// `-ERR Connection is closed. 14`, and it is.
    TooManySessions,
    /// This line.
    Reply(String),
}

/// The refusals in force, for one mailbox or for the whole simulator.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusals {
    /// Of IMAP logins.
    pub imap: Option<ImapRefusal>,
    /// Of POP3 logins.
    pub pop3: Option<Pop3Refusal>,
    /// Of SMTP logins.
    pub smtp: Option<SmtpRefusal>,
    /// Of messages to be sent.
    pub sending: Option<SendingRefusal>,
}
