//! What is in the air between an IMAP mail client and upstream (RFC 3501, RFC 7888, RFC 2177).

use super::lines::{Line, Lines, words};
use super::{MAX_COMMAND, MAX_PENDING, Notes};

/// Bytes of a tag. Mail clients use five or so.
const MAX_TAG: usize = 64;

/// One session after its login.
#[derive(Debug)]
pub(super) struct Imap {
    says: Says,
    commands: Lines,
    /// The tags of commands that have no tagged reply yet.
    air: Vec<Box<[u8]>>,
    replies: Lines,
    /// Bytes that are left of a literal of upstream's.
    literal: u64,
    /// Whether the next line of upstream's goes on with a response.
    mid_response: bool,
    unsure: bool,
}

/// What the mail client's bytes are.
#[derive(Debug)]
enum Says {
    /// A command begins.
    Command,
    /// A command goes on behind a literal.
    More,
    /// So many bytes of a literal are left.
    Literal(u64),
    /// Nothing may come until upstream wants that literal, or ends the command.
    Nothing(u64),
    /// Nothing but DONE; whether upstream has begun to idle.
    Done(bool),
}

impl Imap {
    pub(super) fn new() -> Self {
        Self {
            says: Says::Command,
            commands: Lines::default(),
            air: Vec::new(),
            replies: Lines::default(),
            literal: 0,
            mid_response: false,
            unsure: false,
        }
    }

    /// A mail client that idles waits for mail: it loses nothing, and connects again.
    pub(super) fn is_at_rest(&self) -> bool {
        let nothing_in_the_air = match self.says {
            Says::Command => self.air.is_empty(),
            Says::Done(true) => self.air.len() == 1,
            _ => false,
        };
        !self.unsure
            && nothing_in_the_air
            && self.commands.are_whole()
            && self.replies.are_whole()
            && !self.mid_response
    }

    pub(super) fn mail_client(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.unsure {
            match &mut self.says {
                Says::Literal(left) => {
                    let skipped = skip(left, bytes);
                    if *left == 0 {
                        self.says = Says::More;
                    }
                    bytes = &bytes[skipped..];
                }
                Says::Nothing(_) => self.give_up(),
                Says::Command | Says::More | Says::Done(_) => {
                    if let Some(line) = self.commands.next(&mut bytes) {
                        self.line(&line);
                    }
                }
            }
        }
    }

    pub(super) fn upstream(&mut self, mut bytes: &[u8], notes: &mut Notes) {
        while !bytes.is_empty() {
            bytes = &bytes[skip(&mut self.literal, bytes)..];
            let Some(line) = self.replies.next(&mut bytes) else {
                return;
            };
            self.response(line.text(), notes);
        }
    }

    fn give_up(&mut self) {
        self.unsure = true;
        self.air = Vec::new();
    }

    fn line(&mut self, line: &Line<'_>) {
        if !line.is_clean() || line.length() > MAX_COMMAND {
            return self.give_up();
        }
        let idles = match self.says {
            Says::Done(_) if line.text().eq_ignore_ascii_case(b"DONE") => {
                self.says = Says::Command;
                return;
            }
            Says::Command => self.begin(line.text()),
            Says::More => false,
            _ => return self.give_up(),
        };
        self.says = match announced_literal(line.text()) {
            _ if idles => Says::Done(false),
            None => Says::Command,
            // RFC 7888: with a plus nobody is asked.
            Some((0, true)) => Says::More,
            Some((length, true)) => Says::Literal(length),
            Some((length, false)) => Says::Nothing(length),
        };
    }

    /// Takes in the beginning of a command; whether it is IDLE.
    fn begin(&mut self, line: &[u8]) -> bool {
        let mut words = words(line);
        let tag = words.next().unwrap_or_default();
        let name = words.next().unwrap_or_default().to_ascii_uppercase();
        let twice = self.air.iter().any(|in_the_air| **in_the_air == *tag);
        let speaks_otherwise_then = matches!(
            name.as_slice(),
            b"" | b"COMPRESS" | b"STARTTLS" | b"AUTHENTICATE" | b"UNAUTHENTICATE"
        );
        if tag.is_empty()
            || tag.len() > MAX_TAG
            || twice
            || speaks_otherwise_then
            || self.air.len() == MAX_PENDING
        {
            self.give_up();
            return false;
        }
        self.air.push(tag.into());
        name == b"IDLE"
    }

    fn response(&mut self, line: &[u8], notes: &mut Notes) {
        let whole = !std::mem::take(&mut self.mid_response);
        if let Some((length, _)) = announced_literal(line) {
            self.literal = length;
            self.mid_response = true;
            return;
        }
        if !whole {
            return;
        }
        if is_bye(line) || is_tagged_refusal(line) {
            notes.add(line, is_bye(line));
        }
        if self.unsure {
            return;
        }
        match line.first() {
            Some(b'*') => {}
            Some(b'+') => self.go_ahead(),
            _ => self.tagged(words(line).next().unwrap_or_default()),
        }
    }

    /// RFC 3501 7.5: the mail client may go on.
    fn go_ahead(&mut self) {
        self.says = match self.says {
            Says::Nothing(0) => Says::More,
            Says::Nothing(length) => Says::Literal(length),
            Says::Done(false) => Says::Done(true),
            _ => return self.give_up(),
        };
    }

    fn tagged(&mut self, tag: &[u8]) {
        let Some(at) = self.air.iter().position(|in_the_air| **in_the_air == *tag) else {
            return self.give_up();
        };
        // The command that is still being said is the last one. If that is over, upstream does not want the rest.
        let is_last = at + 1 == self.air.len();
        match self.says {
            Says::Nothing(_) | Says::Done(_) if is_last => self.says = Says::Command,
            Says::Literal(_) | Says::More if is_last => return self.give_up(),
            _ => {}
        }
        self.air.remove(at);
        if self.air.is_empty() {
            self.air = Vec::new();
        }
    }
}

/// Counts bytes of a literal down; how many of these belong to it.
fn skip(left: &mut u64, bytes: &[u8]) -> usize {
    let skipped = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
    *left -= skipped as u64;
    skipped
}

/// RFC 3501 4.3 and RFC 7888: an octet count in braces at the end of a line announces that many bytes of data; whether
/// they follow unasked.
fn announced_literal(line: &[u8]) -> Option<(u64, bool)> {
    let inner = line.strip_suffix(b"}")?;
    let start = inner.iter().rposition(|&byte| byte == b'{')? + 1;
    let digits = inner[start..].strip_suffix(b"+");
    let length = digits.unwrap_or(&inner[start..]);
    Some((str::from_utf8(length).ok()?.parse().ok()?, digits.is_some()))
}

fn is_bye(line: &[u8]) -> bool {
    line.get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"* BYE"))
}

fn is_tagged_refusal(line: &[u8]) -> bool {
    let mut words = words(line);
    let tagged = words
        .next()
        .is_some_and(|tag| !tag.is_empty() && !matches!(tag[0], b'*' | b'+'));
    let refused = words
        .next()
        .is_some_and(|word| word.eq_ignore_ascii_case(b"NO") || word.eq_ignore_ascii_case(b"BAD"));
    tagged && refused
}
