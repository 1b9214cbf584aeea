//! The folders of a mailbox and what lies in them.

use std::collections::{BTreeMap, BTreeSet};

use super::clock;
use super::message::Message;

/// Folders that every new Exchange mailbox has, as IMAP shows them.
pub(crate) const STANDARD: [&str; 6] = [
    "INBOX",
    "Deleted Items",
    "Drafts",
    "Junk Email",
    "Outbox",
    "Sent Items",
];

/// A message in a folder.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) uid: u32,
    pub(crate) flags: BTreeSet<String>,
    /// Seconds since 1970 (INTERNALDATE).
    pub(crate) arrived: u64,
    pub(crate) message: Message,
    /// The folder's version at which the flags were last changed.
    pub(crate) version: u64,
}

impl Entry {
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.contains(flag)
    }
}

/// One folder.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) uid_validity: u32,
    pub(crate) uid_next: u32,
    pub(crate) subscribed: bool,
    /// In order of their UIDs.
    pub(crate) entries: Vec<Entry>,
    /// Grows with each change, so that a session sees in one comparison whether it has news.
    pub(crate) version: u64,
}

impl Folder {
    fn new(uid_validity: u32) -> Self {
        Self {
            uid_validity,
            uid_next: 1,
            subscribed: true,
            entries: Vec::new(),
            version: 1,
        }
    }

    /// Puts a message at the end and says which UID it got.
    pub(crate) fn append(&mut self, message: Message, flags: BTreeSet<String>, arrived: u64) -> u32 {
        let uid = self.uid_next;
        self.uid_next += 1;
        self.version += 1;
        self.entries.push(Entry {
            uid,
            flags,
            arrived,
            message,
            version: self.version,
        });
        uid
    }

    /// Removes those for which `goes` says yes, and says which UIDs they had.
    pub(crate) fn remove(&mut self, mut goes: impl FnMut(&Entry) -> bool) -> Vec<u32> {
        let mut removed = Vec::new();
        self.entries.retain(|entry| {
            let stays = !goes(entry);
            if !stays {
                removed.push(entry.uid);
            }
            stays
        });
        if !removed.is_empty() {
            self.version += 1;
        }
        removed
    }

    pub(crate) fn find(&self, uid: u32) -> Option<&Entry> {
        let at = self.entries.binary_search_by_key(&uid, |entry| entry.uid).ok()?;
        self.entries.get(at)
    }

    /// Changes the flags of one message.
    pub(crate) fn change_flags(&mut self, uid: u32, change: impl FnOnce(&mut BTreeSet<String>)) {
        let Ok(at) = self.entries.binary_search_by_key(&uid, |entry| entry.uid) else {
            return;
        };
        let Some(entry) = self.entries.get_mut(at) else {
            return;
        };
        let before = entry.flags.clone();
        change(&mut entry.flags);
        if entry.flags != before {
            self.version += 1;
            entry.version = self.version;
        }
    }
}

/// All folders of one mailbox, by name.
#[derive(Debug)]
pub(crate) struct Folders {
    by_name: BTreeMap<String, Folder>,
    next_validity: u32,
}

impl Folders {
    pub(crate) fn new() -> Self {
        let mut folders = Self {
            by_name: BTreeMap::new(),
            next_validity: 14,
        };
        for name in STANDARD {
            folders.create(name);
        }
        folders
    }

    /// Makes an empty folder; `false` when there is one of that name.
    pub(crate) fn create(&mut self, name: &str) -> bool {
        let name = canonical(name);
        if self.by_name.contains_key(&name) {
            return false;
        }
        self.next_validity += 1;
        self.by_name.insert(name, Folder::new(self.next_validity));
        true
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Folder> {
        self.by_name.get(&canonical(name))
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Folder> {
        self.by_name.get_mut(&canonical(name))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = (&String, &Folder)> {
        self.by_name.iter()
    }

    pub(crate) fn delete(&mut self, name: &str) -> bool {
        self.by_name.remove(&canonical(name)).is_some()
    }

    /// Renames a folder and those below it (RFC 3501, 6.3.5).
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> bool {
        let (from, to) = (canonical(from), canonical(to));
        if self.by_name.contains_key(&to) || !self.by_name.contains_key(&from) {
            return false;
        }
        let below = format!("{from}/");
        let moving: Vec<String> = self
            .by_name
            .keys()
            .filter(|name| **name == from || name.starts_with(&below))
            .cloned()
            .collect();
        for name in moving {
            if let Some(folder) = self.by_name.remove(&name) {
                self.by_name.insert(
                    format!("{to}{}", name.get(from.len()..).unwrap_or_default()),
                    folder,
                );
            }
        }
        true
    }

    /// Delivers into a folder, which must exist; the UID it got and the folder's validity.
    pub(crate) fn deliver(&mut self, folder: &str, message: Message) -> Option<u32> {
        Some(
            self.get_mut(folder)?
                .append(message, BTreeSet::new(), clock::now()),
        )
    }
}

/// INBOX is the one name whose case does not matter (RFC 3501, 5.1).
pub(crate) fn canonical(name: &str) -> String {
    if name.eq_ignore_ascii_case("INBOX") {
        "INBOX".to_owned()
    } else {
        name.trim_end_matches('/').to_owned()
    }
}

/// The spelling of a flag: system flags as RFC 3501 writes them, keywords as they came.
pub(crate) fn canonical_flag(flag: &str) -> String {
    ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(flag))
        .unwrap_or(flag)
        .to_owned()
}
