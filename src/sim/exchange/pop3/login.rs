//! Before the login: two lines for the token, and nothing else will do.

use std::sync::Arc;

use super::super::admission::Verdict;
use super::super::connection::{Connection, Ended, Flow, Line};
use super::super::login;
use super::super::refusal::Pop3Refusal;
use super::super::xoauth2::Mechanism;
use super::{BYE, LONGEST_LINE, PROTOCOL_ERROR, Phase, WRONG_STATE, capabilities};
use crate::sim::faults::Moment;
use crate::sim::mailbox::Mailbox;
use crate::sim::record::{Cause, Outcome};

/// Longest base64 line, with room for the largest tokens (the limit that Microsoft's service has is not published).
const LONGEST_RESPONSE: usize = 16_384;

/// Commands refused to a stranger before the connection is closed.
const PATIENCE: usize = 10;

const FAILED: &str = "-ERR Authentication failure: unknown user name or bad password.";

/// Answers until somebody is logged in.
pub(super) async fn converse(connection: &mut Connection) -> Flow<Arc<Mailbox>> {
    let mut refused = 0;
    while refused < PATIENCE {
        let Line::Text(line) = connection.line(LONGEST_LINE).await? else {
            connection
                .record
                .note(|page| page.commands.push("(unreadable)".to_owned()));
            return protocol_error(connection);
        };
        let line = String::from_utf8_lossy(&line).into_owned();
        let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
        let verb = verb.to_ascii_uppercase();
        hear(connection, &verb, argument);
        match (verb.as_str(), argument) {
            ("CAPA", "") => {
                connection.at(Moment::Capability).await?;
                capabilities(connection, Phase::of_stranger(connection));
            }
            ("NOOP", "") => connection.say("+OK"),
            ("QUIT", "") => {
                connection.say(BYE);
                return Err(Ended::Closed);
            }
            ("STLS", "") if !connection.in_tls() => start_tls(connection).await?,
            ("USER", name) if !name.is_empty() => connection.say("+OK"),
            ("PASS", _) => {
                refused += 1;
                connection.record.outcome(Outcome::Refused(Cause::Password));
                connection.say("-ERR Logon failure: unknown user name or bad password.");
            }
            ("AUTH", argument) => match authenticate(connection, argument).await? {
                Some(mailbox) => return Ok(mailbox),
                None => refused += 1,
            },
            _ => {
                refused += 1;
                connection.say(WRONG_STATE);
            }
        }
    }
    protocol_error(connection)
}

fn hear(connection: &Connection, verb: &str, argument: &str) {
    let mechanism = argument.split(' ').next().unwrap_or_default();
    match verb {
        "AUTH" if argument.contains(' ') => login::heard(connection, format!("AUTH {mechanism} ***")),
        "AUTH" => login::heard(connection, format!("AUTH {mechanism}")),
        "USER" | "PASS" | "APOP" => login::heard(connection, format!("{verb} ***")),
        _ => connection
            .record
            .note(|page| page.commands.push(format!("{verb} {argument}").trim().to_owned())),
    }
}

fn protocol_error<T>(connection: &mut Connection) -> Flow<T> {
    connection.say(PROTOCOL_ERROR);
    Err(Ended::Closed)
}

async fn start_tls(connection: &mut Connection) -> Flow {
    connection.at(Moment::StartTls).await?;
    let knob = connection.world.exchange.start_tls.get();
    if let Some(reply) = knob.reply {
        connection.say(reply);
        return Ok(());
    }
    connection.add(&knob.before);
    connection.say("+OK Begin TLS negotiation.");
    connection.add(&knob.behind);
    connection.start_tls().await
}

async fn authenticate(connection: &mut Connection, argument: &str) -> Flow<Option<Arc<Mailbox>>> {
    if !connection.in_tls() {
        refuse(connection, Cause::Malformed, WRONG_STATE);
        return Ok(None);
    }
    if argument.contains(' ') {
        connection.record.outcome(Outcome::Refused(Cause::Malformed));
        return protocol_error(connection);
    }
    let Some(mechanism) = login::mechanism(connection, argument) else {
        refuse(
            connection,
            Cause::Malformed,
            "-ERR Unrecognized authentication type.",
        );
        return Ok(None);
    };
    connection.at(Moment::AuthSent).await?;
    connection.say("+ ");
    let line = connection.line(LONGEST_RESPONSE).await?;
    login::heard(connection, "***".to_owned());
    let longest = connection
        .world
        .exchange
        .pop3_longest_token
        .get()
        .unwrap_or(usize::MAX);
    match line {
        Line::Text(response) if response.len() <= longest => decide(connection, mechanism, &response).await,
        _ => {
            connection.record.outcome(Outcome::Refused(Cause::Malformed));
            protocol_error(connection)
        }
    }
}

fn refuse(connection: &mut Connection, cause: Cause, answer: &str) {
    connection.record.outcome(Outcome::Refused(cause));
    connection.say(answer);
}

async fn decide(
    connection: &mut Connection,
    mechanism: Mechanism,
    response: &[u8],
) -> Flow<Option<Arc<Mailbox>>> {
    let judged = login::judge(connection, mechanism, response);
    let (cause, planned) = match judged.verdict {
        Verdict::Refused(cause) | Verdict::NoMailbox(_, cause) => (cause, Pop3Refusal::Denied),
        Verdict::Open(mailbox) => {
            match login::planned(connection, &mailbox, |refusals| refusals.pop3.clone()) {
                Some(refusal) => (Cause::Planned, refusal),
                None => return open(connection, mailbox).await,
            }
        }
    };
    if planned == Pop3Refusal::NotConnected {
        connection.at(Moment::Verdict).await?;
        return not_connected(connection).await;
    }
    let answered = login::challenge(connection, mechanism, "+ ").await?;
    connection.at(Moment::Verdict).await?;
    let answer = match planned {
        _ if !answered => "-ERR Protocol error. 19".to_owned(),
        Pop3Refusal::Unavailable => "-ERR [SYS/TEMP] Server Unavailable. 15".to_owned(),
        Pop3Refusal::Reply(reply) => reply,
        Pop3Refusal::TooManySessions => {
            refuse(connection, cause, "-ERR Connection is closed. 14");
            return Err(Ended::Closed);
        }
        Pop3Refusal::Denied | Pop3Refusal::NotConnected => FAILED.to_owned(),
    };
    refuse(connection, cause, &answer);
    Ok(None)
}

async fn open(connection: &mut Connection, mailbox: Arc<Mailbox>) -> Flow<Option<Arc<Mailbox>>> {
    connection.at(Moment::Verdict).await?;
    connection.say("+OK User successfully authenticated.");
    login::logged_in(connection, &mailbox).await?;
    Ok(Some(mailbox))
}

/// The login is accepted, and then no command of the mailbox works.
async fn not_connected(connection: &mut Connection) -> Flow<Option<Arc<Mailbox>>> {
    connection.record.outcome(Outcome::NotConnected(Cause::Planned));
    connection.say("+OK User successfully authenticated.");
    loop {
        let line = connection.line(LONGEST_LINE).await?;
        connection.record.count_command();
        match line {
            Line::Text(line) if line.eq_ignore_ascii_case(b"QUIT") => {
                connection.say(BYE);
                return Err(Ended::Closed);
            }
            Line::Text(line) if line.eq_ignore_ascii_case(b"CAPA") => {
                capabilities(connection, Phase::LoggedIn);
            }
            Line::Text(_) => connection.say(WRONG_STATE),
            _ => return protocol_error(connection),
        }
    }
}
