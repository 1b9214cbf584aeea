//! Our talk with an upstream until it says yes or no, one machine per protocol.
//!
//! An upstream is believed as little as a mail client: what it says before it said yes is bounded, a capability
//! learned in clear is forgotten, and no token leaves before TLS is up and the mechanism was announced under it.

mod guarded;
mod imap;
mod mask;
mod pop3;
mod rejection;
mod side;
mod smtp;
#[cfg(test)]
mod tests;

pub use rejection::{Kind, Rejection, classify};

use crate::name::Mailbox;
use crate::provider::{BearerMechanism, MailHost, Protocol, UpstreamTls};
use crate::sasl::bearer::{self, UnusableToken};
use crate::secret::Secret;
use crate::wire::{Dialogue, Turn, Welcome};
use side::Spoken;

/// What a handshake asks its owner.
#[derive(Debug)]
pub enum Asked {
    /// Nothing more can be done without the token.
    WantsToken(Turn),
    /// The upstream has decided. After a yes, what it sent beyond is in [`Dialogue::into_unread`].
    Done(Result<Welcome, Rejection>),
}

/// A dialogue with an upstream.
pub trait Handshake: Dialogue<Event = Asked> + Send {
    /// Answers [`Asked::WantsToken`]. On an error nothing was sent, and the handshake can't go on.
    fn present(&mut self, turn: Turn, token: &Secret<String>) -> Result<(), UnusableToken>;
}

/// What a handshake starts with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The upstream. Where its TLS is [`UpstreamTls::Implicit`], TLS is up before the handshake starts.
    pub host: MailHost,
    /// How the token is said.
    pub mechanism: BearerMechanism,
    /// Whose name goes with the token.
    pub identity: Mailbox,
    /// The argument of EHLO (SMTP): visible ASCII without a space.
    pub ehlo: Box<str>,
    /// Whether the masked transcript is kept.
    pub recording: bool,
}

impl Settings {
    fn starts_tls(&self) -> bool {
        self.host.tls == UpstreamTls::StartTls
    }

    fn mechanism_name(&self) -> &'static str {
        bearer::name(self.mechanism)
    }

    fn acknowledgement(&self) -> &'static str {
        bearer::acknowledgement(self.mechanism)
    }
}

/// The handshake of that protocol, before its first byte.
pub fn begin(protocol: Protocol, settings: Settings) -> Box<dyn Handshake> {
    match protocol {
        Protocol::Imap => Box::new(Spoken::<imap::Imap>::begin(settings)),
        Protocol::Pop3 => Box::new(Spoken::<pop3::Pop3>::begin(settings)),
        Protocol::Smtp => Box::new(Spoken::<smtp::Smtp>::begin(settings)),
    }
}
