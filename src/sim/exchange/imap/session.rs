//! After the login: one command after the other until LOGOUT, or until the token ends.

use std::sync::Arc;

use super::super::connection::{Connection, Ended, Flow};
use super::command::{self, Command};
use super::selected::Selected;
use super::{BYE, ID, Phase, append, capability, fetch, folders, idle, search, store};
use crate::sim::clock;
use crate::sim::faults::Moment;
use crate::sim::mailbox::Mailbox;

/// What a session that was ended by its token hears (the service's own words).
pub(super) const INVALIDATED: &str = "Session invalidated - AccessTokenExpired";

/// A session in its mailbox.
pub(super) struct Session<'a> {
    pub(super) connection: &'a mut Connection,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) selected: Option<Selected>,
    /// When the token ends, in seconds since 1970.
    pub(super) expires: u64,
    /// The count of invalidations at the login.
    pub(super) invalidations: u64,
}

/// What stands behind the tag.
pub(super) type Answer = String;

pub(super) fn ok(name: &str) -> Answer {
    format!("OK {name} completed.")
}

pub(super) fn bad() -> Answer {
    "BAD Command Argument Error. 12".to_owned()
}

pub(super) fn no(text: &str) -> Answer {
    format!("NO {text}")
}

/// Serves a session until it ends.
pub(super) async fn converse(connection: &mut Connection, mailbox: &Arc<Mailbox>, expires: u64) -> Flow {
    let invalidations = *connection.world.exchange.invalidated.borrow();
    let mut session = Session {
        connection,
        mailbox: Arc::clone(mailbox),
        selected: None,
        expires,
        invalidations,
    };
    loop {
        session.connection.at(Moment::Relay).await?;
        let command = command::read(session.connection, false).await?;
        session.connection.record.count_command();
        match command {
            Err(unreadable) => session
                .connection
                .say(format!("{} {}", unreadable.tag, unreadable.answer)),
            Ok(command) if session.is_invalidated() => {
                session
                    .connection
                    .say(format!("{} BAD {INVALIDATED}", command.tag));
                return Err(Ended::Closed);
            }
            Ok(command) => session.obey(&command).await?,
        }
    }
}

impl Session<'_> {
    pub(super) fn is_invalidated(&self) -> bool {
        let exchange = &self.connection.world.exchange;
        *exchange.invalidated.borrow() != self.invalidations
            || (exchange.sessions_end_with_token.get() && clock::now() >= self.expires)
    }

    async fn obey(&mut self, command: &Command) -> Flow {
        let answer = match command.name.as_str() {
            "IDLE" => return idle::idle(self, &command.tag).await,
            "LOGOUT" => {
                self.connection.say(BYE);
                self.connection
                    .say(format!("{} OK LOGOUT completed.", command.tag));
                return Err(Ended::Closed);
            }
            name => self.answer(name, command).await?,
        };
        let expunge = !matches!(command.name.as_str(), "FETCH" | "STORE" | "SEARCH");
        if let Some(selected) = &mut self.selected {
            selected.tell_news(self.connection, &self.mailbox, expunge);
        }
        self.connection.say(format!("{} {answer}", command.tag));
        Ok(())
    }

    async fn answer(&mut self, name: &str, command: &Command) -> Flow<Answer> {
        Ok(match name {
            "CAPABILITY" => {
                self.connection.say(capability(self.connection, Phase::LoggedIn));
                ok(name)
            }
            "ID" => {
                self.connection.say(ID);
                "OK ID completed".to_owned()
            }
            "NOOP" => ok(name),
            "NAMESPACE" => {
                self.connection.say("* NAMESPACE ((\"\" \"/\")) NIL NIL");
                ok(name)
            }
            "LIST" | "LSUB" | "SELECT" | "EXAMINE" | "STATUS" | "CREATE" | "DELETE" | "RENAME"
            | "SUBSCRIBE" | "UNSUBSCRIBE" => folders::answer(self, name, command),
            "APPEND" => append::append(self, command).await?,
            "CHECK" | "CLOSE" | "UNSELECT" | "EXPUNGE" | "FETCH" | "STORE" | "SEARCH" | "COPY" | "MOVE"
            | "UID FETCH" | "UID STORE" | "UID SEARCH" | "UID COPY" | "UID MOVE" | "UID EXPUNGE" => {
                self.answer_selected(name, command).await?
            }
            "AUTHENTICATE" | "LOGIN" | "STARTTLS" => "BAD Command received in Invalid state.".to_owned(),
            _ => "BAD Command Error. 12".to_owned(),
        })
    }

    async fn answer_selected(&mut self, name: &str, command: &Command) -> Flow<Answer> {
        let Some(selected) = &mut self.selected else {
            return Ok("BAD Command received in Invalid state.".to_owned());
        };
        let by_uid = name.starts_with("UID ");
        let short = name.strip_prefix("UID ").unwrap_or(name);
        Ok(match short {
            "CHECK" => ok(name),
            "UNSELECT" => {
                self.selected = None;
                ok(name)
            }
            "CLOSE" => {
                if !selected.read_only {
                    store::remove_deleted(&self.mailbox, selected, None);
                }
                self.selected = None;
                ok(name)
            }
            "FETCH" => fetch::fetch(self.connection, &self.mailbox, selected, command, by_uid).await?,
            "SEARCH" => search::search(self.connection, &self.mailbox, selected, command, by_uid),
            _ => store::answer(self.connection, &self.mailbox, selected, command, by_uid),
        })
    }
}
