//! Links to peers, and `drive`: the one loop that moves bytes for every dialogue.

mod certificate;
mod distrust;
mod link;
mod trouble;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use zeroize::{Zeroize, Zeroizing};

pub use certificate::{issuer, names};
pub use distrust::{Distrust, Verifier};
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
                if let Err(error) = patience.wait(link.write(&bytes)).await? {
                    return Err(unheard(dialogue, error));
                }
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

/// Why it ended, where our words did not arrive. If they were the last ones, the dialogue knows better than the socket: a mail
/// client that speaks TLS to a port in clear resets the connection as soon as it has seen our greeting.
fn unheard<D: Dialogue + ?Sized>(dialogue: &mut D, error: io::Error) -> Ended {
    match dialogue.step() {
        Step::Close(why) => Ended::Closed(why),
        _ => Ended::Broken(error),
    }
}

#[cfg(test)]
mod tests {
    use socket2::SockRef;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::wire::Said;

    /// Says one word; then it leaves, or reads on.
    struct OneWord {
        said: bool,
        leaves: bool,
    }

    impl Dialogue for OneWord {
        type Event = ();

        fn receive(&mut self, _: &[u8]) {}

        fn peer_closed(&mut self) {}

        fn step(&mut self) -> Step<()> {
            match (std::mem::replace(&mut self.said, true), self.leaves) {
                (false, _) => Step::Write(b"bye\r\n".to_vec()),
                (true, true) => Step::Close(Closing::TooManyErrors),
                (true, false) => Step::Read,
            }
        }

        fn tls_established(&mut self) {}

        fn overheard(&mut self) -> Vec<Said> {
            Vec::new()
        }

        fn into_unread(self: Box<Self>) -> Vec<u8> {
            Vec::new()
        }
    }

    /// A link whose peer has reset the connection.
    async fn reset() -> Link {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(socket.local_addr().unwrap()).await.unwrap();
        let (stream, _) = socket.accept().await.unwrap();
        SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
        drop(peer);
        // Not before it has arrived here.
        stream.readable().await.unwrap();
        assert!(stream.try_read(&mut [0]).is_err());
        Link::plain(stream)
    }

    #[tokio::test]
    async fn last_words_that_nobody_hears_leave_the_reason_as_it_was() {
        for leaves in [true, false] {
            let mut dialogue = OneWord { said: false, leaves };
            let mut patience = Patience::new(Duration::from_secs(5));
            let legs = (&Tap::default(), Leg::Downstream);
            let ended = drive(&mut reset().await, &mut dialogue, None, &mut patience, legs)
                .await
                .unwrap_err();
            assert_eq!(
                matches!(ended, Ended::Closed(Closing::TooManyErrors)),
                leaves,
                "{ended:?}"
            );
            assert_eq!(matches!(ended, Ended::Broken(_)), !leaves, "{ended:?}");
        }
    }
}
