//! A talk in which the peer may say only so much, and in which a token is never shown.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::mask::{MASK, Mask};
use super::{Asked, Kind, Rejection};
use crate::secret::Secret;
use crate::wire::{Closing, Line, LineError, MAX_LINE, Said, Step, Talk, Turn, Welcome};

/// Lines that an upstream may say before its verdict. A greeting, two lists of capabilities and a login are about 40.
const MAX_LINES: usize = 200;

/// Bytes that an upstream may say before its verdict, literals included.
const MAX_OCTETS: usize = 64 * 1024;

/// [`Talk`] with an upstream: bounded, masked, silent while the owner is asked.
pub(super) struct Guarded {
    talk: Talk<Asked>,
    recording: bool,
    secure: bool,
    lines: usize,
    octets: usize,
    skip: usize,
    mask: Option<Mask>,
    challenge: Option<String>,
    asking: bool,
}

impl Guarded {
    /// `secure` tells whether TLS is up already.
    pub(super) fn new(recording: bool, secure: bool) -> Self {
        Self {
            talk: Talk::new(recording),
            recording,
            secure,
            lines: 0,
            octets: 0,
            skip: 0,
            mask: None,
            challenge: None,
            asking: false,
        }
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.talk.receive(bytes);
    }

    pub(super) fn peer_closed(&mut self) {
        self.talk.peer_closed();
    }

    pub(super) fn take_step(&mut self) -> Option<Step<Asked>> {
        self.talk.take_step()
    }

    pub(super) fn wait(&mut self) -> Step<Asked> {
        self.talk.wait()
    }

    pub(super) fn overheard(&mut self) -> Vec<Said> {
        self.talk.overheard()
    }

    pub(super) fn tls_established(&mut self) {
        self.secure = true;
        self.talk.tls_established();
    }

    /// Whether TLS is up.
    pub(super) fn is_secure(&self) -> bool {
        self.secure
    }

    pub(super) fn into_unread(self) -> Vec<u8> {
        self.talk.input.into_rest()
    }

    /// The next line within the bounds. While the owner is asked, or after the end, nothing is read.
    pub(super) fn line(&mut self) -> Option<Line> {
        if self.asking || self.talk.is_over() || !self.skipped() {
            return None;
        }
        match self.talk.input.line(MAX_LINE) {
            Ok(line) => line.filter(|line| self.admit(line)),
            Err(LineError::TooLong) => {
                self.talk.close(Closing::TooLong);
                None
            }
            Err(LineError::BareCr | LineError::Nul) => {
                self.violation("upstream sent a NUL or a bare CR");
                None
            }
        }
    }

    fn admit(&mut self, line: &[u8]) -> bool {
        self.lines += 1;
        self.octets += line.len() + 2;
        if self.lines > MAX_LINES || self.octets > MAX_OCTETS {
            self.violation("upstream said too much before it answered the login");
            return false;
        }
        true
    }

    /// Lets the next `count` bytes pass unread: an IMAP literal in which nothing concerns us.
    pub(super) fn skip(&mut self, count: usize) {
        self.octets = self.octets.saturating_add(count);
        if self.octets > MAX_OCTETS {
            self.violation("upstream said too much before it answered the login");
        } else {
            self.skip = count;
        }
    }

    fn skipped(&mut self) -> bool {
        if self.skip > 0 && self.talk.input.take(self.skip).is_none() {
            return false;
        }
        self.skip = 0;
        true
    }

    /// Notes a line of the peer for the transcript.
    pub(super) fn heard(&mut self, line: &str) {
        if self.recording {
            let shown = self.masked(line);
            self.talk.heard(shown);
        }
    }

    /// Notes a challenge, in which anything may be encoded, and keeps what it says.
    pub(super) fn heard_challenge(&mut self, prefix: &str, encoded: &str) {
        if encoded.is_empty() {
            self.heard(prefix);
            return;
        }
        self.heard(&format!("{prefix} {MASK}"));
        let decoded = STANDARD.decode(encoded).ok();
        self.challenge = decoded.map(|bytes| self.masked(&String::from_utf8_lossy(&bytes)));
    }

    pub(super) fn say(&mut self, line: &str) {
        self.talk.say(line);
    }

    /// Says a line with the token in it, which the transcript shows without.
    pub(super) fn say_secret(&mut self, command: &str, response: &[u8]) {
        let mut line = Zeroizing::new(Vec::with_capacity(command.len() + response.len()));
        line.extend_from_slice(command.as_bytes());
        line.extend_from_slice(response);
        self.talk.say_masked(&line, &format!("{command}{MASK}"));
    }

    pub(super) fn start_tls(&mut self) {
        self.talk.start_tls();
    }

    /// From now on this token is masked.
    pub(super) fn conceal(&mut self, token: &Secret<String>, response: Zeroizing<Vec<u8>>) {
        self.mask = Some(Mask::new(token, response));
        self.asking = false;
    }

    /// Asks the owner for the token. Every token passes here, so none leaves in clear.
    pub(super) fn want_token(&mut self) {
        if !self.secure {
            return self.violation("a token was about to be sent without TLS");
        }
        self.asking = true;
        self.talk.raise(Asked::WantsToken(Turn::new()));
    }

    pub(super) fn welcome(&mut self, welcome: Welcome) {
        self.asking = true;
        self.talk.raise(Asked::Done(Ok(welcome)));
    }

    /// Ends with upstream's no. Before a token was shown, none can have been refused.
    pub(super) fn reject(&mut self, reply: &str, kind: Kind) {
        self.asking = true;
        let kind = match kind {
            Kind::TokenRefused if self.mask.is_none() => Kind::Denied,
            kind => kind,
        };
        let rejection = Rejection::new(&self.masked(reply), kind, self.challenge.take());
        self.talk.raise(Asked::Done(Err(rejection)));
    }

    /// Ends because upstream did what its protocol does not allow.
    pub(super) fn violation(&mut self, what: &'static str) {
        self.talk.close(Closing::Protocol(what));
    }

    fn masked(&self, text: &str) -> String {
        match &self.mask {
            Some(mask) => mask.apply(text),
            None => text.to_owned(),
        }
    }
}
