//! What the peer says: lines with limits, and counted bytes.

use tokio::io::AsyncReadExt;

use super::{Connection, Ended, Flow, READ};

/// A line as it came, without its CRLF.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sim::exchange) enum Line {
    /// A proper one.
    Text(Vec<u8>),
    /// It was longer than allowed; all of it has been read and dropped.
    TooLong,
    /// It ended in a bare LF, or had a bare CR or a NUL in it.
    Malformed,
}

impl Connection {
    /// What has been received and not taken; waits for more when there is nothing.
    pub(in crate::sim::exchange) async fn fill(&mut self) -> Flow<&[u8]> {
        if self.taken == self.inbound.len() {
            self.inbound.clear();
            self.taken = 0;
            self.more().await?;
        }
        Ok(self.unread())
    }

    /// Waits for more bytes. Nothing is lost when the wait is given up.
    async fn more(&mut self) -> Flow {
        if !self.outbound.is_empty() {
            self.flush().await?;
        }
        self.inbound.reserve(READ);
        let stream = self.stream.as_mut().ok_or(Ended::Hangup)?;
        if stream.read_buf(&mut self.inbound).await? == 0 {
            return Err(Ended::Hangup);
        }
        Ok(())
    }

    pub(super) fn unread(&self) -> &[u8] {
        self.inbound.get(self.taken..).unwrap_or_default()
    }

    pub(in crate::sim::exchange) fn take(&mut self, length: usize) {
        self.taken = (self.taken + length).min(self.inbound.len());
    }

    /// The next line, of at most `limit` bytes with its CRLF. Giving up the wait loses nothing.
    pub(in crate::sim::exchange) async fn line(&mut self, limit: usize) -> Flow<Line> {
        let mut searched = 0;
        loop {
            let unread = self.unread();
            let rest = unread.get(searched..).unwrap_or_default();
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line = unread.get(..=searched + end).unwrap_or_default();
                // The beginning of every XOAUTH2 response in base64, and of every token in any other form.
                let marks = [&b"dXNlcj"[..], b"Bearer"];
                let secret = !self.in_tls() && marks.iter().any(|mark| contains(line, mark));
                let read = if line.len() > limit {
                    Line::TooLong
                } else {
                    proper(line)
                };
                if secret {
                    self.record.note(|page| page.login_in_clear = true);
                }
                self.take(searched + end + 1);
                return Ok(read);
            }
            searched = unread.len();
            if searched > limit {
                return self.drop_line().await;
            }
            self.compact();
            self.more().await?;
        }
    }

    /// Drops what is left of an endless line.
    async fn drop_line(&mut self) -> Flow<Line> {
        loop {
            let unread = self.fill().await?;
            let end = unread.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(unread.len(), |end| end + 1);
            self.take(length);
            if end.is_some() {
                return Ok(Line::TooLong);
            }
        }
    }

    fn compact(&mut self) {
        if self.taken > 0 {
            self.inbound.drain(..self.taken);
            self.taken = 0;
        }
    }

    /// Exactly `length` bytes, as they come.
    pub(in crate::sim::exchange) async fn exactly(&mut self, length: usize) -> Flow<Vec<u8>> {
        if !self.outbound.is_empty() {
            self.flush().await?;
        }
        let at_hand = self.unread().len().min(length);
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(self.unread().get(..at_hand).unwrap_or_default());
        self.take(at_hand);
        let missing = u64::try_from(length - at_hand).unwrap_or(u64::MAX);
        self.stream()?.take(missing).read_to_end(&mut bytes).await?;
        if bytes.len() < length {
            return Err(Ended::Hangup);
        }
        Ok(bytes)
    }
}

/// A complete line without its end; CR, LF and NUL may stand nowhere else.
fn proper(line: &[u8]) -> Line {
    match line.strip_suffix(b"\r\n") {
        Some(text) if !text.iter().any(|byte| matches!(byte, b'\r' | 0)) => Line::Text(text.to_vec()),
        _ => Line::Malformed,
    }
}

fn contains(line: &[u8], mark: &[u8]) -> bool {
    line.windows(mark.len()).any(|window| window == mark)
}
