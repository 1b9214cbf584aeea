//! After the login: the messages of INBOX as they were at that moment (RFC 1939, 5).

use std::sync::Arc;

use hyper::body::Bytes;

use super::super::connection::{Connection, Ended, Flow, Line};
use super::{BYE, LONGEST_LINE, PROTOCOL_ERROR, Phase, WRONG_STATE, capabilities};
use crate::sim::faults::Moment;
use crate::sim::mailbox::Mailbox;
use crate::sim::message::{Message, header_length};

/// A message of the session.
struct Held {
    uid: u32,
    message: Message,
    deleted: bool,
}

struct Session<'a> {
    connection: &'a mut Connection,
    mailbox: Arc<Mailbox>,
    uid_validity: u32,
    held: Vec<Held>,
}

/// Serves a session until it ends.
pub(super) async fn converse(connection: &mut Connection, mailbox: &Arc<Mailbox>) -> Flow {
    let (uid_validity, held) = mailbox.with_folders(|folders| {
        let Some(inbox) = folders.get("INBOX") else {
            return (0, Vec::new());
        };
        let hold = |entry: &crate::sim::folder::Entry| Held {
            uid: entry.uid,
            message: entry.message.clone(),
            deleted: false,
        };
        (inbox.uid_validity, inbox.entries.iter().map(hold).collect())
    });
    let mut session = Session {
        connection,
        mailbox: Arc::clone(mailbox),
        uid_validity,
        held,
    };
    loop {
        session.connection.at(Moment::Relay).await?;
        let Line::Text(line) = session.connection.line(LONGEST_LINE).await? else {
            session.connection.say(PROTOCOL_ERROR);
            return Err(Ended::Closed);
        };
        session.connection.record.count_command();
        session.obey(&String::from_utf8_lossy(&line)).await?;
    }
}

impl Session<'_> {
    async fn obey(&mut self, line: &str) -> Flow {
        let mut words = line.split(' ');
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        let arguments: Vec<&str> = words.collect();
        match (verb.as_str(), &arguments[..]) {
            ("CAPA", []) => capabilities(self.connection, Phase::LoggedIn),
            ("NOOP", []) => self.connection.say("+OK"),
            ("STAT", []) => self.stat(),
            ("LIST", []) => self.list(|held| held.message.raw().len().to_string()),
            ("LIST", [number]) => self.one(number, |held| held.message.raw().len().to_string()),
            ("UIDL", []) => {
                let validity = self.uid_validity;
                self.list(|held| unique_id(validity, held));
            }
            ("UIDL", [number]) => {
                let validity = self.uid_validity;
                self.one(number, |held| unique_id(validity, held));
            }
            ("RETR", [number]) => self.retrieve(number, None).await?,
            ("TOP", [number, lines]) => match lines.parse() {
                Ok(lines) => self.retrieve(number, Some(lines)).await?,
                Err(_) => self.connection.say("-ERR Invalid arguments."),
            },
            ("DELE", [number]) => self.delete(number),
            ("RSET", []) => {
                self.held.iter_mut().for_each(|held| held.deleted = false);
                self.connection.say("+OK");
            }
            ("QUIT", []) => return self.quit(),
            _ => self.connection.say(WRONG_STATE),
        }
        Ok(())
    }

    fn present(&self) -> impl Iterator<Item = (usize, &Held)> {
        self.held
            .iter()
            .enumerate()
            .filter(|(_, held)| !held.deleted)
            .map(|(at, held)| (at + 1, held))
    }

    fn find(&self, number: &str) -> Option<(usize, &Held)> {
        let number: usize = number.parse().ok()?;
        self.present().find(|(at, _)| *at == number)
    }

    fn stat(&mut self) {
        let octets: usize = self.present().map(|(_, held)| held.message.raw().len()).sum();
        let answer = format!("+OK {} {octets}", self.present().count());
        self.connection.say(answer);
    }

    fn list(&mut self, tell: impl Fn(&Held) -> String) {
        let lines: Vec<String> = self
            .present()
            .map(|(number, held)| format!("{number} {}", tell(held)))
            .collect();
        self.connection.say("+OK");
        for line in lines {
            self.connection.say(line);
        }
        self.connection.say(".");
    }

    fn one(&mut self, number: &str, tell: impl Fn(&Held) -> String) {
        let answer = match self.find(number) {
            Some((number, held)) => format!("+OK {number} {}", tell(held)),
            None => "-ERR The specified message is out of range.".to_owned(),
        };
        self.connection.say(answer);
    }

    fn delete(&mut self, number: &str) {
        let found = self.find(number).map(|(number, _)| number - 1);
        match found.and_then(|at| self.held.get_mut(at)) {
            Some(held) => {
                held.deleted = true;
                self.connection.say("+OK");
            }
            None => self.connection.say("-ERR The specified message is out of range."),
        }
    }

    /// RETR, or TOP with its count of body lines.
    async fn retrieve(&mut self, number: &str, lines: Option<usize>) -> Flow {
        let Some(message) = self.find(number).map(|(_, held)| held.message.clone()) else {
            self.connection.say("-ERR The specified message is out of range.");
            return Ok(());
        };
        let raw = message.raw();
        let end = lines.map_or(raw.len(), |lines| top(raw, lines));
        self.connection.say("+OK");
        let mut at = 0;
        let dots = message
            .leading_dots()
            .iter()
            .copied()
            .take_while(|dot| *dot < end);
        // Each piece but the first begins with a dot, in front of which another is put.
        let pieces: Vec<Bytes> = dots
            .chain([end])
            .map(|to| {
                let piece = raw.slice(at..to);
                at = to;
                piece
            })
            .collect();
        let last = pieces.len() - 1;
        for (number, piece) in pieces.iter().enumerate() {
            if number > 0 {
                self.connection.add(".");
            }
            if number == last / 2 {
                self.connection.send_in_halves(piece).await?;
            } else {
                self.connection.send(piece).await?;
            }
        }
        if !raw.slice(..end).ends_with(b"\n") {
            self.connection.add("\r\n");
        }
        self.connection.say(".");
        Ok(())
    }

    /// Only now the messages go (RFC 1939, 6).
    fn quit(&mut self) -> Flow {
        let gone: Vec<u32> = self
            .held
            .iter()
            .filter(|held| held.deleted)
            .map(|held| held.uid)
            .collect();
        if !gone.is_empty() {
            self.mailbox.change_folders(|folders| {
                if let Some(inbox) = folders.get_mut("INBOX") {
                    inbox.remove(|entry| gone.contains(&entry.uid));
                }
            });
        }
        self.connection.say(BYE);
        Err(Ended::Closed)
    }
}

fn unique_id(uid_validity: u32, held: &Held) -> String {
    format!("{uid_validity}-{}", held.uid)
}

/// Where the header and this many lines of the body end.
fn top(raw: &[u8], lines: usize) -> usize {
    let body = header_length(raw);
    let ends = raw
        .get(body..)
        .unwrap_or_default()
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n');
    match lines.checked_sub(1) {
        None => body,
        Some(last) => ends.map(|(at, _)| body + at + 1).nth(last).unwrap_or(raw.len()),
    }
}
