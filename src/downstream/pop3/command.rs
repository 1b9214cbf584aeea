//! One command line.

use crate::downstream::auth_command::{Auth, split_word};

/// What a mail client may want before it is logged in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verb {
    Apop,
    Auth,
    Capa,
    Noop,
    Pass,
    Quit,
    Stls,
    User,
    /// Known, and not yet (RFC 1939 5).
    Later,
    Unknown,
}

const VERBS: &[(&str, Verb)] = &[
    ("APOP", Verb::Apop),
    ("AUTH", Verb::Auth),
    ("CAPA", Verb::Capa),
    ("NOOP", Verb::Noop),
    ("PASS", Verb::Pass),
    ("QUIT", Verb::Quit),
    ("STLS", Verb::Stls),
    ("USER", Verb::User),
    ("DELE", Verb::Later),
    ("LIST", Verb::Later),
    ("RETR", Verb::Later),
    ("RSET", Verb::Later),
    ("STAT", Verb::Later),
    ("TOP", Verb::Later),
    ("UIDL", Verb::Later),
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

    /// The command as a transcript shows it, a user name as `named` does.
    pub(super) fn shown(&self, named: impl Fn(&[u8]) -> String) -> String {
        match self.verb {
            Verb::Unknown => "(not understood)".into(),
            Verb::User => format!("USER {}", named(self.argument)),
            Verb::Pass => "PASS ***".into(),
            Verb::Auth => format!("AUTH{}", Auth::parse(self.argument).shown()),
            _ => self.name.into(),
        }
    }
}
