//! Refusals that a test asks for: what Exchange answers to a login that is right in itself.

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

/// What becomes of an SMTP login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SmtpRefusal {
    /// The identity was refused.
    Unsuccessful,
    /// SMTP AUTH is off for the organisation.
    TenantDisabled,
    /// SMTP AUTH is off for the mailbox.
    MailboxDisabled,
    /// A password was used.
    BasicDisabled,
    /// Security defaults.
    SecurityDefaults,
    /// Conditional Access or an authentication policy.
    Criteria,
    /// A wrong password.
    BadCredentials,
    /// The account is locked.
    Locked,
    /// The account is disabled.
    Disabled,
    /// The mechanism isn't offered.
    Unrecognized,
    /// The end of basic authentication.
    BasicNotSupported,
    /// The peer's TLS is too old.
    OldTls,
    /// The high-volume endpoint refuses tokens that end soon.
    ExpiringSoon,
    /// A passing fault of the login.
    Temporary,
    /// A passing fault of the proxy in front of the mailbox.
    TemporaryServer,
}

impl SmtpRefusal {
    /// Every row of the table.
    pub const ALL: [Self; 15] = [
        Self::Unsuccessful,
        Self::TenantDisabled,
        Self::MailboxDisabled,
        Self::BasicDisabled,
        Self::SecurityDefaults,
        Self::Criteria,
        Self::BadCredentials,
        Self::Locked,
        Self::Disabled,
        Self::Unrecognized,
        Self::BasicNotSupported,
        Self::OldTls,
        Self::ExpiringSoon,
        Self::Temporary,
        Self::TemporaryServer,
    ];

    /// The reply without the host, time and session id that Exchange puts at its end.
    pub fn text(self) -> &'static str {
        match self {
            Self::Unsuccessful => "535 5.7.3 Authentication unsuccessful",
            Self::TenantDisabled => {
                "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. \
                 Visit https://aka.ms/smtp_auth_disabled for more information."
            }
            Self::MailboxDisabled => {
                "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. \
                 Visit https://aka.ms/smtp_auth_disabled for more information."
            }
            Self::BasicDisabled => {
                "535 5.7.139 Authentication unsuccessful, basic authentication is disabled."
            }
            Self::SecurityDefaults => {
                "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security \
                 defaults policy. Contact your administrator."
            }
            Self::Criteria => {
                "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be \
                 authenticated successfully. Contact your administrator."
            }
            Self::BadCredentials => {
                "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect."
            }
            Self::Locked => "535 5.7.139 Authentication unsuccessful, the account is locked.",
            Self::Disabled => "535 5.7.139 Authentication unsuccessful, the account has been disabled.",
            Self::Unrecognized => "504 5.7.4 Unrecognized authentication type",
            Self::BasicNotSupported => {
                "550 5.7.30 Basic authentication is not supported for Client Submission."
            }
            Self::OldTls => {
                "421 4.7.66 TLS 1.0 and 1.1 are not supported. Please upgrade/update your client to support TLS \
                 1.2. Visit https://aka.ms/smtp_auth_tls."
            }
            Self::ExpiringSoon => "501 5.5.127 Invalid XOAUTH2 auth data - Token will expire soon error",
            Self::Temporary => "454 4.7.0 Temporary authentication failure",
            Self::TemporaryServer => "451 4.7.0 Temporary server error. Please try again later. PRX2",
        }
    }
}

/// Which replies an SMTP session gets after its login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SendingRefusal {
    /// MAIL FROM names an address without the right to send as it; told after the message.
    SendAsDenied,
    /// The same, told at MAIL FROM.
    NotPermitted,
    /// An app that may not open the mailbox; told after the message.
    LogonFailure,
    /// More than three submissions at a time; told at MAIL FROM.
    TooManyConnections,
    /// The same, told after the message.
    SenderThreads,
    /// 10,000 recipients in a day.
    Quota,
    /// The mailbox is full, so that the copy in Sent Items has no room.
    MailboxFull,
    /// Throttled after repeated errors.
    Throttled,
    /// Blocked for spam.
    BadSender,
    /// Too many recipients in one message.
    TooManyRecipients,
    /// The message is too large.
    TooLarge,
    /// The connection is given up.
    Dropped,
    /// The service is busy.
    Busy,
}

impl SendingRefusal {
    /// Every row of the table.
    pub const ALL: [Self; 13] = [
        Self::SendAsDenied,
        Self::NotPermitted,
        Self::LogonFailure,
        Self::TooManyConnections,
        Self::SenderThreads,
        Self::Quota,
        Self::MailboxFull,
        Self::Throttled,
        Self::BadSender,
        Self::TooManyRecipients,
        Self::TooLarge,
        Self::Dropped,
        Self::Busy,
    ];
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
