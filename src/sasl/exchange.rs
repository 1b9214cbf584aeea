//! One exchange in which we are the server: the mechanisms that are offered, and how far each has come.

use super::{base64, login, plain};
use crate::secret::Secret;

/// How far an exchange has come. PLAIN and LOGIN are all there is: as soon as a mechanism with a challenge is offered,
/// half of all mail clients choose it, and nobody here would ever see a password to check.
#[derive(Debug)]
pub enum Exchange {
    /// The one message of PLAIN is awaited.
    Plain,
    /// The user name of LOGIN is awaited.
    LoginUser,
    /// The password of LOGIN is awaited.
    LoginPassword {
        /// The name that came before.
        user: Vec<u8>,
    },
}

/// What a response leads to.
#[derive(Debug)]
pub enum Progress {
    /// There is a next challenge.
    Continue(Exchange),
    /// Everything was shown.
    Complete(Shown),
    /// It can't be read; the exchange is over.
    Malformed,
}

/// What was shown.
#[derive(Debug)]
pub enum Shown {
    /// By PLAIN.
    Plain(plain::Message),
    /// By LOGIN.
    Login {
        /// The user name.
        user: Vec<u8>,
        /// The password.
        password: Secret<Vec<u8>>,
    },
}

impl Exchange {
    /// Starts a mechanism if it is offered. Names are compared without case, as IMAP (RFC 3501 6.2.2) and SMTP clients write them.
    pub fn start(mechanism: &[u8]) -> Option<Self> {
        if mechanism.eq_ignore_ascii_case(b"PLAIN") {
            Some(Self::Plain)
        } else if mechanism.eq_ignore_ascii_case(b"LOGIN") {
            Some(Self::LoginUser)
        } else {
            None
        }
    }

    /// The challenge to send, in base64; empty for PLAIN, where the mail client speaks first.
    pub const fn challenge(&self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::LoginUser => login::USER_PROMPT,
            Self::LoginPassword { .. } => login::PASSWORD_PROMPT,
        }
    }

    /// Takes an initial response, in which `=` stands for an empty one (RFC 4954 4, RFC 4959 3, RFC 5034 4).
    /// LOGIN takes its user name this way, because Python's smtplib says it this way.
    pub fn begin(self, initial_response: &[u8]) -> Progress {
        match initial_response {
            b"=" => self.respond(b""),
            text => self.respond(text),
        }
    }

    /// Takes a response in base64.
    pub fn respond(self, text: &[u8]) -> Progress {
        base64::decode(text)
            .and_then(|message| match self {
                Self::Plain => {
                    plain::Message::parse(&message).map(|read| Progress::Complete(Shown::Plain(read)))
                }
                Self::LoginUser => {
                    login::user(&message).map(|user| Progress::Continue(Self::LoginPassword { user }))
                }
                Self::LoginPassword { user } => login::password(message)
                    .map(|password| Progress::Complete(Shown::Login { user, password })),
            })
            .unwrap_or(Progress::Malformed)
    }
}

/// Mechanisms that mail clients are known to ask for, from IANA's registry and before it.
const KNOWN: &[&str] = &[
    "ANONYMOUS",
    "APOP",
    "CRAM-MD5",
    "DIGEST-MD5",
    "EXTERNAL",
    "GSS-SPNEGO",
    "GSSAPI",
    "KERBEROS_V4",
    "LOGIN",
    "MSN",
    "NTLM",
    "OAUTHBEARER",
    "OTP",
    "PLAIN",
    "PLAIN-CLIENTTOKEN",
    "SCRAM-SHA-1",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-512",
    "SCRAM-SHA-512-PLUS",
    "SKEY",
    "SPNEGO",
    "XOAUTH",
    "XOAUTH2",
    "XYMCOOKIE",
];

/// The name of a mechanism as it may be repeated in a log. An unknown one is not: confused mail clients say a password
/// in its place, and in base64 that looks like a name.
pub fn mechanism_name(name: &[u8]) -> Option<&'static str> {
    KNOWN
        .iter()
        .copied()
        .find(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(user: &[u8]) -> Exchange {
        match Exchange::start(b"login").unwrap().begin(user) {
            Progress::Continue(exchange) => exchange,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_prompts_are_those_that_old_software_compares() {
        assert_eq!(Exchange::start(b"PLAIN").unwrap().challenge(), "");
        assert_eq!(Exchange::start(b"LOGIN").unwrap().challenge(), "VXNlcm5hbWU6");
        assert_eq!(login(b"Ym9i").challenge(), "UGFzc3dvcmQ6");
    }

    #[test]
    fn login_shows_a_name_and_a_password() {
        match login(b"Ym9i").respond(b"cMOpIA==") {
            Progress::Complete(Shown::Login { user, password }) => {
                assert_eq!(user, b"bob");
                assert_eq!(password.expose(), "pé ".as_bytes());
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn empty_parts_and_nuls_are_malformed() {
        let plain = || Exchange::start(b"PLAIN").unwrap();
        let user = || Exchange::start(b"LOGIN").unwrap();
        let refused = [
            plain().begin(b"="),
            plain().respond(b""),
            plain().respond(b"="),
            user().begin(b"="),
            user().respond(b"AGJv"),
            login(b"Ym9i").respond(b""),
            login(b"Ym9i").respond(b"AGJv"),
            login(b"Ym9i").respond(b"*"),
        ];
        for progress in &refused {
            assert!(matches!(progress, Progress::Malformed), "{progress:?}");
        }
        assert_eq!(refused.len(), 8);
    }

    #[test]
    fn only_a_mechanisms_name_is_named() {
        assert_eq!(mechanism_name(b"cram-md5"), Some("CRAM-MD5"));
        for other in [
            &b""[..],
            b"AGJvYgBwdw==",
            b"AGJvYgBodW50ZXIy",
            b"hunter2",
            b"\x1b[2J",
        ] {
            assert_eq!(mechanism_name(other), None);
        }
    }
}
