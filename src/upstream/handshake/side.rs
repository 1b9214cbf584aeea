//! What the three machines have in common: one line in, a decision out.

use zeroize::Zeroizing;

use super::guarded::Guarded;
use super::{Asked, Handshake, Settings};
use crate::sasl::bearer::{self, UnusableToken};
use crate::secret::Secret;
use crate::wire::{Dialogue, Said, Step, Turn};

/// One protocol's part of a handshake.
pub(super) trait Side: Send {
    /// Before the greeting.
    fn new() -> Self;

    /// Takes one line of the upstream.
    fn hear(&mut self, talk: &mut Guarded, settings: &Settings, line: &str);

    /// TLS came up by STARTTLS: forget what was said in clear and go on.
    fn secured(&mut self, talk: &mut Guarded, settings: &Settings);

    /// Sends the mechanism's message, now or where the upstream asks for it.
    fn present(&mut self, talk: &mut Guarded, settings: &Settings, response: Zeroizing<Vec<u8>>);
}

/// A handshake: the bounded talk, and one protocol's part in it.
pub(super) struct Spoken<S> {
    talk: Guarded,
    settings: Settings,
    side: S,
}

impl<S: Side> Spoken<S> {
    pub(super) fn begin(settings: Settings) -> Self {
        Self {
            talk: Guarded::new(settings.recording, !settings.starts_tls()),
            settings,
            side: S::new(),
        }
    }
}

impl<S: Side> Dialogue for Spoken<S> {
    type Event = Asked;

    fn receive(&mut self, bytes: &[u8]) {
        self.talk.receive(bytes);
    }

    fn peer_closed(&mut self) {
        self.talk.peer_closed();
    }

    fn step(&mut self) -> Step<Asked> {
        loop {
            if let Some(step) = self.talk.take_step() {
                return step;
            }
            // Without a further line either a bound was overrun, and the end is queued, or more is needed.
            let Some(line) = self.talk.line() else {
                return self.talk.take_step().unwrap_or_else(|| self.talk.wait());
            };
            let text = String::from_utf8_lossy(&line);
            self.side.hear(&mut self.talk, &self.settings, &text);
        }
    }

    fn tls_established(&mut self) {
        self.talk.tls_established();
        self.side.secured(&mut self.talk, &self.settings);
    }

    fn overheard(&mut self) -> Vec<Said> {
        self.talk.overheard()
    }

    fn into_unread(self: Box<Self>) -> Vec<u8> {
        self.talk.into_unread()
    }
}

impl<S: Side> Handshake for Spoken<S> {
    fn present(&mut self, _turn: Turn, token: &Secret<String>) -> Result<(), UnusableToken> {
        let settings = &self.settings;
        let response =
            bearer::initial_response(settings.mechanism, &settings.host, &settings.identity, token)?;
        self.talk.conceal(token, response.clone());
        self.side.present(&mut self.talk, settings, response);
        Ok(())
    }
}
