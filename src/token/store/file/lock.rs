//! One process has the store: it holds the lock of a file beside it, which the system takes back when the process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::super::StoreError;
use super::super::error::Trouble;
use super::calls::{hand_over, is, no_follow};
use super::failing::{self, Doing};
use super::place::{Place, name};

/// The lock, or that there can be none.
pub(super) struct Lock(Option<File>);

impl Lock {
    /// Takes it, without waiting.
    ///
    /// On a read-only file system there may be no file to lock; then nobody can write the store, and reading it is
    /// worth more than keeping others out.
    pub(super) fn take(place: &Place) -> Result<Self, StoreError> {
        let broken = |error: &io::Error| failing::explain(Doing::Opening, place, &place.lock, error);
        let mut file = match open(place) {
            Ok(file) => file,
            Err(error) if is(&error, &[Errno::ROFS, Errno::ACCESS]) && !may_write(place) => {
                return Ok(Self(None));
            }
            Err(error) => return Err(broken(&error)),
        };
        match file.try_lock() {
            Ok(()) => (),
            Err(TryLockError::WouldBlock) => return Err(in_use(place, &holder(&mut file))),
            Err(TryLockError::Error(error)) => return Err(broken(&error)),
        }
        // Only for the message to others: a full disk must not keep anybody from reading tokens.
        drop(sign(&mut file));
        Ok(Self(Some(file)))
    }

    /// What an operator should know of a store without a lock.
    pub(super) fn notice(&self, place: &Place) -> Option<StoreError> {
        if self.0.is_some() {
            return None;
        }
        Some(StoreError::new(
            Trouble::NotLocked,
            format!("the token store {} has no lock", name(&place.current)),
            format!("{} can't be made or opened for writing", name(&place.lock)),
            "let saslgate write the directory, or see to it that only one saslgate uses this store",
        ))
    }
}

impl Drop for Lock {
    /// Unlocked, not only closed: a command that was just started may hold a copy of the descriptor for a moment.
    fn drop(&mut self) {
        if let Some(file) = &self.0 {
            drop(file.unlock());
        }
    }
}

fn open(place: &Place) -> io::Result<File> {
    let opened = |options: &mut OpenOptions| options.read(true).custom_flags(no_follow()).open(&place.lock);
    let file = match opened(OpenOptions::new().write(true).create_new(true).mode(0o600)) {
        Ok(file) => {
            hand_over(&file, &place.lock);
            file
        }
        // The lock of a file that can only be read keeps others out as well.
        Err(error) => opened(OpenOptions::new().write(true))
            .or_else(|_| opened(&mut OpenOptions::new()))
            .map_err(|existing| match error.kind() {
                io::ErrorKind::AlreadyExists => existing,
                _ => error,
            })?,
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(file)
}

/// Whether a save could work at all.
fn may_write(place: &Place) -> bool {
    access(&place.folder, Access::WRITE_OK).is_ok()
}

/// Writes down who has it. Not into a file that has another name too: root would write into anybody's.
fn sign(file: &mut File) -> io::Result<()> {
    if file.metadata()?.nlink() > 1 {
        return Ok(());
    }
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// Who has it, as far as it was written down.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(20).read_to_string(&mut text);
    match text.trim().parse::<u32>() {
        Ok(id) if read.is_ok() => format!("process {id}"),
        _ => "another process".to_owned(),
    }
}

fn in_use(place: &Place, holder: &str) -> StoreError {
    StoreError::new(
        Trouble::InUse,
        format!("the token store {} is in use by {holder}", name(&place.current)),
        "one saslgate at a time has it, because two would overwrite each other's sign-ins",
        "stop the other one, or give this one another `path` in [store]",
    )
}
