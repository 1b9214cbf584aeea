//! FETCH and UID FETCH (RFC 3501, 6.4.5).

use hyper::body::Bytes;

use super::super::connection::{Connection, Flow};
use super::command::{Command, Value};
use super::section::Section;
use super::selected::{Place, Selected, flags};
use super::session::{Answer, bad, ok};
use super::structure;
use crate::sim::clock;
use crate::sim::folder::Entry;
use crate::sim::mailbox::Mailbox;

/// A body section to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Body {
    /// What the answer calls it.
    label: String,
    section: Section,
    /// Offset and length of a partial fetch.
    part: Option<(usize, usize)>,
    /// Does not set `\Seen`.
    peek: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Flags,
    Uid,
    Size,
    InternalDate,
    Envelope,
    /// With the extension data or without.
    Structure(bool),
    Body(Body),
}

pub(super) async fn fetch(
    connection: &mut Connection,
    mailbox: &Mailbox,
    selected: &mut Selected,
    command: &Command,
    by_uid: bool,
) -> Flow<Answer> {
    let [Value::Atom(set), what @ ..] = &command.arguments[..] else {
        return Ok(bad());
    };
    let (Some(places), Some(mut items)) = (selected.places(set, by_uid), items(what)) else {
        return Ok(bad());
    };
    if by_uid && !items.contains(&Item::Uid) {
        items.insert(0, Item::Uid);
    }
    let marks_seen = items
        .iter()
        .any(|item| matches!(item, Item::Body(body) if !body.peek));
    for place in places {
        let seen = (marks_seen && !selected.read_only)
            .then(|| mark_seen(mailbox, selected, place))
            .flatten();
        let entry = mailbox.with_folders(|folders| {
            folders
                .get(&selected.folder)
                .and_then(|it| it.find(place.uid).cloned())
        });
        let Some(entry) = entry else { continue };
        if let Some(version) = seen {
            selected.knows(place, version);
        }
        let add_flags = seen.is_some() && !items.contains(&Item::Flags);
        send(connection, place, &entry, &items, add_flags).await?;
    }
    Ok(ok(&command.name))
}

/// Sets `\Seen`; the new version if it was not set before.
fn mark_seen(mailbox: &Mailbox, selected: &Selected, place: Place) -> Option<u64> {
    let unseen = mailbox.with_folders(|folders| {
        folders
            .get(&selected.folder)?
            .find(place.uid)
            .map(|entry| !entry.has("\\Seen"))
    })?;
    unseen.then(|| {
        mailbox.change_folders(|folders| {
            let folder = folders.get_mut(&selected.folder)?;
            folder.change_flags(place.uid, |flags| {
                flags.insert("\\Seen".to_owned());
            });
            folder.find(place.uid).map(|entry| entry.version)
        })
    })?
}

async fn send(
    connection: &mut Connection,
    place: Place,
    entry: &Entry,
    items: &[Item],
    add_flags: bool,
) -> Flow {
    connection.add(format!("* {} FETCH (", place.number));
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            connection.add(" ");
        }
        match item {
            Item::Flags => connection.add(format!("FLAGS {}", flags(entry))),
            Item::Uid => connection.add(format!("UID {}", entry.uid)),
            Item::Size => connection.add(format!("RFC822.SIZE {}", entry.message.raw().len())),
            Item::InternalDate => connection.add(format!("INTERNALDATE \"{}\"", clock::imap(entry.arrived))),
            Item::Envelope => {
                connection.add("ENVELOPE ");
                connection.add(structure::envelope(&entry.message.header()));
            }
            Item::Structure(extended) => {
                connection.add(if *extended { "BODYSTRUCTURE " } else { "BODY " });
                connection.add(structure::body_structure(&entry.message, *extended));
            }
            Item::Body(body) => send_body(connection, entry, body).await?,
        }
    }
    if add_flags {
        connection.add(format!(" FLAGS {}", flags(entry)));
    }
    connection.say(")");
    Ok(())
}

async fn send_body(connection: &mut Connection, entry: &Entry, body: &Body) -> Flow {
    let Some(bytes) = body.section.of(&entry.message) else {
        connection.add(format!("{} NIL", body.label));
        return Ok(());
    };
    let bytes = body
        .part
        .map_or_else(|| bytes.clone(), |part| partial(&bytes, part));
    connection.add(format!("{} {{{}}}\r\n", body.label, bytes.len()));
    connection.send_in_halves(&bytes).await
}

fn partial(bytes: &Bytes, (offset, length): (usize, usize)) -> Bytes {
    let start = offset.min(bytes.len());
    bytes.slice(start..start.saturating_add(length).min(bytes.len()))
}

/// The items that a command asks for: one, a macro, or a list.
fn items(what: &[Value]) -> Option<Vec<Item>> {
    let atoms: Vec<&str> = match what {
        [Value::List(list)] => list.iter().map(Value::atom).collect::<Option<_>>()?,
        [Value::Atom(atom)] => match atom.to_ascii_uppercase().as_str() {
            "ALL" => vec!["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"],
            "FAST" => vec!["FLAGS", "INTERNALDATE", "RFC822.SIZE"],
            "FULL" => vec!["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"],
            _ => vec![atom],
        },
        _ => return None,
    };
    atoms
        .into_iter()
        .map(item)
        .collect::<Option<Vec<_>>>()
        .filter(|items| !items.is_empty())
}

fn item(atom: &str) -> Option<Item> {
    let named = |label: &str, section: &str, peek| {
        let section = Section::parse(section)?;
        Some(Item::Body(Body {
            label: label.to_owned(),
            section,
            part: None,
            peek,
        }))
    };
    Some(match atom.to_ascii_uppercase().as_str() {
        "FLAGS" => Item::Flags,
        "UID" => Item::Uid,
        "RFC822.SIZE" => Item::Size,
        "INTERNALDATE" => Item::InternalDate,
        "ENVELOPE" => Item::Envelope,
        "BODYSTRUCTURE" => Item::Structure(true),
        "BODY" => Item::Structure(false),
        "RFC822" => return named("RFC822", "", false),
        "RFC822.HEADER" => return named("RFC822.HEADER", "HEADER", true),
        "RFC822.TEXT" => return named("RFC822.TEXT", "TEXT", false),
        _ => return body_item(atom),
    })
}

/// `BODY[section]<offset.length>` or `BODY.PEEK[…]`.
fn body_item(atom: &str) -> Option<Item> {
    let (name, rest) = atom.split_once('[')?;
    let (section, tail) = rest.rsplit_once(']')?;
    let peek = match name.to_ascii_uppercase().as_str() {
        "BODY" => false,
        "BODY.PEEK" => true,
        _ => return None,
    };
    let part = if tail.is_empty() {
        None
    } else {
        let (offset, length) = tail.strip_prefix('<')?.strip_suffix('>')?.split_once('.')?;
        Some((
            offset.parse().ok()?,
            length.parse().ok().filter(|length| *length > 0)?,
        ))
    };
    let origin = part.map_or_else(String::new, |(offset, _): (usize, usize)| format!("<{offset}>"));
    let label = format!("BODY[{section}]{origin}");
    Some(Item::Body(Body {
        label,
        section: Section::parse(section)?,
        part,
        peek,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_and_labels() {
        let Some(Item::Body(body)) = item("body.peek[1.2]<10.20>") else {
            unreachable!()
        };
        assert_eq!(
            (body.label.as_str(), body.part, body.peek),
            ("BODY[1.2]<10>", Some((10, 20)), true)
        );
        let wrong = [
            "BODY[",
            "BODY[X]",
            "BODY[]<1>",
            "BODY[]<1.0>",
            "RFC822.FOO",
            "BODY.POKE[]",
        ];
        assert_eq!(
            wrong.iter().filter(|atom| item(atom).is_none()).count(),
            wrong.len()
        );
    }
}
