//! IMAP (RFC 3501, RFC 9051): AUTHENTICATE, then one round trip that proves that the mailbox opens.

use std::mem;

use zeroize::Zeroizing;

use super::guarded::Guarded;
use super::side::Side;
use super::{Kind, Settings, classify};
use crate::provider::Protocol;
use crate::wire::{MAX_LINE, Offer, Welcome};

/// Our part in an IMAP handshake.
pub(super) struct Imap {
    state: State,
    /// The number in the tag of the last command: `A1`, `A2`, …
    last_tag: u32,
    /// As last announced; none before the first list, and none again once TLS is up or the login is done.
    capabilities: Option<Vec<Box<str>>>,
    /// Whether a data response goes on behind a literal.
    unfinished: bool,
}

/// What the upstream's next word answers.
enum State {
    Greeting,
    Capability,
    StartTls,
    /// Nothing: the owner is asked for the token, to go into the command itself (RFC 4959).
    InlineToken,
    /// AUTHENTICATE; what is held is too long for a command line.
    Authenticate {
        held: Option<Zeroizing<Vec<u8>>>,
    },
    /// Nothing: the owner is asked for the token, to answer the upstream's request.
    RequestedToken,
    /// The token.
    Verdict {
        challenged: bool,
    },
    /// CAPABILITY and the command that needs the mailbox, as far as their answers are still missing.
    Probe {
        capability: bool,
        mailbox: bool,
    },
    Over,
}

impl Side for Imap {
    fn new() -> Self {
        Self {
            state: State::Greeting,
            last_tag: 0,
            capabilities: None,
            unfinished: false,
        }
    }

    fn hear(&mut self, talk: &mut Guarded, settings: &Settings, line: &str) {
        if mem::take(&mut self.unfinished) {
            self.pass_literal(talk, line);
        } else if line == "+" || line.starts_with("+ ") {
            self.continuation(talk, settings, line);
        } else {
            talk.heard(line);
            match line.strip_prefix("* ") {
                Some(text) => self.untagged(talk, settings, text),
                None => self.tagged(talk, settings, line),
            }
        }
    }

    fn secured(&mut self, talk: &mut Guarded, _settings: &Settings) {
        // RFC 3501 6.2.1: what was announced in clear must be forgotten.
        self.capabilities = None;
        self.ask_capability(talk);
    }

    fn present(&mut self, talk: &mut Guarded, settings: &Settings, response: Zeroizing<Vec<u8>>) {
        if matches!(self.state, State::RequestedToken) {
            talk.say_secret("", &response);
            self.state = State::Verdict { challenged: false };
        } else {
            self.authenticate_inline(talk, settings, response);
        }
    }
}

impl Imap {
    fn next_tag(&mut self) -> String {
        self.last_tag += 1;
        format!("A{}", self.last_tag)
    }

    fn command(&mut self, talk: &mut Guarded, text: &str) {
        let tag = self.next_tag();
        talk.say(&format!("{tag} {text}"));
    }

    fn ask_capability(&mut self, talk: &mut Guarded) {
        self.command(talk, "CAPABILITY");
        self.state = State::Capability;
    }

    fn untagged(&mut self, talk: &mut Guarded, settings: &Settings, text: &str) {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word.to_ascii_uppercase().as_str() {
            "BYE" => self.rejected(talk, text, Kind::Temporary),
            // Somebody is logged in already, and nobody said who.
            "PREAUTH" => talk.violation("upstream claims that the login is done (PREAUTH)"),
            _ if matches!(self.state, State::Greeting) => self.greeted(talk, settings, text),
            "CAPABILITY" => self.capabilities = Some(words(rest)),
            "OK" | "NO" | "BAD" => {}
            _ => self.pass_literal(talk, text),
        }
    }

    fn greeted(&mut self, talk: &mut Guarded, settings: &Settings, text: &str) {
        if !is_ok(text) {
            return talk.violation("upstream's greeting is not IMAP");
        }
        self.capabilities = capability_code(text);
        if self.capabilities.is_some() {
            self.announced(talk, settings);
        } else {
            // Exchange's greeting names none.
            self.ask_capability(talk);
        }
    }

    /// Data responses do not concern us, but a literal in one must not be read as lines.
    fn pass_literal(&mut self, talk: &mut Guarded, text: &str) {
        if let Some(count) = literal(text) {
            talk.skip(count);
            self.unfinished = true;
        }
    }

    fn continuation(&mut self, talk: &mut Guarded, settings: &Settings, line: &str) {
        match mem::replace(&mut self.state, State::Over) {
            State::Authenticate { held: Some(response) } => {
                talk.heard(line);
                talk.say_secret("", &response);
                self.state = State::Verdict { challenged: false };
            }
            State::Authenticate { held: None } => {
                talk.heard(line);
                talk.want_token();
                self.state = State::RequestedToken;
            }
            State::Verdict { challenged: false } => {
                talk.heard_challenge("+", line[1..].trim_start());
                talk.say(settings.acknowledgement());
                self.state = State::Verdict { challenged: true };
            }
            _ => {
                talk.heard(line);
                talk.violation("upstream asks for more where nothing is left to say");
            }
        }
    }

    fn tagged(&mut self, talk: &mut Guarded, settings: &Settings, line: &str) {
        let Some((number, text)) = split_tag(line) else {
            return talk.violation("upstream said what is not IMAP");
        };
        if let State::Probe { capability, mailbox } = self.state {
            return self.probed(talk, number, text, (capability, mailbox));
        }
        if number != self.last_tag {
            return talk.violation("upstream answered a command that was not given");
        }
        match (&self.state, is_ok(text)) {
            (State::Capability, true) => self.announced(talk, settings),
            (State::StartTls, true) => talk.start_tls(),
            (State::Verdict { challenged: false }, true) => self.probe(talk, text),
            (State::Capability | State::StartTls, false) => self.rejected(talk, text, Kind::Protocol),
            (State::Authenticate { .. } | State::Verdict { .. }, false) => {
                self.rejected(talk, text, Kind::Denied);
            }
            _ => talk.violation("upstream accepted what was not offered"),
        }
    }

    /// TLS first, then the mechanism.
    fn announced(&mut self, talk: &mut Guarded, settings: &Settings) {
        if self.capabilities.is_none() {
            talk.violation("upstream named no capabilities");
        } else if !talk.is_secure() {
            self.go_secure(talk);
        } else if self.announces(&format!("AUTH={}", settings.mechanism_name())) {
            self.authenticate(talk, settings);
        } else {
            talk.violation("upstream does not announce the mechanism that says tokens");
        }
    }

    fn go_secure(&mut self, talk: &mut Guarded) {
        if self.announces("STARTTLS") {
            self.command(talk, "STARTTLS");
            self.state = State::StartTls;
        } else {
            talk.violation("upstream does not announce STARTTLS");
        }
    }

    fn authenticate(&mut self, talk: &mut Guarded, settings: &Settings) {
        if self.announces("SASL-IR") {
            talk.want_token();
            self.state = State::InlineToken;
        } else {
            self.command(talk, &format!("AUTHENTICATE {}", settings.mechanism_name()));
            self.state = State::Authenticate { held: None };
        }
    }

    /// One round trip less, as long as the line stays within what servers read: RFC 2683 3.2.1.5 asks them to take
    /// 8,000 bytes, and tokens with many groups grow beyond that.
    fn authenticate_inline(&mut self, talk: &mut Guarded, settings: &Settings, response: Zeroizing<Vec<u8>>) {
        let command = format!("{} AUTHENTICATE {}", self.next_tag(), settings.mechanism_name());
        if command.len() + 1 + response.len() + 2 <= MAX_LINE {
            talk.say_secret(&format!("{command} "), &response);
            self.state = State::Verdict { challenged: false };
        } else {
            talk.say(&command);
            self.state = State::Authenticate { held: Some(response) };
        }
    }

    /// An OK is not enough: Exchange says it to a good token too where the mailbox does not open, and then answers
    /// every command with "User is authenticated but not connected". NAMESPACE is cheap and needs the mailbox.
    fn probe(&mut self, talk: &mut Guarded, text: &str) {
        // Behind the login the list changes; the old one still tells whether NAMESPACE is known.
        let namespace = self.announces("NAMESPACE") || self.announces("IMAP4rev2");
        self.capabilities = capability_code(text);
        let capability = self.capabilities.is_none();
        if capability {
            self.command(talk, "CAPABILITY");
        }
        let known = namespace || self.announces("NAMESPACE");
        self.command(
            talk,
            if known {
                "NAMESPACE"
            } else {
                "STATUS INBOX (UIDNEXT)"
            },
        );
        self.state = State::Probe {
            capability,
            mailbox: true,
        };
    }

    fn probed(&mut self, talk: &mut Guarded, number: u32, text: &str, missing: (bool, bool)) {
        let (capability, mailbox) = match missing {
            (capability, true) if number == self.last_tag => (capability, false),
            (true, mailbox) if number + 1 == self.last_tag => (false, mailbox),
            _ => return talk.violation("upstream answered a command that was not given"),
        };
        self.state = State::Probe { capability, mailbox };
        if !is_ok(text) {
            self.rejected(talk, text, Kind::NotConnected);
        } else if !capability && !mailbox {
            self.welcome(talk);
        }
    }

    fn welcome(&mut self, talk: &mut Guarded) {
        let Some(capabilities) = self.capabilities.take() else {
            return talk.violation("upstream named no capabilities");
        };
        let offer = Offer::new(Protocol::Imap, capabilities.iter().map(AsRef::as_ref));
        talk.welcome(Welcome { offer });
        self.state = State::Over;
    }

    fn rejected(&mut self, talk: &mut Guarded, text: &str, otherwise: Kind) {
        talk.reject(text, classify(Protocol::Imap, text).unwrap_or(otherwise));
        self.state = State::Over;
    }

    fn announces(&self, capability: &str) -> bool {
        let list = self.capabilities.as_deref().unwrap_or_default();
        list.iter().any(|word| word.eq_ignore_ascii_case(capability))
    }
}

fn words(text: &str) -> Vec<Box<str>> {
    text.split(' ')
        .filter(|word| !word.is_empty())
        .map(Into::into)
        .collect()
}

/// The list in `OK [CAPABILITY …] text` (RFC 3501 7.1).
fn capability_code(text: &str) -> Option<Vec<Box<str>>> {
    let (_, rest) = text.split_once(' ')?;
    let (code, _) = rest.strip_prefix('[')?.split_once(']')?;
    let (word, list) = code.split_once(' ')?;
    word.eq_ignore_ascii_case("CAPABILITY").then(|| words(list))
}

fn is_ok(text: &str) -> bool {
    let word = text.split(' ').next().unwrap_or_default();
    word.eq_ignore_ascii_case("OK")
}

/// The number of one of our tags, and the status behind it.
fn split_tag(line: &str) -> Option<(u32, &str)> {
    let (tag, text) = line.split_once(' ')?;
    let number = tag.strip_prefix('A')?.parse().ok()?;
    let status = text.split(' ').next().unwrap_or_default();
    let known = ["OK", "NO", "BAD"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(status));
    known.then_some((number, text))
}

/// The length of the literal that a line ends with: `{5}`, `{5+}` or `~{5}`.
fn literal(line: &str) -> Option<usize> {
    let (_, count) = line.strip_suffix('}')?.rsplit_once('{')?;
    count.trim_end_matches('+').parse().ok()
}
