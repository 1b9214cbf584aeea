//! After the login: bytes both ways, unchanged, until an end.
//!
//! An idle session holds no buffer here. Decrypted bytes stay in the TLS connection until the other side takes them;
//! plain bytes are read into space that all sessions of a thread share, and what the other side does not take at once
//! is kept until it does. Nothing more is read meanwhile, so a stalled reader costs one buffer and no CPU.

mod flow;
mod observer;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::CancellationToken;

pub use observer::Observer;

use flow::{Flow, FlowEnd};

use crate::transport::{Leg, Link};

/// How long one direction may stay quiet after the other has ended: long enough for a last reply, not for a peer
/// that will never close.
const HALF_CLOSED_IDLE: Duration = Duration::from_secs(60);

/// How and why a relay ended.
#[derive(Debug)]
pub struct Summary {
    /// Bytes from the mail client to upstream.
    pub sent: u64,
    /// Bytes from upstream to the mail client.
    pub received: u64,
    /// Why it ended.
    pub end: End,
    /// Upstream's refusals.
    pub notes: Vec<Box<str>>,
}

/// Why a relay ended.
#[derive(Debug)]
pub enum End {
    /// That side ended first.
    Closed(Leg),
    /// That side broke off.
    Broken(Leg, io::Error),
    /// Nothing moved for too long.
    Idle,
    /// saslgate ended it: shutdown, or the account is gone.
    Cancelled,
}

/// A relay that is about to run.
pub struct Relay {
    /// The mail client.
    pub downstream: Link,
    /// The mail provider.
    pub upstream: Link,
    /// What goes to the mail client first: our yes, then what upstream sent behind its own.
    pub to_mail_client: Vec<u8>,
    /// What the mail client sent behind its login.
    pub to_upstream: Vec<u8>,
    /// Reads along.
    pub observer: Observer,
    /// How long nothing may move. Exchange ends idle sessions after 30 minutes itself, so ours is a little longer.
    pub idle: Duration,
}

impl Relay {
    /// Relays until an end or until `stop`.
    ///
    /// Not an `async fn`: that would keep room for `self` beside what runs, in every session for as long as it lives.
    pub fn run(self, stop: &CancellationToken) -> impl Future<Output = Summary> {
        let mut running = Running::new(self);
        async move {
            let end = tokio::select! {
                end = std::future::poll_fn(|cx| running.poll(cx)) => end,
                () = stop.cancelled() => End::Cancelled,
            };
            running.summary(end)
        }
    }
}

struct Running {
    downstream: Link,
    upstream: Link,
    up: Flow,
    down: Flow,
    observer: Observer,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    moved: u64,
    moved_at: Instant,
    first_end: Option<End>,
}

impl Running {
    fn new(relay: Relay) -> Self {
        let mut observer = relay.observer;
        if !relay.to_upstream.is_empty() {
            observer.mail_client_spoke();
        }
        Self {
            downstream: relay.downstream,
            upstream: relay.upstream,
            up: Flow::starting_with(relay.to_upstream),
            down: Flow::starting_with(relay.to_mail_client),
            observer,
            idle: relay.idle,
            timer: Box::pin(sleep(relay.idle)),
            moved: 0,
            moved_at: Instant::now(),
            first_end: None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            let before = (
                self.up.is_open(),
                self.down.is_open(),
                self.up.is_done(),
                self.down.is_done(),
            );
            self.poll_flows(cx);
            if self.up.is_done() && self.down.is_done() {
                return Poll::Ready(self.first_end.take().unwrap_or(End::Closed(Leg::Upstream)));
            }
            if before
                == (
                    self.up.is_open(),
                    self.down.is_open(),
                    self.up.is_done(),
                    self.down.is_done(),
                )
            {
                return self.poll_idle(cx);
            }
            // One direction came nearer to its end: the other may have waited for that (TLS 1.2), and less patience is left.
            self.moved_at = Instant::now();
            let due = self.moved_at + self.patience();
            self.timer.as_mut().reset(due);
        }
    }

    fn poll_flows(&mut self, cx: &mut Context<'_>) {
        let Self {
            downstream,
            upstream,
            up,
            down,
            observer,
            first_end,
            ..
        } = self;
        // Toward TLS 1.2 an end is only passed on once that side has said all it had to say.
        let hold = upstream.is_tls12() && !down.is_done();
        let ended = up.poll(cx, downstream, upstream, hold, |_| observer.mail_client_spoke());
        remember(first_end, ended, Leg::Downstream, Leg::Upstream);
        let hold = downstream.is_tls12() && !up.is_done();
        let ended = down.poll(cx, upstream, downstream, hold, |bytes| {
            observer.upstream_spoke(bytes);
        });
        remember(first_end, ended, Leg::Upstream, Leg::Downstream);
    }

    /// The timer is only touched when it fires: moving bytes costs no more than looking at the clock.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let moved = self.up.bytes + self.down.bytes;
        if moved != self.moved {
            self.moved = moved;
            self.moved_at = Instant::now();
        }
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let due = self.moved_at + self.patience();
            if due <= Instant::now() {
                return Poll::Ready(self.first_end.take().unwrap_or(End::Idle));
            }
            self.timer.as_mut().reset(due);
        }
    }

    fn patience(&self) -> Duration {
        if self.up.is_open() && self.down.is_open() {
            self.idle
        } else {
            HALF_CLOSED_IDLE.min(self.idle)
        }
    }

    fn summary(self, end: End) -> Summary {
        Summary {
            sent: self.up.bytes,
            received: self.down.bytes,
            end,
            notes: self.observer.into_notes(),
        }
    }
}

fn remember(first: &mut Option<End>, ended: Option<FlowEnd>, source: Leg, sink: Leg) {
    let end = match ended {
        None => return,
        Some(FlowEnd::Closed) => End::Closed(source),
        Some(FlowEnd::Source(error)) => End::Broken(source, error),
        Some(FlowEnd::Sink(error)) => End::Broken(sink, error),
    };
    first.get_or_insert(end);
}
