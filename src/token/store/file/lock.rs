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

/// The longest note that is read, in bytes: a process id and the name of a command.
const MAX_NOTE: u64 = 64;

/// The lock, or that there can be none.
pub(super) struct Lock(Option<File>);

impl Lock {
    /// Takes it for a command, without waiting.
    ///
    /// On a read-only file system there may be no file to lock; then nobody can write the store, and reading it is
    /// worth more than keeping others out.
    pub(super) fn take(place: &Place, command: &str) -> Result<Self, StoreError> {
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
            Err(TryLockError::WouldBlock) => return Err(in_use(place, holder(&mut file).as_ref())),
            Err(TryLockError::Error(error)) => return Err(broken(&error)),
        }
        // Only for the message to others: a full disk must not keep anybody from reading tokens.
        drop(sign(&mut file, command));
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
fn sign(file: &mut File, command: &str) -> io::Result<()> {
    if file.metadata()?.nlink() > 1 {
        return Ok(());
    }
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{} {command}", std::process::id())
}

/// Who has it.
struct Holder {
    process: u32,
    /// Which command it is; none where it was not written down.
    command: Option<String>,
}

/// Who has it, as far as it was written down.
fn holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.take(MAX_NOTE).read_to_string(&mut text).ok()?;
    let mut words = text.split_whitespace();
    let process = words.next()?.parse().ok()?;
    // Whoever may write the file can write anything into it.
    let is_name = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let command = words.next().filter(is_name).map(ToOwned::to_owned);
    Some(Holder { process, command })
}

fn in_use(place: &Place, holder: Option<&Holder>) -> StoreError {
    let store = name(&place.current);
    let Some(Holder { process, command }) = holder else {
        return in_use_by(&store, "another process", ENDING, STOP.to_owned());
    };
    let by = |command: &str| format!("process {process} (`saslgate {command}`)");
    match command.as_deref() {
        Some(command @ "sign-in") => in_use_by(
            &store,
            &by(command),
            "that is a sign-in that waits for somebody at a browser; it was begun while no saslgate ran, so it keeps the store until it is done",
            format!(
                "finish that sign-in, or end it: Ctrl-C where it runs, or `kill {process}`; with `saslgate run` running, sign-ins do not keep \
                 anybody from the store"
            ),
        ),
        Some(command) if command != "run" => in_use_by(
            &store,
            &by(command),
            "that is a command that was begun while no saslgate ran; one process at a time has the store, because two would overwrite each other's sign-ins",
            format!(
                "wait until it has ended; if it does not, end it: Ctrl-C where it runs, or `kill {process}`"
            ),
        ),
        Some(command) => in_use_by(&store, &by(command), ENDING, STOP.to_owned()),
        None => in_use_by(&store, &format!("process {process}"), ENDING, STOP.to_owned()),
    }
}

const ENDING: &str = "one saslgate at a time has it, because two would overwrite each other's sign-ins; one that is ending lets it go \
                      within seconds";
const STOP: &str =
    "wait; if the other one goes on running, stop it, or give this one another `path` in [store]";

fn in_use_by(store: &str, by: &str, why: &'static str, fix: String) -> StoreError {
    let what = format!("the token store {store} is in use by {by}");
    StoreError::new(Trouble::InUse, what, why, fix)
}
