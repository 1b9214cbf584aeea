//! APPEND (RFC 3501, 6.3.11; APPENDUID of RFC 4315).

use std::collections::BTreeSet;

use super::super::connection::Flow;
use super::command::{Command, Value};
use super::session::{Answer, Session, bad, no};
use crate::sim::clock;
use crate::sim::faults::Moment;
use crate::sim::folder::canonical_flag;
use crate::sim::message::Message;

/// Puts the literal into a folder.
pub(super) async fn append(session: &mut Session<'_>, command: &Command) -> Flow<Answer> {
    session.connection.at(Moment::AfterFinalDot).await?;
    let Some((Value::Text(raw), before)) = command.arguments.split_last() else {
        return Ok(bad());
    };
    let Some(folder) = before.first().and_then(Value::text) else {
        return Ok(bad());
    };
    let mut flags = BTreeSet::new();
    let mut arrived = clock::now();
    for option in before.get(1..).unwrap_or_default() {
        match option {
            Value::List(list) => {
                flags.extend(
                    list.iter()
                        .filter_map(Value::text)
                        .map(|flag| canonical_flag(&flag)),
                );
            }
            Value::Text(date) => match clock::imap_moment(&String::from_utf8_lossy(date)) {
                Some(moment) => arrived = moment,
                None => return Ok(bad()),
            },
            Value::Atom(_) => return Ok(bad()),
        }
    }
    let message = Message::new(raw.clone());
    let keeps = session.connection.world.exchange.keeps_messages.get();
    let stored = session.mailbox.change_folders(|folders| {
        let folder = folders.get_mut(&folder)?;
        let message = if keeps || folder.entries.is_empty() {
            message
        } else {
            Message::new(Vec::new())
        };
        Some((folder.uid_validity, folder.append(message, flags, arrived)))
    });
    Ok(match stored {
        Some((validity, uid)) => format!("OK [APPENDUID {validity} {uid}] APPEND completed."),
        None => no(&format!("[TRYCREATE] {folder} doesn't exist.")),
    })
}
