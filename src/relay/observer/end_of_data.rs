//! The end of a text of lines: a dot alone on one (RFC 5321 4.1.1.4, RFC 1939 3).

use memchr::memchr_iter;

/// Only this ends a text. What some readers take for it as well (`LF . LF`, `CR . CR`) is part of the text here, so that
/// nothing that looks like an end of data ever makes a text seem over that is not.
const MARK: &[u8; 5] = b"\r\n.\r\n";

/// Looks for the end of one text, however it is cut: by its dots, never line by line, because mail is moved by it. What is
/// large in mail is base64, which has none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct EndOfData {
    /// So many bytes of the mark have come last.
    matched: usize,
}

impl EndOfData {
    /// At the start of a text, right behind the line that announces it: the dot may come first thing.
    pub(super) const AT_START: Self = Self { matched: 2 };

    /// What follows the end, if that is in these bytes.
    pub(super) fn find<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let border = (MARK.len() - 1).min(bytes.len());
        for (at, &byte) in bytes[..border].iter().enumerate() {
            self.matched = matched(self.matched, byte);
            if self.matched == MARK.len() {
                return Some(&bytes[at + 1..]);
            }
        }
        for dot in memchr_iter(b'.', bytes) {
            if dot >= 2 && bytes[dot - 2..].starts_with(MARK) {
                return Some(&bytes[dot + 3..]);
            }
        }
        if bytes.len() > border {
            let last = &bytes[bytes.len() - border..];
            self.matched = last.iter().fold(0, |so_far, &byte| matched(so_far, byte));
        }
        None
    }
}

/// How much of the mark has come last, after one more byte.
fn matched(so_far: usize, byte: u8) -> usize {
    match (so_far, byte) {
        (3, b'\r') => 4,
        (_, b'\r') => 1,
        (1, b'\n') => 2,
        (4, b'\n') => 5,
        (2, b'.') => 3,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest<'a>(text: &'a [u8], sizes: &[usize]) -> Option<&'a [u8]> {
        let (mut end, mut at) = (EndOfData::AT_START, 0);
        let mut sizes = sizes.iter().cycle();
        while at < text.len() {
            let next = (at + sizes.next().unwrap()).min(text.len());
            if let Some(rest) = end.find(&text[at..next]) {
                return Some(&text[next - rest.len()..]);
            }
            at = next;
        }
        None
    }

    #[test]
    fn the_end_is_found_wherever_the_text_is_cut() {
        let cases: [(&[u8], Option<&[u8]>); 12] = [
            (b".\r\nQUIT\r\n", Some(b"QUIT\r\n")),
            (b"a\r\n.\r\n", Some(b"")),
            (b"\r\n.\r\n.\r\n", Some(b".\r\n")),
            (b"a\r\n\r\n.\r\nRSET\r\n", Some(b"RSET\r\n")),
            (b"a\r\n.\r\r\n.\r\nx", Some(b"x")),
            (b"a\r\n..\r\nb\r\n.\r\n!", Some(b"!")),
            (b"a\n.\nb", None),
            (b"a\r.\rb", None),
            (b"a\n.\r\nb", None),
            (b"a\r\n.\nb", None),
            (b"a\r\n.\rb", None),
            (b".\n.\r\nb", None),
        ];
        for (text, expected) in cases {
            assert_eq!(rest(text, &[text.len()]), expected);
            for size in 1..text.len() {
                assert_eq!(rest(text, &[size]), expected, "{text:?} every {size} bytes");
                assert_eq!(rest(text, &[size, 1, 2]), expected, "{text:?} at {size}");
            }
        }
    }
}
