//! The mechanics under every dialogue: input waiting to be understood, steps waiting to be taken.

use std::collections::VecDeque;

use super::{Closing, Framer, Said, Speaker, Step, Transcript};
use crate::name::shown;

/// The longest line shown in a transcript, in characters.
const MAX_SHOWN: usize = 500;

/// Input, queued steps and transcript of one dialogue.
#[derive(Debug)]
pub struct Talk<E> {
    /// What the peer sent and nobody consumed yet.
    pub input: Framer,
    steps: VecDeque<Step<E>>,
    transcript: Transcript,
    over: bool,
    peer_closed: bool,
}

impl<E> Talk<E> {
    /// A talk in which nothing was said. `recording` keeps the masked transcript.
    pub fn new(recording: bool) -> Self {
        Self {
            input: Framer::default(),
            steps: VecDeque::new(),
            transcript: Transcript::new(recording),
            over: false,
            peer_closed: false,
        }
    }

    /// Takes bytes from the peer; after the end nothing is kept.
    pub fn receive(&mut self, bytes: &[u8]) {
        if !self.over {
            self.input.push(bytes);
        }
    }

    /// The peer will send nothing more.
    pub fn peer_closed(&mut self) {
        self.peer_closed = true;
    }

    /// Says one line that holds no secret. CRLF is added.
    pub fn say(&mut self, line: &str) {
        self.transcript
            .note(Speaker::Us, || shown(line.as_bytes(), MAX_SHOWN));
        self.write(format!("{line}\r\n").into_bytes());
    }

    /// Says one line that a transcript shows as `mask`. CRLF is added.
    pub fn say_masked(&mut self, line: &[u8], mask: &str) {
        self.transcript.note(Speaker::Us, || mask.to_owned());
        self.write([line, b"\r\n"].concat());
    }

    /// Notes what the peer said. `line` must not hold a secret.
    pub fn heard(&mut self, line: impl AsRef<[u8]>) {
        self.transcript
            .note(Speaker::Peer, || shown(line.as_ref(), MAX_SHOWN));
    }

    /// Asks the owner.
    pub fn raise(&mut self, event: E) {
        self.steps.push_back(Step::Event(event));
    }

    /// Starts TLS once everything said before is sent.
    pub fn start_tls(&mut self) {
        self.steps.push_back(Step::StartTls);
    }

    /// Ends the dialogue once everything said before is sent.
    pub fn close(&mut self, why: Closing) {
        self.over = true;
        self.steps.push_back(Step::Close(why));
    }

    /// Ends the dialogue after one last line.
    pub fn say_and_close(&mut self, line: &str, why: Closing) {
        self.say(line);
        self.close(why);
    }

    /// Whether the dialogue is over.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// The next queued step.
    pub fn take_step(&mut self) -> Option<Step<E>> {
        let step = self.steps.pop_front()?;
        // Bytes that came in clear behind STARTTLS must never be read as if they had come under TLS.
        if matches!(step, Step::StartTls) && !self.input.is_empty() {
            self.steps.clear();
            return Some(self.end(Closing::PlaintextBeforeTls));
        }
        match step {
            Step::Close(why) => Some(self.end(why)),
            step => Some(step),
        }
    }

    /// What to do when nothing is queued and nothing waiting can be understood.
    pub fn wait(&mut self) -> Step<E> {
        if self.peer_closed {
            return self.end(Closing::PeerClosed);
        }
        Step::Read
    }

    /// Stepping again after the end finds the end again.
    fn end(&mut self, why: Closing) -> Step<E> {
        self.over = true;
        self.steps.push_front(Step::Close(Closing::PeerClosed));
        Step::Close(why)
    }

    /// Forgets what was received in clear. There is none unless a peer races the handshake, which ends the dialogue.
    pub fn tls_established(&mut self) {
        if !self.input.is_empty() {
            self.close(Closing::PlaintextBeforeTls);
        }
    }

    /// The masked lines since the last call.
    pub fn overheard(&mut self) -> Vec<Said> {
        self.transcript.take()
    }

    /// Consecutive lines leave in one segment: a greeting or an EHLO reply is one packet.
    fn write(&mut self, bytes: Vec<u8>) {
        match self.steps.back_mut() {
            Some(Step::Write(last)) => last.extend_from_slice(&bytes),
            _ => self.steps.push_back(Step::Write(bytes)),
        }
    }
}
