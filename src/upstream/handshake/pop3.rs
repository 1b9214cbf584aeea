//! POP3 (RFC 1939, RFC 5034): AUTH in two lines, then CAPA for what the mail client will find.

use std::mem;

use zeroize::Zeroizing;

use super::guarded::Guarded;
use super::side::Side;
use super::{Kind, Settings, classify};
use crate::provider::Protocol;
use crate::wire::{Offer, Welcome};

/// Our part in a POP3 handshake.
pub(super) struct Pop3 {
    state: State,
    /// As last announced. Empty where CAPA is not known, which RFC 2449 leaves to the server.
    capabilities: Option<Vec<Box<str>>>,
}

/// What the upstream's next line answers.
enum State {
    Greeting,
    Capa(Stage),
    /// Behind the first line of a yes to CAPA, up to the dot.
    List(Stage),
    Stls,
    Auth,
    /// Nothing: the owner is asked for the token.
    Token,
    Verdict {
        challenged: bool,
    },
    Over,
}

/// Which side of the login a list is on.
#[derive(Clone, Copy)]
enum Stage {
    Before,
    Behind,
}

impl Side for Pop3 {
    fn new() -> Self {
        Self {
            state: State::Greeting,
            capabilities: None,
        }
    }

    fn hear(&mut self, talk: &mut Guarded, settings: &Settings, line: &str) {
        if let State::List(stage) = self.state {
            talk.heard(line);
            return self.listed(talk, settings, stage, line);
        }
        let (status, rest) = line.split_once(' ').unwrap_or((line, ""));
        match status.to_ascii_uppercase().as_str() {
            "+OK" => {
                talk.heard(line);
                self.yes(talk);
            }
            "-ERR" => {
                talk.heard(line);
                self.no(talk, settings, line);
            }
            "+" => self.continuation(talk, settings, rest),
            _ => {
                talk.heard(line);
                talk.violation("upstream said what is not POP3");
            }
        }
    }

    fn secured(&mut self, talk: &mut Guarded, _settings: &Settings) {
        // RFC 2595 4: what was announced in clear must be forgotten.
        self.capabilities = None;
        self.ask_capa(talk, Stage::Before);
    }

    /// Always a line of its own: Exchange closes on a command line longer than 512 bytes (`Protocol error`).
    fn present(&mut self, talk: &mut Guarded, _settings: &Settings, response: Zeroizing<Vec<u8>>) {
        talk.say_secret("", &response);
        self.state = State::Verdict { challenged: false };
    }
}

impl Pop3 {
    fn ask_capa(&mut self, talk: &mut Guarded, stage: Stage) {
        talk.say("CAPA");
        self.state = State::Capa(stage);
    }

    fn yes(&mut self, talk: &mut Guarded) {
        match self.state {
            State::Greeting => self.ask_capa(talk, Stage::Before),
            State::Capa(stage) => {
                self.capabilities = Some(Vec::new());
                self.state = State::List(stage);
            }
            State::Stls => talk.start_tls(),
            // Commands that depend on the login one at a time: Exchange promises no PIPELINING. CAPA is the one that is
            // needed, because the list behind the login is what was promised to the mail client (RFC 2449 3 lets the
            // two lists differ). Exchange opens the mailbox before it says yes here, unlike in IMAP, so that a STAT
            // would cost a round trip and the listing of a large mailbox for nothing.
            State::Verdict { challenged: false } => self.ask_capa(talk, Stage::Behind),
            _ => talk.violation("upstream accepted what was not offered"),
        }
    }

    fn no(&mut self, talk: &mut Guarded, settings: &Settings, line: &str) {
        match self.state {
            State::Greeting => self.rejected(talk, line, Kind::Temporary),
            // Not every server knows CAPA. Behind the login the list from before has to do.
            State::Capa(Stage::Before) => self.announced(talk, settings),
            State::Capa(Stage::Behind) => match classify(Protocol::Pop3, line) {
                Some(kind) if kind != Kind::Protocol => self.rejected(talk, line, kind),
                _ => self.welcome(talk),
            },
            State::Stls => self.rejected(talk, line, Kind::Protocol),
            State::Auth | State::Verdict { .. } => self.rejected(talk, line, Kind::Denied),
            _ => talk.violation("upstream refused what was not asked"),
        }
    }

    fn continuation(&mut self, talk: &mut Guarded, settings: &Settings, encoded: &str) {
        match mem::replace(&mut self.state, State::Over) {
            State::Auth => {
                talk.heard("+ ");
                talk.want_token();
                self.state = State::Token;
            }
            State::Verdict { challenged: false } => {
                talk.heard_challenge("+", encoded);
                talk.say(settings.acknowledgement());
                self.state = State::Verdict { challenged: true };
            }
            _ => {
                talk.heard("+");
                talk.violation("upstream asks for more where nothing is left to say");
            }
        }
    }

    fn listed(&mut self, talk: &mut Guarded, settings: &Settings, stage: Stage, line: &str) {
        if line != "." {
            let list = self.capabilities.get_or_insert_default();
            list.push(line.strip_prefix('.').unwrap_or(line).into());
            return;
        }
        match stage {
            Stage::Before => self.announced(talk, settings),
            Stage::Behind => self.welcome(talk),
        }
    }

    /// TLS first, then the mechanism. A server without CAPA is asked for either and says no by itself.
    fn announced(&mut self, talk: &mut Guarded, settings: &Settings) {
        if !talk.is_secure() {
            self.go_secure(talk);
        } else if self.capabilities.is_none() || self.knows(settings.mechanism_name()) {
            talk.say(&format!("AUTH {}", settings.mechanism_name()));
            self.state = State::Auth;
        } else {
            talk.violation("upstream does not announce the mechanism that says tokens");
        }
    }

    fn go_secure(&mut self, talk: &mut Guarded) {
        if self.capabilities.is_none() || self.arguments("STLS").is_some() {
            talk.say("STLS");
            self.state = State::Stls;
        } else {
            talk.violation("upstream does not announce STLS");
        }
    }

    fn welcome(&mut self, talk: &mut Guarded) {
        let list = self.capabilities.take().unwrap_or_default();
        let offer = Offer::new(Protocol::Pop3, list.iter().map(AsRef::as_ref));
        talk.welcome(Welcome { offer });
        self.state = State::Over;
    }

    fn rejected(&mut self, talk: &mut Guarded, line: &str, otherwise: Kind) {
        talk.reject(line, classify(Protocol::Pop3, line).unwrap_or(otherwise));
        self.state = State::Over;
    }

    /// Whether the list names the mechanism (RFC 5034 3).
    fn knows(&self, mechanism: &str) -> bool {
        let named = self.arguments("SASL").unwrap_or_default();
        named.split(' ').any(|word| word.eq_ignore_ascii_case(mechanism))
    }

    /// What stands behind a capability's name, if it is listed.
    fn arguments(&self, name: &str) -> Option<&str> {
        let list = self.capabilities.as_deref().unwrap_or_default();
        list.iter().find_map(|line| {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            word.eq_ignore_ascii_case(name).then_some(rest)
        })
    }
}
