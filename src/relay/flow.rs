//! One direction of a relay.

use std::cell::RefCell;
use std::io;
use std::task::{Context, Poll, ready};

use crate::transport::{Filled, Finish, Link};

/// Plain bytes read at once. Two thirds of a relay's cost are system calls, so larger is cheaper, but a stalled reader
/// may have to keep all of it (32 KiB here plus at most 64 KiB inside TLS stays below 128 KiB a session).
const SCRATCH: usize = 32 * 1024;

thread_local! {
    static SCRATCH_SPACE: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into());
}

/// One direction.
pub(super) struct Flow {
    /// What the sink did not take yet.
    leftover: Vec<u8>,
    taken: usize,
    stage: Stage,
    unflushed: bool,
    /// Whether the source had nothing more when it was asked last.
    starved: bool,
    source_ended: bool,
    /// Bytes that the sink took.
    pub(super) bytes: u64,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Stage {
    Open,
    /// The source has ended; the sink has yet to take the rest and be told.
    Finishing(Finish),
    Done,
}

/// Why a direction ended.
pub(super) enum FlowEnd {
    /// The source said, or showed by closing, that there is no more.
    Closed,
    /// The source broke.
    Source(io::Error),
    /// The sink broke.
    Sink(io::Error),
}

impl Flow {
    pub(super) fn starting_with(bytes: Vec<u8>) -> Self {
        Self {
            leftover: bytes,
            taken: 0,
            stage: Stage::Open,
            unflushed: false,
            starved: false,
            source_ended: false,
            bytes: 0,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Whether the source will send nothing more. A flow may be done without that: its sink broke.
    pub(super) fn source_has_ended(&self) -> bool {
        self.source_ended
    }

    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Whether all that the source has sent is with the sink, as far as that could be seen.
    pub(super) fn is_empty(&self) -> bool {
        match self.stage {
            Stage::Open => self.starved && self.leftover.is_empty() && !self.unflushed,
            Stage::Finishing(_) => false,
            Stage::Done => true,
        }
    }

    /// Moves what can be moved now. Says so, once, when the direction ends; `hold_end` keeps the end from the sink.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut Link,
        sink: &mut Link,
        hold_end: bool,
        mut see: impl FnMut(&[u8]),
    ) -> Option<FlowEnd> {
        let mut ended = None;
        while self.is_open() {
            match self.poll_some(cx, source, sink, &mut see) {
                Poll::Pending => return None,
                Poll::Ready(None) => {}
                Poll::Ready(Some(end)) => ended = Some(end),
            }
        }
        if let Stage::Finishing(how) = self.stage
            && !hold_end
            && self.poll_finish(cx, sink, how).is_ready()
        {
            self.stage = Stage::Done;
        }
        ended
    }

    fn poll_some(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut Link,
        sink: &mut Link,
        see: &mut impl FnMut(&[u8]),
    ) -> Poll<Option<FlowEnd>> {
        if let Err(error) = ready!(self.poll_leftover(cx, sink)) {
            return Poll::Ready(Some(self.sink_failed(error)));
        }
        let moved = SCRATCH_SPACE.with_borrow_mut(|scratch| self.poll_move(cx, source, sink, scratch, see));
        if moved.is_pending() && self.unflushed {
            if let Err(error) = ready!(sink.poll_flush(cx)) {
                return Poll::Ready(Some(self.sink_failed(error)));
            }
            self.unflushed = false;
        }
        moved
    }

    fn poll_move(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut Link,
        sink: &mut Link,
        scratch: &mut [u8],
        see: &mut impl FnMut(&[u8]),
    ) -> Poll<Option<FlowEnd>> {
        let filled = source.poll_fill(cx, scratch);
        self.starved = filled.is_pending();
        let (bytes, lent) = match ready!(filled) {
            Ok(Filled::Lent(bytes)) => (bytes, true),
            Ok(Filled::Taken(bytes)) => (bytes, false),
            Err(error) => return Poll::Ready(Some(self.source_failed(error))),
        };
        if bytes.is_empty() {
            self.stage = Stage::Finishing(Finish::Clean);
            self.source_ended = true;
            return Poll::Ready(Some(FlowEnd::Closed));
        }
        if !lent {
            // While the processor still has them at hand.
            see(bytes);
        }
        let count = match sink.poll_write(cx, bytes) {
            Poll::Ready(Ok(count)) => count,
            Poll::Ready(Err(error)) => return Poll::Ready(Some(self.sink_failed(error))),
            Poll::Pending if lent => return Poll::Pending,
            Poll::Pending => 0,
        };
        self.unflushed = true;
        self.bytes += count as u64;
        if lent {
            see(&bytes[..count]);
            source.consume(count);
        } else {
            self.leftover.extend_from_slice(&bytes[count..]);
        }
        Poll::Ready(None)
    }

    fn poll_leftover(&mut self, cx: &mut Context<'_>, sink: &mut Link) -> Poll<io::Result<()>> {
        while self.taken < self.leftover.len() {
            let count = ready!(sink.poll_write(cx, &self.leftover[self.taken..]))?;
            self.taken += count;
            self.bytes += count as u64;
            self.unflushed = true;
        }
        if self.taken > 0 {
            self.leftover = Vec::new();
            self.taken = 0;
        }
        Poll::Ready(Ok(()))
    }

    /// Whatever goes wrong here, the sink is as finished as it will ever be.
    fn poll_finish(&mut self, cx: &mut Context<'_>, sink: &mut Link, how: Finish) -> Poll<()> {
        if ready!(self.poll_leftover(cx, sink)).is_ok() && ready!(sink.poll_flush(cx)).is_ok() {
            let _ = ready!(sink.poll_finish(cx, how));
        }
        Poll::Ready(())
    }

    /// What the source sent before it broke still belongs to the sink.
    fn source_failed(&mut self, error: io::Error) -> FlowEnd {
        self.stage = Stage::Finishing(Finish::Cut);
        self.source_ended = true;
        if error.kind() == io::ErrorKind::UnexpectedEof {
            FlowEnd::Closed
        } else {
            FlowEnd::Source(error)
        }
    }

    fn sink_failed(&mut self, error: io::Error) -> FlowEnd {
        self.stage = Stage::Done;
        self.leftover = Vec::new();
        self.taken = 0;
        FlowEnd::Sink(error)
    }
}
