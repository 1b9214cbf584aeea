//! What all six dialogues share, without I/O: the contract, bounded framing, announcements, the masked transcript.

use std::fmt;

mod foreign;
mod framer;
mod offer;
mod talk;
mod transcript;

pub use foreign::Foreign;
pub use framer::{Framer, Line, LineError};
pub use offer::Offer;
pub use talk::Talk;
pub use transcript::{Said, Speaker, Transcript};

/// One peer's talk before the relay: bytes in, steps out. No socket, clock, log or configuration behind it.
///
/// However the incoming bytes are cut, the same steps come out; the one exception is STARTTLS, where any byte
/// that was received in clear behind the command ends the session.
pub trait Dialogue {
    /// What the dialogue cannot settle alone and asks its owner.
    type Event;

    /// Takes bytes from the peer, in any chunks. What is not understood yet stays inside, within the limits.
    fn receive(&mut self, bytes: &[u8]);

    /// The peer will send nothing more.
    fn peer_closed(&mut self);

    /// What is to be done next. After an [`Step::Event`] the owner answers it before it asks again.
    fn step(&mut self) -> Step<Self::Event>;

    /// TLS is up on the link: everything learned in clear is forgotten (RFC 3501 6.2.1, RFC 2595 4, RFC 3207 4.2).
    fn tls_established(&mut self);

    /// The masked lines spoken since the last call; empty unless the dialogue was made to record.
    fn overheard(&mut self) -> Vec<Said>;

    /// The bytes that the peer sent beyond what the dialogue consumed.
    fn into_unread(self: Box<Self>) -> Vec<u8>;
}

/// What a dialogue wants done.
pub enum Step<E> {
    /// Send these bytes.
    Write(Vec<u8>),
    /// Wait for bytes from the peer.
    Read,
    /// Start TLS on the link, then call [`Dialogue::tls_established`].
    StartTls,
    /// Settle this.
    Event(E),
    /// The dialogue is over.
    Close(Closing),
}

impl<E: fmt::Debug> fmt::Debug for Step<E> {
    /// Bytes to write are counted, not shown: toward an upstream there is a token among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(bytes) => write!(f, "Write({} bytes)", bytes.len()),
            Self::Read => f.write_str("Read"),
            Self::StartTls => f.write_str("StartTls"),
            Self::Event(event) => f.debug_tuple("Event").field(event).finish(),
            Self::Close(why) => f.debug_tuple("Close").field(why).finish(),
        }
    }
}

/// Why a dialogue ended before the relay.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Closing {
    /// The peer said goodbye.
    #[error("the peer said goodbye")]
    Goodbye,
    /// The peer closed its side without a goodbye.
    #[error("the peer closed the connection")]
    PeerClosed,
    /// The first bytes belong to another protocol.
    #[error("the peer speaks {0}")]
    Foreign(Foreign),
    /// Bytes in clear behind STARTTLS: an attacker's, or a peer that must not be trusted either way (CVE-2011-0411).
    #[error("bytes in clear followed STARTTLS")]
    PlaintextBeforeTls,
    /// A line, literal or response over its limit, after which nothing can be read in step.
    #[error("a line or literal was over its limit")]
    TooLong,
    /// The limit of commands that lead nowhere.
    #[error("too many bad commands")]
    TooManyErrors,
    /// The limit of refused logins on one connection.
    #[error("too many refused logins")]
    TooManyLogins,
    /// We are shutting down, or refused the connection as such.
    #[error("the connection was refused")]
    Refused,
    /// The peer did what its protocol does not allow; the text is ours, never the peer's.
    #[error("{0}")]
    Protocol(&'static str),
}

/// The right to answer one request. It can't be copied, so that nothing is answered twice.
#[derive(Debug)]
pub struct Turn(());

impl Turn {
    /// Only dialogues hand out turns.
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

/// What an upstream showed once it accepted the token.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Welcome {
    /// What it announces after the login.
    pub offer: Offer,
}

/// Bounds on what is accepted before a login. Constants have their reason here; the rest is the operator's.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Commands that lead nowhere before the connection is closed: 3 for IMAP and POP3, 10 for SMTP (Dovecot's figures).
    pub bad_commands: u32,
    /// Refused logins before the connection is closed.
    pub attempts: u32,
}

/// A command line in bytes without its end: RFC 2683 3.2.1.5 advises servers to take at least 8,000.
pub const MAX_LINE: usize = 8 * 1024;

/// A SASL response line in bytes: RFC 4954 4 names 12,288 as sufficient.
pub const MAX_SASL_LINE: usize = 12 * 1024;

/// A literal in bytes. Names and passwords are all that comes in one before a login; RFC 7888 would allow 4,096.
pub const MAX_LITERAL: u64 = 1024;

/// A password in bytes, far above any that Microsoft accepts (256).
pub const MAX_PASSWORD: usize = 1024;

/// Commands in all before a login, good or bad: a mail client needs about ten, a NOOP flood has no end.
pub const MAX_COMMANDS: u32 = 100;

impl Limits {
    /// The defaults for IMAP and POP3.
    pub const DEFAULT: Self = Self {
        bad_commands: 3,
        attempts: 3,
    };

    /// The defaults for SMTP, where old software tries more verbs.
    pub const SMTP: Self = Self {
        bad_commands: 10,
        attempts: 3,
    };
}
