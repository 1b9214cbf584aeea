//! What a session believes about the folder it has selected, and how it learns the news.

use super::super::connection::Connection;
use crate::sim::folder::{Entry, Folder};
use crate::sim::mailbox::Mailbox;

/// A message as the session knows it.
struct Known {
    uid: u32,
    version: u64,
}

/// The selected folder.
pub(super) struct Selected {
    pub(super) folder: String,
    pub(super) read_only: bool,
    known: Vec<Known>,
    version: u64,
}

/// A message of a set: its number in the session, and its UID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) number: usize,
    pub(super) uid: u32,
}

impl Selected {
    pub(super) fn new(folder: String, read_only: bool, contents: &Folder) -> Self {
        let known = contents
            .entries
            .iter()
            .map(|entry| Known {
                uid: entry.uid,
                version: entry.version,
            })
            .collect();
        Self {
            folder,
            read_only,
            known,
            version: contents.version,
        }
    }

    /// Tells the news: EXPUNGE (unless the command forbids it, RFC 3501, 7.4.1), FETCH for flags, EXISTS.
    pub(super) fn tell_news(&mut self, connection: &mut Connection, mailbox: &Mailbox, expunge: bool) {
        let lines = mailbox.with_folders(|folders| match folders.get(&self.folder) {
            Some(folder) => self.news(folder, expunge),
            None => Vec::new(),
        });
        for line in lines {
            connection.say(line);
        }
    }

    fn news(&mut self, folder: &Folder, expunge: bool) -> Vec<String> {
        if folder.version == self.version {
            return Vec::new();
        }
        let mut lines = Vec::new();
        let gone = |known: &Known| folder.find(known.uid).is_none();
        if expunge {
            let mut number = 1;
            self.known.retain(|known| {
                let stays = !gone(known);
                if stays {
                    number += 1;
                } else {
                    lines.push(format!("* {number} EXPUNGE"));
                }
                stays
            });
        }
        for (at, known) in self.known.iter_mut().enumerate() {
            let Some(entry) = folder
                .find(known.uid)
                .filter(|entry| entry.version != known.version)
            else {
                continue;
            };
            known.version = entry.version;
            lines.push(format!(
                "* {} FETCH (FLAGS {} UID {})",
                at + 1,
                flags(entry),
                entry.uid
            ));
        }
        let last = self.known.last().map_or(0, |known| known.uid);
        let fresh = folder.entries.iter().filter(|entry| entry.uid > last);
        let before = self.known.len();
        self.known.extend(fresh.map(|entry| Known {
            uid: entry.uid,
            version: entry.version,
        }));
        if self.known.len() > before {
            lines.push(format!("* {} EXISTS", self.known.len()));
        }
        if expunge || !self.known.iter().any(gone) {
            self.version = folder.version;
        }
        lines
    }

    /// The session has already been told about this change of flags.
    pub(super) fn knows(&mut self, place: Place, version: u64) {
        if let Some(known) = place.number.checked_sub(1).and_then(|at| self.known.get_mut(at)) {
            known.version = version;
        }
    }

    /// Every message of the session.
    pub(super) fn all(&self) -> impl Iterator<Item = Place> {
        self.known.iter().enumerate().map(|(at, known)| Place {
            number: at + 1,
            uid: known.uid,
        })
    }

    /// The messages of a sequence set or, with `by_uid`, of a set of UIDs; `None` when it is malformed.
    pub(super) fn places(&self, set: &str, by_uid: bool) -> Option<Vec<Place>> {
        let largest = if by_uid {
            self.known.last().map_or(0, |known| u64::from(known.uid))
        } else {
            u64::try_from(self.known.len()).ok()?
        };
        let ranges = ranges(set, largest)?;
        let number = |place: &Place| {
            if by_uid {
                u64::from(place.uid)
            } else {
                place.number as u64
            }
        };
        Some(
            self.all()
                .filter(|place| {
                    ranges
                        .iter()
                        .any(|(from, to)| (*from..=*to).contains(&number(place)))
                })
                .collect(),
        )
    }
}

/// The ranges of a sequence set (RFC 3501, 9), `*` being the largest number in use.
fn ranges(set: &str, largest: u64) -> Option<Vec<(u64, u64)>> {
    let number = |text: &str| match text {
        "*" => Some(largest),
        digits => digits
            .parse::<u32>()
            .ok()
            .filter(|number| *number > 0)
            .map(u64::from),
    };
    set.split(',')
        .map(|range| {
            let (from, to) = range.split_once(':').unwrap_or((range, range));
            let (from, to) = (number(from)?, number(to)?);
            Some((from.min(to), from.max(to)))
        })
        .collect()
}

/// The flags of a message in parentheses.
pub(super) fn flags(entry: &Entry) -> String {
    format!(
        "({})",
        entry
            .flags
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_sets() {
        assert_eq!(ranges("1,3:5,*", 9), Some(vec![(1, 1), (3, 5), (9, 9)]));
        assert_eq!(ranges("7:*", 5), Some(vec![(5, 7)]));
        for wrong in ["", "0", "a", "1:", "1,,2", "-1"] {
            assert_eq!(ranges(wrong, 9), None, "{wrong}");
        }
    }
}
