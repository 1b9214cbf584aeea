//! Reads both directions along: for the log, and to know when nothing is in the air. It decides nothing about bytes and
//! changes none, and what it keeps is bounded.
//!
//! Whatever it cannot follow makes it unsure for good: then a session is never said to be at rest. In the bulk of a
//! session it does not look at lines: literals and chunks are skipped by their count, messages by a search for their end.

mod end_of_data;
mod imap;
mod lines;
mod pop3;
mod smtp;
#[cfg(test)]
mod tests;

use imap::Imap;
use pop3::Pop3;
use smtp::Smtp;

use crate::name::shown;
use crate::provider::Protocol;

/// Refusals kept for the session's end line; a BYE takes the last place.
const MAX_NOTES: usize = 3;

/// Characters kept of a refusal.
const MAX_NOTE: usize = 200;

/// Commands that may wait for their replies and be followed. A message to all the recipients that Exchange takes (1,000) in
/// one group is one command for each.
const MAX_PENDING: usize = 2_048;

/// Bytes of a command line that is followed: eight times what RFC 2683 3.2.1.5 advises servers to take.
const MAX_COMMAND: usize = 64 * 1024;

/// Watches one relayed session. Boxed: thousands of sessions idle at a time.
#[derive(Debug)]
pub struct Observer(Box<Inner>);

#[derive(Debug)]
struct Inner {
    talk: Talk,
    notes: Notes,
}

#[derive(Debug)]
enum Talk {
    Imap(Imap),
    Pop3(Pop3),
    Smtp(Smtp),
}

/// Messages that upstream has accepted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sent {
    /// How many.
    pub messages: u32,
    /// Their recipients that upstream has accepted, in all.
    pub recipients: u32,
}

impl Observer {
    /// An observer of a session that just began. It is told of everything behind the login.
    pub fn new(protocol: Protocol) -> Self {
        Self(Box::new(Inner {
            talk: match protocol {
                Protocol::Imap => Talk::Imap(Imap::new()),
                Protocol::Pop3 => Talk::Pop3(Pop3::new()),
                Protocol::Smtp => Talk::Smtp(Smtp::new()),
            },
            notes: Notes::default(),
        }))
    }

    /// The mail client sent these bytes.
    pub fn mail_client_spoke(&mut self, bytes: &[u8]) {
        match &mut self.0.talk {
            Talk::Imap(imap) => imap.mail_client(bytes),
            Talk::Pop3(pop3) => pop3.mail_client(bytes),
            Talk::Smtp(smtp) => smtp.mail_client(bytes),
        }
    }

    /// Upstream sent these bytes.
    pub fn upstream_spoke(&mut self, bytes: &[u8]) {
        let Inner { talk, notes } = &mut *self.0;
        match talk {
            Talk::Imap(imap) => imap.upstream(bytes, notes),
            Talk::Pop3(pop3) => pop3.upstream(bytes, notes),
            Talk::Smtp(smtp) => smtp.upstream(bytes, notes),
        }
    }

    /// Whether nothing is in the air that an end would lose: no transaction, no command without its reply, no half line, no
    /// message marked as deleted. An IMAP mail client that only idles is at rest. False wherever it is not known.
    pub fn is_at_rest(&self) -> bool {
        match &self.0.talk {
            Talk::Imap(imap) => imap.is_at_rest(),
            Talk::Pop3(pop3) => pop3.is_at_rest(),
            Talk::Smtp(smtp) => smtp.is_at_rest(),
        }
    }

    /// Whether what moved since the last call makes the session a busy one: in SMTP a transaction and nothing else.
    pub fn take_busy(&mut self) -> bool {
        match &mut self.0.talk {
            Talk::Imap(_) | Talk::Pop3(_) => true,
            Talk::Smtp(smtp) => smtp.take_busy(),
        }
    }

    /// What was sent since the last call, if anything was.
    pub fn take_sent(&mut self) -> Option<Sent> {
        let Talk::Smtp(smtp) = &mut self.0.talk else {
            return None;
        };
        Some(smtp.take_sent()).filter(|sent| sent.messages > 0)
    }

    /// What a mail client may still be told unasked, once it is at rest: only SMTP has such a line (RFC 5321 3.8).
    pub fn may_say_goodbye(&self) -> bool {
        matches!(self.0.talk, Talk::Smtp(_))
    }

    /// The refusals seen: the first ones, and how upstream said goodbye.
    pub fn into_notes(self) -> Vec<Box<str>> {
        self.0.notes.0
    }
}

/// What is kept of upstream's refusals.
#[derive(Debug, Default)]
struct Notes(Vec<Box<str>>);

impl Notes {
    fn add(&mut self, line: &[u8], goodbye: bool) {
        if goodbye {
            self.0.truncate(MAX_NOTES - 1);
        }
        if self.0.len() < MAX_NOTES {
            self.0.push(shown(line, MAX_NOTE).into());
        }
    }
}
