//! Alerts: what an operator who does not look hears all the same, by a command, a webhook or mail.
//!
//! Whoever notices something says it by [`Alerts`], which never waits. [`run`] gathers what belongs together
//! (`gathering`), keeps for each way what it has still to tell (`outbox`), and has it carried (`courier`): by `command`,
//! `webhook` or `submission`, which sends what `letter` wrote. What is told is an [`Alert`], and no secret fits into one.

mod alert;
pub mod clock;
mod command;
mod courier;
mod event;
mod gathering;
mod letter;
mod outbox;
mod submission;
#[cfg(test)]
mod tests;
mod webhook;
mod worker;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::mpsc;

pub use alert::{Alert, FIELDS};
pub use courier::{Tried, Undelivered};
pub use event::{Event, State};
pub use webhook::Webhook;
pub use worker::run;

use crate::account::state::Ear;
use crate::name::{LoginName, Mailbox};
use crate::outgoing::Outgoing;
use crate::pace::Rushing;
use crate::session::Context;
use courier::Courier;

/// Alerts that were said and not yet heard. They are heard at once, so this is for a thousand accounts in one second.
const UNHEARD: usize = 4096;

/// What `[alert]` resolved to. Any combination of ways, or none.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Program and arguments; no shell. One run for each alert.
    pub command: Option<Vec<Box<str>>>,
    /// Where each alert is posted as JSON.
    pub webhook: Option<Webhook>,
    /// Mail by saslgate's own upstream.
    pub mail: Option<Mail>,
}

/// Who writes, and to whom.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mail {
    /// The account whose token it is sent with.
    pub from: LoginName,
    /// Who gets it.
    pub to: Vec<Mailbox>,
}

/// A way by which alerts are told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// A program is run.
    Command,
    /// JSON is posted.
    Webhook,
    /// Mail is sent.
    Mail,
}

impl Way {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Command, Self::Webhook, Self::Mail];

    /// The one word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Webhook => "webhook",
            Self::Mail => "mail",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Settings {
    /// Whether that way is to be used.
    fn has(&self, way: Way) -> bool {
        match way {
            Way::Command => self.command.is_some(),
            Way::Webhook => self.webhook.is_some(),
            Way::Mail => self.mail.is_some(),
        }
    }

    fn is_empty(&self) -> bool {
        !Way::ALL.into_iter().any(|way| self.has(way))
    }

    /// Each way that is to be used, and where it leads: the program, the webhook's host, who gets the mail.
    pub fn ways(&self) -> Vec<(Way, String)> {
        let leading = |way| Some((way, courier::whereto(self, way)?));
        Way::ALL.into_iter().filter_map(leading).collect()
    }
}

/// Where alerts are said. Clones say it to the same ear.
#[derive(Clone)]
pub struct Alerts(Arc<Inner>);

struct Inner {
    post: mpsc::Sender<Heard>,
    settings: ArcSwap<Settings>,
    courier: Courier,
    is_full: AtomicBool,
}

/// What was said, until [`run`] hears it.
#[derive(Debug)]
pub struct Inbox(mpsc::Receiver<Heard>);

#[derive(Debug)]
enum Heard {
    Alert(Alert),
    /// The settings are others.
    Changed,
}

impl fmt::Debug for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alerts")
    }
}

impl Alerts {
    /// Alerts by these ways; `outgoing` leads to webhooks, and `host` is what this machine is called in each alert.
    pub fn new(settings: Settings, outgoing: Outgoing, host: Box<str>) -> (Self, Inbox) {
        let (post, heard) = mpsc::channel(UNHEARD);
        let inner = Inner {
            post,
            settings: ArcSwap::from_pointee(settings),
            courier: Courier::new(outgoing, host),
            is_full: AtomicBool::new(false),
        };
        (Self(Arc::new(inner)), Inbox(heard))
    }

    /// Says something. Never waits: where so much is said that nobody keeps up, it is lost, and the log says so.
    pub fn tell(&self, alert: Alert) {
        if self.0.settings.load().is_empty() {
            return;
        }
        let said = self.0.post.try_send(Heard::Alert(alert));
        let is_lost = matches!(said, Err(mpsc::error::TrySendError::Full(_)));
        if is_lost && !self.0.is_full.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                what = "alerts are lost",
                why = "more changes at once than can be told",
                fix = "look at `saslgate status`",
                "alerts"
            );
        } else if !is_lost {
            self.0.is_full.store(false, Ordering::Relaxed);
        }
    }

    /// Takes the settings of another configuration. What a way that stays has still to tell, it tells.
    pub fn change(&self, settings: Settings) {
        self.0.settings.store(Arc::new(settings));
        // Full means that it is awake anyway.
        let _ = self.0.post.try_send(Heard::Changed);
    }

    /// Hears every change of an account's state.
    pub fn ear(&self) -> Ear {
        let alerts = self.clone();
        Ear::new(move |turn| alerts.tell(Alert::account(&turn)))
    }

    /// Hears of mailboxes that send too much.
    pub fn hear_rushing(&self) -> impl Fn(Rushing<'_>) + Send + Sync + 'static {
        let alerts = self.clone();
        move |told| alerts.tell(Alert::rate_near(told.account, told.what, told.why, told.fix))
    }

    /// Tells a test by one way at once, and what came of it. None if that way is not configured.
    pub async fn test(&self, way: Way, context: &Context) -> Option<Tried> {
        let settings = self.0.settings.load_full();
        let to = courier::whereto(&settings, way)?;
        let outcome = self
            .0
            .courier
            .deliver(&settings, way, &[Alert::test()], context)
            .await;
        Some(Tried { to, outcome })
    }
}
