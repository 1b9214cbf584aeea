//! Commands about folders: SELECT, LIST, STATUS, CREATE and their like.

use super::command::{Command, Value};
use super::selected::Selected;
use super::session::{Answer, Session, bad, no, ok};
use crate::sim::folder::{Folder, Folders, STANDARD, canonical};

const FLAGS: &str = "\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent";

pub(super) fn answer(session: &mut Session<'_>, name: &str, command: &Command) -> Answer {
    match name {
        "SELECT" | "EXAMINE" => select(session, command),
        "LIST" | "LSUB" => list(session, command),
        "STATUS" => status(session, command),
        _ => change(session, command),
    }
}

fn select(session: &mut Session<'_>, command: &Command) -> Answer {
    let Some(name) = command.text(0).filter(|_| command.arguments.len() == 1) else {
        return bad();
    };
    session.selected = None;
    let read_only = command.name == "EXAMINE";
    let opened = session.mailbox.with_folders(|folders| {
        let folder = folders.get(&name)?;
        Some((
            announcement(folder),
            Selected::new(canonical(&name), read_only, folder),
        ))
    });
    let Some((lines, selected)) = opened else {
        return no(&format!("{name} doesn't exist."));
    };
    for line in lines {
        session.connection.say(line);
    }
    session.selected = Some(selected);
    let access = if read_only { "READ-ONLY" } else { "READ-WRITE" };
    format!("OK [{access}] {} completed.", command.name)
}

/// What SELECT tells about a folder (RFC 3501, 6.3.1).
fn announcement(folder: &Folder) -> Vec<String> {
    let mut lines = vec![
        format!("* {} EXISTS", folder.entries.len()),
        "* 0 RECENT".to_owned(),
        format!("* FLAGS ({FLAGS})"),
        format!("* OK [PERMANENTFLAGS ({FLAGS})] Permanent flags"),
    ];
    if let Some(at) = folder.entries.iter().position(|entry| !entry.has("\\Seen")) {
        lines.push(format!("* OK [UNSEEN {}] Is the first unseen message", at + 1));
    }
    lines.push(format!(
        "* OK [UIDVALIDITY {}] UIDVALIDITY value",
        folder.uid_validity
    ));
    lines.push(format!(
        "* OK [UIDNEXT {}] The next unique identifier value",
        folder.uid_next
    ));
    lines
}

fn list(session: &mut Session<'_>, command: &Command) -> Answer {
    let (Some(reference), Some(pattern), 2) = (command.text(0), command.text(1), command.arguments.len())
    else {
        return bad();
    };
    let name = &command.name;
    if pattern.is_empty() {
        session
            .connection
            .say(format!("* {name} (\\Noselect) \"/\" \"\""));
        return ok(name);
    }
    let pattern = format!("{reference}{pattern}");
    let lines: Vec<String> = session.mailbox.with_folders(|folders| {
        let wanted = folders.names().filter(|(folder, contents)| {
            matches(pattern.as_bytes(), folder.as_bytes()) && (name == "LIST" || contents.subscribed)
        });
        let line = |folder: &String| {
            format!(
                "* {name} ({}) \"/\" {}",
                attribute(folders, folder),
                astring(folder)
            )
        };
        wanted.map(|(folder, _)| line(folder)).collect()
    });
    for line in lines {
        session.connection.say(line);
    }
    ok(name)
}

fn attribute(folders: &Folders, name: &str) -> &'static str {
    let below = format!("{name}/");
    let has_children = folders.names().any(|(other, _)| other.starts_with(&below));
    if has_children {
        "\\HasChildren"
    } else {
        "\\HasNoChildren"
    }
}

/// `*` stands for anything, `%` for anything without a hierarchy separator (RFC 3501, 6.3.8).
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|at| matches(rest, name.get(at..).unwrap_or_default())),
        Some((b'%', rest)) => {
            let level = name.iter().position(|byte| *byte == b'/').unwrap_or(name.len());
            (0..=level).any(|at| matches(rest, name.get(at..).unwrap_or_default()))
        }
        Some((wanted, rest)) => match name.split_first() {
            Some((byte, after)) => byte.eq_ignore_ascii_case(wanted) && matches(rest, after),
            None => false,
        },
    }
}

/// A folder's name as an atom or a quoted string.
fn astring(name: &str) -> String {
    if name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"./-_&+".contains(&byte))
    {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

fn status(session: &mut Session<'_>, command: &Command) -> Answer {
    let (Some(name), Some(Value::List(items)), 2) =
        (command.text(0), command.arguments.get(1), command.arguments.len())
    else {
        return bad();
    };
    let wanted: Option<Vec<String>> = items
        .iter()
        .map(|item| item.atom().map(str::to_ascii_uppercase))
        .collect();
    let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else {
        return bad();
    };
    let counted = session.mailbox.with_folders(|folders| {
        let folder = folders.get(&name)?;
        Some(
            wanted
                .iter()
                .map(|item| Some(format!("{item} {}", count(folder, item)?)))
                .collect::<Option<Vec<_>>>(),
        )
    });
    match counted {
        None => no(&format!("{name} doesn't exist.")),
        Some(None) => bad(),
        Some(Some(counts)) => {
            let name = astring(&canonical(&name));
            session
                .connection
                .say(format!("* STATUS {name} ({})", counts.join(" ")));
            ok("STATUS")
        }
    }
}

fn count(folder: &Folder, item: &str) -> Option<u64> {
    let number = |count: usize| u64::try_from(count).ok();
    match item {
        "MESSAGES" => number(folder.entries.len()),
        "RECENT" => Some(0),
        "UIDNEXT" => Some(folder.uid_next.into()),
        "UIDVALIDITY" => Some(folder.uid_validity.into()),
        "UNSEEN" => number(folder.entries.iter().filter(|entry| !entry.has("\\Seen")).count()),
        _ => None,
    }
}

fn change(session: &mut Session<'_>, command: &Command) -> Answer {
    let name = command.name.as_str();
    let arguments = if name == "RENAME" { 2 } else { 1 };
    let Some(folder) = command.text(0).filter(|_| command.arguments.len() == arguments) else {
        return bad();
    };
    let standard = STANDARD.contains(&canonical(&folder).as_str());
    let done = session.mailbox.change_folders(|folders| match name {
        "CREATE" => folders.create(&folder),
        "DELETE" => !standard && folders.delete(&folder),
        "RENAME" => {
            let to = command.text(1).unwrap_or_default();
            !standard && !to.is_empty() && folders.rename(&folder, &to)
        }
        _ => folders.get_mut(&folder).is_some_and(|it| {
            it.subscribed = name == "SUBSCRIBE";
            true
        }),
    });
    if done {
        ok(name)
    } else {
        no(&format!("{name} failed."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_patterns() {
        let fits = |pattern: &str, name: &str| matches(pattern.as_bytes(), name.as_bytes());
        assert!(fits("*", "a/b") && fits("%", "a") && fits("a/%", "a/b") && fits("inbox", "INBOX"));
        assert!(!fits("%", "a/b") && !fits("a", "ab") && !fits("a/%", "a/b/c"));
    }
}
