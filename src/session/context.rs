//! What all sessions share, and what of it another configuration replaces.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

use super::{Notices, Traces};
use crate::account::state::States;
use crate::account::{Accounts, LetInBy};
use crate::metrics::Metrics;
use crate::pace::{self, Pace};
use crate::provider::{MailHost, Protocol};
use crate::sessions::Registry;
use crate::token::Tokens;
use crate::transport::Overhear;
use crate::upstream::Upstream;

/// What all sessions share.
pub struct Context {
    /// The configuration in use now. A login takes the rooms of the moment and keeps nothing of them.
    pub rooms: ArcSwap<Rooms>,
    /// Where tokens come from.
    pub tokens: Tokens,
    /// The way to the mail hosts.
    pub upstream: Upstream,
    /// How accounts stand.
    pub states: States,
    /// Who is logged in.
    pub registry: Arc<Registry<LetInBy>>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The places that mailboxes have upstream.
    pub pace: Arc<Pace>,
    /// The name that greetings carry.
    pub host_name: Box<str>,
    /// Somebody who reads conversations along.
    pub ear: Option<Arc<dyn Overhear>>,
    /// Who is to be told in the mail program that somebody has to sign in.
    pub notices: Notices,
    /// Operators who wait for an account's next login, to read it along.
    pub traces: Arc<Traces>,
    /// Fires when saslgate stops: sessions that are not logged in are told to come back.
    pub stopping: CancellationToken,
}

/// The resolved configuration, swapped whole.
pub struct Rooms {
    /// Who may log in.
    pub accounts: Accounts,
    /// The mail hosts that accounts lead to, per protocol: what is promised before a login is what all of them keep.
    pub hosts: Vec<(Protocol, Vec<MailHost>)>,
    /// Bounds on dialogues.
    pub limits: Limits,
}

/// Bounds on sessions.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a login may keep us waiting for the mail client, in all. Our own work has its own deadlines.
    pub login: Duration,
    /// How long a relay may be idle.
    pub idle: Duration,
    /// Refused logins on one connection.
    pub attempts: u32,
    /// Places per mailbox.
    pub places: pace::Limits,
}

impl Rooms {
    pub(super) fn hosts(&self, protocol: Protocol) -> &[MailHost] {
        self.hosts
            .iter()
            .find(|(of, _)| *of == protocol)
            .map_or(&[], |(_, hosts)| hosts)
    }
}
