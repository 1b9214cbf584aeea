//! One account from the clock to an opened mailbox, step by step, each told as it happens. Nothing is sent, nothing is
//! changed, and no token is told; the steps upstream are those of a login, up to a command that proves that the mailbox opens.

mod certificate;
mod clock;
mod conversation;
mod door;
mod mailbox;
mod pin;
mod token;
mod way;

use std::fmt;
use std::future::{Future, ready};
use std::time::{Duration, Instant};

pub use clock::clock;
pub(crate) use conversation::Conversation;
pub use door::{Door, DoorTls, doors};
pub use way::{Ended, Failed, mailbox};

use crate::failure::Diagnosis;

/// One step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Our own listeners answer, and their certificates last.
    Listener,
    /// This machine's clock, beside the provider's.
    Clock,
    /// An access token, and what it says of itself.
    Token,
    /// The mail host's name.
    Resolve,
    /// A connection to it.
    Connect,
    /// TLS, and who issued the certificate.
    Tls,
    /// What the mail host offers.
    Offer,
    /// The token, and its verdict.
    Login,
    /// A command that needs the mailbox.
    Mailbox,
}

impl Step {
    /// The one word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listener => "listener",
            Self::Clock => "clock",
            Self::Token => "token",
            Self::Resolve => "dns",
            Self::Connect => "tcp",
            Self::Tls => "tls",
            Self::Offer => "offer",
            Self::Login => "login",
            Self::Mailbox => "mailbox",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a step ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It worked: what was found.
    Passed(String),
    /// It works, and should be looked at.
    Remarked(Diagnosis),
    /// It does not work.
    Failed {
        /// What, why, and what mends it.
        diagnosis: Diagnosis,
        /// How long it takes until that counts, in words.
        takes: &'static str,
        /// The commands of Exchange's PowerShell that mend it, to be pasted.
        commands: Vec<String>,
    },
    /// It was not tried to its end, and why.
    Skipped(String),
}

/// Who is told.
pub trait Witness: Sync {
    /// A step begins.
    fn begins(&self, step: Step) -> impl Future<Output = ()> + Send;

    /// It has ended.
    fn ends(&self, step: Step, took: Duration, outcome: Outcome) -> impl Future<Output = ()> + Send;
}

/// Nobody is told; only how it ends counts.
pub struct Nobody;

impl Witness for Nobody {
    fn begins(&self, _: Step) -> impl Future<Output = ()> + Send {
        ready(())
    }

    fn ends(&self, _: Step, _: Duration, _: Outcome) -> impl Future<Output = ()> + Send {
        ready(())
    }
}

/// A step that is under way.
struct Begun<'w, W> {
    witness: &'w W,
    step: Step,
    at: Instant,
}

impl<'w, W: Witness> Begun<'w, W> {
    async fn at(step: Step, witness: &'w W) -> Self {
        witness.begins(step).await;
        Self {
            witness,
            step,
            at: Instant::now(),
        }
    }

    async fn passed(self, found: impl Into<String>) {
        self.ended(Outcome::Passed(found.into())).await;
    }

    async fn ended(self, outcome: Outcome) {
        self.witness.ends(self.step, self.at.elapsed(), outcome).await;
    }
}
