//! `IMAP4rev1` as Exchange Online speaks it.

mod append;
mod command;
mod fetch;
mod folders;
mod grammar;
mod idle;
mod login;
mod search;
mod section;
mod selected;
mod session;
mod store;
mod structure;

use super::connection::{Connection, Flow};
use super::offer::{self, Phase};
use super::{Generation, host_in_greeting};

/// The whole conversation.
pub(super) async fn converse(connection: &mut Connection) -> Flow {
    let greeting = connection.world.exchange.greeting.get();
    let greeting = greeting.unwrap_or_else(|| match connection.world.exchange.generation.get() {
        Generation::Until2025 => {
            format!(
                "* OK The Microsoft Exchange IMAP4 service is ready. [{}]",
                host_in_greeting()
            )
        }
        Generation::Since2026 => {
            format!(
                "* OK Microsoft Exchange IMAP4 service ready. [{}]",
                host_in_greeting()
            )
        }
    });
    connection.say(greeting);
    let login::Entry { mailbox, expires } = login::converse(connection).await?;
    session::converse(connection, &mailbox, expires).await
}

/// The untagged answer to CAPABILITY.
fn capability(connection: &Connection, phase: Phase) -> String {
    format!("* CAPABILITY {}", offer::words(connection, phase).join(" "))
}

/// Exchange's farewell.
const BYE: &str = "* BYE Microsoft Exchange Server IMAP4 server signing off.";

/// What Exchange says of itself (RFC 2971).
const ID: &str = "* ID (\"name\" \"Microsoft.Exchange.Imap4.Imap4Server\" \"version\" \"15.20\")";
