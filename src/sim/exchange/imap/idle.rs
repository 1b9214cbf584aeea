//! IDLE (RFC 2177): news as they come, until DONE or until the token ends.

use std::time::Duration;

use super::super::connection::{Ended, Flow, Line};
use super::session::{INVALIDATED, Session};
use crate::sim::clock;
use crate::sim::faults::Moment;

/// Serves one IDLE.
pub(super) async fn idle(session: &mut Session<'_>, tag: &str) -> Flow {
    session.connection.say("+ IDLE accepted, awaiting DONE command.");
    session.connection.flush().await?;
    session.connection.at(Moment::Relay).await?;
    let mut changes = session.mailbox.changes();
    let mut invalidated = session.connection.world.exchange.invalidated.subscribe();
    let ends_with_token = session.connection.world.exchange.sessions_end_with_token.get();
    let left = session.expires.saturating_sub(clock::now());
    let token_ends = tokio::time::sleep(Duration::from_secs(left));
    tokio::pin!(token_ends);
    loop {
        tell_news(session).await?;
        if session.is_invalidated() {
            session.connection.say(format!("* BYE {INVALIDATED}"));
            return Err(Ended::Closed);
        }
        tokio::select! {
            line = session.connection.line(1_024) => {
                let done = matches!(line?, Line::Text(line) if line.eq_ignore_ascii_case(b"DONE"));
                let answer = if done { "OK IDLE completed." } else { "BAD Command Error. 10" };
                session.connection.say(format!("{tag} {answer}"));
                return Ok(());
            }
            _ = changes.changed() => {}
            _ = invalidated.changed() => {}
            () = &mut token_ends, if ends_with_token => {}
        }
    }
}

/// Written out at once, so that the wait that follows has nothing to write and may be given up.
async fn tell_news(session: &mut Session<'_>) -> Flow {
    if let Some(selected) = &mut session.selected {
        selected.tell_news(session.connection, &session.mailbox, true);
    }
    session.connection.flush().await
}
