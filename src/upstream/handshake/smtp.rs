//! SMTP submission (RFC 6409, RFC 5321, RFC 4954): EHLO, AUTH in two lines.

use std::mem;

use zeroize::Zeroizing;

use super::guarded::Guarded;
use super::side::Side;
use super::{Kind, Settings, classify};
use crate::provider::Protocol;
use crate::wire::{Offer, Welcome};

/// Our part in an SMTP handshake.
pub(super) struct Smtp {
    state: State,
    /// The lines of the reply that is being read.
    reply: Vec<Box<str>>,
    /// Its code.
    code: Option<Box<str>>,
    /// What EHLO brought since TLS is up, without the line that greets.
    keywords: Vec<Box<str>>,
}

/// What the upstream's next reply answers.
enum State {
    Greeting,
    Ehlo,
    StartTls,
    Auth,
    /// Nothing: the owner is asked for the token.
    Token,
    Verdict {
        challenged: bool,
    },
    Over,
}

impl Side for Smtp {
    fn new() -> Self {
        Self {
            state: State::Greeting,
            reply: Vec::new(),
            code: None,
            keywords: Vec::new(),
        }
    }

    fn hear(&mut self, talk: &mut Guarded, settings: &Settings, line: &str) {
        let Some((code, last, text)) = split_reply(line) else {
            talk.heard(line);
            return talk.violation("upstream said what is not SMTP");
        };
        if self.code.get_or_insert_with(|| code.into()).as_ref() != code {
            talk.heard(line);
            return talk.violation("upstream changed the code within a reply");
        }
        self.reply.push(text.into());
        if code != "334" {
            talk.heard(line);
        }
        if last {
            self.code = None;
            let lines = mem::take(&mut self.reply);
            self.replied(talk, settings, code, &lines);
        }
    }

    fn secured(&mut self, talk: &mut Guarded, settings: &Settings) {
        // RFC 3207 4.2: what was announced in clear must be forgotten.
        self.keywords.clear();
        self.ehlo(talk, settings);
    }

    /// Always a line of its own: with a token in it, AUTH is longer than the 512 bytes that RFC 4954 4 allows it.
    fn present(&mut self, talk: &mut Guarded, _settings: &Settings, response: Zeroizing<Vec<u8>>) {
        talk.say_secret("", &response);
        self.state = State::Verdict { challenged: false };
    }
}

impl Smtp {
    fn ehlo(&mut self, talk: &mut Guarded, settings: &Settings) {
        talk.say(&format!("EHLO {}", settings.ehlo));
        self.state = State::Ehlo;
    }

    fn replied(&mut self, talk: &mut Guarded, settings: &Settings, code: &str, lines: &[Box<str>]) {
        match (&self.state, code) {
            (State::Greeting, "220") => self.ehlo(talk, settings),
            (State::Ehlo, "250") => {
                self.keywords = lines[1..].to_vec();
                self.announced(talk, settings);
            }
            (State::StartTls, "220") => talk.start_tls(),
            (State::Auth | State::Verdict { .. }, "334") => self.challenged(talk, settings, lines),
            (State::Verdict { challenged: false }, "235") => self.welcome(talk),
            _ => self.refused(talk, code, lines),
        }
    }

    fn challenged(&mut self, talk: &mut Guarded, settings: &Settings, lines: &[Box<str>]) {
        let encoded = lines.last().map(AsRef::as_ref).unwrap_or_default();
        match mem::replace(&mut self.state, State::Over) {
            State::Auth => {
                talk.heard("334 ");
                talk.want_token();
                self.state = State::Token;
            }
            State::Verdict { challenged: false } => {
                talk.heard_challenge("334", encoded);
                talk.say(settings.acknowledgement());
                self.state = State::Verdict { challenged: true };
            }
            _ => talk.violation("upstream asks for more where nothing is left to say"),
        }
    }

    /// TLS first, then the mechanism.
    fn announced(&mut self, talk: &mut Guarded, settings: &Settings) {
        if !talk.is_secure() {
            self.go_secure(talk);
        } else if self.knows(settings.mechanism_name()) {
            talk.say(&format!("AUTH {}", settings.mechanism_name()));
            self.state = State::Auth;
        } else {
            talk.violation("upstream does not announce the mechanism that says tokens");
        }
    }

    fn go_secure(&mut self, talk: &mut Guarded) {
        if self
            .keywords
            .iter()
            .any(|line| line.eq_ignore_ascii_case("STARTTLS"))
        {
            talk.say("STARTTLS");
            self.state = State::StartTls;
        } else {
            talk.violation("upstream does not announce STARTTLS");
        }
    }

    fn welcome(&mut self, talk: &mut Guarded) {
        let offer = Offer::new(Protocol::Smtp, self.keywords.iter().map(AsRef::as_ref));
        talk.welcome(Welcome { offer });
        self.state = State::Over;
    }

    /// A reply that says no, whatever was asked; a yes that was not asked for breaks the protocol.
    fn refused(&mut self, talk: &mut Guarded, code: &str, lines: &[Box<str>]) {
        if !code.starts_with(['4', '5']) {
            return talk.violation("upstream's reply does not fit the command");
        }
        let reply = format!("{code} {}", lines.join(" "));
        let kind = classify(Protocol::Smtp, &reply).unwrap_or(Kind::Denied);
        talk.reject(&reply, kind);
        self.state = State::Over;
    }

    /// Whether AUTH names the mechanism. The form with an equals sign is older than RFC 2554 and still spoken.
    fn knows(&self, mechanism: &str) -> bool {
        self.keywords.iter().any(|line| {
            let mut words = line.split([' ', '=']);
            words.next().is_some_and(|word| word.eq_ignore_ascii_case("AUTH"))
                && words.any(|word| word.eq_ignore_ascii_case(mechanism))
        })
    }
}

/// Code, whether this is the reply's last line, and text (RFC 5321 4.2.1).
fn split_reply(line: &str) -> Option<(&str, bool, &str)> {
    let code = line
        .get(..3)
        .filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()))?;
    match line.as_bytes().get(3) {
        None => Some((code, true, "")),
        Some(b' ') => Some((code, true, &line[4..])),
        Some(b'-') => Some((code, false, &line[4..])),
        Some(_) => None,
    }
}
