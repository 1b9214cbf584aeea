//! What goes wrong between a mail server and its peer, and at which moment of the conversation.

use std::time::Duration;

use super::knob::Knob;

/// A mail protocol of Exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `IMAP4rev1`.
    Imap,
    /// POP3.
    Pop3,
    /// SMTP submission.
    Smtp,
}

impl Protocol {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Imap, Self::Pop3, Self::Smtp];
}

/// A moment in a session. Each is reached before the simulator says what it would say there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// The connection was accepted; nothing was read or written.
    Accept,
    /// The TLS hello has arrived, no answer was sent. On STARTTLS ports too.
    TlsHello,
    /// Instead of the greeting.
    Greeting,
    /// Instead of the answer to CAPABILITY, CAPA or EHLO.
    Capability,
    /// Instead of the answer to STARTTLS or STLS.
    StartTls,
    /// The mechanism was named (with or without the token), nothing was answered: instead of `+` or `334`.
    AuthSent,
    /// Instead of an error challenge, where one is due.
    Challenge,
    /// The token has arrived: instead of the verdict.
    Verdict,
    /// Logged in, waiting for a command.
    Relay,
    /// Half of a literal or of a POP3 message was sent.
    MidLiteral,
    /// The first bytes of a message to be sent have arrived (DATA, BDAT, APPEND).
    MidData,
    /// The whole message has arrived: instead of the reply to it.
    AfterFinalDot,
}

impl Moment {
    /// All of them, in the order of a session.
    pub const ALL: [Self; 12] = [
        Self::Accept,
        Self::TlsHello,
        Self::Greeting,
        Self::Capability,
        Self::StartTls,
        Self::AuthSent,
        Self::Challenge,
        Self::Verdict,
        Self::Relay,
        Self::MidLiteral,
        Self::MidData,
        Self::AfterFinalDot,
    ];
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// RST.
    Reset,
    /// A plain FIN, without TLS's `close_notify`.
    Finish,
    /// Nothing more is read or written until the peer hangs up.
    Stall,
    /// A line of bytes that belong to no protocol, in TLS where TLS is up; then a stall.
    Garbage,
    /// This long, then on as if nothing had been.
    Delay(Duration),
    /// These bytes first, then on. Before TLS they go out in clear.
    Inject(Vec<u8>),
    /// `unit` this many times, then on: greetings without an end, endless lists of capabilities.
    Flood {
        /// What is repeated.
        unit: Vec<u8>,
        /// How often.
        times: u64,
    },
}

/// One planned fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// On which protocol; `None` for all.
    pub protocol: Option<Protocol>,
    /// When.
    pub at: Moment,
    /// What.
    pub action: Action,
    /// For how many sessions; `None` for all.
    pub times: Option<u32>,
    /// How often the moment passes by first; EHLO, for one, comes once in clear and once in TLS.
    pub skip: u32,
}

impl Fault {
    /// A fault that meets every session of every protocol.
    pub fn new(at: Moment, action: Action) -> Self {
        Self {
            protocol: None,
            at,
            action,
            times: None,
            skip: 0,
        }
    }

    /// The same on one protocol only.
    #[must_use]
    pub fn on(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// The same, but not the first `count` times.
    #[must_use]
    pub fn skip(mut self, count: u32) -> Self {
        self.skip = count;
        self
    }

    /// The same for the next `times` sessions that get there.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }
}

/// The planned faults, and how many have happened.
#[derive(Debug, Default)]
pub struct Faults {
    planned: Knob<Vec<Fault>>,
    happened: Knob<u64>,
}

impl Faults {
    /// Plans a fault. The first planned one that fits is taken.
    pub fn plan(&self, fault: Fault) {
        self.planned.change(|planned| planned.push(fault));
    }

    /// Forgets all planned faults.
    pub fn clear(&self) {
        self.planned.change(Vec::clear);
    }

    /// How many faults have happened.
    pub fn happened(&self) -> u64 {
        self.happened.get()
    }

    pub(crate) fn take(&self, protocol: Protocol, at: Moment) -> Option<Action> {
        let fits = |fault: &Fault| fault.at == at && fault.protocol.is_none_or(|only| only == protocol);
        let action = self.planned.change(|planned| {
            let place = planned.iter().position(fits)?;
            let fault = planned.get_mut(place)?;
            if fault.skip > 0 {
                fault.skip -= 1;
                return None;
            }
            let action = fault.action.clone();
            if let Some(times) = &mut fault.times {
                *times = times.saturating_sub(1);
                if *times == 0 {
                    planned.remove(place);
                }
            }
            Some(action)
        })?;
        self.happened.change(|count| *count += 1);
        Some(action)
    }
}
