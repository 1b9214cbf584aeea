//! Submission before a login, toward a mail client: RFC 5321 and RFC 6409, with RFC 4954 (AUTH), RFC 3207 (STARTTLS) and
//! RFC 2034 (enhanced status codes, which stand in every reply but the greeting and those to EHLO and HELO).

mod command;
mod device;
mod ehlo;
#[cfg(test)]
mod tests;

use self::command::{Command, Verb};
use super::auth_command::{self, Auth};
use super::reception::{Conduct, Heard, Reception};
use super::{Downstream, Handover, Opening, Refusal, TlsState, Unserved};
use crate::provider::Protocol;
use crate::sasl::exchange::{Exchange, Progress};
use crate::wire::{Closing, Limits, MAX_LINE, MAX_SASL_LINE, Turn, Welcome};

/// The dialogue with a mail client that submits mail.
pub struct Smtp {
    reception: Reception,
    state: State,
    // The argument of EHLO or HELO, if it is valid as one.
    host_name: Option<Box<str>>,
    // EHLO or HELO was said, before TLS or under it.
    introduced: bool,
    // EHLO was answered since TLS came up, or since the start.
    promised: bool,
    unserved: Option<Unserved>,
}

enum State {
    /// A command is awaited.
    Ready,
    /// A SASL response is awaited.
    Responding(Exchange),
    /// The owner decides about a login. With the MAIL line, if that is all that the mail client said of it.
    Deciding(Option<Vec<u8>>),
    /// TLS is starting.
    StartingTls,
}

impl Smtp {
    /// A dialogue that has its greeting to say.
    pub fn new(opening: Opening, limits: Limits) -> Self {
        let mut reception = Reception::new(Protocol::Smtp, opening, limits);
        let greeting = format!("220 {} ESMTP saslgate", reception.opening.host_name);
        reception.talk.say(&greeting);
        Self {
            reception,
            state: State::Ready,
            host_name: None,
            introduced: false,
            promised: false,
            unserved: None,
        }
    }

    /// Whether what is coming in belongs to a login, and may be longer than other lines.
    fn hears_auth(&self) -> bool {
        matches!(self.state, State::Responding(_))
            || auth_command::is_coming(self.reception.talk.input.waiting())
    }

    fn too_long(&mut self) {
        // RFC 4954 4 and 6 name 5.5.6 for AUTH; RFC 5321 4.5.3.1.9 names 500 for other lines.
        let reply = if self.hears_auth() {
            "500 5.5.6 Line too long."
        } else {
            "500 5.5.2 Line too long."
        };
        self.reception.talk.say_and_close(reply, Closing::TooLong);
    }

    fn line(&mut self, line: &[u8]) {
        match std::mem::replace(&mut self.state, State::Ready) {
            State::Ready => self.command(line),
            State::Responding(exchange) => self.response(exchange, line),
            state @ (State::Deciding(_) | State::StartingTls) => self.state = state,
        }
    }

    /// A bare CR or a NUL: for other readers the line may end there, so it is nobody's line.
    fn garbled(&mut self) {
        self.reception.talk.heard("(not understood)");
        if !self.reception.admit_command() {
            return;
        }
        let code = match std::mem::replace(&mut self.state, State::Ready) {
            State::Responding(_) => "501 5.5.2",
            _ => "500 5.5.2",
        };
        self.reception
            .answer_bad(&format!("{code} Bare CR or NUL in a line."));
    }

    fn command(&mut self, line: &[u8]) {
        let command = Command::parse(line);
        self.reception.talk.heard(command.shown());
        if !self.reception.admit_command() {
            return;
        }
        let talk = &mut self.reception.talk;
        match command.verb {
            Verb::Auth => self.auth(&Auth::parse(command.argument)),
            Verb::Ehlo => self.ehlo(command.argument),
            Verb::Helo => self.helo(command.argument),
            Verb::StartTls => self.start_tls(command.argument),
            Verb::Mail => self.mail(line),
            Verb::PartOfMail => self.part_of_mail(),
            Verb::Bdat => self.bdat(),
            Verb::Help => talk.say("214 2.0.0 Log in with AUTH PLAIN or AUTH LOGIN."),
            Verb::Noop | Verb::Rset => talk.say("250 2.0.0 Done."),
            Verb::Quit => talk.say_and_close("221 2.0.0 Goodbye.", Closing::Goodbye),
            // RFC 5321 3.5.3: neither a yes nor a no.
            Verb::Vrfy => talk.say("252 2.5.0 Send it and see."),
            Verb::NotImplemented => self.reception.answer_bad("502 5.5.1 Not implemented here."),
            Verb::Unknown => self.reception.answer_bad("500 5.5.1 Unknown command."),
        }
    }

    /// RFC 5321 4.1.1.1. The argument is never refused: old devices say nothing there, or what is no domain.
    fn ehlo(&mut self, argument: &[u8]) {
        self.introduce(argument, true);
        let keywords = ehlo::keywords(&self.reception);
        let hello = format!("{} Hello", self.reception.opening.host_name);
        let last = keywords.len();
        for (index, line) in std::iter::once(&hello).chain(&keywords).enumerate() {
            let mark = if index == last { ' ' } else { '-' };
            self.reception.talk.say(&format!("250{mark}{line}"));
        }
    }

    fn helo(&mut self, argument: &[u8]) {
        self.introduce(argument, false);
        let reply = format!("250 {}", self.reception.opening.host_name);
        self.reception.talk.say(&reply);
    }

    fn introduce(&mut self, argument: &[u8], promised: bool) {
        self.host_name = ehlo::host_name(argument);
        self.introduced = true;
        self.promised = promised;
    }

    /// RFC 3207 4.
    fn start_tls(&mut self, argument: &[u8]) {
        if self.reception.opening.tls == TlsState::Established {
            self.reception.answer_bad("503 5.5.1 TLS is up already.");
        } else if !self.reception.offers_tls() {
            self.reception
                .answer_no_tls("502 5.5.1 STARTTLS is not offered here.");
        } else if !argument.is_empty() {
            self.reception
                .answer_bad("501 5.5.4 No argument can stand there.");
        } else {
            self.reception.talk.say("220 2.0.0 Begin TLS now.");
            self.reception.talk.start_tls();
            self.state = State::StartingTls;
        }
    }

    /// RFC 4954 4. It works after HELO too: old software that knows AUTH and not EHLO exists.
    fn auth(&mut self, auth: &Auth<'_>) {
        if !self.reception.takes_logins() {
            return self.turn_down(Refusal::TlsRequired);
        }
        if !self.introduced {
            return self.reception.answer_bad("503 5.5.1 Send EHLO first.");
        }
        match (Exchange::start(auth.mechanism), auth.response) {
            (None, _) if auth.mechanism.is_empty() => self.turn_down(Refusal::Malformed),
            (None, _) => {
                self.reception.note_unsupported(auth.mechanism);
                self.turn_down(Refusal::MechanismUnsupported);
            }
            (Some(exchange), None) => self.challenge(exchange),
            (Some(exchange), Some(response)) => self.progress(exchange.begin(response)),
        }
    }

    /// RFC 4954 4: the space stands even before an empty challenge.
    fn challenge(&mut self, exchange: Exchange) {
        self.reception.talk.say(&format!("334 {}", exchange.challenge()));
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
                self.reception.ask(credentials, mechanism, self.host_name.clone());
                self.state = State::Deciding(None);
            }
        }
    }

    /// Refuses what was no attempt to log in: nothing was checked.
    fn turn_down(&mut self, refusal: Refusal) {
        let reply = self.reception.refusal(refusal);
        self.reception.answer_bad(&reply);
    }
}

impl Conduct for Smtp {
    fn reception(&mut self) -> &mut Reception {
        &mut self.reception
    }

    fn into_reception(self) -> Reception {
        self.reception
    }

    fn advance(&mut self) -> bool {
        if matches!(self.state, State::Deciding(_) | State::StartingTls) {
            return false;
        }
        let limit = if self.hears_auth() {
            MAX_SASL_LINE
        } else {
            MAX_LINE
        };
        match self.reception.hear(limit) {
            Heard::Nothing => return false,
            Heard::TooLong => self.too_long(),
            Heard::Garbled => self.garbled(),
            Heard::Line(line) => self.line(&line),
        }
        true
    }

    /// RFC 3207 4.2 forgets the name too. That there was one is remembered: some old software does not repeat EHLO.
    fn forget(&mut self) {
        self.state = State::Ready;
        self.host_name = None;
        self.promised = false;
    }
}

impl Downstream for Smtp {
    fn refuse(&mut self, _turn: Turn, refusal: Refusal) {
        if refusal.closes() {
            return self.reception.shut_down();
        }
        if let State::Deciding(Some(_)) = std::mem::replace(&mut self.state, State::Ready) {
            return self.mail_refused(refusal);
        }
        let reply = self.reception.refusal(refusal);
        self.reception.answer_refused(&reply);
    }

    fn broken_promise(&self, welcome: &Welcome) -> Option<String> {
        let promise = &self.reception.opening.offer;
        let broken = promise.broken_by(&welcome.offer).filter(|_| self.promised);
        broken.map(str::to_owned)
    }

    fn accept(mut self: Box<Self>, _turn: Turn, _welcome: &Welcome) -> Handover {
        if let State::Deciding(Some(mail)) = &mut self.state {
            let mail = std::mem::take(mail);
            return self.hand_mail_over(mail);
        }
        self.reception.hand_over("235 2.7.0 Logged in.")
    }

    fn shut_down(&mut self) {
        self.reception.shut_down();
    }

    fn unsupported(&mut self) -> Option<&'static str> {
        self.reception.take_unsupported()
    }

    fn unserved(&mut self) -> Option<Unserved> {
        self.unserved.take()
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
