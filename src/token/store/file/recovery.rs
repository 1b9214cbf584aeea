//! What the files say when a store is opened: the newest that can be believed, record by record.

use std::io;
use std::path::Path;

use rustix::io::Errno;

use super::super::error::Trouble;
use super::super::{Condition, StoreError};
use super::calls::{Calls, is};
use super::disk::Standing;
use super::failing::{self, Doing};
use super::layout::{self, Entry, Image, Unreadable, VERSION};
use super::place::{Place, name};
use super::seal::Keys;
use crate::name::shown;

/// A store as it was found.
pub(super) struct Recovered {
    pub(super) image: Image,
    pub(super) standing: Standing,
    pub(super) notices: Vec<StoreError>,
}

/// What is found at a path.
enum Found {
    Nothing,
    Store(Image),
    /// Something that is no whole store: why, as a phrase that begins with "it".
    Broken(String),
}

/// Reads the store, and the file before it if something is wrong. Changes nothing.
/// `mend` is what helps if the key is another one.
pub(super) fn recover(
    place: &Place,
    calls: &dyn Calls,
    keys: &Keys,
    mend: &str,
) -> Result<Recovered, StoreError> {
    let look = |path| look(path, place, calls, (keys, mend));
    let mut recovered = match look(&place.current)? {
        Found::Store(image) if image.is_as_written() => Recovered {
            image,
            standing: Standing::Whole,
            notices: Vec::new(),
        },
        Found::Store(image) => mended(image, look(&place.previous), place),
        Found::Broken(why) => instead_of_broken(&why, look(&place.previous), place)?,
        Found::Nothing => instead_of_nothing(look(&place.previous)?, place)?,
    };
    let closed = recovered.image.entries.values().filter_map(closed);
    recovered.notices.extend(closed.collect::<Vec<_>>());
    Ok(recovered)
}

fn look(
    path: &Path,
    place: &Place,
    calls: &dyn Calls,
    (keys, mend): (&Keys, &str),
) -> Result<Found, StoreError> {
    match path.symlink_metadata() {
        Ok(metadata) if !metadata.is_file() => return Err(not_a_file(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Ok(_) | Err(_) => (),
    }
    let bytes = match calls.read(path) {
        Ok(bytes) => bytes,
        Err(error) if is(&error, &[Errno::IO]) => {
            return Ok(Found::Broken(
                "the disk gives an error when it is read".to_owned(),
            ));
        }
        Err(error) => return Err(failing::explain(Doing::Opening, place, path, &error)),
    };
    match layout::read(&bytes, keys) {
        Ok(image) => Ok(Found::Store(image)),
        Err(Unreadable::Damaged(why)) => Ok(Found::Broken(why.to_owned())),
        Err(Unreadable::Newer(version)) => Err(newer(path, version)),
        Err(Unreadable::OtherKey(id)) => Err(wrong_key(path, &id, keys, mend)),
    }
}

/// A store with boxes that do not open takes those of the file before, which are as they were one save ago.
fn mended(mut image: Image, previous: Result<Found, StoreError>, place: &Place) -> Recovered {
    let mut notices = Vec::new();
    if image.strange > 0 {
        notices.push(strange(place, image.strange));
    }
    if let Ok(Found::Store(mut previous)) = previous {
        for key in &image.lost {
            let older = previous.entries.remove(key);
            let older = older.filter(|entry| entry.listed.condition == Condition::Whole);
            if let Some(older) = older {
                notices.push(record_older(&older, place));
                image.entries.insert(*key, older);
            }
        }
    }
    Recovered {
        image,
        standing: Standing::Damaged,
        notices,
    }
}

fn instead_of_broken(
    why: &str,
    previous: Result<Found, StoreError>,
    place: &Place,
) -> Result<Recovered, StoreError> {
    let too = match previous {
        Ok(Found::Store(image)) => {
            return Ok(Recovered {
                image,
                standing: Standing::Damaged,
                notices: vec![from_previous(place, why)],
            });
        }
        Ok(Found::Nothing) => format!("there is no {}", name(&place.previous)),
        Ok(Found::Broken(why)) => format!("{} can't be read either: {why}", name(&place.previous)),
        Err(error) => error.what.into_owned(),
    };
    Err(damaged(&place.current, why, &too, place))
}

fn instead_of_nothing(previous: Found, place: &Place) -> Result<Recovered, StoreError> {
    let (image, notices) = match previous {
        Found::Nothing => (Image::default(), Vec::new()),
        Found::Store(image) => (image, vec![from_previous(place, "it is not there")]),
        Found::Broken(why) => {
            let too = format!("there is no {}", name(&place.current));
            return Err(damaged(&place.previous, &why, &too, place));
        }
    };
    Ok(Recovered {
        image,
        standing: Standing::Missing,
        notices,
    })
}

/// Whose record it is.
fn whose(entry: &Entry) -> String {
    let (account, app) = (&entry.listed.account, &entry.listed.app);
    format!("the record of {account} (app `{app}`) in the token store")
}

/// What becomes of a record that can't be opened.
pub(super) fn unopened(entry: &Entry, condition: Condition) -> StoreError {
    let sign_in = format!("sign in again (`saslgate sign-in {}`)", entry.listed.account);
    if condition == Condition::Newer {
        return StoreError::new(
            Trouble::RecordNewer,
            format!(
                "{} holds something that this saslgate does not know",
                whose(entry)
            ),
            "a newer saslgate wrote it; it is left as it is",
            format!("run that saslgate again, or {sign_in}"),
        );
    }
    StoreError::new(
        Trouble::RecordDamaged,
        format!("{} is damaged", whose(entry)),
        "its seal does not fit: the disk, or somebody, changed the file; what is there is left as it is",
        format!("{sign_in}, or stop saslgate and put a copy of the store from a backup in its place"),
    )
}

fn closed(entry: &Entry) -> Option<StoreError> {
    let condition = entry.listed.condition;
    (condition != Condition::Whole).then(|| unopened(entry, condition))
}

const CHANGED: &str =
    "the disk failed, a copy of the file broke off, or something other than saslgate wrote to it";

fn from_previous(place: &Place, why: &str) -> StoreError {
    StoreError::new(
        Trouble::FromPrevious,
        format!(
            "the token store {} can't be read ({why}), so {} is used: it is one save older",
            name(&place.current),
            name(&place.previous)
        ),
        CHANGED,
        format!(
            "leave it: the next save keeps the broken file as {}; have whoever looks after this machine check the disk",
            name(&place.set_aside(1))
        ),
    )
}

fn strange(place: &Place, lines: usize) -> StoreError {
    StoreError::new(
        Trouble::Strange,
        format!(
            "the token store {} holds {lines} line(s) that do not belong in it",
            name(&place.current)
        ),
        CHANGED,
        format!(
            "leave it: the next save keeps the file as {}",
            name(&place.set_aside(1))
        ),
    )
}

fn record_older(entry: &Entry, place: &Place) -> StoreError {
    StoreError::new(
        Trouble::RecordOlder,
        format!(
            "{} was damaged, so the one in {} is used: it is one save older",
            whose(entry),
            name(&place.previous)
        ),
        CHANGED,
        "leave it, unless `saslgate status` wants a new sign-in for the account; have whoever looks after this machine check the disk",
    )
}

fn damaged(path: &Path, why: &str, too: &str, place: &Place) -> StoreError {
    StoreError::new(
        Trouble::Damaged,
        format!("the token store {} can't be read: {why}; {too}", name(path)),
        CHANGED,
        format!(
            "put a copy from a backup in its place; if there is none, move {}* away (all but the key) and sign in again. \
             Nothing was changed",
            name(&place.current)
        ),
    )
}

fn newer(path: &Path, version: u64) -> StoreError {
    StoreError::new(
        Trouble::NewerVersion,
        format!(
            "the token store {} has version {version} of its format",
            name(path)
        ),
        format!("a newer saslgate wrote it; this one reads version {VERSION}"),
        "run that saslgate again; to stay with this one, set another `path` in [store] and sign in again. Nothing was changed",
    )
}

fn wrong_key(path: &Path, id: &str, keys: &Keys, mend: &str) -> StoreError {
    StoreError::new(
        Trouble::WrongKey,
        format!("the token store {} is sealed with another key", name(path)),
        format!(
            "its key has the id {}, the one that saslgate was given {}",
            shown(id.as_bytes(), 16),
            keys.id()
        ),
        format!("{mend}. Nothing was changed"),
    )
}

fn not_a_file(path: &Path) -> StoreError {
    StoreError::new(
        Trouble::NotAFile,
        format!(
            "the token store {} is a symbolic link, a directory or a device",
            name(path)
        ),
        "each save puts a new file in its place, which would leave what the link leads to behind",
        "set the real path of a file as `path` in [store]; a link in place of its directory is fine",
    )
}
