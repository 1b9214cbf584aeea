//! What a mail client is told, in its own protocol. The sentences are fixed: nothing of the cause leaks into them.

use crate::metrics::Login;
use crate::provider::Protocol;

/// A public category of "no".
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Refusal {
    /// The mail client cancelled the exchange with `*`.
    Aborted,
    /// saslgate itself refuses the name, the password, the mailbox asked for or the source.
    AuthenticationFailed,
    /// Something that the operator or an administrator has to repair.
    ContactAdmin,
    /// Too many connections or logins for now.
    LimitReached,
    /// Not a well-formed request.
    Malformed,
    /// A mechanism that is not offered.
    MechanismUnsupported,
    /// The provider says that the password is right and expired (password grant).
    PasswordExpired,
    /// saslgate stops.
    ShuttingDown,
    /// No password is read before TLS.
    TlsRequired,
    /// Upstream or the identity provider is in trouble; worth another try.
    Unavailable,
}

impl From<Refusal> for Login {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Aborted => Self::Aborted,
            Refusal::AuthenticationFailed => Self::AuthenticationFailed,
            Refusal::ContactAdmin => Self::ContactAdmin,
            Refusal::LimitReached => Self::LimitReached,
            Refusal::Malformed => Self::Malformed,
            Refusal::MechanismUnsupported => Self::MechanismUnsupported,
            Refusal::PasswordExpired => Self::PasswordExpired,
            Refusal::ShuttingDown => Self::ShuttingDown,
            Refusal::TlsRequired => Self::TlsRequired,
            Refusal::Unavailable => Self::Unavailable,
        }
    }
}

impl Refusal {
    /// Every refusal, for tables that must be complete.
    pub const ALL: [Self; 10] = [
        Self::Aborted,
        Self::AuthenticationFailed,
        Self::ContactAdmin,
        Self::LimitReached,
        Self::Malformed,
        Self::MechanismUnsupported,
        Self::PasswordExpired,
        Self::ShuttingDown,
        Self::TlsRequired,
        Self::Unavailable,
    ];

    /// The code that the protocol has for it: what stands between the tag and the sentence (IMAP: `NO [CODE]`, `BAD` or
    /// `BYE`; POP3: `-ERR` and its response code; SMTP: reply code and enhanced status code).
    pub const fn code(self, protocol: Protocol) -> &'static str {
        match protocol {
            Protocol::Imap => self.imap(),
            Protocol::Pop3 => self.pop3(),
            Protocol::Smtp => self.smtp(),
        }
    }

    const fn imap(self) -> &'static str {
        match self {
            // RFC 3501 7.1.3: a protocol-level error; 6.2.2: so is an exchange that was cancelled.
            Self::Aborted | Self::Malformed => "BAD",
            // RFC 5530 3 defines each of these codes.
            Self::AuthenticationFailed => "NO [AUTHENTICATIONFAILED]",
            Self::ContactAdmin => "NO [CONTACTADMIN]",
            Self::LimitReached => "NO [LIMIT]",
            Self::PasswordExpired => "NO [EXPIRED]",
            Self::TlsRequired => "NO [PRIVACYREQUIRED]",
            Self::Unavailable => "NO [UNAVAILABLE]",
            // RFC 3501 6.2.2: NO for an unsupported mechanism; no code is defined for it.
            Self::MechanismUnsupported => "NO",
            // RFC 3501 7.1.5: BYE closes, and may carry a code.
            Self::ShuttingDown => "BYE [UNAVAILABLE]",
        }
    }

    const fn pop3(self) -> &'static str {
        match self {
            // RFC 5034 4 (cancelled, malformed, not supported) and RFC 2595 4 (TLS first) define no code.
            Self::Aborted | Self::Malformed | Self::MechanismUnsupported | Self::TlsRequired => "-ERR",
            // RFC 3206 5: the mail client should ask for the password again.
            Self::AuthenticationFailed => "-ERR [AUTH]",
            // RFC 3206 4: an operator is needed; the mail client should keep its password.
            Self::ContactAdmin | Self::PasswordExpired => "-ERR [SYS/PERM]",
            // RFC 3206 4: it passes; the mail client should keep its password and come back.
            Self::LimitReached | Self::ShuttingDown | Self::Unavailable => "-ERR [SYS/TEMP]",
        }
    }

    const fn smtp(self) -> &'static str {
        match self {
            // RFC 4954 4: 501 for a cancelled exchange, and for one that can't be decoded.
            Self::Aborted => "501 5.7.0",
            Self::Malformed => "501 5.5.2",
            // RFC 4954 6: all that the operator can repair is temporary, so that scanners and mail servers keep
            // the message and try again.
            Self::ContactAdmin | Self::LimitReached | Self::PasswordExpired | Self::Unavailable => {
                "454 4.7.0"
            }
            // RFC 4954 6.
            Self::AuthenticationFailed => "535 5.7.8",
            // RFC 4954 4.
            Self::MechanismUnsupported => "504 5.5.4",
            // RFC 5321 3.8; RFC 3463 3.4 for X.3.2, the system is not accepting messages.
            Self::ShuttingDown => "421 4.3.2",
            // RFC 3207 4; 538 of RFC 4954 6 blames the one mechanism, and here none would do.
            Self::TlsRequired => "530 5.7.0",
        }
    }

    /// Whether the connection closes with it.
    pub const fn closes(self) -> bool {
        matches!(self, Self::ShuttingDown)
    }

    /// The sentence, the same in every protocol.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Aborted => "Login cancelled.",
            Self::AuthenticationFailed => "User name or password refused by saslgate.",
            Self::ContactAdmin => {
                "Login is right, but the mailbox can't be opened: ask the administrator of saslgate."
            }
            Self::LimitReached => "Too many connections or logins, try again later.",
            Self::Malformed => "That is not well formed.",
            Self::MechanismUnsupported => "Only PLAIN and LOGIN are offered here.",
            Self::PasswordExpired => "The password has expired: change it at the mail provider.",
            Self::ShuttingDown => "saslgate is restarting, try again in a moment.",
            Self::TlsRequired => "TLS is required before a login.",
            Self::Unavailable => "The mail provider can't be reached at the moment, try again later.",
        }
    }

    /// Code and sentence, with the session's id so that a caller can be matched to the log.
    pub fn reply(self, protocol: Protocol, session: &str) -> String {
        format!("{} {} (session {session})", self.code(protocol), self.sentence())
    }

    /// The same unasked, as a greeting or a farewell: the connection closes behind it.
    pub fn greeting(self, protocol: Protocol, session: &str) -> String {
        match (protocol, self) {
            (Protocol::Imap, _) => format!("* {}", self.bye(session)),
            // RFC 1939 4 knows no other negative greeting; RFC 2449 8 allows the code.
            (Protocol::Pop3, _) | (Protocol::Smtp, Self::ShuttingDown) => self.reply(protocol, session),
            // RFC 5321 3.1 and 3.8: a greeting that sends a mail client away for now.
            (Protocol::Smtp, _) => format!("421 4.7.0 {} (session {session})", self.sentence()),
        }
    }

    /// RFC 3501 7.1.5: BYE instead of the status, with the same response code.
    fn bye(self, session: &str) -> String {
        let code = self.imap().split_once(' ').map_or("", |(_, code)| code);
        let space = if code.is_empty() { "" } else { " " };
        format!("BYE {code}{space}{} (session {session})", self.sentence())
    }
}
