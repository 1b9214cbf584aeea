//! How a session ends in which nothing is in the air.

use std::time::Duration;

use tokio::time::timeout;

use crate::downstream::Refusal;
use crate::provider::Protocol;
use crate::sessions::Why;
use crate::transport::Link;

/// How long a mail client may take to take the line.
const PATIENCE: Duration = Duration::from_millis(500);

/// What an SMTP mail client is told, and nobody else: RFC 5321 3.8 lets a mail server say 421 at any moment, and a mail client
/// keeps what it has to send and comes again. It is the one line that a mail client hears from us behind its login.
pub(super) fn line(why: Why, session: &str) -> String {
    match why {
        Why::Stopping => Refusal::ShuttingDown.greeting(Protocol::Smtp, session),
        Why::PlaceWanted => {
            format!("421 4.3.2 Idle while others wait to send, come again any time. (session {session})")
        }
    }
}

/// Closes both sides; what comes in meanwhile is read and goes nowhere, since closing on unread bytes would be a reset, which
/// takes our last words back.
pub(super) async fn say(mut downstream: Link, upstream: Link, line: Option<String>) {
    let goodbye = async {
        if let Some(line) = line {
            let _ = timeout(PATIENCE, downstream.write(format!("{line}\r\n").as_bytes())).await;
        }
        downstream.close().await;
    };
    tokio::join!(goodbye, upstream.close());
}
