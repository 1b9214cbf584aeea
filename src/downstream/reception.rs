//! What the three dialogues share: who may speak, whether a login may be said yet, and how much may be wasted before the
//! mail client is shown out.

use super::{Credentials, Handover, LoginRequest, MASK, Mechanism, Opening, Refusal, TlsState};
use crate::provider::Protocol;
use crate::sasl::exchange::{self, Shown};
use crate::wire::{
    Closing, Dialogue, Foreign, Limits, Line, LineError, MAX_COMMANDS, Said, Step, Talk, Turn,
};

/// The talk with one mail client, and what it has used up of our patience.
pub(super) struct Reception {
    pub(super) talk: Talk<LoginRequest>,
    pub(super) opening: Opening,
    protocol: Protocol,
    limits: Limits,
    commands: u32,
    bad: u32,
    refused: u32,
    // No line was heard yet: what comes first may belong to another protocol.
    fresh: bool,
    // No byte has come yet.
    silent: bool,
    // Each mechanism that was asked for and is not offered; those before `told_unsupported` were taken.
    unsupported: Vec<&'static str>,
    told_unsupported: usize,
    told: Vec<Refusal>,
    // STARTTLS was said where there is no TLS, and nobody has asked about it since.
    missed_tls: bool,
}

/// What came next from the mail client.
pub(super) enum Heard {
    /// No whole line yet, or the end.
    Nothing,
    /// A line.
    Line(Line),
    /// A line with a bare CR or a NUL in it, which was dropped.
    Garbled,
    /// More than the limit: nothing behind it can be read in step.
    TooLong,
}

impl Reception {
    pub(super) fn new(protocol: Protocol, opening: Opening, limits: Limits) -> Self {
        Self {
            talk: Talk::new(opening.recording.is_some()),
            opening,
            protocol,
            limits,
            commands: 0,
            bad: 0,
            refused: 0,
            fresh: true,
            silent: true,
            unsupported: Vec::new(),
            told_unsupported: 0,
            told: Vec::new(),
            missed_tls: false,
        }
    }

    /// The next line of at most `limit` bytes. Another protocol's opening is answered here and ends the talk.
    pub(super) fn hear(&mut self, limit: usize) -> Heard {
        let first = self.talk.input.first();
        if let Some(foreign) = first.filter(|_| self.fresh).and_then(Foreign::by_first_byte) {
            return self.turn_away(foreign);
        }
        match self.talk.input.line(limit) {
            Ok(None) => Heard::Nothing,
            Ok(Some(line)) => self.judge_first(line),
            Err(LineError::TooLong) => Heard::TooLong,
            Err(LineError::BareCr | LineError::Nul) => {
                self.fresh = false;
                Heard::Garbled
            }
        }
    }

    fn judge_first(&mut self, line: Line) -> Heard {
        let fresh = std::mem::take(&mut self.fresh);
        match Foreign::by_first_line(self.protocol, &line).filter(|_| fresh) {
            Some(foreign) => self.turn_away(foreign),
            None => Heard::Line(line),
        }
    }

    /// One error, nothing echoed, nothing more read: a browser that is made to speak to a mail port must get nothing
    /// back that a page could read or run (ALPACA, RFC 9325 does not cover plain ports).
    fn turn_away(&mut self, foreign: Foreign) -> Heard {
        let name = self.protocol.name().to_ascii_uppercase();
        self.talk.heard("(not understood)");
        self.farewell(
            &format!("This port speaks {name} only."),
            Closing::Foreign(foreign),
        );
        Heard::Nothing
    }

    /// A user name as the transcript shows it.
    pub(super) fn named(&self, name: &[u8]) -> String {
        let names = self.opening.recording.as_ref();
        names.map_or_else(|| MASK.into(), |names| names.show(name))
    }

    /// Whether a login may be said now. If not, no password is read, parsed or kept.
    pub(super) fn takes_logins(&self) -> bool {
        !matches!(self.opening.tls, TlsState::Required | TlsState::Unavailable)
    }

    /// Whether STARTTLS is offered now.
    pub(super) fn offers_tls(&self) -> bool {
        matches!(self.opening.tls, TlsState::Offered | TlsState::Required)
    }

    /// TLS is up; what was learned in clear is forgotten, what was wasted in clear is not.
    pub(super) fn tls_established(&mut self) {
        self.talk.tls_established();
        self.opening.tls = TlsState::Established;
        self.fresh = true;
        self.silent = true;
    }

    /// How TLS stands, if nothing has come since the beginning, or since TLS came up.
    pub(super) fn silence(&self) -> Option<TlsState> {
        self.silent.then_some(self.opening.tls)
    }

    /// Counts a command. `false` means that it was one too many, and the talk is over.
    pub(super) fn admit_command(&mut self) -> bool {
        self.commands += 1;
        if self.commands > MAX_COMMANDS {
            self.farewell("Too many commands before a login.", Closing::TooManyErrors);
            return false;
        }
        true
    }

    /// Answers a command that led nowhere, and shows the mail client out if it was the last one we take.
    pub(super) fn answer_bad(&mut self, reply: &str) {
        self.talk.say(reply);
        self.bad += 1;
        if self.bad >= self.limits.bad_commands {
            self.show_out("Too many bad commands.", Closing::TooManyErrors);
        }
    }

    /// Answers STARTTLS where there is no TLS.
    pub(super) fn answer_no_tls(&mut self, reply: &str) {
        self.missed_tls = true;
        self.answer_bad(reply);
    }

    /// Answers a login that was refused, and shows the mail client out if it was the last one we take.
    pub(super) fn answer_refused(&mut self, reply: &str) {
        self.talk.say(reply);
        self.refused += 1;
        if self.refused >= self.limits.attempts {
            self.show_out("Too many refused logins.", Closing::TooManyLogins);
        }
    }

    /// A refusal as it stands behind the tag, or on its own.
    pub(super) fn refusal(&mut self, refusal: Refusal) -> String {
        self.told.push(refusal);
        refusal.reply(self.protocol, &self.opening.session)
    }

    /// Says the one line that ends the talk.
    pub(super) fn farewell(&mut self, sentence: &str, why: Closing) {
        let start = match self.protocol {
            // RFC 3501 7.1.5.
            Protocol::Imap => "* BYE",
            Protocol::Pop3 => "-ERR",
            // RFC 5321 3.8: 421 may come in place of any reply, or unasked.
            Protocol::Smtp => "421 4.7.0",
        };
        self.talk.say_and_close(&format!("{start} {sentence}"), why);
    }

    /// Ends the talk after a command was answered; POP3 has no word for that.
    fn show_out(&mut self, sentence: &str, why: Closing) {
        match self.protocol {
            Protocol::Imap | Protocol::Smtp => self.farewell(sentence, why),
            Protocol::Pop3 => self.talk.close(why),
        }
    }

    /// Ends the talk because saslgate stops.
    pub(super) fn shut_down(&mut self) {
        self.told.push(Refusal::ShuttingDown);
        let greeting = Refusal::ShuttingDown.greeting(self.protocol, &self.opening.session);
        self.talk.say_and_close(&greeting, Closing::Refused);
    }

    /// Says yes and lets go of the mail client.
    pub(super) fn hand_over(mut self, reply: &str) -> Handover {
        self.talk.say(reply);
        self.let_go()
    }

    /// Lets go of the mail client.
    pub(super) fn let_go(mut self) -> Handover {
        let mut bytes = Vec::new();
        while let Some(Step::Write(written)) = self.talk.take_step() {
            bytes.extend(written);
        }
        Handover {
            reply: bytes,
            said: self.talk.overheard(),
            unread: self.talk.input.into_rest(),
        }
    }

    /// Remembers a mechanism that was asked for and is not offered: each once, however often a mail client comes back to it.
    pub(super) fn note_unsupported(&mut self, mechanism: &[u8]) {
        let name = exchange::mechanism_name(mechanism);
        let new = name.filter(|name| !self.unsupported.contains(name));
        self.unsupported.extend(new);
    }

    /// The next of those mechanisms.
    pub(super) fn take_unsupported(&mut self) -> Option<&'static str> {
        let next = self.unsupported.get(self.told_unsupported).copied();
        self.told_unsupported += usize::from(next.is_some());
        next
    }

    /// Remembers that something was refused which a reply of its own has told.
    pub(super) fn note(&mut self, refusal: Refusal) {
        self.told.push(refusal);
    }

    /// Whether STARTTLS was said where there is no TLS, once.
    pub(super) fn take_missed_tls(&mut self) -> bool {
        std::mem::take(&mut self.missed_tls)
    }

    /// The refusals that the mail client was told, once.
    pub(super) fn take_told(&mut self) -> Vec<Refusal> {
        std::mem::take(&mut self.told)
    }

    /// Asks the owner about a login.
    pub(super) fn ask(&mut self, credentials: Credentials, mechanism: Mechanism, ehlo: Option<Box<str>>) {
        self.talk.raise(LoginRequest {
            credentials,
            mechanism,
            ehlo,
            turn: Turn::new(),
        });
    }
}

/// What each protocol adds to its reception.
pub(super) trait Conduct {
    /// The part that all share.
    fn reception(&mut self) -> &mut Reception;

    /// The same, when the talk is over.
    fn into_reception(self) -> Reception;

    /// Understands the next piece of input. `false` means that there is none.
    fn advance(&mut self) -> bool;

    /// Forgets what was learned before TLS came up.
    fn forget(&mut self);
}

impl<T: Conduct> Dialogue for T {
    type Event = LoginRequest;

    fn receive(&mut self, bytes: &[u8]) {
        let reception = self.reception();
        reception.silent = false;
        reception.talk.receive(bytes);
    }

    fn peer_closed(&mut self) {
        self.reception().talk.peer_closed();
    }

    fn step(&mut self) -> Step<LoginRequest> {
        loop {
            if let Some(step) = self.reception().talk.take_step() {
                return step;
            }
            if !self.advance() {
                let talk = &mut self.reception().talk;
                return talk.take_step().unwrap_or_else(|| talk.wait());
            }
        }
    }

    fn tls_established(&mut self) {
        self.reception().tls_established();
        self.forget();
    }

    fn overheard(&mut self) -> Vec<Said> {
        self.reception().talk.overheard()
    }

    fn into_unread(self: Box<Self>) -> Vec<u8> {
        self.into_reception().talk.input.into_rest()
    }
}

impl From<Shown> for (Credentials, Mechanism) {
    fn from(shown: Shown) -> Self {
        let (authzid, user, password, mechanism) = match shown {
            Shown::Plain(read) => (read.authzid, read.authcid, read.password, Mechanism::Plain),
            Shown::Login { user, password } => (Vec::new(), user, password, Mechanism::Login),
        };
        let credentials = Credentials::Password {
            authzid,
            user,
            password,
        };
        (credentials, mechanism)
    }
}
