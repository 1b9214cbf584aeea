//! Hears what is said, and sees to it that every way tells it.

use std::sync::Arc;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::courier::Undelivered;
use super::gathering::Gathering;
use super::outbox::Outbox;
use super::{Alerts, Heard, Inbox, Settings, Way};
use crate::metrics::Alert as Outcome;
use crate::session::Context;

/// How a delivery by one way ended.
type Delivered = (Way, Result<(), Undelivered>);

/// Tells alerts until told to stop. Then what is still to be told is tried once, and it ends; whoever can't wait for that drops
/// it, and a command that runs ends with it.
pub async fn run(alerts: Alerts, inbox: Inbox, context: Arc<Context>, stop: CancellationToken) {
    let mut worker = Worker::new(alerts, context);
    let Inbox(mut inbox) = inbox;
    loop {
        worker.go_on(Instant::now());
        let next = worker.next();
        tokio::select! {
            heard = inbox.recv() => match heard {
                Some(heard) => worker.hear(heard, Instant::now()),
                None => break,
            },
            Some(delivered) = worker.deliveries.join_next() => worker.end(delivered, Instant::now()),
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            () = stop.cancelled() => break,
        }
    }
    while let Ok(heard) = inbox.try_recv() {
        worker.hear(heard, Instant::now());
    }
    worker.finish().await;
}

/// One way, while it is configured.
struct Line {
    way: Way,
    outbox: Outbox,
    /// The delivery that is on its way.
    flight: Option<Id>,
    /// Why it did not work the last time.
    failing: Option<String>,
}

struct Worker {
    alerts: Alerts,
    context: Arc<Context>,
    settings: Arc<Settings>,
    gathering: Gathering,
    lines: Vec<Line>,
    deliveries: JoinSet<Delivered>,
}

impl Worker {
    fn new(alerts: Alerts, context: Arc<Context>) -> Self {
        let settings = alerts.0.settings.load_full();
        let mut worker = Self {
            alerts,
            context,
            settings,
            gathering: Gathering::default(),
            lines: Vec::new(),
            deliveries: JoinSet::new(),
        };
        worker.lay_lines();
        worker
    }

    fn hear(&mut self, heard: Heard, now: Instant) {
        match heard {
            Heard::Alert(alert) => self.gathering.add(alert, now),
            Heard::Changed => {
                self.settings = self.alerts.0.settings.load_full();
                self.lay_lines();
            }
        }
    }

    /// A line for each way that is configured; those that were there keep what they have still to tell.
    fn lay_lines(&mut self) {
        self.lines.retain(|line| self.settings.has(line.way));
        for way in Way::ALL {
            if self.settings.has(way) && !self.lines.iter().any(|line| line.way == way) {
                self.lines.push(Line {
                    way,
                    outbox: Outbox::new(way == Way::Mail),
                    flight: None,
                    failing: None,
                });
            }
        }
    }

    /// Hands out what is due, and has it delivered where nothing is on its way.
    fn go_on(&mut self, now: Instant) {
        for alert in self.gathering.due(now) {
            self.lines.iter_mut().for_each(|line| line.put(&alert, now));
        }
        for line in &mut self.lines {
            let batch = line.outbox.take(now);
            if !batch.is_empty() {
                let (alerts, settings) = (self.alerts.clone(), Arc::clone(&self.settings));
                let (context, way) = (Arc::clone(&self.context), line.way);
                let flight = self.deliveries.spawn(async move {
                    let courier = &alerts.0.courier;
                    (way, courier.deliver(&settings, way, &batch, &context).await)
                });
                line.flight = Some(flight.id());
            }
        }
    }

    /// When something will be due.
    fn next(&self) -> Option<Instant> {
        let lines = self.lines.iter().filter_map(|line| line.outbox.next());
        lines.chain(self.gathering.next()).min()
    }

    fn end(&mut self, delivered: Result<Delivered, JoinError>, now: Instant) {
        let is_its = |line: &&mut Line| match &delivered {
            Ok((way, _)) => line.way == *way,
            Err(error) => line.flight == Some(error.id()),
        };
        // None if it was taken out of the configuration meanwhile.
        let Some(line) = self.lines.iter_mut().find(is_its) else {
            return;
        };
        let result = delivered.map_or_else(|_| Err(defect()), |(_, result)| result);
        self.context.metrics.alert(match result {
            Ok(()) => Outcome::Sent,
            Err(_) => Outcome::Failed,
        });
        line.end(result, now);
    }

    /// What is on its way arrives or not, and the rest is tried once.
    async fn finish(mut self) {
        let now = Instant::now();
        for alert in self.gathering.all() {
            self.lines.iter_mut().for_each(|line| line.put(&alert, now));
        }
        for line in &mut self.lines {
            line.outbox.hurry(now);
        }
        self.go_on(now);
        while let Some(delivered) = self.deliveries.join_next().await {
            let later = Instant::now();
            self.end(delivered, later);
            self.go_on(now);
        }
    }
}

fn defect() -> Undelivered {
    Undelivered {
        what: "an alert could not be told".into(),
        why: "saslgate has a defect".into(),
        fix: "report it where you got saslgate from, with the log".into(),
    }
}

impl Line {
    fn put(&mut self, alert: &super::Alert, now: Instant) {
        let lost = self.outbox.put(alert.clone(), now);
        if lost > 0 {
            tracing::warn!(way = %self.way, lost, "more alerts wait than can be kept; the oldest are given up");
        }
    }

    /// The log says once that a way fails, and once that it works again.
    fn end(&mut self, result: Result<(), Undelivered>, now: Instant) {
        match result {
            Ok(()) => {
                self.outbox.arrived();
                if self.failing.take().is_some() {
                    tracing::info!(way = %self.way, "alerts arrive by this way again");
                }
            }
            Err(Undelivered { what, why, fix }) => {
                let given_up = self.outbox.failed(now);
                if self.failing.as_ref() != Some(&why) {
                    tracing::warn!(way = %self.way, what, why, fix, "an alert did not arrive; it is tried again");
                }
                self.failing = Some(why);
                if given_up > 0 {
                    tracing::warn!(way = %self.way, given_up, "alerts that did not arrive within a day are given up");
                }
            }
        }
    }
}
