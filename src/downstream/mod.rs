//! We are the mail server: the dialogues that a mail client meets before it is logged in.

mod auth_command;
#[cfg(test)]
mod conversation;
mod imap;
mod pop3;
mod reception;
mod refusal;
mod smtp;

pub use imap::Imap;
pub use pop3::Pop3;
pub use refusal::Refusal;
pub use smtp::Smtp;

use std::fmt;
use std::sync::Arc;

use crate::devices::Device;
use crate::name::{MAX_NAME, shown};
use crate::provider::Protocol;
use crate::secret::Secret;
use crate::wire::{Dialogue, Limits, Offer, Said, Turn, Welcome};

/// A login that the owner of a dialogue has to settle.
#[derive(Debug)]
pub struct LoginRequest {
    /// Who it claims to be.
    pub credentials: Credentials,
    /// How it was said.
    pub mechanism: Mechanism,
    /// The argument of EHLO or HELO, if it is valid as one (SMTP).
    pub ehlo: Option<Box<str>>,
    /// The right to answer.
    pub turn: Turn,
}

/// What a mail client shows to be let in.
#[derive(Debug)]
pub enum Credentials {
    /// A name and a password.
    Password {
        /// Whose mailbox it asks for, when that is said apart from its own name (RFC 4616 authzid); else empty.
        authzid: Vec<u8>,
        /// Its own name.
        user: Vec<u8>,
        /// Its password, as the bytes that came.
        password: Secret<Vec<u8>>,
    },
    /// Nothing but its address: a device that the listener's map names.
    Network(Device),
}

/// How a login was said; names for the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mechanism {
    /// IMAP LOGIN.
    LoginCommand,
    /// POP3 USER and PASS.
    UserPass,
    /// SASL PLAIN, RFC 4616.
    Plain,
    /// SASL LOGIN, never standardised, used everywhere.
    Login,
    /// The address alone.
    Network,
}

impl Mechanism {
    /// The name in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LoginCommand => "login-command",
            Self::UserPass => "user-pass",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::Network => "network",
        }
    }
}

/// What a listener tells its dialogues about TLS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TlsState {
    /// There is none and none is offered; a login is taken as it is.
    Off,
    /// STARTTLS is offered, a login in clear is taken too.
    Offered,
    /// STARTTLS is offered and must come first: no password is read before it.
    Required,
    /// None is offered and a login in clear from this peer is refused.
    Unavailable,
    /// TLS is up.
    Established,
}

/// A dialogue with a mail client, until it is let in or gone.
pub trait Downstream: Dialogue<Event = LoginRequest> + Send {
    /// Answers a login with no.
    fn refuse(&mut self, turn: Turn, refusal: Refusal);

    /// What was promised to this mail client and is not kept by that upstream, if anything.
    fn broken_promise(&self, welcome: &Welcome) -> Option<String>;

    /// Reminds whoever reads this mailbox that somebody has to sign in for an account, where the protocol has a word for that:
    /// to be said right before the yes.
    fn remind(&mut self, _account: &str) {}

    /// Answers a login with yes. Nothing can speak the pre-login protocol after this.
    fn accept(self: Box<Self>, turn: Turn, welcome: &Welcome) -> Handover;

    /// Ends the dialogue because saslgate stops.
    fn shut_down(&mut self);

    /// The next known mechanism that was asked for and is not offered, each once: the operator wants to know that a mail client
    /// insists on CRAM-MD5, NTLM or APOP.
    fn unsupported(&mut self) -> Option<&'static str>;

    /// Why mail that came without a login was refused, if some was since the last call (SMTP).
    fn unserved(&mut self) -> Option<Unserved> {
        None
    }

    /// How TLS stands, if the mail client has not said a word since the beginning, or since TLS came up.
    fn silence(&self) -> Option<TlsState>;

    /// Whether the mail client has said STARTTLS or STLS since the last call where there is no TLS: most end without another word.
    fn missed_tls(&mut self) -> bool;

    /// What the mail client was refused since the last call, by its owner or by the dialogue itself. At most one for each
    /// command that leads nowhere, so they are few.
    fn told(&mut self) -> Vec<Refusal>;
}

/// Why a device that does not authenticate can't send.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unserved {
    /// The listener's map does not name its address.
    UnknownAddress,
    /// It ends its lines with LF alone, which upstream does not understand.
    BareLf,
}

/// What is left of a dialogue once the mail client is in.
#[derive(Debug)]
pub struct Handover {
    /// The yes, with what goes before and with it: untagged lines, capabilities.
    pub reply: Vec<u8>,
    /// The yes as a transcript shows it; empty unless the dialogue was made to record.
    pub said: Vec<Said>,
    /// What the mail client sent behind its login: upstream's to answer.
    pub unread: Vec<u8>,
}

/// What a dialogue starts with.
#[derive(Clone, Debug)]
pub struct Opening {
    /// TLS at the first byte.
    pub tls: TlsState,
    /// What may be promised before the login.
    pub offer: Offer,
    /// The name this listener greets with (SMTP: RFC 5321 4.3.1 wants a domain or address literal).
    pub host_name: Box<str>,
    /// The device whose address the listener's map names (SMTP).
    pub device: Option<Device>,
    /// The session's id: it stands in every refusal, so that a caller can be matched to the log.
    pub session: Box<str>,
    /// Which names the masked transcript shows, if one is kept.
    pub recording: Option<Names>,
}

/// Which user names a transcript shows. People type their password there, too.
#[derive(Clone)]
pub struct Names(Arc<MayBeShown>);

type MayBeShown = dyn Fn(&[u8]) -> bool + Send + Sync;

impl Names {
    /// Those that `may_be_shown` says yes of.
    pub fn those(may_be_shown: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(may_be_shown))
    }

    /// A name as it is shown.
    fn show(&self, name: &[u8]) -> String {
        if (self.0)(name) {
            shown(name, MAX_NAME)
        } else {
            MASK.into()
        }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

/// What stands in a transcript for what may be a secret.
const MASK: &str = "***";

/// Starts the dialogue of one protocol.
pub fn open(protocol: Protocol, opening: Opening, limits: Limits) -> Box<dyn Downstream> {
    match protocol {
        Protocol::Imap => Box::new(Imap::new(opening, limits)),
        Protocol::Pop3 => Box::new(Pop3::new(opening, limits)),
        Protocol::Smtp => Box::new(Smtp::new(opening, limits)),
    }
}
