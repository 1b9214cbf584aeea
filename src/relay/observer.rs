//! Reads upstream's replies along, for the log. It decides nothing and changes nothing, and what it keeps is bounded.

use memchr::memchr;

use crate::name::shown;
use crate::provider::Protocol;

/// Refusals kept for the session's end line; a BYE takes the last place.
const MAX_NOTES: usize = 3;

/// Characters kept of a refusal.
const MAX_NOTE: usize = 200;

/// Of a line that comes in pieces, its beginning and its end are kept: the one names a refusal, the other a literal.
const HEAD: usize = 256;
const TAIL: usize = 32;

/// Watches the replies of one relayed session.
#[derive(Debug)]
pub struct Observer {
    protocol: Protocol,
    line: Vec<u8>,
    literal: u64,
    mid_response: bool,
    reply_due: bool,
    notes: Vec<Box<str>>,
}

impl Observer {
    /// An observer of a session that just began.
    pub fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            line: Vec::new(),
            literal: 0,
            mid_response: false,
            reply_due: false,
            notes: Vec::new(),
        }
    }

    /// The mail client sent something. In POP3 that is how a reply is told from a line of a message: the first line after it.
    pub fn mail_client_spoke(&mut self) {
        self.reply_due = true;
    }

    /// Upstream sent these bytes.
    pub fn upstream_spoke(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = self.skip_literal(bytes);
            let Some(end) = memchr(b'\n', bytes) else {
                self.keep(bytes);
                return;
            };
            let (line, rest) = bytes.split_at(end + 1);
            self.end_of_line(line);
            bytes = rest;
        }
    }

    /// The refusals seen: the first ones, and how upstream said goodbye.
    pub fn into_notes(self) -> Vec<Box<str>> {
        self.notes
    }

    fn skip_literal<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let skipped = usize::try_from(self.literal).map_or(bytes.len(), |left| left.min(bytes.len()));
        self.literal -= skipped as u64;
        &bytes[skipped..]
    }

    fn keep(&mut self, piece: &[u8]) {
        self.line.extend_from_slice(piece);
        if self.line.len() > HEAD + TAIL {
            self.line.drain(HEAD..self.line.len() - TAIL);
        }
    }

    fn end_of_line(&mut self, last_piece: &[u8]) {
        if self.line.is_empty() {
            return self.judge(last_piece);
        }
        self.keep(last_piece);
        let line = std::mem::take(&mut self.line);
        self.judge(&line);
    }

    fn judge(&mut self, line: &[u8]) {
        let line = line.trim_ascii_end();
        let whole = !std::mem::take(&mut self.mid_response);
        match self.protocol {
            Protocol::Imap => {
                if let Some(length) = announced_literal(line) {
                    self.literal = length;
                    self.mid_response = true;
                } else if whole && (is_bye(line) || is_tagged_refusal(line)) {
                    self.note(line, is_bye(line));
                }
            }
            Protocol::Pop3 => {
                if std::mem::take(&mut self.reply_due) && line.starts_with(b"-ERR") {
                    self.note(line, false);
                }
            }
            Protocol::Smtp => {
                if is_smtp_refusal(line) {
                    self.note(line, line.starts_with(b"421"));
                }
            }
        }
    }

    fn note(&mut self, line: &[u8], goodbye: bool) {
        if goodbye {
            self.notes.truncate(MAX_NOTES - 1);
        }
        if self.notes.len() < MAX_NOTES {
            self.notes.push(shown(line, MAX_NOTE).into());
        }
    }
}

/// RFC 3501 4.3 and RFC 7888: an octet count in braces at the end of a line announces that many bytes of data.
fn announced_literal(line: &[u8]) -> Option<u64> {
    let inner = line.strip_suffix(b"}")?;
    let start = inner.iter().rposition(|&byte| byte == b'{')? + 1;
    let digits = inner[start..].strip_suffix(b"+").unwrap_or(&inner[start..]);
    str::from_utf8(digits).ok()?.parse().ok()
}

fn is_bye(line: &[u8]) -> bool {
    line.get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"* BYE"))
}

fn is_tagged_refusal(line: &[u8]) -> bool {
    let mut words = line.splitn(3, |&byte| byte == b' ');
    let tagged = words
        .next()
        .is_some_and(|tag| !tag.is_empty() && !matches!(tag[0], b'*' | b'+'));
    let refused = words
        .next()
        .is_some_and(|word| word.eq_ignore_ascii_case(b"NO") || word.eq_ignore_ascii_case(b"BAD"));
    tagged && refused
}

/// RFC 5321 4.2: three digits, then a space or, in a line that another follows, a hyphen.
fn is_smtp_refusal(line: &[u8]) -> bool {
    matches!(line, [b'4' | b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is noted, however the bytes are cut.
    fn notes(protocol: Protocol, replies: &str) -> Vec<String> {
        let read = |size: usize| {
            let mut observer = Observer::new(protocol);
            observer.mail_client_spoke();
            replies
                .as_bytes()
                .chunks(size)
                .for_each(|piece| observer.upstream_spoke(piece));
            observer
                .into_notes()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        let whole = read(replies.len());
        for size in 1..replies.len() {
            assert_eq!(read(size), whole, "cut every {size} bytes");
        }
        whole
    }

    #[test]
    fn imap_refusals_are_noted_and_message_texts_are_not() {
        let seen = notes(
            Protocol::Imap,
            "* 1 FETCH (BODY[] {24}\r\na1 NO fake\r\n* BYE fake\r\n)\r\na2 OK done\r\na3 NO [TRYCREATE] no such folder\r\n\
             a4 BAD User is authenticated but not connected.\r\n* BYE Session invalidated - AccessTokenExpired\r\n",
        );
        assert_eq!(
            seen,
            [
                "a3 NO [TRYCREATE] no such folder",
                "a4 BAD User is authenticated but not connected.",
                "* BYE Session invalidated - AccessTokenExpired"
            ]
        );
    }

    #[test]
    fn smtp_refusals_are_noted_and_the_goodbye_takes_the_last_place() {
        let seen = notes(
            Protocol::Smtp,
            "250 2.1.0 Sender OK\r\n550 5.7.60 a\r\n432 4.3.2 b\r\n554-5.2.252 c\r\n554 5.2.252 d\r\n421 4.4.2 bye\r\n",
        );
        assert_eq!(seen, ["550 5.7.60 a", "432 4.3.2 b", "421 4.4.2 bye"]);
    }

    #[test]
    fn a_pop3_message_line_is_no_reply() {
        assert_eq!(
            notes(Protocol::Pop3, "+OK 3 octets\r\n-ERR in the text\r\n.\r\n"),
            [""; 0]
        );
        assert_eq!(
            notes(Protocol::Pop3, "-ERR no such message\r\n"),
            ["-ERR no such message"]
        );
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut observer = Observer::new(Protocol::Imap);
        for _ in 0..10_000 {
            observer.upstream_spoke(&[b'x'; 1000]);
        }
        assert!(
            observer.line.capacity() < 4 * 1024,
            "{}",
            observer.line.capacity()
        );
    }
}
