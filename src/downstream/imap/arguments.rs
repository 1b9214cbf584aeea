//! The arguments of a command before a login: astrings (RFC 3501 4.3), as mail clients really write them.

use zeroize::Zeroizing;

use crate::wire::Line;

/// A literal announced at the end of a line (RFC 3501 4.3, RFC 7888).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Literal {
    /// Its length in bytes; none if that is not a number below 2^64.
    pub(super) length: Option<u64>,
    /// Whether the mail client waits for `+` before it sends the bytes.
    pub(super) waits: bool,
}

/// Takes the announcement of a literal off the end of a line. It stands outside quotes and where an argument starts:
/// `"pass{5}"` and `pass{5}` are passwords. `separators` are the bytes behind which an argument starts.
pub(super) fn split_literal<'a>(text: &'a [u8], separators: &[u8]) -> (&'a [u8], Option<Literal>) {
    let split = start_of_literal(text, separators).and_then(|at| Some((at, announced(&text[at..])?)));
    match split {
        Some((at, literal)) => (&text[..at], Some(literal)),
        None => (text, None),
    }
}

fn start_of_literal(text: &[u8], separators: &[u8]) -> Option<usize> {
    let (mut quoted, mut escaped, mut starts) = (false, false, true);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if quoted => quoted = false,
            b'"' if starts => quoted = true,
            b'{' if starts && !quoted => return Some(at),
            _ => {}
        }
        starts = !quoted && separators.contains(&byte);
    }
    None
}

fn announced(text: &[u8]) -> Option<Literal> {
    let inside = text.strip_prefix(b"{")?.strip_suffix(b"}")?;
    let (digits, waits) = match inside.strip_suffix(b"+") {
        Some(digits) => (digits, false),
        None => (inside, true),
    };
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let length = str::from_utf8(digits)
        .ok()
        .filter(|_| is_number)
        .and_then(|digits| digits.parse().ok());
    // Space inside means that it is no announcement, but an atom that starts with a brace, which is an error elsewhere.
    (!inside.contains(&b' ')).then_some(Literal { length, waits })
}

/// Arguments in the order in which they came; text on lines, literals between.
#[derive(Default)]
pub(super) struct Arguments {
    strings: Vec<Line>,
    malformed: bool,
}

impl Arguments {
    /// Adds a line's text, from the space before its first argument. `literal` tells that the announcement of one was
    /// taken off its end.
    pub(super) fn add_text(&mut self, text: &[u8], literal: bool) {
        let starts_well = text.is_empty() || text.starts_with(b" ");
        let ends_well = !literal || text.ends_with(b" ");
        let read = read_strings(text, &mut self.strings);
        self.malformed |= !(starts_well && ends_well && read.is_some());
    }

    /// Adds the bytes of a literal. RFC 3501 9: any but NUL.
    pub(super) fn add_literal(&mut self, bytes: Line) {
        self.malformed |= bytes.contains(&0);
        self.strings.push(bytes);
    }

    /// How many there are so far.
    pub(super) fn count(&self) -> usize {
        self.strings.len()
    }

    /// All of them, unless they are malformed.
    pub(super) fn strings(&self) -> Option<&[Line]> {
        (!self.malformed).then_some(&self.strings)
    }

    /// All of them, if they are well formed and exactly that many.
    pub(super) fn exactly<const N: usize>(self) -> Option<[Line; N]> {
        if self.malformed {
            return None;
        }
        self.strings.try_into().ok()
    }
}

/// Reads `*(SP astring)`. A space at the end is let pass, two in a row are not: between them an empty argument may be meant.
fn read_strings(mut text: &[u8], strings: &mut Vec<Line>) -> Option<()> {
    while let Some(argument) = text.strip_prefix(b" ") {
        if argument.is_empty() {
            return Some(());
        }
        let (string, rest) = match argument.strip_prefix(b"\"") {
            Some(quoted) => read_quoted(quoted)?,
            None => read_atom(argument)?,
        };
        strings.push(string);
        text = rest;
    }
    text.is_empty().then_some(())
}

/// An atom, wider than RFC 3501 9: unquoted passwords with `%`, `(`, `"` or bytes above 0x7f inside are real.
fn read_atom(text: &[u8]) -> Option<(Line, &[u8])> {
    let end = text.iter().position(|&byte| byte == b' ').unwrap_or(text.len());
    let (atom, rest) = text.split_at(end);
    let is_atom = !atom.is_empty() && !atom.starts_with(b"{");
    is_atom.then(|| (Zeroizing::new(atom.to_vec()), rest))
}

/// A quoted string behind its first quote. Only `"` and `\` may be escaped (RFC 3501 9).
fn read_quoted(text: &[u8]) -> Option<(Line, &[u8])> {
    let mut string = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut bytes = text.iter().enumerate();
    while let Some((at, &byte)) = bytes.next() {
        match byte {
            b'"' => return Some((string, &text[at + 1..])),
            b'\\' => match bytes.next() {
                Some((_, &escaped @ (b'"' | b'\\'))) => string.push(escaped),
                _ => return None,
            },
            _ => string.push(byte),
        }
    }
    None
}
