//! Before the login: strict about every line.

use std::sync::Arc;

use super::super::connection::{Connection, Ended, Flow, Line};
use super::super::refusal::ImapRefusal;
use super::super::xoauth2::Mechanism;
use super::super::{Generation, login, offer};
use super::command::{self, Command, Value};
use super::{BYE, ID, Phase, capability};
use crate::sim::exchange::admission::Verdict;
use crate::sim::faults::Moment;
use crate::sim::mailbox::Mailbox;
use crate::sim::record::{Cause, Outcome};

/// Wrong commands that a stranger may send.
const PATIENCE: usize = 10;

/// A mailbox that was opened.
pub(super) struct Entry {
    pub(super) mailbox: Arc<Mailbox>,
    /// When the token ends, in seconds since 1970.
    pub(super) expires: u64,
}

/// Answers until somebody is logged in.
pub(super) async fn converse(connection: &mut Connection) -> Flow<Entry> {
    let mut wrong = 0;
    while wrong < PATIENCE {
        match command::read(connection, true).await? {
            Ok(command) => match obey(connection, &command).await? {
                Next::Going => {}
                Next::Wrong => wrong += 1,
                Next::In(entry) => return Ok(entry),
            },
            Err(unreadable) => {
                wrong += 1;
                connection
                    .record
                    .note(|page| page.commands.push("(unreadable)".to_owned()));
                connection.say(format!("{} {}", unreadable.tag, unreadable.answer));
            }
        }
    }
    connection.say("* BYE Connection closed. 14");
    Err(Ended::Closed)
}

enum Next {
    Going,
    Wrong,
    In(Entry),
}

async fn obey(connection: &mut Connection, command: &Command) -> Flow<Next> {
    let masked = command::masked(command);
    if matches!(command.name.as_str(), "AUTHENTICATE" | "LOGIN") {
        login::heard(connection, masked);
    } else {
        connection.record.note(|page| page.commands.push(masked));
    }
    let tag = &command.tag;
    let bare = command.arguments.is_empty();
    match command.name.as_str() {
        "CAPABILITY" if bare => {
            connection.at(Moment::Capability).await?;
            connection.say(capability(connection, Phase::of_stranger(connection)));
            connection.say(format!("{tag} OK CAPABILITY completed."));
        }
        "NOOP" if bare => connection.say(format!("{tag} OK NOOP completed.")),
        "ID" => {
            connection.say(ID);
            connection.say(format!("{tag} OK ID completed"));
        }
        "LOGOUT" if bare => {
            connection.say(BYE);
            connection.say(format!("{tag} OK LOGOUT completed."));
            return Err(Ended::Closed);
        }
        "STARTTLS" if bare && !connection.in_tls() => start_tls(connection, tag).await?,
        "LOGIN" => return password(connection, tag),
        "AUTHENTICATE" => return authenticate(connection, command).await,
        "CAPABILITY" | "NOOP" | "LOGOUT" | "STARTTLS" => {
            connection.say(format!("{tag} BAD Command Argument Error. 12"));
            return Ok(Next::Wrong);
        }
        _ => {
            connection.say(format!("{tag} BAD Command received in Invalid state."));
            return Ok(Next::Wrong);
        }
    }
    Ok(Next::Going)
}

async fn start_tls(connection: &mut Connection, tag: &str) -> Flow {
    connection.at(Moment::StartTls).await?;
    let knob = connection.world.exchange.start_tls.get();
    if let Some(reply) = knob.reply {
        connection.say(behind_tag(tag, &reply));
        return Ok(());
    }
    connection.add(&knob.before);
    connection.say(format!("{tag} OK Begin TLS negotiation now."));
    connection.add(&knob.behind);
    connection.start_tls().await
}

/// `text` behind the tag, unless it is a line of its own.
fn behind_tag(tag: &str, text: &str) -> String {
    if text.starts_with(['*', '+']) {
        text.to_owned()
    } else {
        format!("{tag} {text}")
    }
}

fn password(connection: &mut Connection, tag: &str) -> Flow<Next> {
    connection.record.outcome(Outcome::Refused(Cause::Password));
    match connection.world.exchange.generation.get() {
        Generation::Until2025 => {
            connection.say(format!("{tag} NO LOGIN failed."));
            Ok(Next::Wrong)
        }
        Generation::Since2026 => {
            connection.say(format!("{tag} NO Basic authentication is disabled."));
            connection.say(BYE);
            Err(Ended::Closed)
        }
    }
}

async fn authenticate(connection: &mut Connection, command: &Command) -> Flow<Next> {
    let tag = &command.tag;
    if !connection.in_tls() {
        connection.record.outcome(Outcome::Refused(Cause::Malformed));
        connection.say(format!("{tag} BAD Command received in Invalid state."));
        return Ok(Next::Wrong);
    }
    let (name, response) = match &command.arguments[..] {
        [Value::Atom(name)] => (name, None),
        [Value::Atom(name), Value::Atom(response)] => (name, Some(response.clone())),
        _ => return Ok(malformed(connection, tag, "BAD Command Argument Error. 12")),
    };
    if name.eq_ignore_ascii_case("PLAIN") || name.eq_ignore_ascii_case("LOGIN") {
        return password(connection, tag);
    }
    let Some(mechanism) = login::mechanism(connection, name) else {
        return Ok(malformed(connection, tag, "NO AUTHENTICATE failed."));
    };
    if response.is_some() && !offer::includes(connection, "SASL-IR") {
        return Ok(malformed(connection, tag, "BAD Command Argument Error. 12"));
    }
    connection.at(Moment::AuthSent).await?;
    let response = match response {
        Some(response) => response.into_bytes(),
        None => match continuation(connection).await? {
            Line::Text(line) => line,
            _ => return Ok(malformed(connection, tag, "BAD Command Error. 10")),
        },
    };
    decide(connection, tag, mechanism, &response).await
}

fn malformed(connection: &mut Connection, tag: &str, answer: &str) -> Next {
    connection.record.outcome(Outcome::Refused(Cause::Malformed));
    connection.say(format!("{tag} {answer}"));
    Next::Wrong
}

async fn continuation(connection: &mut Connection) -> Flow<Line> {
    connection.say("+ ");
    let line = connection.line(32_768).await?;
    login::heard(connection, "***".to_owned());
    Ok(line)
}

async fn decide(connection: &mut Connection, tag: &str, mechanism: Mechanism, response: &[u8]) -> Flow<Next> {
    let judged = login::judge(connection, mechanism, response);
    match judged.verdict {
        Verdict::Refused(cause) => {
            let answered = login::challenge(connection, mechanism, "+ ").await?;
            connection.at(Moment::Verdict).await?;
            connection.record.outcome(Outcome::Refused(cause));
            let answer = if answered {
                "NO AUTHENTICATE failed."
            } else {
                "BAD Command Argument Error. 12"
            };
            connection.say(format!("{tag} {answer}"));
            Ok(Next::Wrong)
        }
        Verdict::NoMailbox(_, cause) => {
            connection.at(Moment::Verdict).await?;
            not_connected(connection, tag, "BAD", cause).await
        }
        Verdict::Open(mailbox) => {
            let planned = login::planned(connection, &mailbox, |refusals| refusals.imap.clone());
            if let Some(refusal) = planned {
                return refuse(connection, tag, mechanism, &refusal, &judged.user).await;
            }
            connection.at(Moment::Verdict).await?;
            connection.say(format!("{tag} OK AUTHENTICATE completed."));
            login::logged_in(connection, &mailbox).await?;
            Ok(Next::In(Entry {
                mailbox,
                expires: judged.expires,
            }))
        }
    }
}

async fn refuse(
    connection: &mut Connection,
    tag: &str,
    mechanism: Mechanism,
    refusal: &ImapRefusal,
    user: &str,
) -> Flow<Next> {
    match refusal {
        ImapRefusal::NotConnectedBad => {
            connection.at(Moment::Verdict).await?;
            return not_connected(connection, tag, "BAD", Cause::Planned).await;
        }
        ImapRefusal::NotConnectedNo => {
            connection.at(Moment::Verdict).await?;
            return not_connected(connection, tag, "NO", Cause::Planned).await;
        }
        _ => {}
    }
    let answered = login::challenge(connection, mechanism, "+ ").await?;
    connection.at(Moment::Verdict).await?;
    connection.record.outcome(Outcome::Refused(Cause::Planned));
    if *refusal == ImapRefusal::TooManySessions {
        connection.say("* BYE Connection closed. 14");
        return Err(Ended::Closed);
    }
    if answered {
        connection.say(behind_tag(tag, &refusal.text(user)));
    } else {
        connection.say(format!("{tag} BAD Command Argument Error. 12"));
    }
    Ok(Next::Wrong)
}

/// The trap: the login is accepted, and then no command of the mailbox works.
async fn not_connected(connection: &mut Connection, tag: &str, word: &str, cause: Cause) -> Flow<Next> {
    connection.record.outcome(Outcome::NotConnected(cause));
    connection.say(format!("{tag} OK AUTHENTICATE completed."));
    let mut refused = 0;
    while refused < 2 {
        let (tag, name) = match command::read(connection, false).await? {
            Ok(command) => (command.tag, command.name),
            Err(unreadable) => (unreadable.tag, String::new()),
        };
        connection.record.count_command();
        match name.as_str() {
            "CAPABILITY" => {
                connection.say(capability(connection, Phase::LoggedIn));
                connection.say(format!("{tag} OK CAPABILITY completed."));
            }
            "LOGOUT" => {
                connection.say(BYE);
                connection.say(format!("{tag} OK LOGOUT completed."));
                return Err(Ended::Closed);
            }
            _ => {
                refused += 1;
                connection.say(format!("{tag} {word} User is authenticated but not connected."));
            }
        }
    }
    connection.say("* BYE Connection closed. 14");
    Err(Ended::Closed)
}
