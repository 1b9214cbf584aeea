//! Lines out of a byte stream, for somebody who only reads along.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

/// Of a line that comes in pieces, its beginning and its end are kept: the one names a command or a refusal, the other a
/// literal.
const HEAD: usize = 256;
const TAIL: usize = 32;

/// The line that is being received, as far as it is kept.
#[derive(Debug, Default)]
pub(super) struct Lines {
    kept: Vec<u8>,
    length: usize,
    carriage_returns: usize,
}

/// A whole line; where it was long and came in pieces, its middle is missing.
#[derive(Debug)]
pub(super) struct Line<'a> {
    bytes: Cow<'a, [u8]>,
    length: usize,
    carriage_returns: usize,
}

impl Lines {
    /// Whether the last line was whole.
    pub(super) fn are_whole(&self) -> bool {
        self.length == 0
    }

    /// Takes the next line from the front of the bytes. None, and all bytes taken, where its end is not there yet.
    pub(super) fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<Line<'a>> {
        let Some(end) = memchr(b'\n', bytes) else {
            self.keep(bytes);
            *bytes = &[];
            return None;
        };
        let (piece, rest) = bytes.split_at(end + 1);
        *bytes = rest;
        if self.are_whole() {
            return Some(Line {
                bytes: Cow::Borrowed(piece),
                length: piece.len(),
                carriage_returns: memchr_iter(b'\r', piece).count(),
            });
        }
        self.keep(piece);
        let Self {
            kept,
            length,
            carriage_returns,
        } = std::mem::take(self);
        Some(Line {
            bytes: Cow::Owned(kept),
            length,
            carriage_returns,
        })
    }

    fn keep(&mut self, piece: &[u8]) {
        self.length += piece.len();
        self.carriage_returns += memchr_iter(b'\r', piece).count();
        let room = HEAD.saturating_sub(self.kept.len()).min(piece.len());
        let (head, rest) = piece.split_at(room);
        self.kept.extend_from_slice(head);
        self.kept
            .extend_from_slice(&rest[rest.len().saturating_sub(TAIL)..]);
        if self.kept.len() > HEAD + TAIL {
            self.kept.drain(HEAD..self.kept.len() - TAIL);
        }
    }

    /// Bytes that are kept at most.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.kept.capacity()
    }
}

impl Line<'_> {
    /// Without its end and the blanks before that.
    pub(super) fn text(&self) -> &[u8] {
        self.bytes.trim_ascii_end()
    }

    /// Whether it ends in CRLF and has no other CR in it. Of anything else two readers may make different lines.
    pub(super) fn is_clean(&self) -> bool {
        self.bytes.ends_with(b"\r\n") && self.carriage_returns == 1
    }

    /// Its first word.
    pub(super) fn first_word(&self) -> &[u8] {
        words(self.text()).next().unwrap_or_default()
    }

    /// Its length in bytes with its end.
    pub(super) fn length(&self) -> usize {
        self.length
    }
}

/// What stands between single spaces.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| byte == b' ')
}
