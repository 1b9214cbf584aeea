//! Links to peers, and `drive`: the one loop that moves bytes for every dialogue.

mod distrust;
mod link;
mod trouble;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use zeroize::{Zeroize, Zeroizing};

pub use distrust::{Distrust, Verifier, issuer};
pub use link::{Filled, Finish, Link, RECORD, Upgrade, tune};
pub use trouble::{Trouble, WhyAndFix, causes};

use crate::wire::{Closing, Dialogue, Said, Step};

/// Bytes read at once before a login: lines are short, and what is not read stays in the kernel.
const CHUNK: usize = 4 * 1024;

/// Which way a dialogue faces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Leg {
    /// Toward the mail client.
    Downstream,
    /// Toward the mail provider.
    Upstream,
}

/// Somebody who reads conversations along, masked.
pub trait Overhear: Send + Sync {
    /// Takes one line of one session.
    fn line(&self, session: &str, leg: Leg, said: Said);
}

/// A place where conversations can be read along; mostly nobody does.
#[derive(Clone, Default)]
pub struct Tap {
    ear: Option<(Arc<dyn Overhear>, Arc<str>)>,
}

impl Tap {
    /// A tap on one session.
    pub fn new(ear: Option<Arc<dyn Overhear>>, session: &str) -> Self {
        Self {
            ear: ear.map(|ear| (ear, session.into())),
        }
    }

    /// A tap that nobody listens at.
    pub const fn nobody() -> Self {
        Self { ear: None }
    }

    /// Whether somebody listens, and dialogues should keep their transcript.
    pub fn is_listening(&self) -> bool {
        self.ear.is_some()
    }

    /// Passes on masked lines of one leg.
    pub fn pass(&self, leg: Leg, lines: Vec<Said>) {
        if let Some((ear, session)) = &self.ear {
            for said in lines {
                ear.line(session, leg, said);
            }
        }
    }
}

/// How long we go on waiting for one peer, in all: a peer that sends a byte now and then uses it up all the same.
#[derive(Debug)]
pub struct Patience {
    left: Duration,
}

/// The peer used up our patience.
#[derive(Debug)]
pub struct Impatient;

impl Patience {
    /// Patience for that long.
    pub fn new(left: Duration) -> Self {
        Self { left }
    }

    /// Waits for the peer to do something.
    pub async fn wait<F: Future>(&mut self, something: F) -> Result<F::Output, Impatient> {
        let start = Instant::now();
        let result = timeout(self.left, something).await;
        self.left = self.left.saturating_sub(start.elapsed());
        result.map_err(|_| Impatient)
    }
}

/// Why a dialogue came to its end without an event.
#[derive(Debug)]
pub enum Ended {
    /// The dialogue closed it.
    Closed(Closing),
    /// The peer took too long.
    Impatient,
    /// The link broke.
    Broken(io::Error),
    /// TLS could not be established.
    Tls(io::Error),
}

impl Ended {
    /// TLS was asked for where nobody set it up.
    pub fn tls_not_configured() -> Self {
        Self::Tls(io::Error::other("TLS is not configured"))
    }
}

impl From<Impatient> for Ended {
    fn from(_: Impatient) -> Self {
        Self::Impatient
    }
}

/// Moves bytes between a link and a dialogue until the dialogue asks something or ends.
pub async fn drive<D: Dialogue + ?Sized>(
    link: &mut Link,
    dialogue: &mut D,
    upgrade: Option<&Upgrade>,
    patience: &mut Patience,
    (tap, leg): (&Tap, Leg),
) -> Result<D::Event, Ended> {
    let mut chunk = [0; CHUNK];
    loop {
        let step = dialogue.step();
        if tap.is_listening() {
            tap.pass(leg, dialogue.overheard());
        }
        match step {
            Step::Write(bytes) => {
                // A token may be in it.
                let bytes = Zeroizing::new(bytes);
                patience.wait(link.write(&bytes)).await?.map_err(Ended::Broken)?;
            }
            Step::Read => match patience
                .wait(link.read(&mut chunk))
                .await?
                .map_err(Ended::Broken)?
            {
                0 => dialogue.peer_closed(),
                count => {
                    dialogue.receive(&chunk[..count]);
                    // Passwords come in by it. Wiping more than was read would cost as much as reading it.
                    chunk[..count].zeroize();
                }
            },
            Step::StartTls => {
                let upgrade = upgrade.ok_or_else(Ended::tls_not_configured)?;
                patience
                    .wait(link.start_tls(upgrade))
                    .await?
                    .map_err(Ended::Tls)?;
                dialogue.tls_established();
            }
            Step::Event(event) => return Ok(event),
            Step::Close(why) => return Err(Ended::Closed(why)),
        }
    }
}
