//! What a mail client is told, in its own protocol. The sentences are fixed: nothing of the cause leaks into them.

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

    /// The code that the protocol has for it: what stands between the tag and the sentence (IMAP: `NO [CODE]` or
    /// `BAD`; POP3: `-ERR` and its response code; SMTP: reply code and enhanced status code).
    pub const fn code(self, protocol: Protocol) -> &'static str {
        match protocol {
            Protocol::Imap => self.imap(),
            Protocol::Pop3 => self.pop3(),
            Protocol::Smtp => self.smtp(),
        }
    }

    /// RFC 5530 3 for the response codes; RFC 3501 7.1.3 for BAD on what is not well formed or was cancelled (6.2.2).
    const fn imap(self) -> &'static str {
        match self {
            Self::Aborted | Self::Malformed => "BAD",
            Self::AuthenticationFailed => "NO [AUTHENTICATIONFAILED]",
            Self::ContactAdmin => "NO [CONTACTADMIN]",
            Self::LimitReached => "NO [LIMIT]",
            Self::MechanismUnsupported => "NO",
            Self::PasswordExpired => "NO [EXPIRED]",
            Self::ShuttingDown | Self::Unavailable => "NO [UNAVAILABLE]",
            Self::TlsRequired => "NO [PRIVACYREQUIRED]",
        }
    }

    /// RFC 3206 for AUTH and SYS/; SYS/TEMP tells a mail client to keep its password and come back.
    const fn pop3(self) -> &'static str {
        match self {
            Self::Aborted | Self::Malformed | Self::MechanismUnsupported | Self::TlsRequired => "-ERR",
            Self::AuthenticationFailed => "-ERR [AUTH]",
            Self::ContactAdmin | Self::PasswordExpired => "-ERR [SYS/PERM]",
            Self::LimitReached | Self::ShuttingDown | Self::Unavailable => "-ERR [SYS/TEMP]",
        }
    }

    /// RFC 4954 6 and 4; 421 is RFC 5321 3.8. All that the operator can repair is 4xx, so that scanners and
    /// mail servers keep the message and try again.
    const fn smtp(self) -> &'static str {
        match self {
            Self::Aborted => "501 5.7.0",
            Self::AuthenticationFailed => "535 5.7.8",
            Self::ContactAdmin | Self::LimitReached | Self::PasswordExpired | Self::Unavailable => {
                "454 4.7.0"
            }
            Self::Malformed => "501 5.5.2",
            Self::MechanismUnsupported => "504 5.5.4",
            Self::ShuttingDown => "421 4.3.2",
            Self::TlsRequired => "530 5.7.0",
        }
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

    /// The same as a greeting: it is all that the peer hears before the connection closes.
    pub fn greeting(self, protocol: Protocol, session: &str) -> String {
        match (protocol, self) {
            (Protocol::Imap, _) => format!("* {}", self.bye(session)),
            (Protocol::Pop3, _) | (Protocol::Smtp, Self::ShuttingDown) => self.reply(protocol, session),
            (Protocol::Smtp, _) => format!("421 4.7.0 {} (session {session})", self.sentence()),
        }
    }

    /// RFC 3501 7.1.5: BYE may carry a response code.
    fn bye(self, session: &str) -> String {
        let code = self
            .imap()
            .trim_start_matches("NO")
            .trim_start_matches("BAD")
            .trim_start();
        let space = if code.is_empty() { "" } else { " " };
        format!("BYE {code}{space}{} (session {session})", self.sentence())
    }
}
