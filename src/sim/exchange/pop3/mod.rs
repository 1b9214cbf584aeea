//! POP3 as Exchange Online speaks it.

mod login;
mod session;

use super::connection::{Connection, Flow};
use super::offer::{self, Phase};
use super::{Generation, host_in_greeting};

/// Longest command line with its CRLF: the `MaxCommandSize` of Exchange's POP3 settings.
const LONGEST_LINE: usize = 512;

/// What a line that is too long, or a login on one line, is answered before the connection is closed.
const PROTOCOL_ERROR: &str = "-ERR Protocol error. Connection is closed. 10";

/// A command that makes no sense now.
const WRONG_STATE: &str = "-ERR Command is not valid in this state.";

/// Exchange's farewell.
const BYE: &str = "+OK Microsoft Exchange Server POP3 server signing off.";

/// The whole conversation.
pub(super) async fn converse(connection: &mut Connection) -> Flow {
    let greeting = connection.world.exchange.greeting.get();
    let greeting = greeting.unwrap_or_else(|| match connection.world.exchange.generation.get() {
        Generation::Until2025 => {
            format!(
                "+OK The Microsoft Exchange POP3 service is ready. [{}]",
                host_in_greeting()
            )
        }
        Generation::Since2026 => {
            format!(
                "+OK Microsoft Exchange POP3 server ready (tcpproxy/15.20.9137.005). [{}]",
                host_in_greeting()
            )
        }
    });
    connection.say(greeting);
    let mailbox = login::converse(connection).await?;
    session::converse(connection, &mailbox).await
}

/// The answer to CAPA (RFC 2449).
fn capabilities(connection: &mut Connection, phase: Phase) {
    connection.say("+OK");
    for line in offer::words(connection, phase) {
        connection.say(line);
    }
    connection.say(".");
}
