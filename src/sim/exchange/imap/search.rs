//! SEARCH and UID SEARCH with the keys of RFC 3501, 6.4.4.

use super::super::connection::Connection;
use super::command::{Command, Value};
use super::selected::{Place, Selected};
use super::session::{Answer, bad, no, ok};
use crate::sim::clock;
use crate::sim::folder::{Entry, canonical_flag};
use crate::sim::mailbox::Mailbox;
use crate::sim::message::field;

/// A condition on a message.
enum Key {
    All,
    Flag(String),
    Not(Box<Key>),
    Either(Box<Key>, Box<Key>),
    Both(Vec<Key>),
    /// In order of their UIDs.
    Among(Vec<Place>),
    /// A field (by name) that contains this text; the field is there when the text is empty.
    Field(String, String),
    Body(String),
    Text(String),
    Larger(usize),
    Smaller(usize),
    /// From this day on, of those since 1970.
    Since(u64),
    Before(u64),
    SentSince(u64),
    SentBefore(u64),
}

pub(super) fn search(
    connection: &mut Connection,
    mailbox: &Mailbox,
    selected: &Selected,
    command: &Command,
    by_uid: bool,
) -> Answer {
    let mut arguments = &command.arguments[..];
    if let [Value::Atom(word), charset, rest @ ..] = arguments
        && word.eq_ignore_ascii_case("CHARSET")
    {
        let charset = charset.text().unwrap_or_default().to_ascii_uppercase();
        if !matches!(charset.as_str(), "UTF-8" | "US-ASCII") {
            return no("[BADCHARSET (UTF-8 US-ASCII)] The specified charset is not supported.");
        }
        arguments = rest;
    }
    let Some(key) = all_of(arguments, selected).filter(|_| !arguments.is_empty()) else {
        return bad();
    };
    let found: Vec<String> = mailbox.with_folders(|folders| {
        let Some(folder) = folders.get(&selected.folder) else {
            return Vec::new();
        };
        let fits = |place: &Place| {
            folder
                .find(place.uid)
                .is_some_and(|entry| key.fits(*place, entry))
        };
        let number = |place: Place| {
            if by_uid {
                place.uid.to_string()
            } else {
                place.number.to_string()
            }
        };
        selected.all().filter(fits).map(number).collect()
    });
    let found: String = found.iter().flat_map(|number| [" ", number]).collect();
    connection.say(format!("* SEARCH{found}"));
    ok(&command.name)
}

fn all_of(mut arguments: &[Value], selected: &Selected) -> Option<Key> {
    let mut keys = Vec::new();
    while !arguments.is_empty() {
        keys.push(next(&mut arguments, selected)?);
    }
    Some(Key::Both(keys))
}

fn take<'a>(arguments: &mut &'a [Value]) -> Option<&'a Value> {
    let (first, rest) = arguments.split_first()?;
    *arguments = rest;
    Some(first)
}

fn text(arguments: &mut &[Value]) -> Option<String> {
    take(arguments)?.text().map(|text| text.to_lowercase())
}

fn number(arguments: &mut &[Value]) -> Option<usize> {
    take(arguments)?.atom()?.parse().ok()
}

fn day(arguments: &mut &[Value]) -> Option<u64> {
    clock::imap_day(&take(arguments)?.text()?)
}

fn next(arguments: &mut &[Value], selected: &Selected) -> Option<Key> {
    let word = match take(arguments)? {
        Value::List(list) => return all_of(list, selected),
        value => value.atom()?.to_ascii_uppercase(),
    };
    let flag = |name: &str| Key::Flag(format!("\\{name}"));
    let not = |key| Key::Not(Box::new(key));
    Some(match word.as_str() {
        "ALL" | "OLD" => Key::All,
        "NEW" | "RECENT" => not(Key::All),
        "ANSWERED" => flag("Answered"),
        "DELETED" => flag("Deleted"),
        "DRAFT" => flag("Draft"),
        "FLAGGED" => flag("Flagged"),
        "SEEN" => flag("Seen"),
        "UNANSWERED" => not(flag("Answered")),
        "UNDELETED" => not(flag("Deleted")),
        "UNDRAFT" => not(flag("Draft")),
        "UNFLAGGED" => not(flag("Flagged")),
        "UNSEEN" => not(flag("Seen")),
        "KEYWORD" => Key::Flag(canonical_flag(take(arguments)?.atom()?)),
        "UNKEYWORD" => not(Key::Flag(canonical_flag(take(arguments)?.atom()?))),
        "BCC" | "CC" | "FROM" | "SUBJECT" | "TO" => Key::Field(word, text(arguments)?),
        "HEADER" => Key::Field(take(arguments)?.text()?, text(arguments)?),
        "BODY" => Key::Body(text(arguments)?),
        "TEXT" => Key::Text(text(arguments)?),
        "LARGER" => Key::Larger(number(arguments)?),
        "SMALLER" => Key::Smaller(number(arguments)?),
        "NOT" => not(next(arguments, selected)?),
        "OR" => Key::Either(
            Box::new(next(arguments, selected)?),
            Box::new(next(arguments, selected)?),
        ),
        "UID" => Key::Among(selected.places(take(arguments)?.atom()?, true)?),
        _ => return by_date(&word, arguments).or_else(|| Some(Key::Among(selected.places(&word, false)?))),
    })
}

fn by_date(word: &str, arguments: &mut &[Value]) -> Option<Key> {
    Some(match word {
        "SINCE" => Key::Since(day(arguments)?),
        "BEFORE" => Key::Before(day(arguments)?),
        "ON" => {
            let day = day(arguments)?;
            Key::Both(vec![Key::Since(day), Key::Before(day + 1)])
        }
        "SENTSINCE" => Key::SentSince(day(arguments)?),
        "SENTBEFORE" => Key::SentBefore(day(arguments)?),
        "SENTON" => {
            let day = day(arguments)?;
            Key::Both(vec![Key::SentSince(day), Key::SentBefore(day + 1)])
        }
        _ => return None,
    })
}

impl Key {
    fn fits(&self, place: Place, entry: &Entry) -> bool {
        let header = || entry.message.header();
        let contains =
            |bytes: &[u8], text: &str| String::from_utf8_lossy(bytes).to_lowercase().contains(text);
        let sent = || field(&header(), "Date").and_then(|date| sent_day(&String::from_utf8_lossy(&date)));
        match self {
            Self::All => true,
            Self::Flag(flag) => entry.has(flag),
            Self::Not(key) => !key.fits(place, entry),
            Self::Either(one, other) => one.fits(place, entry) || other.fits(place, entry),
            Self::Both(keys) => keys.iter().all(|key| key.fits(place, entry)),
            Self::Among(places) => places.binary_search_by_key(&place.uid, |it| it.uid).is_ok(),
            Self::Field(name, text) => field(&header(), name).is_some_and(|value| contains(&value, text)),
            Self::Body(text) => contains(&entry.message.body(), text),
            Self::Text(text) => contains(entry.message.raw(), text),
            Self::Larger(size) => entry.message.raw().len() > *size,
            Self::Smaller(size) => entry.message.raw().len() < *size,
            Self::Since(day) => entry.arrived / 86_400 >= *day,
            Self::Before(day) => entry.arrived / 86_400 < *day,
            Self::SentSince(day) => sent().is_some_and(|sent| sent >= *day),
            Self::SentBefore(day) => sent().is_some_and(|sent| sent < *day),
        }
    }
}

/// The day of a Date field such as `Thu, 10 Oct 2024 22:49:55 +0000`, its zone disregarded (RFC 3501, 6.4.4).
fn sent_day(date: &str) -> Option<u64> {
    let date = date.split_once(',').map_or(date, |(_, rest)| rest);
    let mut words = date.split_whitespace();
    clock::imap_day(&format!("{}-{}-{}", words.next()?, words.next()?, words.next()?))
}
