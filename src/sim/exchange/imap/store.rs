//! Commands that change messages: STORE, COPY, MOVE, EXPUNGE.

use std::collections::BTreeSet;

use super::super::connection::Connection;
use super::command::{Command, Value};
use super::selected::{Place, Selected, flags};
use super::session::{Answer, bad, no, ok};
use crate::sim::folder::canonical_flag;
use crate::sim::mailbox::Mailbox;

pub(super) fn answer(
    connection: &mut Connection,
    mailbox: &Mailbox,
    selected: &mut Selected,
    command: &Command,
    by_uid: bool,
) -> Answer {
    if selected.read_only && !command.name.ends_with("COPY") {
        return no("[READ-ONLY] The folder was opened by EXAMINE.");
    }
    if command.name == "EXPUNGE" {
        remove_deleted(mailbox, selected, None);
        return ok("EXPUNGE");
    }
    let Some(places) = command
        .arguments
        .first()
        .and_then(Value::atom)
        .and_then(|set| selected.places(set, by_uid))
    else {
        return bad();
    };
    match command.name.trim_start_matches("UID ") {
        "EXPUNGE" => {
            remove_deleted(mailbox, selected, Some(&places));
            ok(&command.name)
        }
        "STORE" => store(connection, mailbox, selected, command, &places),
        _ => copy(connection, mailbox, selected, command, &places),
    }
}

/// Removes what is marked `\Deleted`, or of that only what is in `places`.
pub(super) fn remove_deleted(mailbox: &Mailbox, selected: &Selected, places: Option<&[Place]>) {
    mailbox.change_folders(|folders| {
        let Some(folder) = folders.get_mut(&selected.folder) else {
            return;
        };
        folder.remove(|entry| {
            entry.has("\\Deleted")
                && places.is_none_or(|it| it.binary_search_by_key(&entry.uid, |place| place.uid).is_ok())
        });
    });
}

/// What STORE does with the flags that it names.
enum Change {
    Set,
    Add,
    Remove,
}

/// The change, whether it is silent, and the flags; `None` when the command is malformed.
fn change(command: &Command) -> Option<(Change, bool, BTreeSet<String>)> {
    let item = command.arguments.get(1)?.atom()?.to_ascii_uppercase();
    let (item, silent) = item
        .strip_suffix(".SILENT")
        .map_or((item.as_str(), false), |item| (item, true));
    let change = match item {
        "FLAGS" => Change::Set,
        "+FLAGS" => Change::Add,
        "-FLAGS" => Change::Remove,
        _ => return None,
    };
    let named = match command.arguments.get(2..)? {
        [] => return None,
        [Value::List(list)] => list,
        bare => bare,
    };
    Some((
        change,
        silent,
        named
            .iter()
            .filter_map(Value::text)
            .map(|flag| canonical_flag(&flag))
            .collect(),
    ))
}

fn store(
    connection: &mut Connection,
    mailbox: &Mailbox,
    selected: &mut Selected,
    command: &Command,
    places: &[Place],
) -> Answer {
    let Some((change, silent, named)) = change(command) else {
        return bad();
    };
    let lines = mailbox.change_folders(|folders| {
        let Some(folder) = folders.get_mut(&selected.folder) else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        for place in places {
            folder.change_flags(place.uid, |flags| match change {
                Change::Set => flags.clone_from(&named),
                Change::Add => flags.extend(named.iter().cloned()),
                Change::Remove => flags.retain(|flag| !named.contains(flag)),
            });
            let Some(entry) = folder.find(place.uid) else {
                continue;
            };
            selected.knows(*place, entry.version);
            lines.push(format!(
                "* {} FETCH (FLAGS {} UID {})",
                place.number,
                flags(entry),
                place.uid
            ));
        }
        lines
    });
    for line in lines.iter().filter(|_| !silent) {
        connection.say(line);
    }
    ok(&command.name)
}

/// COPY and MOVE with COPYUID (RFC 4315, RFC 6851).
fn copy(
    connection: &mut Connection,
    mailbox: &Mailbox,
    selected: &Selected,
    command: &Command,
    places: &[Place],
) -> Answer {
    let Some(target) = command.text(1).filter(|_| command.arguments.len() == 2) else {
        return bad();
    };
    let moving = command.name.ends_with("MOVE");
    let copied = mailbox.change_folders(|folders| {
        let source = folders.get(&selected.folder)?;
        let entries: Vec<_> = places
            .iter()
            .filter_map(|place| source.find(place.uid))
            .cloned()
            .collect();
        let folder = folders.get_mut(&target)?;
        let (mut from, mut to) = (Vec::new(), Vec::new());
        for entry in entries {
            from.push(entry.uid);
            to.push(folder.append(entry.message, entry.flags, entry.arrived));
        }
        let validity = folder.uid_validity;
        if moving {
            folders
                .get_mut(&selected.folder)?
                .remove(|entry| from.binary_search(&entry.uid).is_ok());
        }
        Some((validity, list(&from), list(&to)))
    });
    let Some((validity, from, to)) = copied else {
        return no(&format!("[TRYCREATE] {target} doesn't exist."));
    };
    if from.is_empty() {
        return ok(&command.name);
    }
    let code = format!("[COPYUID {validity} {from} {to}]");
    if moving {
        connection.say(format!("* OK {code} Moved."));
        return ok(&command.name);
    }
    format!("OK {code} {} completed.", command.name)
}

fn list(uids: &[u32]) -> String {
    uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}
