//! The files of a store: all in one directory, all named after it.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::super::StoreError;
use super::super::error::Trouble;
use crate::name::shown;

/// How much of a path is shown.
const SHOWN: usize = 300;

/// Where a store is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The directory.
    pub(super) folder: PathBuf,
    /// The store itself.
    pub(super) current: PathBuf,
    /// What it was before the last save.
    pub(super) previous: PathBuf,
    /// What is being written; left behind by a crash.
    pub(super) new: PathBuf,
    /// What is becoming the previous one; left behind by a crash.
    pub(super) new_previous: PathBuf,
    /// Who locks it has the store. Never removed: two processes could lock two files of that name.
    pub(super) lock: PathBuf,
    /// The key, when nothing else gives one.
    pub(super) key: PathBuf,
    /// The key while it is being made.
    pub(super) new_key: PathBuf,
}

impl Place {
    /// The place of a store's path, which must name a file.
    pub(super) fn of(path: &Path) -> Result<Self, StoreError> {
        let name = path.file_name().ok_or_else(|| nameless(path))?;
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let beside = |suffix: &str| {
            let mut name = OsString::from(name);
            name.push(suffix);
            folder.join(name)
        };
        Ok(Self {
            current: beside(""),
            previous: beside(".prev"),
            new: beside(".new"),
            new_previous: beside(".prev.new"),
            lock: beside(".lock"),
            key: beside(".key"),
            new_key: beside(".key.new"),
            folder,
        })
    }

    /// Where a file that could not be read is kept when a new one takes its place.
    pub(super) fn set_aside(&self, number: usize) -> PathBuf {
        let mut path = self.current.clone().into_os_string();
        path.push(format!(".set-aside-{number}"));
        path.into()
    }

    /// What a crash may leave behind.
    pub(super) fn leftovers(&self) -> [&Path; 3] {
        [&self.new, &self.new_previous, &self.new_key]
    }

    /// Whether there is a store, readable or not.
    pub(super) fn has_store(&self) -> bool {
        let is_missing = |path: &PathBuf| {
            path.symlink_metadata()
                .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        };
        ![&self.current, &self.previous].into_iter().all(is_missing)
    }
}

/// A path as an operator may read it.
pub(super) fn name(path: &Path) -> String {
    shown(path.as_os_str().as_bytes(), SHOWN)
}

fn nameless(path: &Path) -> StoreError {
    StoreError::new(
        Trouble::NotAFile,
        format!("the token store's path, {}, names no file", name(path)),
        "the store is one file in a directory of its own",
        "name a file in it, for example `tokens`, as `path` in [store]",
    )
}
