//! LOGIN and AUTHENTICATE.

use super::command::{Command, Tag};
use super::{Imap, State};
use crate::downstream::{Credentials, Mechanism, Refusal};
use crate::name::MAX_NAME;
use crate::sasl::exchange::{Exchange, Progress};
use crate::secret::Secret;
use crate::wire::MAX_PASSWORD;

impl Imap {
    /// RFC 3501 6.2.3.
    pub(super) fn login(&mut self, tag: Tag, command: Command) {
        let strings = command.arguments.exactly::<2>();
        let Some([mut user, mut password]) =
            strings.filter(|[user, password]| user.len() <= MAX_NAME && password.len() <= MAX_PASSWORD)
        else {
            return self.turn_down(&tag, Refusal::Malformed);
        };
        let credentials = Credentials::Password {
            authzid: Vec::new(),
            user: std::mem::take(&mut *user),
            password: Secret::new(std::mem::take(&mut *password)),
        };
        self.reception.ask(credentials, Mechanism::LoginCommand, None);
        self.state = State::Deciding(tag);
    }

    /// RFC 3501 6.2.2; with an initial response RFC 4959 3.
    pub(super) fn authenticate(&mut self, tag: Tag, command: &Command) {
        let Some(strings) = command.arguments.strings() else {
            return self.turn_down(&tag, Refusal::Malformed);
        };
        let (mechanism, response) = match strings {
            [mechanism] => (mechanism, None),
            [mechanism, response] => (mechanism, Some(response)),
            _ => return self.turn_down(&tag, Refusal::Malformed),
        };
        match (Exchange::start(mechanism), response) {
            (None, _) => {
                self.reception.note_unsupported(mechanism);
                self.turn_down(&tag, Refusal::MechanismUnsupported);
            }
            (Some(exchange), None) => self.challenge(tag, exchange),
            (Some(exchange), Some(response)) => self.progress(tag, exchange.begin(response)),
        }
    }

    /// RFC 3501 7.5: the space stands even before an empty challenge.
    fn challenge(&mut self, tag: Tag, exchange: Exchange) {
        self.reception.talk.say(&format!("+ {}", exchange.challenge()));
        self.state = State::Responding { tag, exchange };
    }

    pub(super) fn response(&mut self, tag: Tag, exchange: Exchange, line: &[u8]) {
        let cancelled = line == b"*";
        self.reception.talk.heard(if cancelled { "*" } else { "***" });
        if cancelled {
            self.turn_down(&tag, Refusal::Aborted);
        } else {
            self.progress(tag, exchange.respond(line));
        }
    }

    fn progress(&mut self, tag: Tag, progress: Progress) {
        match progress {
            Progress::Continue(exchange) => self.challenge(tag, exchange),
            Progress::Malformed => self.turn_down(&tag, Refusal::Malformed),
            Progress::Complete(shown) => {
                let (credentials, mechanism) = shown.into();
                self.reception.ask(credentials, mechanism, None);
                self.state = State::Deciding(tag);
            }
        }
    }
}
