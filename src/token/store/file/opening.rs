//! How a store is opened: directory, lock, leftovers, key, content, in this order.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use super::super::{StoreError, Trouble};
use super::Settings;
use super::calls::{Calls, System};
use super::disk::Disk;
use super::failing::{self, Doing};
use super::layout::Image;
use super::lock::Lock;
use super::place::{Place, name};
use super::saving::Writer;
use super::seal::Keys;
use super::{key, recovery};

/// An open store.
pub(super) struct Opened {
    pub(super) keys: Keys,
    pub(super) image: Image,
    pub(super) writer: Writer,
    pub(super) notices: Vec<StoreError>,
}

/// Opens a store. Nothing that is there is changed, but for what a crash has left behind.
pub(super) fn open(settings: &Settings, calls: Box<dyn Calls>) -> Result<Opened, StoreError> {
    let place = Place::of(&settings.path)?;
    make_folder(&place)?;
    let lock = Lock::take(&place, settings.command)?;
    for leftover in place.leftovers() {
        // Usually there is none; one that can't be removed is in nobody's way but the next save's, which says so.
        drop(calls.remove(leftover));
    }
    let (key, mut notices) = key::find(&settings.key, &place, &*calls)?;
    let keys = Keys::derive(&key)?;
    let mend = key::mend(&settings.key, &place);
    let recovered = recovery::recover(&place, &*calls, &keys, &mend)?;
    notices.extend(recovered.notices);
    notices.extend(lock.notice(&place));
    notices.extend(exposed_folder(&place.folder));
    notices.extend(exposed_file(&place.current));
    Ok(Opened {
        keys,
        image: recovered.image,
        writer: Writer::new(Disk::new(calls, place, recovered.standing), lock),
        notices,
    })
}

/// Whether the store could be opened by whoever had it. Nothing is made, changed or taken.
pub(super) fn examine(settings: &Settings) -> Result<(), StoreError> {
    let place = Place::of(&settings.path)?;
    if key::is_yet_to_be_made(&settings.key, &place) {
        return Ok(());
    }
    let (key, _) = key::find(&settings.key, &place, &System)?;
    let mend = key::mend(&settings.key, &place);
    recovery::recover(&place, &System, &Keys::derive(&key)?, &mend).map(drop)
}

fn make_folder(place: &Place) -> Result<(), StoreError> {
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&place.folder);
    made.map_err(|error| failing::explain(Doing::Opening, place, &place.folder, &error))
}

/// A directory that others can use.
fn exposed_folder(folder: &Path) -> Option<StoreError> {
    let mode = mode(folder, 0o077)?;
    let shown = name(folder);
    let (what, why) = if mode & 0o022 == 0 {
        (
            "be read",
            "nobody else has anything to do there, and copies of the files may come to lie in it",
        )
    } else {
        (
            "be changed",
            "whoever can change it can take the store and the key away, or put others in their place",
        )
    };
    Some(StoreError::new(
        Trouble::Exposed,
        format!("the directory of the token store, {shown}, may {what} by other users (mode {mode:03o})"),
        why,
        format!("run `sudo chmod 700 {shown}` (StateDirectoryMode=0700 in a systemd unit)"),
    ))
}

/// A store that others can read. Each save makes it anew, for its owner alone.
fn exposed_file(file: &Path) -> Option<StoreError> {
    let mode = mode(file, 0o077)?;
    let shown = name(file);
    Some(StoreError::new(
        Trouble::Exposed,
        format!("the token store {shown} may be read or written by other users (mode {mode:03o})"),
        "what is in it is sealed, but names and times are not",
        format!("run `sudo chmod 600 {shown}`; the next save does it too"),
    ))
}

/// A file's permissions, if they have one of these bits.
fn mode(path: &Path, bits: u32) -> Option<u32> {
    let mode = path.metadata().ok()?.mode() & 0o7777;
    (mode & bits != 0).then_some(mode)
}
