//! POP3 before a login, toward a mail client: RFC 1939, with RFC 2449 (CAPA), RFC 2595 (STLS) and RFC 5034 (AUTH).
//!
//! The greeting has no `<…@…>` in it: some mail clients take that for an offer of APOP (RFC 1939 7) and never show a password.

mod command;
#[cfg(test)]
mod tests;

use self::command::{Command, Verb};
use super::auth_command::{self, Auth};
use super::reception::{Conduct, Heard, Reception};
use super::{Credentials, Downstream, Handover, Mechanism, Opening, Refusal, TlsState};
use crate::name::MAX_NAME;
use crate::provider::Protocol;
use crate::sasl::exchange::{Exchange, Progress};
use crate::secret::Secret;
use crate::wire::{Closing, Limits, MAX_LINE, MAX_PASSWORD, MAX_SASL_LINE, Turn, Welcome};

/// The dialogue with a POP3 mail client.
pub struct Pop3 {
    reception: Reception,
    state: State,
    // CAPA was answered since TLS came up, or since the start.
    promised: bool,
}

enum State {
    /// A command is awaited; USER may have come.
    Ready { user: Option<Vec<u8>> },
    /// A SASL response is awaited.
    Responding(Exchange),
    /// The owner decides about a login.
    Deciding,
    /// TLS is starting.
    StartingTls,
}

impl State {
    const READY: Self = Self::Ready { user: None };
}

impl Pop3 {
    /// A dialogue that has its greeting to say.
    pub fn new(opening: Opening, limits: Limits) -> Self {
        let mut reception = Reception::new(Protocol::Pop3, opening, limits);
        reception.talk.say("+OK saslgate ready.");
        Self {
            reception,
            state: State::READY,
            promised: false,
        }
    }

    fn line_limit(&self) -> usize {
        let responding = matches!(self.state, State::Responding(_));
        if responding || auth_command::is_coming(self.reception.talk.input.waiting()) {
            MAX_SASL_LINE
        } else {
            MAX_LINE
        }
    }

    fn line(&mut self, line: &[u8]) {
        match std::mem::replace(&mut self.state, State::READY) {
            State::Ready { user } => self.command(user, line),
            State::Responding(exchange) => self.response(exchange, line),
            state @ (State::Deciding | State::StartingTls) => self.state = state,
        }
    }

    /// A bare CR or a NUL: for other readers the line may end there, so it is nobody's line.
    fn garbled(&mut self) {
        self.reception.talk.heard("(not understood)");
        if matches!(self.state, State::Responding(_)) {
            self.state = State::READY;
        }
        if self.reception.admit_command() {
            self.bad("Bare CR or NUL in a line.");
        }
    }

    fn command(&mut self, user: Option<Vec<u8>>, line: &[u8]) {
        let command = Command::parse(line);
        let said = command.shown(|name| self.reception.named(name));
        self.reception.talk.heard(said);
        if !self.reception.admit_command() {
            return;
        }
        match command.verb {
            // USER too: after a +OK the password would come in clear, refused or not (RFC 2595 4).
            Verb::User | Verb::Pass | Verb::Auth if !self.reception.takes_logins() => {
                self.turn_down(Refusal::TlsRequired);
            }
            Verb::User => self.user(command.argument),
            Verb::Pass => self.pass(user, command.argument),
            Verb::Auth => self.auth(&Auth::parse(command.argument)),
            Verb::Apop => {
                self.reception.note_unsupported(b"APOP");
                self.turn_down(Refusal::MechanismUnsupported);
            }
            Verb::Later => self.bad("Log in first."),
            Verb::Unknown => self.bad("Unknown command."),
            Verb::Capa | Verb::Noop | Verb::Quit | Verb::Stls => {
                self.state = State::Ready { user };
                self.simple(&command);
            }
        }
    }

    fn simple(&mut self, command: &Command<'_>) {
        if !command.argument.is_empty() {
            return self.bad("No argument can stand there.");
        }
        match command.verb {
            Verb::Capa => self.capa(),
            Verb::Stls => self.stls(),
            Verb::Quit => self
                .reception
                .talk
                .say_and_close("+OK Goodbye.", Closing::Goodbye),
            _ => self.reception.talk.say("+OK Done."),
        }
    }

    /// RFC 2449 5. What upstream has, where a relay can keep it, and ours.
    fn capa(&mut self) {
        self.promised = true;
        self.reception.talk.say("+OK Capability list follows.");
        for line in self.reception.opening.offer.iter() {
            self.reception.talk.say(line);
        }
        // RFC 2449 6.2, 6.3, 6.4 and 6.9, RFC 3206 6, RFC 2595 4.
        if self.reception.takes_logins() {
            self.reception.talk.say("USER");
            self.reception.talk.say("SASL PLAIN LOGIN");
        }
        self.reception.talk.say("RESP-CODES");
        self.reception.talk.say("AUTH-RESP-CODE");
        if self.reception.offers_tls() {
            self.reception.talk.say("STLS");
        }
        self.reception.talk.say("IMPLEMENTATION saslgate");
        self.reception.talk.say(".");
    }

    /// RFC 2595 4.
    fn stls(&mut self) {
        if self.reception.opening.tls == TlsState::Established {
            self.bad("TLS is up already.");
        } else if self.reception.offers_tls() {
            self.reception.talk.say("+OK Begin TLS now.");
            self.reception.talk.start_tls();
            self.state = State::StartingTls;
        } else {
            self.reception.answer_no_tls("-ERR STLS is not offered here.");
        }
    }

    /// RFC 1939 7. A later USER replaces an earlier one.
    fn user(&mut self, name: &[u8]) {
        let name = name.trim_ascii_end();
        if !(1..=MAX_NAME).contains(&name.len()) {
            return self.turn_down(Refusal::Malformed);
        }
        self.reception.talk.say("+OK Now the password.");
        self.state = State::Ready {
            user: Some(name.to_vec()),
        };
    }

    /// RFC 1939 7: all behind one space is the password, spaces and all.
    fn pass(&mut self, user: Option<Vec<u8>>, password: &[u8]) {
        let Some(user) = user else {
            return self.bad("USER comes first.");
        };
        if password.len() > MAX_PASSWORD {
            return self.turn_down(Refusal::Malformed);
        }
        let credentials = Credentials::Password {
            authzid: Vec::new(),
            user,
            password: Secret::new(password.to_vec()),
        };
        self.reception.ask(credentials, Mechanism::UserPass, None);
        self.state = State::Deciding;
    }

    /// RFC 5034 4. Bare, it asks for a list: no RFC has that, mail clients that do not know CAPA do.
    fn auth(&mut self, auth: &Auth<'_>) {
        let Auth { mechanism, response } = *auth;
        match (Exchange::start(mechanism), response) {
            (None, _) if mechanism.is_empty() => {
                for line in ["+OK Mechanisms follow.", "PLAIN", "LOGIN", "."] {
                    self.reception.talk.say(line);
                }
            }
            (None, _) => {
                self.reception.note_unsupported(mechanism);
                self.turn_down(Refusal::MechanismUnsupported);
            }
            (Some(exchange), None) => self.challenge(exchange),
            (Some(exchange), Some(response)) => self.progress(exchange.begin(response)),
        }
    }

    /// RFC 5034 4: the space stands even before an empty challenge.
    fn challenge(&mut self, exchange: Exchange) {
        self.reception.talk.say(&format!("+ {}", exchange.challenge()));
        self.state = State::Responding(exchange);
    }

    fn response(&mut self, exchange: Exchange, line: &[u8]) {
        let cancelled = line == b"*";
        self.reception.talk.heard(if cancelled { "*" } else { "***" });
        if cancelled {
            self.turn_down(Refusal::Aborted);
        } else {
            self.progress(exchange.respond(line));
        }
    }

    fn progress(&mut self, progress: Progress) {
        match progress {
            Progress::Continue(exchange) => self.challenge(exchange),
            Progress::Malformed => self.turn_down(Refusal::Malformed),
            Progress::Complete(shown) => {
                let (credentials, mechanism) = shown.into();
                self.reception.ask(credentials, mechanism, None);
                self.state = State::Deciding;
            }
        }
    }

    /// Refuses what was no attempt to log in: nothing was checked.
    fn turn_down(&mut self, refusal: Refusal) {
        let reply = self.reception.refusal(refusal);
        self.reception.answer_bad(&reply);
    }

    fn bad(&mut self, sentence: &str) {
        self.reception.answer_bad(&format!("-ERR {sentence}"));
    }
}

impl Conduct for Pop3 {
    fn reception(&mut self) -> &mut Reception {
        &mut self.reception
    }

    fn into_reception(self) -> Reception {
        self.reception
    }

    fn advance(&mut self) -> bool {
        if matches!(self.state, State::Deciding | State::StartingTls) {
            return false;
        }
        match self.reception.hear(self.line_limit()) {
            Heard::Nothing => return false,
            Heard::TooLong => self.reception.farewell("Line too long.", Closing::TooLong),
            Heard::Garbled => self.garbled(),
            Heard::Line(line) => self.line(&line),
        }
        true
    }

    fn forget(&mut self) {
        self.state = State::READY;
        self.promised = false;
    }
}

impl Downstream for Pop3 {
    fn refuse(&mut self, _turn: Turn, refusal: Refusal) {
        if refusal.closes() {
            return self.reception.shut_down();
        }
        self.state = State::READY;
        let reply = self.reception.refusal(refusal);
        self.reception.answer_refused(&reply);
    }

    fn broken_promise(&self, welcome: &Welcome) -> Option<String> {
        let promise = &self.reception.opening.offer;
        let broken = promise.broken_by(&welcome.offer).filter(|_| self.promised);
        broken.map(str::to_owned)
    }

    fn accept(self: Box<Self>, _turn: Turn, _welcome: &Welcome) -> Handover {
        self.reception.hand_over("+OK Logged in.")
    }

    fn shut_down(&mut self) {
        self.reception.shut_down();
    }

    fn unsupported(&mut self) -> Option<&'static str> {
        self.reception.take_unsupported()
    }

    fn silence(&self) -> Option<TlsState> {
        self.reception.silence()
    }

    fn missed_tls(&mut self) -> bool {
        self.reception.take_missed_tls()
    }

    fn told(&mut self) -> Vec<Refusal> {
        self.reception.take_told()
    }
}
