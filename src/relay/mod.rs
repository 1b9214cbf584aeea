//! After the login: bytes both ways, unchanged, until an end.
//!
//! An idle session holds no buffer here. Decrypted bytes stay in the TLS connection until the other side takes them;
//! plain bytes are read into space that all sessions of a thread share, and what the other side does not take at once
//! is kept until it does. Nothing more is read meanwhile, so a stalled reader costs one buffer and no CPU.

mod farewell;
mod flow;
mod observer;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

pub use observer::{Observer, Sent};

use flow::{Flow, FlowEnd};

use crate::pace::Place;
use crate::sessions::{Why, Wish, Wishes};
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
    /// saslgate ended it while nothing was in the air.
    Rested(Why),
    /// saslgate ended it, whatever was in the air: the account is gone, or the time to stop has come.
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
    /// Reads along. It knows what upstream said behind its yes already, and nothing of what the mail client sent.
    pub observer: Observer,
    /// What the session holds upstream, until both connections are closed.
    pub place: Option<Place>,
    /// How long nothing may move. Exchange ends idle sessions after 30 minutes itself, so ours is a little longer.
    pub idle: Duration,
}

impl Relay {
    /// Relays until an end, or until one is wished for.
    ///
    /// Not an `async fn`: that would keep room for `self` beside what runs, in every session for as long as it lives.
    pub fn run(self, wishes: &Wishes) -> impl Future<Output = Summary> {
        let mut running = Running::new(self);
        async move {
            let end = std::future::poll_fn(|cx| running.poll(cx, wishes)).await;
            match end {
                // Boxed, because hardly any session needs it.
                End::Rested(why) => Box::pin(running.take_leave(why, wishes)).await,
                end => running.summary(end),
            }
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
    /// When something moved last that an end might have lost.
    busy_at: Instant,
    first_end: Option<End>,
    /// Below the links, so that it is given back when they are closed.
    place: Option<Place>,
}

impl Running {
    fn new(relay: Relay) -> Self {
        let mut observer = relay.observer;
        observer.mail_client_spoke(&relay.to_upstream);
        let now = Instant::now();
        Self {
            downstream: relay.downstream,
            upstream: relay.upstream,
            up: Flow::starting_with(relay.to_upstream),
            down: Flow::starting_with(relay.to_mail_client),
            observer,
            idle: relay.idle,
            timer: Box::pin(sleep(relay.idle)),
            moved: 0,
            moved_at: now,
            busy_at: now,
            first_end: None,
            place: relay.place,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, wishes: &Wishes) -> Poll<End> {
        let wish = wishes.poll(cx);
        if wish == Wish::EndNow {
            return Poll::Ready(End::Cancelled);
        }
        loop {
            let before = (
                self.up.is_open(),
                self.down.is_open(),
                self.up.is_done(),
                self.down.is_done(),
            );
            self.poll_flows(cx);
            self.look();
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
                return self.poll_idle(cx, wish);
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
        let ended = up.poll(cx, downstream, upstream, hold, |bytes| {
            observer.mail_client_spoke(bytes);
        });
        remember(first_end, ended, Leg::Downstream, Leg::Upstream);
        let hold = downstream.is_tls12() && !up.is_done();
        let ended = down.poll(cx, upstream, downstream, hold, |bytes| {
            observer.upstream_spoke(bytes);
        });
        remember(first_end, ended, Leg::Upstream, Leg::Downstream);
    }

    /// Takes in what the poll has moved.
    fn look(&mut self) {
        self.count();
        if self.down.source_has_ended() {
            // Upstream has ended its session, as after QUIT; how long the mail client takes to hang up is no matter of others.
            self.place = None;
        }
    }

    fn count(&mut self) {
        let moved = self.up.bytes + self.down.bytes;
        if moved == self.moved {
            return;
        }
        self.moved = moved;
        self.moved_at = Instant::now();
        if self.observer.take_busy() {
            self.busy_at = self.moved_at;
        }
        if let (Some(sent), Some(place)) = (self.observer.take_sent(), &self.place) {
            place.sent(sent.messages, sent.recipients);
        }
    }

    /// Unless an end is wished for, the timer is only touched when it fires: moving bytes costs no more than looking at the
    /// clock.
    fn poll_idle(&mut self, cx: &mut Context<'_>, wish: Wish) -> Poll<End> {
        loop {
            let idle = self.moved_at + self.patience();
            let mut next = idle;
            if let Wish::EndAtRest(why, quiet) = wish
                && self.is_at_rest()
            {
                let rested = self.busy_at + quiet;
                if rested > Instant::now() {
                    next = next.min(rested);
                } else if self.gives_way(why) {
                    return Poll::Ready(End::Rested(why));
                }
                if next < self.timer.deadline() {
                    self.timer.as_mut().reset(next);
                }
            }
            ready!(self.timer.as_mut().poll(cx));
            if idle <= Instant::now() {
                return Poll::Ready(self.first_end.take().unwrap_or(End::Idle));
            }
            self.timer.as_mut().reset(next);
        }
    }

    /// Of many idle sessions, no more end than others wait for their places.
    fn gives_way(&self, why: Why) -> bool {
        why == Why::Stopping || self.place.as_ref().is_none_or(Place::give_way)
    }

    /// Whether both sides have all that the other has sent, and that is all of what they were at.
    fn is_at_rest(&self) -> bool {
        self.observer.is_at_rest() && self.up.is_empty() && self.down.is_empty()
    }

    fn patience(&self) -> Duration {
        if self.up.is_open() && self.down.is_open() {
            self.idle
        } else {
            HALF_CLOSED_IDLE.min(self.idle)
        }
    }

    /// Ends both sides so that they can still read what was said last.
    async fn take_leave(self, why: Why, wishes: &Wishes) -> Summary {
        let says = self.observer.may_say_goodbye() && self.up.is_open() && self.down.is_open();
        let line = says.then(|| farewell::line(why, wishes.id().as_str()));
        let Self {
            downstream,
            upstream,
            up,
            down,
            observer,
            place,
            ..
        } = self;
        farewell::say(downstream, upstream, line).await;
        drop(place);
        Summary {
            sent: up.bytes,
            received: down.bytes,
            end: End::Rested(why),
            notes: observer.into_notes(),
        }
    }

    fn summary(self, end: End) -> Summary {
        if let Some(place) = self.place {
            // Upstream counts the session until it has seen our end. Who gets the place before that would be one too many.
            let upstream = self.upstream;
            tokio::spawn(async move {
                upstream.close().await;
                drop(place);
            });
        }
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
