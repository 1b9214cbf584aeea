//! `IMAP4rev1` as Exchange Online speaks it.

mod append;
mod command;
mod fetch;
mod folders;
mod idle;
mod login;
mod search;
mod section;
mod selected;
mod session;
mod store;
mod structure;

use super::connection::{Connection, Flow};
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

/// What CAPABILITY says before the login.
fn capabilities(connection: &Connection) -> String {
    let exchange = &connection.world.exchange;
    let start_tls = !connection.in_tls();
    let mechanisms = match (start_tls, exchange.generation.get()) {
        (true, _) => "LOGINDISABLED",
        (false, Generation::Until2025) => "AUTH=PLAIN AUTH=XOAUTH2",
        (false, Generation::Since2026) => "AUTH=XOAUTH2 LOGINDISABLED",
    };
    let bearer = if exchange.oauth_bearer.get() && !start_tls {
        " AUTH=OAUTHBEARER"
    } else {
        ""
    };
    let announced = start_tls && exchange.start_tls.change(|knob| knob.announced);
    let start_tls = if announced { " STARTTLS" } else { "" };
    let moves = match exchange.generation.get() {
        Generation::Until2025 => "",
        Generation::Since2026 => " MOVE",
    };
    format!(
        "* CAPABILITY IMAP4 IMAP4rev1 {mechanisms}{bearer}{start_tls} SASL-IR UIDPLUS{moves} ID UNSELECT CHILDREN IDLE \
         NAMESPACE LITERAL+"
    )
}

/// What CAPABILITY says after the login, in either generation.
const CAPABILITIES_INSIDE: &str = "* CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT \
     CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE CHILDREN IDLE NAMESPACE LITERAL+";

/// Exchange's farewell.
const BYE: &str = "* BYE Microsoft Exchange Server IMAP4 server signing off.";

/// What Exchange says of itself (RFC 2971).
const ID: &str = "* ID (\"name\" \"Microsoft.Exchange.Imap4.Imap4Server\" \"version\" \"15.20\")";
