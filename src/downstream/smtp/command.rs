//! One command line.

use crate::downstream::auth_command::{Auth, split_word};
use crate::name::shown;

/// A host name in a transcript, in characters.
const MAX_SHOWN: usize = 255;

/// What a mail client may want before it is logged in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verb {
    Auth,
    Bdat,
    Ehlo,
    Helo,
    Help,
    Noop,
    Quit,
    Rset,
    StartTls,
    Vrfy,
    /// The beginning of a mail: a device's login, or too early.
    Mail,
    /// What belongs behind MAIL.
    PartOfMail,
    /// Known, and never offered by us.
    NotImplemented,
    Unknown,
}

const VERBS: &[(&str, Verb)] = &[
    ("AUTH", Verb::Auth),
    ("BDAT", Verb::Bdat),
    ("EHLO", Verb::Ehlo),
    ("HELO", Verb::Helo),
    ("HELP", Verb::Help),
    ("NOOP", Verb::Noop),
    ("QUIT", Verb::Quit),
    ("RSET", Verb::Rset),
    ("STARTTLS", Verb::StartTls),
    ("VRFY", Verb::Vrfy),
    ("BURL", Verb::PartOfMail),
    ("DATA", Verb::PartOfMail),
    ("MAIL", Verb::Mail),
    ("RCPT", Verb::PartOfMail),
    ("ATRN", Verb::NotImplemented),
    ("ETRN", Verb::NotImplemented),
    ("EXPN", Verb::NotImplemented),
    ("PROXY", Verb::NotImplemented),
    ("SAML", Verb::NotImplemented),
    ("SEND", Verb::NotImplemented),
    ("SOML", Verb::NotImplemented),
    ("TURN", Verb::NotImplemented),
    // Postfix's way to say who the mail client is: anybody could say it here.
    ("XCLIENT", Verb::NotImplemented),
    ("XFORWARD", Verb::NotImplemented),
];

/// A verb and all that stands behind the space after it.
pub(super) struct Command<'a> {
    pub(super) verb: Verb,
    pub(super) argument: &'a [u8],
    name: &'static str,
}

impl<'a> Command<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Self {
        let (word, argument) = split_word(line);
        let known = VERBS
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
        let (name, verb) = known.copied().unwrap_or(("", Verb::Unknown));
        Self { verb, argument, name }
    }

    /// The command as a transcript shows it.
    pub(super) fn shown(&self) -> String {
        match self.verb {
            Verb::Unknown => "(not understood)".into(),
            Verb::Auth => format!("AUTH{}", Auth::parse(self.argument).shown()),
            Verb::Ehlo | Verb::Helo => format!("{} {}", self.name, shown(self.argument, MAX_SHOWN)),
            _ => self.name.into(),
        }
    }
}
