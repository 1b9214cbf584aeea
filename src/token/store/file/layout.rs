//! The text of the file: lines of JSON that an operator may look at, and boxes that nobody can look into.
//!
//! ```text
//! {"format":"saslgate token store","version":1,"key":"5f0c…","generation":12,"records":1}
//! {"record":"3f9a…","generation":12,"account":"alice@contoso.com","app":"app","kind":"sign-in",…}   for each record
//! {"check":"…"}                                                                HMAC of all lines before it
//! {"sealed":"3f9a…","box":"…"}                                                 for each record
//! ```
//!
//! The checked list says which records there are and of which generation, so that a box that is missing, old or another
//! record's is found out, and costs its own record only. A box holds a secret and is sealed to its line of the list. What
//! nothing in one file can tell is that the whole file was put back to what it was earlier.
//!
//! A newer format gets a higher version. Whoever reads knows every version up to its own, and writes its own: the first
//! save after an update moves a store on, and the file before it is still as the older saslgate left it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::super::{Condition, Content, Generation, Listed, Record, StoreError};
use super::seal::Keys;
use crate::oauth::GrantKey;
use crate::secret::Secret;

/// What the first line begins with in every version.
const FORMAT: &str = "saslgate token store";

/// The version that is written here.
pub(super) const VERSION: u64 = 1;

/// What any version's first line has.
#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    version: u64,
}

/// The first line.
#[derive(Deserialize, Serialize)]
struct Head<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    version: u64,
    #[serde(borrow)]
    key: Cow<'a, str>,
    generation: u64,
    records: usize,
    /// The records that are known not to open, so that they are reported but no longer news.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    damaged: Vec<String>,
}

/// One line of the list.
#[derive(Deserialize, Serialize)]
struct Index {
    record: String,
    generation: u64,
    account: Box<str>,
    app: Box<str>,
    /// `None` if it has a kind that only a newer saslgate knows.
    #[serde(flatten)]
    content: Option<Content>,
}

#[derive(Deserialize, Serialize)]
struct Check<'a> {
    #[serde(borrow)]
    check: Cow<'a, str>,
}

/// A record's secret.
#[derive(Deserialize, Serialize)]
struct Sealed<'a> {
    #[serde(borrow, rename = "sealed")]
    record: Cow<'a, str>,
    #[serde(borrow, rename = "box")]
    content: Cow<'a, str>,
}

/// A record as it stands in the file.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) listed: Listed,
    /// Its line of the list, as it was written.
    index: Arc<str>,
    /// Its box, as it was written; `None` if it is lost.
    sealed: Option<Arc<str>>,
}

impl Entry {
    /// Seals a record.
    pub(super) fn seal(
        key: GrantKey,
        generation: Generation,
        record: &Record,
        keys: &Keys,
    ) -> Result<Self, StoreError> {
        let index = line(&Index {
            record: key.to_hex(),
            generation: generation.0,
            account: record.account.clone(),
            app: record.app.clone(),
            content: Some(record.content.clone()),
        })?;
        let secret = Zeroizing::new(record.secret.expose().as_bytes().to_vec());
        let sealed = line(&Sealed {
            record: key.to_hex().into(),
            content: keys.seal(&index, secret)?.into(),
        })?;
        Ok(Self {
            listed: Listed::of(key, generation, record),
            index: index.into(),
            sealed: Some(sealed.into()),
        })
    }

    /// A line of the list, as long as its box has not been found.
    fn without_box(index: &str) -> Option<Self> {
        let line: Index = serde_json::from_str(index).ok()?;
        let listed = Listed {
            key: GrantKey::from_hex(&line.record)?,
            generation: Generation(line.generation),
            account: line.account,
            app: line.app,
            content: line.content,
            condition: Condition::Damaged,
        };
        Some(Self {
            listed,
            index: index.into(),
            sealed: None,
        })
    }

    /// The record, or why it can't be had.
    pub(super) fn open(&self, keys: &Keys) -> Result<Record, Condition> {
        let sealed = self.sealed.as_deref().ok_or(Condition::Damaged)?;
        let secret = self.unseal(sealed, keys).ok_or(Condition::Damaged)?;
        let content = self.listed.content.clone().ok_or(Condition::Newer)?;
        Ok(Record {
            account: self.listed.account.clone(),
            app: self.listed.app.clone(),
            content,
            secret,
        })
    }

    fn unseal(&self, sealed: &str, keys: &Keys) -> Option<Secret<String>> {
        let sealed: Sealed<'_> = serde_json::from_str(sealed).ok()?;
        let secret = keys.open(&self.index, &sealed.content)?;
        Some(Secret::new(str::from_utf8(&secret).ok()?.to_owned()))
    }

    /// Takes a box that says it is this entry's. One that opens wins over one that does not; `false` if it is not needed.
    fn take(&mut self, sealed: &str, keys: &Keys) -> bool {
        let opens = self.unseal(sealed, keys).is_some();
        let wanted = self.sealed.is_none() || opens && self.listed.condition == Condition::Damaged;
        if !wanted {
            return false;
        }
        self.sealed = Some(sealed.into());
        self.listed.condition = match (opens, &self.listed.content) {
            (false, _) => Condition::Damaged,
            (true, None) => Condition::Newer,
            (true, Some(_)) => Condition::Whole,
        };
        true
    }
}

/// The records that a file's list names, for whoever has no key: nothing of it was checked.
pub(super) fn at_a_glance(text: &str) -> Vec<Listed> {
    let entries = text.lines().filter_map(Entry::without_box);
    entries.map(|entry| entry.listed).collect()
}

fn line(line: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(line).map_err(|_| StoreError::defect("a line of the token store can't be written"))
}

/// All that is to be written, at one moment.
pub(super) struct Snapshot {
    pub(super) generation: Generation,
    /// In the order of lists.
    pub(super) entries: Vec<Entry>,
}

/// Writes a file.
pub(super) fn write(snapshot: &Snapshot, keys: &Keys) -> Result<Vec<u8>, StoreError> {
    let entries = &snapshot.entries;
    let head = Head {
        format: FORMAT.into(),
        version: VERSION,
        key: keys.id().into(),
        generation: snapshot.generation.0,
        records: entries.len(),
        damaged: damaged(entries.iter()).map(GrantKey::to_hex).collect(),
    };
    let mut text = line(&head)? + "\n";
    for entry in entries {
        text.extend([&entry.index, "\n"]);
    }
    let check = Check {
        check: keys.check(text.as_bytes()).into(),
    };
    text.extend([&line(&check)?, "\n"]);
    for sealed in entries.iter().filter_map(|entry| entry.sealed.as_deref()) {
        text.extend([sealed, "\n"]);
    }
    Ok(text.into_bytes())
}

/// The records that do not open.
fn damaged<'a>(entries: impl Iterator<Item = &'a Entry>) -> impl Iterator<Item = GrantKey> {
    let damaged = entries.filter(|entry| entry.listed.condition == Condition::Damaged);
    damaged.map(|entry| entry.listed.key)
}

/// Why a file can't be read.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Unreadable {
    /// It is not what was written; a phrase that begins with "it".
    Damaged(&'static str),
    /// It has a version that this saslgate does not know.
    Newer(u64),
    /// It bears another key's id.
    OtherKey(Box<str>),
}

/// What is in a file.
#[derive(Debug, Default)]
pub(super) struct Image {
    pub(super) generation: Generation,
    pub(super) entries: HashMap<GrantKey, Entry>,
    /// Records that do not open and were not known to.
    pub(super) lost: Vec<GrantKey>,
    /// Lines that do not belong in it.
    pub(super) strange: usize,
}

impl Image {
    /// Whether it is what was last written, as far as one file can tell.
    pub(super) fn is_as_written(&self) -> bool {
        self.lost.is_empty() && self.strange == 0
    }
}

/// Reads a file.
pub(super) fn read(bytes: &[u8], keys: &Keys) -> Result<Image, Unreadable> {
    let mut lines = Lines { bytes, at: 0 };
    let head = head(&mut lines, keys)?;
    let list = list(&mut lines, head.records)?;
    let checked = &bytes[..lines.at];
    let check = lines
        .whole()
        .and_then(|line| serde_json::from_slice::<Check<'_>>(line).ok());
    let check = check.ok_or(Unreadable::Damaged("it breaks off in the list of its records"))?;
    if !keys.checks(checked, &check.check) {
        return Err(Unreadable::Damaged(
            "its list of records does not fit its check value",
        ));
    }
    let mut image = Image {
        generation: Generation(head.generation),
        entries: list,
        lost: Vec::new(),
        strange: 0,
    };
    while let Some(line) = lines.next() {
        image.strange += usize::from(!image.takes(line, keys));
    }
    image.lost = damaged(image.entries.values())
        .filter(|key| !head.damaged.contains(&key.to_hex()))
        .collect();
    Ok(image)
}

impl Image {
    /// Puts a box where it belongs; `false` if it belongs nowhere.
    fn takes(&mut self, line: &[u8], keys: &Keys) -> bool {
        let text = str::from_utf8(line).unwrap_or_default();
        let sealed = serde_json::from_str::<Sealed<'_>>(text).ok();
        sealed
            .and_then(|sealed| self.entries.get_mut(&GrantKey::from_hex(&sealed.record)?))
            .is_some_and(|entry| entry.take(text, keys))
    }
}

fn head<'a>(lines: &mut Lines<'a>, keys: &Keys) -> Result<Head<'a>, Unreadable> {
    if lines.bytes.is_empty() {
        return Err(Unreadable::Damaged("it is empty"));
    }
    let first = lines.whole().unwrap_or_default();
    let no_store = Unreadable::Damaged("its first line is not that of a token store");
    let tag = serde_json::from_slice::<Tag<'_>>(first).ok();
    let Some(tag) = tag.filter(|tag| tag.format == FORMAT && tag.version > 0) else {
        return Err(no_store);
    };
    if tag.version > VERSION {
        return Err(Unreadable::Newer(tag.version));
    }
    let head: Head<'_> = serde_json::from_slice(first).map_err(|_| no_store)?;
    if head.key != keys.id() {
        return Err(Unreadable::OtherKey(head.key.as_ref().into()));
    }
    Ok(head)
}

fn list(lines: &mut Lines<'_>, records: usize) -> Result<HashMap<GrantKey, Entry>, Unreadable> {
    let mut entries = HashMap::new();
    for _ in 0..records {
        let line = lines.whole().and_then(|line| str::from_utf8(line).ok());
        let entry = line.and_then(Entry::without_box);
        let entry = entry.ok_or(Unreadable::Damaged("it breaks off in the list of its records"))?;
        entries.insert(entry.listed.key, entry);
    }
    Ok(entries)
}

/// The lines of a file, without their ends.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    /// The next line, if it has an end.
    fn whole(&mut self) -> Option<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let end = memchr::memchr(b'\n', rest)?;
        self.at += end + 1;
        Some(&rest[..end])
    }

    /// The next line, or what there is of it.
    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        self.whole().or_else(|| {
            self.at = self.bytes.len();
            (!rest.is_empty()).then_some(rest)
        })
    }
}
