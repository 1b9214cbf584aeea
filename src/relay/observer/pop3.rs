//! What is in the air between a POP3 mail client and upstream (RFC 1939, RFC 2449).

use std::collections::VecDeque;

use super::end_of_data::EndOfData;
use super::lines::{Line, Lines, words};
use super::{MAX_COMMAND, MAX_PENDING, Notes};

/// One session after its login.
#[derive(Debug)]
pub(super) struct Pop3 {
    commands: Lines,
    /// What waits for its reply, oldest first.
    pending: VecDeque<Command>,
    replies: Lines,
    /// A message or a list that upstream is sending.
    text: Option<EndOfData>,
    /// Whether a message is marked as deleted: only QUIT makes that true (RFC 1939 6), so an end before it would lose it.
    deletes: bool,
    /// Once unsure, the first line after the mail client has spoken is taken for a reply.
    reply_due: bool,
    unsure: bool,
}

/// Commands as far as they differ here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Command {
    /// A yes has one line.
    Short,
    /// A yes is followed by lines that end with a dot.
    Long,
    Delete,
    Reset,
    Quit,
    /// Nobody knows how long a yes is.
    Unknown,
}

impl Pop3 {
    pub(super) fn new() -> Self {
        Self {
            commands: Lines::default(),
            pending: VecDeque::new(),
            replies: Lines::default(),
            text: None,
            deletes: false,
            reply_due: false,
            unsure: false,
        }
    }

    pub(super) fn is_at_rest(&self) -> bool {
        !self.unsure
            && !self.deletes
            && self.pending.is_empty()
            && self.text.is_none()
            && self.commands.are_whole()
            && self.replies.are_whole()
    }

    pub(super) fn mail_client(&mut self, mut bytes: &[u8]) {
        self.reply_due = true;
        while !bytes.is_empty() && !self.unsure {
            if let Some(line) = self.commands.next(&mut bytes) {
                self.command(&line);
            }
        }
    }

    pub(super) fn upstream(&mut self, mut bytes: &[u8], notes: &mut Notes) {
        while !bytes.is_empty() {
            if let Some(end) = &mut self.text {
                let Some(rest) = end.find(bytes) else { return };
                self.text = None;
                bytes = rest;
            } else if let Some(line) = self.replies.next(&mut bytes) {
                self.reply(line.text(), notes);
            }
        }
    }

    fn give_up(&mut self) {
        self.unsure = true;
        self.pending = VecDeque::new();
    }

    fn command(&mut self, line: &Line<'_>) {
        if !line.is_clean() || line.length() > MAX_COMMAND || self.pending.len() == MAX_PENDING {
            return self.give_up();
        }
        let mut words = words(line.text()).filter(|word| !word.is_empty());
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        let alone = words.next().is_none();
        let command = match verb.as_slice() {
            b"RETR" | b"TOP" | b"CAPA" => Command::Long,
            b"LIST" | b"UIDL" if alone => Command::Long,
            b"LIST" | b"UIDL" | b"STAT" | b"NOOP" | b"LAST" | b"USER" | b"PASS" => Command::Short,
            b"DELE" => Command::Delete,
            b"RSET" => Command::Reset,
            b"QUIT" => Command::Quit,
            _ => Command::Unknown,
        };
        self.pending.push_back(command);
    }

    fn reply(&mut self, line: &[u8], notes: &mut Notes) {
        let due = std::mem::take(&mut self.reply_due);
        let answered = if self.unsure {
            None
        } else {
            self.pending.pop_front()
        };
        if line.starts_with(b"-ERR") && (due || answered.is_some()) {
            notes.add(line, false);
        }
        if self.unsure {
            return;
        }
        let accepted = line.starts_with(b"+OK");
        match answered {
            Some(_) if !accepted && !line.starts_with(b"-ERR") => self.give_up(),
            None | Some(Command::Unknown) if accepted => self.give_up(),
            None => self.give_up(),
            Some(Command::Long) if accepted => self.text = Some(EndOfData::AT_START),
            Some(Command::Delete) if accepted => self.deletes = true,
            Some(Command::Reset) if accepted => self.deletes = false,
            // RFC 1939 6: upstream has deleted what it will delete before it answers.
            Some(Command::Quit) => self.deletes = false,
            Some(_) => {}
        }
        if self.pending.is_empty() {
            self.pending = VecDeque::new();
        }
    }
}
