//! SMTP submission as Exchange Online speaks it.

mod data;
mod envelope;
mod hello;
mod login;
mod refusal;
mod sent;
mod transaction;

pub use self::refusal::{SendingPosition, SendingRefusal, SmtpRefusal};
pub use self::sent::SentMessage;

use super::connection::{Connection, Ended, Flow, Line};
use super::login as sasl;
use crate::sim::clock;
use crate::sim::faults::Moment;

/// How the SMTP service names itself.
const HOST: &str = "SIM1P264CA0001.outlook.office365.com";

/// Longest command line with its CRLF; RFC 5321 wants 512 and room for the parameters of extensions.
const LONGEST_LINE: usize = 2_048;

/// Longest line that is read at all, so that the record can name an AUTH with a whole token behind it.
const LONGEST_READ: usize = 16_384;

/// The largest message that is announced, in bytes: 150 MiB.
pub(super) const LARGEST_MESSAGE: u64 = 157_286_400;

/// Wrong commands that a peer may send.
const PATIENCE: u32 = 10;

/// A session before and after its login.
struct Session<'a> {
    connection: &'a mut Connection,
    /// The number at the end of replies.
    id: String,
    hello: bool,
    /// Said EHLO and not only HELO, without which there are no extensions (RFC 5321, 3.2).
    extended: bool,
    errors: u32,
    refused_logins: u32,
}

/// A command line taken apart.
struct Command {
    verb: String,
    argument: String,
}

/// The whole conversation.
pub(super) async fn converse(connection: &mut Connection) -> Flow {
    let id = connection.world.random.session_id();
    let greeting = connection.world.exchange.greeting.get().unwrap_or_else(|| {
        format!(
            "220 {HOST} Microsoft ESMTP MAIL Service ready at {} [{id}]",
            clock::rfc5322(clock::now())
        )
    });
    connection.say(greeting);
    let mut session = Session {
        connection,
        id,
        hello: false,
        extended: false,
        errors: 0,
        refused_logins: 0,
    };
    loop {
        let Some(command) = session.command().await? else {
            continue;
        };
        session.hear(&command);
        let submitter = match (command.verb.as_str(), command.argument.as_str()) {
            ("AUTH", argument) => session.authenticate(argument).await?,
            ("STARTTLS", "") if !session.connection.in_tls() => {
                session.start_tls().await?;
                None
            }
            ("MAIL", _) if session.hello => {
                session.refuse("530 5.7.57 Client not authenticated to send mail.");
                None
            }
            _ => {
                session.obey(&command).await?;
                None
            }
        };
        if let Some(submitter) = submitter {
            return transaction::converse(session, submitter).await;
        }
    }
}

impl Session<'_> {
    /// The next command; `None` when the line was none and has been answered.
    async fn command(&mut self) -> Flow<Option<Command>> {
        if self.errors >= PATIENCE || self.refused_logins >= login::PATIENCE {
            self.refuse("421 4.7.0 Too many errors on this connection, closing transmission channel");
            return Err(Ended::Closed);
        }
        let line = match self.connection.line(LONGEST_READ).await? {
            Line::Text(line) => line,
            Line::TooLong => {
                self.wrong("500 5.5.2 Command line too long");
                return Ok(None);
            }
            Line::Malformed => {
                self.wrong("500 5.5.2 Syntax error, lines end in CRLF");
                return Ok(None);
            }
        };
        let line = String::from_utf8_lossy(&line).into_owned();
        let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
        let command = Command {
            verb: verb.to_ascii_uppercase(),
            argument: argument.to_owned(),
        };
        if line.len() + 2 > LONGEST_LINE && command.verb != "AUTH" {
            self.wrong("500 5.5.2 Command line too long");
            return Ok(None);
        }
        Ok(Some(command))
    }

    fn hear(&mut self, command: &Command) {
        let Command { verb, argument } = command;
        let mechanism = argument.split(' ').next().unwrap_or_default();
        match verb.as_str() {
            "AUTH" if argument.contains(' ') => sasl::heard(self.connection, format!("AUTH {mechanism} ***")),
            "AUTH" => sasl::heard(self.connection, format!("AUTH {mechanism}")),
            _ => {
                let line = format!("{verb} {argument}").trim_end().to_owned();
                self.connection.record.note(|page| page.commands.push(line));
            }
        }
    }

    /// Commands that mean the same before and after the login.
    async fn obey(&mut self, command: &Command) -> Flow {
        match (command.verb.as_str(), command.argument.as_str()) {
            ("EHLO", name) => self.ehlo(name).await?,
            ("HELO", name) => self.helo(name),
            ("NOOP", _) => self.connection.say("250 2.0.0 OK"),
            ("RSET", "") => self.connection.say("250 2.0.0 Resetting"),
            ("VRFY", name) if !name.is_empty() => self.connection.say("252 2.1.5 Cannot VRFY user"),
            ("HELP", _) => self.connection.say("214-This server supports the following commands:\r\n214 HELO EHLO STARTTLS RCPT DATA RSET MAIL QUIT HELP AUTH BDAT"),
            ("QUIT", "") => {
                self.connection.say("221 2.0.0 Service closing transmission channel");
                return Err(Ended::Closed);
            }
            ("MAIL", _) => self.wrong("503 5.5.2 Send hello first"),
            ("RCPT" | "DATA" | "BDAT" | "STARTTLS", _) => self.wrong("503 5.5.1 Bad sequence of commands"),
            ("RSET" | "QUIT" | "VRFY", _) => self.wrong("501 5.5.4 Invalid arguments"),
            (verb, _) => self.wrong(&format!("500 5.3.3 Unrecognized command '{}'", verb.escape_default())),
        }
        Ok(())
    }

    /// A reply to something that should not have been said.
    fn wrong(&mut self, reply: &str) {
        self.errors += 1;
        self.connection.say(reply);
    }

    /// A refusal with Exchange's host, time and session id at its end.
    fn refuse(&mut self, reply: &str) {
        let now = clock::smtp_tail(clock::now());
        self.connection
            .say(format!("{reply} [{} {now} {}]", super::HOST, self.id));
    }

    async fn start_tls(&mut self) -> Flow {
        if !self.extended {
            self.wrong("503 5.5.2 Send hello first");
            return Ok(());
        }
        self.connection.at(Moment::StartTls).await?;
        let knob = self.connection.world.exchange.start_tls.get();
        if let Some(reply) = knob.reply {
            self.connection.say(reply);
            return Ok(());
        }
        self.connection.add(&knob.before);
        self.connection.say("220 2.0.0 SMTP server ready");
        self.connection.add(&knob.behind);
        // RFC 3207, 4.2: what was said before TLS is forgotten.
        self.hello = false;
        self.extended = false;
        self.connection.start_tls().await
    }
}
