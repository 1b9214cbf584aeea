//! What is in the air between an SMTP mail client and upstream (RFC 5321, RFC 2920, RFC 3030).

use std::collections::VecDeque;

use super::end_of_data::EndOfData;
use super::lines::{Line, Lines, words};
use super::{MAX_COMMAND, MAX_PENDING, Notes, Sent};

/// One session after its login.
#[derive(Debug)]
pub(super) struct Smtp {
    says: Says,
    commands: Lines,
    replies: Lines,
    /// What waits for its reply, oldest first.
    pending: VecDeque<Command>,
    /// Whether upstream has accepted a MAIL whose end it has not told yet.
    transaction: bool,
    /// Whether there was a transaction since somebody asked.
    was_busy: bool,
    /// Recipients that upstream has accepted in this transaction.
    recipients: u32,
    sent: Sent,
    unsure: bool,
}

/// What the mail client's bytes are.
#[derive(Debug)]
enum Says {
    Commands,
    /// Nothing may come until upstream says whether it wants the message (RFC 2920 3.1: DATA ends a group).
    Nothing,
    Message(EndOfData),
    /// So many bytes of a chunk are left.
    Chunk(u64),
}

/// Commands as far as they differ here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Command {
    Mail,
    Recipient,
    Data,
    /// The message itself, which has a reply of its own.
    Message,
    Chunk,
    LastChunk,
    /// EHLO, HELO and RSET end a transaction.
    Reset,
    Other,
}

impl Smtp {
    pub(super) fn new() -> Self {
        Self {
            says: Says::Commands,
            commands: Lines::default(),
            replies: Lines::default(),
            pending: VecDeque::new(),
            transaction: false,
            was_busy: false,
            recipients: 0,
            sent: Sent::default(),
            unsure: false,
        }
    }

    pub(super) fn is_at_rest(&self) -> bool {
        !self.unsure
            && !self.transaction
            && self.pending.is_empty()
            && matches!(self.says, Says::Commands)
            && self.commands.are_whole()
            && self.replies.are_whole()
    }

    /// Whether there was a transaction since the last call. Commands beside it, such as a NOOP that keeps a connection
    /// alive, do not count.
    pub(super) fn take_busy(&mut self) -> bool {
        std::mem::replace(&mut self.was_busy, self.transaction)
    }

    pub(super) fn take_sent(&mut self) -> Sent {
        std::mem::take(&mut self.sent)
    }

    pub(super) fn mail_client(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.unsure {
            match &mut self.says {
                Says::Commands => {
                    if let Some(line) = self.commands.next(&mut bytes) {
                        self.command(&line);
                    }
                }
                Says::Nothing => self.give_up(),
                Says::Message(end) => {
                    let Some(rest) = end.find(bytes) else { return };
                    self.says = Says::Commands;
                    bytes = rest;
                }
                Says::Chunk(left) => {
                    let skipped = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    *left -= skipped as u64;
                    if *left == 0 {
                        self.says = Says::Commands;
                    }
                    bytes = &bytes[skipped..];
                }
            }
        }
    }

    pub(super) fn upstream(&mut self, mut bytes: &[u8], notes: &mut Notes) {
        while let Some(line) = self.replies.next(&mut bytes) {
            let text = line.text();
            if is_refusal(text) {
                notes.add(text, text.starts_with(b"421"));
            }
            if !self.unsure {
                self.reply(text);
            }
        }
    }

    fn give_up(&mut self) {
        self.unsure = true;
        self.pending = VecDeque::new();
    }

    fn command(&mut self, line: &Line<'_>) {
        let verb = line.first_word().to_ascii_uppercase();
        let command = match verb.as_slice() {
            b"MAIL" => Command::Mail,
            b"RCPT" => Command::Recipient,
            b"DATA" => Command::Data,
            b"BDAT" => return self.chunk(line),
            b"RSET" | b"EHLO" | b"HELO" => Command::Reset,
            // What follows is no SMTP that could be read along.
            b"STARTTLS" => return self.give_up(),
            _ => Command::Other,
        };
        if command == Command::Data {
            self.says = Says::Nothing;
        }
        self.push(command, line);
    }

    /// RFC 3030 2: the bytes follow the command at once, whatever upstream makes of it.
    fn chunk(&mut self, line: &Line<'_>) {
        let mut arguments = words(line.text()).skip(1).filter(|word| !word.is_empty());
        let size = arguments.next().and_then(|size| str::from_utf8(size).ok());
        let Some(size) = size.and_then(|size| size.parse().ok()) else {
            return self.give_up();
        };
        let command = match arguments.next() {
            None => Command::Chunk,
            Some(last) if last.eq_ignore_ascii_case(b"LAST") => Command::LastChunk,
            Some(_) => return self.give_up(),
        };
        if size > 0 {
            self.says = Says::Chunk(size);
        }
        self.push(command, line);
    }

    fn push(&mut self, command: Command, line: &Line<'_>) {
        if !line.is_clean() || line.length() > MAX_COMMAND || self.pending.len() == MAX_PENDING {
            return self.give_up();
        }
        self.pending.push_back(command);
    }

    fn reply(&mut self, line: &[u8]) {
        // RFC 5321 4.2: three digits, then a hyphen in a line that another follows, else a space or nothing.
        let class = match line {
            [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', b'-', ..] => return,
            [class @ b'2'..=b'5', b'0'..=b'9', b'0'..=b'9']
            | [class @ b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', b' ', ..] => *class,
            _ => return self.give_up(),
        };
        match self.pending.pop_front() {
            None => self.give_up(),
            Some(command) if class == b'3' => self.wants_more(command),
            Some(command) => self.done(command, class == b'2'),
        }
        if self.pending.is_empty() {
            self.pending = VecDeque::new();
        }
    }

    fn wants_more(&mut self, command: Command) {
        if command == Command::Data && matches!(self.says, Says::Nothing) {
            self.says = Says::Message(EndOfData::AT_START);
            self.pending.push_front(Command::Message);
        } else {
            self.give_up();
        }
    }

    fn done(&mut self, command: Command, accepted: bool) {
        match command {
            Command::Mail if accepted => {
                (self.transaction, self.was_busy, self.recipients) = (true, true, 0);
            }
            Command::Recipient if accepted => self.recipients += 1,
            Command::Data => {
                // Refused: what comes next are commands. Whether the transaction is over, servers do not agree.
                self.says = Says::Commands;
            }
            // A reply before the end of the message: one of the two does not see the same end as we do.
            Command::Message if matches!(self.says, Says::Message(_)) => self.give_up(),
            Command::Message | Command::LastChunk => self.end(accepted),
            Command::Reset if accepted => self.transaction = false,
            Command::Mail | Command::Recipient | Command::Chunk | Command::Reset | Command::Other => {}
        }
    }

    /// RFC 5321 4.1.1.4: accepted or not, the message's reply ends its transaction.
    fn end(&mut self, accepted: bool) {
        if accepted && self.transaction {
            self.sent.messages += 1;
            self.sent.recipients += self.recipients;
        }
        (self.transaction, self.recipients) = (false, 0);
    }
}

/// RFC 5321 4.2: three digits, then a space or, in a line that another follows, a hyphen.
fn is_refusal(line: &[u8]) -> bool {
    matches!(line, [b'4' | b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..])
}
