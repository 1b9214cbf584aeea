//! One connection of a mail port: lines in, replies out, TLS when it is time, and the planned faults.

mod fault;
mod reading;
mod security;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

pub(super) use self::reading::Line;
use super::stream::Stream;
use crate::sim::World;
use crate::sim::faults::{Moment, Protocol};
use crate::sim::record::{Outcome, Recorder};

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
