//! IMAP before a login, toward a mail client: RFC 3501 and RFC 9051, with RFC 2971 (ID), RFC 4959 (SASL-IR) and RFC 7888
//! (literals that do not wait).

mod alert;
mod arguments;
mod capabilities;
mod command;
mod login;
#[cfg(test)]
mod tests;

use self::arguments::Literal;
use self::command::{Command, Tag, Unfit, Verb, is_authenticate};
use super::reception::{Conduct, Heard, Reception};
use super::{Downstream, Handover, Opening, Refusal, TlsState};
use crate::provider::Protocol;
use crate::sasl::exchange::Exchange;
use crate::wire::{Closing, Limits, MAX_LINE, MAX_SASL_LINE, Turn, Welcome};

/// The dialogue with an IMAP mail client.
pub struct Imap {
    reception: Reception,
    state: State,
    // A command was refused instead of its literal being asked for, and none that we know came since. A mail client that
    // did not wait sends the literal all the same, and what looks like a tag in it may be a part of a password.
    literal_refused: bool,
}

#[derive(Default)]
enum State {
    /// A command is awaited.
    #[default]
    Ready,
    /// The bytes of a literal are coming.
    Literal { command: Command, length: usize },
    /// The rest of a command behind a literal is coming; `shown` arguments stand in the transcript already.
    Rest { command: Command, shown: usize },
    /// A SASL response is awaited.
    Responding { tag: Tag, exchange: Exchange },
    /// The owner decides about a login.
    Deciding(Tag),
    /// TLS is starting.
    StartingTls,
}

impl Imap {
    /// A dialogue that has its greeting to say.
    pub fn new(opening: Opening, limits: Limits) -> Self {
        let mut reception = Reception::new(Protocol::Imap, opening, limits);
        let list = capabilities::list(&reception.opening);
        reception
            .talk
            .say(&format!("* OK [CAPABILITY {list}] saslgate ready."));
        Self {
            reception,
            state: State::Ready,
            literal_refused: false,
        }
    }

    fn take_line(&mut self) -> bool {
        match self.reception.hear(self.line_limit()) {
            Heard::Nothing => return false,
            Heard::TooLong => self.reception.farewell("Line too long.", Closing::TooLong),
            Heard::Garbled => self.garbled(),
            Heard::Line(line) => self.line(&line),
        }
        true
    }

    fn line_limit(&self) -> usize {
        match &self.state {
            State::Responding { .. } => MAX_SASL_LINE,
            State::Rest { command, .. } => command.room(),
            _ if is_authenticate(self.reception.talk.input.waiting()) => MAX_SASL_LINE,
            _ => MAX_LINE,
        }
    }

    fn line(&mut self, line: &[u8]) {
        match std::mem::take(&mut self.state) {
            State::Ready => self.command(line),
            State::Rest { mut command, shown } => {
                command.spend(line.len());
                self.read_on(command, line, Some(shown));
            }
            State::Responding { tag, exchange } => self.response(tag, exchange, line),
            state @ (State::Literal { .. } | State::Deciding(_) | State::StartingTls) => self.state = state,
        }
    }

    /// A bare CR or a NUL: for other readers the line may end there, so it is nobody's line.
    fn garbled(&mut self) {
        self.reception.talk.heard("(not understood)");
        if self.reception.admit_command() {
            let tag = match std::mem::take(&mut self.state) {
                State::Responding { tag, .. } => Some(tag),
                State::Rest { command, .. } => command.tag,
                _ => None,
            };
            let tag = tag.map_or_else(|| "*".into(), |tag| tag.to_string());
            self.reception
                .answer_bad(&format!("{tag} BAD Bare CR or NUL in a line."));
        }
    }

    fn command(&mut self, line: &[u8]) {
        if !self.reception.admit_command() {
            return;
        }
        let (mut command, text) = Command::parse(line);
        if command.verb != Verb::Unknown {
            self.literal_refused = false;
        } else if self.literal_refused {
            command.tag = None;
        }
        let is_login = matches!(command.verb, Verb::Login | Verb::Authenticate);
        command.wanted = self.reception.takes_logins() || !is_login;
        self.read_on(command, text, None);
    }

    /// Reads one line of a command; `shown` is the number of arguments that were shown before, if there were lines before.
    fn read_on(&mut self, mut command: Command, text: &[u8], shown: Option<usize>) {
        let literal = command.add_line(text);
        let said = command.shown(shown, literal, &|name| self.reception.named(name));
        self.reception.talk.heard(said);
        match literal {
            Some(literal) => self.literal(command, literal),
            None => self.execute(command),
        }
    }

    /// RFC 7888: after a literal that does not wait, its bytes come whatever we say. Those that fit are swallowed, so that they
    /// are never read as commands; where that would be too many, there is no way to stay in step.
    fn literal(&mut self, mut command: Command, literal: Literal) {
        match command.admit(literal) {
            Ok(length) => {
                if literal.waits {
                    self.reception.talk.say("+ OK");
                }
                self.state = State::Literal { command, length };
            }
            Err(_) if !literal.waits => self.reception.farewell("Literal too long.", Closing::TooLong),
            Err(unfit) => {
                self.literal_refused = true;
                match unfit {
                    Unfit::Misplaced => self.execute(command),
                    Unfit::TooLong => self.bad(command.tag, "Literal too long."),
                }
            }
        }
    }

    fn take_literal(&mut self, length: usize) -> bool {
        let Some(bytes) = self.reception.talk.input.take(length) else {
            return false;
        };
        if let State::Literal { mut command, .. } = std::mem::take(&mut self.state) {
            let shown = command.arguments.count();
            command.spend(length);
            if command.wanted {
                command.arguments.add_literal(bytes);
            }
            self.state = State::Rest { command, shown };
        }
        true
    }

    fn execute(&mut self, mut command: Command) {
        let Some(tag) = command.tag.take() else {
            return self.bad(None, "That is no command.");
        };
        match command.verb {
            Verb::Login | Verb::Authenticate if !self.reception.takes_logins() => {
                self.turn_down(&tag, Refusal::TlsRequired);
            }
            Verb::Later(_) => self.bad(Some(tag), "Log in first."),
            Verb::Unknown => self.bad(Some(tag), "Unknown command."),
            _ if !command.wanted => self.bad(Some(tag), "No literal can stand there."),
            Verb::Login => self.login(tag, command),
            Verb::Authenticate => self.authenticate(tag, &command),
            Verb::Id => self.id(tag, &command),
            Verb::Capability | Verb::Logout | Verb::Noop | Verb::StartTls => self.simple(tag, &command),
        }
    }

    fn simple(&mut self, tag: Tag, command: &Command) {
        if command
            .arguments
            .strings()
            .is_none_or(|strings| !strings.is_empty())
        {
            return self.bad(Some(tag), "No argument can stand there.");
        }
        match command.verb {
            Verb::StartTls => return self.start_tls(tag),
            Verb::Capability => {
                let list = capabilities::list(&self.reception.opening);
                self.reception.talk.say(&format!("* CAPABILITY {list}"));
            }
            Verb::Logout => self.reception.talk.say("* BYE Goodbye."),
            _ => {}
        }
        self.reception.talk.say(&format!("{tag} OK Done."));
        if command.verb == Verb::Logout {
            self.reception.talk.close(Closing::Goodbye);
        }
    }

    /// RFC 2971 3.1. What the mail client says of itself is upstream's to ask for; here it only has to be there.
    fn id(&mut self, tag: Tag, command: &Command) {
        if command.arguments.count() == 0 {
            return self.bad(Some(tag), "ID takes a list or NIL.");
        }
        self.reception.talk.say("* ID (\"name\" \"saslgate\")");
        self.reception.talk.say(&format!("{tag} OK Done."));
    }

    /// RFC 3501 6.2.1.
    fn start_tls(&mut self, tag: Tag) {
        if self.reception.opening.tls == TlsState::Established {
            self.bad(Some(tag), "TLS is up already.");
        } else if self.reception.offers_tls() {
            self.reception.talk.say(&format!("{tag} OK Begin TLS now."));
            self.reception.talk.start_tls();
            self.state = State::StartingTls;
        } else {
            self.reception
                .answer_no_tls(&format!("{tag} BAD STARTTLS is not offered here."));
        }
    }

    /// Refuses what was no attempt to log in: nothing was checked.
    fn turn_down(&mut self, tag: &Tag, refusal: Refusal) {
        let reply = self.reception.refusal(refusal);
        self.reception.answer_bad(&format!("{tag} {reply}"));
    }

    fn bad(&mut self, tag: Option<Tag>, sentence: &str) {
        let tag = tag.map_or_else(|| "*".into(), |tag| tag.to_string());
        self.reception.answer_bad(&format!("{tag} BAD {sentence}"));
    }
}

impl Conduct for Imap {
    fn reception(&mut self) -> &mut Reception {
        &mut self.reception
    }

    fn into_reception(self) -> Reception {
        self.reception
    }

    fn advance(&mut self) -> bool {
        match self.state {
            State::Literal { length, .. } => self.take_literal(length),
            State::Deciding(_) | State::StartingTls => false,
            State::Ready | State::Rest { .. } | State::Responding { .. } => self.take_line(),
        }
    }

    fn forget(&mut self) {
        self.state = State::Ready;
    }
}

impl Downstream for Imap {
    fn refuse(&mut self, _turn: Turn, refusal: Refusal) {
        if refusal.closes() {
            return self.reception.shut_down();
        }
        if let State::Deciding(tag) = std::mem::take(&mut self.state) {
            let reply = self.reception.refusal(refusal);
            self.reception.answer_refused(&format!("{tag} {reply}"));
        }
    }

    /// The tagged OK corrects whatever was promised before (RFC 3501 7.1, CAPABILITY code).
    fn broken_promise(&self, _welcome: &Welcome) -> Option<String> {
        None
    }

    fn remind(&mut self, account: &str) {
        self.reception.talk.say(&alert::sign_in_wanted(account));
    }

    fn accept(self: Box<Self>, _turn: Turn, welcome: &Welcome) -> Handover {
        let tag = match self.state {
            State::Deciding(tag) => tag.to_string(),
            _ => "*".into(),
        };
        let code = capabilities::code_after_login(&welcome.offer);
        self.reception.hand_over(&format!("{tag} OK {code}Logged in."))
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
