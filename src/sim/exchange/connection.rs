//! One connection of a mail port: lines in, replies out, TLS when it is time, and the planned faults.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use rustls::server::Acceptor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;

use super::stream::Stream;
use crate::sim::World;
use crate::sim::faults::{Action, Moment, Protocol};
use crate::sim::record::{Outcome, Recorder};
use crate::sim::tls::TlsFacts;

/// What is read from the socket at once: one TLS record.
const READ: usize = 16_384;

/// Larger pieces go to the socket without a copy.
const SMALL: usize = 4_096;

/// How long a closed connection waits for the peer's own end, so that its last bytes don't turn ours into an RST.
const LINGER: Duration = Duration::from_secs(5);

/// Why a conversation is over.
#[derive(Debug)]
pub(super) enum Ended {
    /// The peer is gone, or the socket broke.
    Hangup,
    /// The conversation came to its end; the connection is to be closed properly.
    Closed,
    /// A planned fault ended it.
    Fault(Moment),
    /// The TLS handshake failed.
    Tls(String),
    /// The test has the stream now.
    HandedOver,
}

impl From<io::Error> for Ended {
    fn from(_: io::Error) -> Self {
        Self::Hangup
    }
}

/// The answer of everything that talks to the peer.
pub(super) type Flow<T = ()> = Result<T, Ended>;

/// A line as it came, without its CRLF.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A proper one.
    Text(Vec<u8>),
    /// It was longer than allowed; all of it has been read and dropped.
    TooLong,
    /// It ended in a bare LF, or had a bare CR or a NUL in it.
    Malformed,
}

/// A connection.
pub(super) struct Connection {
    pub(super) world: Arc<World>,
    pub(super) protocol: Protocol,
    pub(super) record: Recorder,
    stream: Option<Stream>,
    inbound: Vec<u8>,
    taken: usize,
    outbound: Vec<u8>,
}

impl Connection {
    pub(super) fn new(world: Arc<World>, protocol: Protocol, tcp: TcpStream) -> Self {
        let record = world.exchange.records.open(protocol);
        Self {
            world,
            protocol,
            record,
            stream: Some(Stream::Plain(tcp)),
            inbound: Vec::new(),
            taken: 0,
            outbound: Vec::new(),
        }
    }

    pub(super) fn in_tls(&self) -> bool {
        matches!(self.stream, Some(Stream::Tls(_)))
    }

    fn stream(&mut self) -> Flow<&mut Stream> {
        self.stream.as_mut().ok_or(Ended::Hangup)
    }

    // ---- out ----

    /// Puts a line into the next segment.
    pub(super) fn say(&mut self, line: impl AsRef<[u8]>) {
        self.outbound.extend_from_slice(line.as_ref());
        self.outbound.extend_from_slice(b"\r\n");
    }

    /// Puts bytes into the next segment as they are.
    pub(super) fn add(&mut self, bytes: impl AsRef<[u8]>) {
        self.outbound.extend_from_slice(bytes.as_ref());
    }

    /// Sends shared bytes without copying them when they are many.
    pub(super) async fn send(&mut self, bytes: &Bytes) -> Flow {
        if bytes.len() <= SMALL {
            self.add(bytes);
            return Ok(());
        }
        self.flush().await?;
        Ok(self.stream()?.write_all(bytes).await?)
    }

    /// Sends a body with the fault that cuts it in the middle.
    pub(super) async fn send_in_halves(&mut self, bytes: &Bytes) -> Flow {
        let half = bytes.len() / 2;
        self.send(&bytes.slice(..half)).await?;
        self.at(Moment::MidLiteral).await?;
        self.send(&bytes.slice(half..)).await
    }

    /// Writes everything that was said.
    pub(super) async fn flush(&mut self) -> Flow {
        let said = std::mem::take(&mut self.outbound);
        let stream = self.stream()?;
        stream.write_all(&said).await?;
        stream.flush().await?;
        self.outbound = said;
        self.outbound.clear();
        Ok(())
    }

    // ---- in ----

    /// What has been received and not taken; waits for more when there is nothing.
    pub(super) async fn fill(&mut self) -> Flow<&[u8]> {
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

    fn unread(&self) -> &[u8] {
        self.inbound.get(self.taken..).unwrap_or_default()
    }

    pub(super) fn take(&mut self, length: usize) {
        self.taken = (self.taken + length).min(self.inbound.len());
    }

    /// The next line, of at most `limit` bytes with its CRLF. Giving up the wait loses nothing.
    pub(super) async fn line(&mut self, limit: usize) -> Flow<Line> {
        let mut searched = 0;
        loop {
            let unread = self.unread();
            let rest = unread.get(searched..).unwrap_or_default();
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line = unread.get(..=searched + end).unwrap_or_default();
                let read = if line.len() > limit {
                    Line::TooLong
                } else {
                    proper(line)
                };
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
    pub(super) async fn exactly(&mut self, length: usize) -> Flow<Vec<u8>> {
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

    // ---- TLS ----

    /// Starts TLS. Bytes that were received in clear before that end the session.
    pub(super) async fn start_tls(&mut self) -> Flow {
        self.flush().await?;
        let behind = self.unread().len();
        if behind > 0 {
            self.record.note(|page| page.bytes_behind_starttls = behind);
            return Err(Ended::Closed);
        }
        let Some(Stream::Plain(tcp)) = &self.stream else {
            return Err(Ended::Closed);
        };
        tcp.peek(&mut [0]).await?;
        self.at(Moment::TlsHello).await?;
        let Some(Stream::Plain(tcp)) = self.stream.take() else {
            return Err(Ended::Hangup);
        };
        let tls = |error: io::Error| Ended::Tls(error.to_string());
        let start = LazyConfigAcceptor::new(Acceptor::default(), tcp)
            .await
            .map_err(tls)?;
        let hello = start.client_hello();
        let name = hello.server_name().map(str::to_owned);
        let protocols = hello
            .alpn()
            .into_iter()
            .flatten()
            .map(|name| String::from_utf8_lossy(name).into_owned());
        let protocols = protocols.collect();
        self.record.note(|page| page.server_name = name);
        let stream = start
            .into_stream(self.world.exchange.tls.config())
            .await
            .map_err(tls)?;
        self.record.tls(TlsFacts::of(stream.get_ref().1, protocols));
        self.stream = Some(Stream::Tls(Box::new(stream)));
        Ok(())
    }

    // ---- faults and ends ----

    /// Lets the fault happen that is planned for this moment, if there is one.
    pub(super) async fn at(&mut self, moment: Moment) -> Flow {
        let Some(action) = self.world.exchange.faults.take(self.protocol, moment) else {
            return Ok(());
        };
        self.flush().await?;
        match action {
            Action::Delay(time) => {
                tokio::time::sleep(time).await;
                return Ok(());
            }
            Action::Inject(bytes) => {
                self.add(&bytes);
                return self.flush().await;
            }
            Action::Flood { unit, times } => return self.flood(&unit, times).await,
            Action::Garbage => {
                let mut garbage = self.world.random.bytes(200);
                garbage.extend_from_slice(b"\r\n");
                self.add(&garbage);
                self.flush().await?;
                self.stream()?.hung_up().await;
            }
            Action::Stall => self.stream()?.hung_up().await,
            Action::Finish => {
                self.stream()?.finish_abruptly()?;
                self.stream()?.hung_up().await;
            }
            Action::Reset => {
                if let Some(stream) = self.stream.take() {
                    stream.reset()?;
                }
            }
        }
        Err(Ended::Fault(moment))
    }

    async fn flood(&mut self, unit: &[u8], times: u64) -> Flow {
        for _ in 0..times {
            self.add(unit);
            if self.outbound.len() > READ {
                self.flush().await?;
            }
        }
        self.flush().await
    }

    /// Gives the stream away, with the bytes that were read from it and not taken.
    pub(super) async fn release(&mut self) -> Flow<(Stream, Vec<u8>)> {
        self.flush().await?;
        let unread = self.unread().to_vec();
        Ok((self.stream.take().ok_or(Ended::Hangup)?, unread))
    }

    /// Writes down how it ended and closes the connection.
    pub(super) async fn close(mut self, end: Ended) {
        match end {
            Ended::Fault(moment) => return self.record.outcome(Outcome::Faulted(moment)),
            Ended::Tls(reason) => return self.record.outcome(Outcome::TlsFailed(reason)),
            Ended::HandedOver => return,
            Ended::Hangup | Ended::Closed => {}
        }
        // The peer may be gone already; there is nobody left to tell.
        let _ = self.flush().await;
        if let Some(stream) = &mut self.stream
            && stream.shutdown().await.is_ok()
        {
            let _ = tokio::time::timeout(LINGER, tokio::io::copy(stream, &mut tokio::io::sink())).await;
        }
    }
}

/// A complete line without its end; CR, LF and NUL may stand nowhere else.
fn proper(line: &[u8]) -> Line {
    match line.strip_suffix(b"\r\n") {
        Some(text) if !text.iter().any(|byte| matches!(byte, b'\r' | 0)) => Line::Text(text.to_vec()),
        _ => Line::Malformed,
    }
}
