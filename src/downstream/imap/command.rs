//! One command: its tag, its verb, and its arguments as they come.

use std::fmt::{self, Write};

use super::arguments::{Arguments, Literal};
use crate::sasl::exchange;
use crate::wire::{MAX_LINE, MAX_LITERAL};

/// The longest tag accepted, in bytes: mail clients use up to ten.
const MAX_TAG: usize = 128;

/// Commands that exist and have to wait for the login. Mail clients try ENABLE and COMPRESS early.
const LATER: &[&str] = &[
    "APPEND",
    "CHECK",
    "CLOSE",
    "COMPRESS",
    "COPY",
    "CREATE",
    "DELETE",
    "ENABLE",
    "EXAMINE",
    "EXPUNGE",
    "FETCH",
    "GETACL",
    "GETMETADATA",
    "GETQUOTA",
    "GETQUOTAROOT",
    "IDLE",
    "LIST",
    "LSUB",
    "MOVE",
    "NAMESPACE",
    "NOTIFY",
    "RENAME",
    "SEARCH",
    "SELECT",
    "SETACL",
    "SORT",
    "STATUS",
    "STORE",
    "SUBSCRIBE",
    "THREAD",
    "UID",
    "UNAUTHENTICATE",
    "UNSELECT",
    "UNSUBSCRIBE",
];

/// A tag that may be echoed: RFC 3501 9, without `<` and `>`, so that nothing a browser would run ever comes back.
pub(super) struct Tag(Box<str>);

impl Tag {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let is_tag = (1..=MAX_TAG).contains(&bytes.len())
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_graphic() && !b"(){%*\"\\+<>".contains(byte));
        let text = str::from_utf8(bytes).ok().filter(|_| is_tag)?;
        Some(Self(text.into()))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a mail client may want before it is logged in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verb {
    Authenticate,
    Capability,
    Id,
    Login,
    Logout,
    Noop,
    StartTls,
    /// Known, and not yet.
    Later(&'static str),
    Unknown,
}

impl Verb {
    fn parse(bytes: &[u8]) -> Self {
        let known = [
            Self::Authenticate,
            Self::Capability,
            Self::Id,
            Self::Login,
            Self::Logout,
            Self::Noop,
            Self::StartTls,
        ];
        let later = LATER.iter().map(|name| Self::Later(name));
        known
            .into_iter()
            .chain(later)
            .find(|verb| bytes.eq_ignore_ascii_case(verb.name().as_bytes()))
            .unwrap_or(Self::Unknown)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Authenticate => "AUTHENTICATE",
            Self::Capability => "CAPABILITY",
            Self::Id => "ID",
            Self::Login => "LOGIN",
            Self::Logout => "LOGOUT",
            Self::Noop => "NOOP",
            Self::StartTls => "STARTTLS",
            Self::Later(name) => name,
            Self::Unknown => "",
        }
    }

    /// Whether its arguments are strings that may come as literals. Only these two need it before a login.
    const fn takes_literals(self) -> bool {
        matches!(self, Self::Login | Self::Id)
    }

    /// The bytes behind which an argument starts: in LOGIN a parenthesis belongs to the password.
    const fn separators(self) -> &'static [u8] {
        match self {
            Self::Login => b" ",
            _ => b" (",
        }
    }
}

/// Why a literal can't be taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unfit {
    /// The command takes none, or none from this mail client now.
    Misplaced,
    /// Longer than [`MAX_LITERAL`] or than what is left of [`MAX_LINE`], or not a number.
    TooLong,
}

/// A command that is coming in.
pub(super) struct Command {
    /// None if it can't be echoed, or if there is nothing but a tag.
    pub(super) tag: Option<Tag>,
    pub(super) verb: Verb,
    pub(super) arguments: Arguments,
    /// Whether its arguments are read at all.
    pub(super) wanted: bool,
    // What is left of MAX_LINE.
    room: usize,
}

impl Command {
    /// Reads the head of a command and leaves its arguments, from the space before the first.
    pub(super) fn parse(line: &[u8]) -> (Self, &[u8]) {
        let (tag, rest) = split_word(line);
        let (verb, text) = split_word(rest.strip_prefix(b" ").unwrap_or_default());
        let command = Self {
            tag: Tag::parse(tag).filter(|_| !verb.is_empty()),
            verb: Verb::parse(verb),
            arguments: Arguments::default(),
            wanted: true,
            room: MAX_LINE.saturating_sub(line.len()),
        };
        (command, text)
    }

    /// How long the next line may be, in bytes.
    pub(super) const fn room(&self) -> usize {
        self.room
    }

    /// Adds a line and tells whether a literal follows.
    pub(super) fn add_line(&mut self, text: &[u8]) -> Option<Literal> {
        let (text, literal) = super::arguments::split_literal(text, self.verb.separators());
        if self.wanted {
            self.arguments.add_text(text, literal.is_some());
        }
        literal
    }

    /// Uses up room for the next line.
    pub(super) fn spend(&mut self, bytes: usize) {
        self.room = self.room.saturating_sub(bytes);
    }

    /// Whether the bytes of a literal may come, and how many.
    pub(super) fn admit(&mut self, literal: Literal) -> Result<usize, Unfit> {
        let fits = |length: &usize| *length as u64 <= MAX_LITERAL && *length <= self.room;
        let length = literal
            .length
            .and_then(|length| usize::try_from(length).ok())
            .filter(fits);
        self.wanted &= self.verb.takes_literals();
        if literal.waits && !self.wanted {
            return Err(Unfit::Misplaced);
        }
        length.ok_or(Unfit::TooLong)
    }

    /// The line just added as a transcript shows it: `first` is the number of arguments that earlier lines showed, if
    /// there were any.
    pub(super) fn shown(
        &self,
        first: Option<usize>,
        literal: Option<Literal>,
        named: &dyn Fn(&[u8]) -> String,
    ) -> String {
        let mut line = match (&self.tag, first) {
            (_, Some(_)) if self.verb == Verb::Login => String::new(),
            (_, Some(_)) => "***".into(),
            (Some(tag), None) if self.verb != Verb::Unknown => format!("{tag} {}", self.verb.name()),
            _ => "(not understood)".into(),
        };
        if first.is_none() || self.verb == Verb::Login {
            self.show_arguments(&mut line, first.unwrap_or_default(), named);
        }
        if let Some(literal) = literal {
            let length = literal
                .length
                .map_or_else(|| "?".into(), |length| length.to_string());
            let plus = if literal.waits { "" } else { "+" };
            let _ = write!(line, " {{{length}{plus}}}");
        }
        line.trim_start().to_owned()
    }

    fn show_arguments(&self, line: &mut String, first: usize, named: &dyn Fn(&[u8]) -> String) {
        let strings = self.arguments.strings().filter(|_| self.wanted);
        match (self.verb, strings) {
            (Verb::Login | Verb::Authenticate, None) => line.push_str(" ***"),
            (Verb::Login | Verb::Authenticate, Some(strings)) => {
                for (index, string) in strings.iter().enumerate().skip(first) {
                    let _ = write!(line, " {}", self.show_argument(index, string, named));
                }
            }
            _ => {}
        }
    }

    /// The user name and the mechanism are shown, all else may be a password.
    fn show_argument(&self, index: usize, string: &[u8], named: &dyn Fn(&[u8]) -> String) -> String {
        match (self.verb, index) {
            (Verb::Login, 0) => named(string),
            (Verb::Authenticate, 0) => exchange::mechanism_name(string).unwrap_or("***").into(),
            _ => "***".into(),
        }
    }
}

/// Whether the line that is coming in is an AUTHENTICATE command, which may be longer than others.
pub(super) fn is_authenticate(waiting: &[u8]) -> bool {
    const HEAD: &[u8] = b" AUTHENTICATE ";
    let tag = waiting.iter().take(MAX_TAG + 1).position(|&byte| byte == b' ');
    tag.and_then(|end| waiting.get(end..end + HEAD.len()))
        .is_some_and(|head| head.eq_ignore_ascii_case(HEAD))
}

fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|&byte| byte == b' ').unwrap_or(text.len());
    text.split_at(end)
}
