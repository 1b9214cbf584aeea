//! Bounded lines and octet counts out of a byte stream, before anything is parsed.

use std::fmt;

use zeroize::Zeroizing;

/// One line without its end. Wiped when dropped, because any line before a login may hold a password.
pub type Line = Zeroizing<Vec<u8>>;

/// Why the next line can't be taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LineError {
    /// Longer than the limit. Where it ends is unknown, so nothing behind it can be trusted.
    TooLong,
    /// A CR that no LF follows: it ends a line for some readers and not for others. The line was dropped.
    BareCr,
    /// A NUL, which ends a string for some readers (CVE-2019-10691). The line was dropped.
    Nul,
}

/// Cuts lines and literals from what arrived, however it arrived.
#[derive(Default)]
pub struct Framer {
    buffer: Zeroizing<Vec<u8>>,
    start: usize,
    searched: usize,
    had_cr: bool,
}

impl Framer {
    /// Adds received bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.reclaim();
        self.reserve(bytes.len());
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether nothing is waiting.
    pub fn is_empty(&self) -> bool {
        self.waiting().is_empty()
    }

    /// The first byte waiting.
    pub fn first(&self) -> Option<u8> {
        self.waiting().first().copied()
    }

    /// What is waiting, for a look ahead.
    pub fn waiting(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// The next line of at most `limit` bytes without its end, once it is complete. A bare LF ends a line too:
    /// scripts and scanners send it, and before a login no second reader can disagree with us.
    pub fn line(&mut self, limit: usize) -> Result<Option<Line>, LineError> {
        let Some(length) = self.find_lf() else {
            // One more byte than the limit may be the CR of a line that just fits.
            return if self.waiting().len() > limit + 1 {
                Err(LineError::TooLong)
            } else {
                Ok(None)
            };
        };
        let line = Zeroizing::new(without_cr(&self.waiting()[..length]).to_vec());
        let had_cr = line.len() < length;
        if line.len() > limit {
            return Err(LineError::TooLong);
        }
        self.had_cr = had_cr;
        self.consume(length + 1);
        check(line).map(Some)
    }

    /// Whether the line that was taken last ended in CR and LF, not in LF alone.
    pub fn last_line_had_cr(&self) -> bool {
        self.had_cr
    }

    /// Exactly `count` bytes, once they are there.
    pub fn take(&mut self, count: usize) -> Option<Line> {
        let bytes = Zeroizing::new(self.waiting().get(..count)?.to_vec());
        self.consume(count);
        Some(bytes)
    }

    /// Everything that was not consumed.
    pub fn into_rest(mut self) -> Vec<u8> {
        let rest = self.waiting().to_vec();
        self.consume(rest.len());
        rest
    }

    fn find_lf(&mut self) -> Option<usize> {
        let from = self.searched.max(self.start);
        let found = self.buffer[from..].iter().position(|&byte| byte == b'\n');
        self.searched = self.buffer.len();
        found.map(|at| from + at - self.start)
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
        self.searched = self.start;
    }

    /// Drops what was consumed, so that a long dialogue does not grow the buffer.
    fn reclaim(&mut self) {
        self.buffer.drain(..self.start);
        self.searched -= self.start.min(self.searched);
        self.start = 0;
    }

    /// Makes room by moving to a larger buffer and wiping the old one, where growing in place would leave a copy behind.
    fn reserve(&mut self, count: usize) {
        let needed = self.buffer.len() + count;
        if needed > self.buffer.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.next_power_of_two()));
            larger.extend_from_slice(&self.buffer);
            self.buffer = larger;
        }
    }
}

impl fmt::Debug for Framer {
    /// How much, never what: a password may be in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Framer({} bytes)", self.waiting().len())
    }
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn check(line: Line) -> Result<Line, LineError> {
    if line.contains(&0) {
        return Err(LineError::Nul);
    }
    if line.contains(&b'\r') {
        return Err(LineError::BareCr);
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]], limit: usize) -> Vec<Result<Vec<u8>, LineError>> {
        let mut framer = Framer::default();
        let mut seen = Vec::new();
        for chunk in chunks {
            framer.push(chunk);
            loop {
                match framer.line(limit) {
                    Ok(None) => break,
                    Ok(Some(line)) => seen.push(Ok(line.to_vec())),
                    Err(LineError::TooLong) => {
                        seen.push(Err(LineError::TooLong));
                        return seen;
                    }
                    Err(error) => seen.push(Err(error)),
                }
            }
        }
        seen
    }

    #[test]
    fn a_line_ends_at_crlf_or_lf_and_bad_bytes_cost_that_line_only() {
        let input = b"one\r\ntwo\n\r\nth\rree\r\nfo\0ur\r\nfive\r\nrest";
        let expected = vec![
            Ok(b"one".to_vec()),
            Ok(b"two".to_vec()),
            Ok(vec![]),
            Err(LineError::BareCr),
            Err(LineError::Nul),
            Ok(b"five".to_vec()),
        ];
        assert_eq!(lines(&[input], 100), expected);
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(lines(&bytes, 100), expected);
    }

    #[test]
    fn the_limit_is_exact_however_the_bytes_come() {
        let fits: &[u8] = b"12345678\r\n";
        let over: &[u8] = b"123456789\r\n";
        for size in 1..=fits.len() {
            assert_eq!(
                lines(&fits.chunks(size).collect::<Vec<_>>(), 8),
                [Ok(b"12345678".to_vec())]
            );
        }
        for size in 1..=over.len() {
            assert_eq!(
                lines(&over.chunks(size).collect::<Vec<_>>(), 8),
                [Err(LineError::TooLong)]
            );
        }
        assert_eq!(lines(&[&[b'x'; 1000]], 8), [Err(LineError::TooLong)]);
    }

    #[test]
    fn literals_are_counted_and_the_rest_stays() {
        let mut framer = Framer::default();
        framer.push(b"a {3}\r\n\r\n\0 x\r\ntail");
        assert_eq!(framer.line(99).unwrap().unwrap().to_vec(), b"a {3}");
        assert_eq!(framer.take(3).unwrap().to_vec(), b"\r\n\0");
        assert_eq!(framer.line(99).unwrap().unwrap().to_vec(), b" x");
        assert!(framer.take(5).is_none());
        assert_eq!(framer.into_rest(), b"tail");
    }
}
