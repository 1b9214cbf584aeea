//! How a store gets onto the disk: at every moment one whole file has the store's name, or the name of the one before.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::super::StoreError;
use super::calls::{Calls, is};
use super::failing::{self, Doing};
use super::place::Place;

/// How many files are set aside at most. Each one is a damage that somebody was told of.
const MOST_SET_ASIDE: usize = 99;

/// What has the store's name now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// Nothing.
    Missing,
    /// What was last written.
    Whole,
    /// Something else, so that the file before it may hold what it lacks.
    Damaged,
    /// The same, and it has been set aside.
    SetAside,
}

/// What happens to the file before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Previous {
    /// It becomes what was the store until now.
    Kept,
    /// It becomes the new one too: something was signed out, and no copy of it is to stay.
    Forgotten,
}

/// The files of a store, seen by who may write them.
pub(super) struct Disk {
    calls: Box<dyn Calls>,
    place: Place,
    standing: Standing,
}

/// A call that failed.
struct Failed {
    path: PathBuf,
    error: io::Error,
}

/// Names the file that a call failed at.
trait At<T> {
    fn at(self, path: &Path) -> Result<T, Failed>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T, Failed> {
        self.map_err(|error| Failed {
            path: path.to_owned(),
            error,
        })
    }
}

impl Disk {
    pub(super) fn new(calls: Box<dyn Calls>, place: Place, standing: Standing) -> Self {
        Self {
            calls,
            place,
            standing,
        }
    }

    /// Writes the store anew. After an error the old one is still there, or already the new one: never neither.
    pub(super) fn save(&mut self, text: &[u8], previous: Previous) -> Result<(), StoreError> {
        let saved = self.saved(text, previous);
        saved.map_err(|failed| {
            self.clear(&self.place.new);
            self.clear(&self.place.new_previous);
            failing::explain(Doing::Saving, &self.place, &failed.path, &failed.error)
        })
    }

    fn saved(&mut self, text: &[u8], previous: Previous) -> Result<(), Failed> {
        self.write(&self.place.new, text)?;
        match self.standing {
            Standing::Missing | Standing::SetAside => (),
            Standing::Whole => self.rotate()?,
            Standing::Damaged => {
                self.set_aside()?;
                self.standing = Standing::SetAside;
            }
        }
        let (new, current) = (&self.place.new, &self.place.current);
        self.calls.rename(new, current).at(current)?;
        self.standing = Standing::Whole;
        if previous == Previous::Forgotten {
            self.rotate()?;
        }
        self.calls.sync_folder(&self.place.folder).at(&self.place.folder)
    }

    /// A file with this text, on the disk before anybody may find it under a name that counts.
    fn write(&self, path: &Path, text: &[u8]) -> Result<(), Failed> {
        self.clear(path);
        let mut file = self.calls.create(path).at(path)?;
        self.calls.write(&mut file, text).at(path)?;
        self.calls.sync(&file).at(path)
    }

    /// Makes the store the previous one as well.
    fn rotate(&self) -> Result<(), Failed> {
        let (new, previous) = (&self.place.new_previous, &self.place.previous);
        self.clear(new);
        match self.double(new) {
            // Somebody took the store away; there is nothing to keep.
            Err(failed) if failed.error.kind() == io::ErrorKind::NotFound => return Ok(()),
            doubled => doubled?,
        }
        self.calls.rename(new, previous).at(previous)?;
        // A rename between two names of one file does nothing and leaves both (POSIX).
        self.clear(new);
        Ok(())
    }

    /// Keeps a damaged store under another name, and the one before it where it is.
    fn set_aside(&self) -> Result<(), Failed> {
        for number in 1..=MOST_SET_ASIDE {
            match self.double(&self.place.set_aside(number)) {
                Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => (),
                Err(failed) if failed.error.kind() == io::ErrorKind::NotFound => return Ok(()),
                doubled => return doubled,
            }
        }
        Ok(())
    }

    /// A second name for the store; a copy where the file system knows no second names.
    fn double(&self, to: &Path) -> Result<(), Failed> {
        let unknown = [
            Errno::PERM,
            Errno::NOTSUP,
            Errno::OPNOTSUPP,
            Errno::NOSYS,
            Errno::MLINK,
            Errno::XDEV,
        ];
        match self.calls.link(&self.place.current, to) {
            Err(error) if is(&error, &unknown) => self.copy(to),
            linked => linked.at(to),
        }
    }

    fn copy(&self, to: &Path) -> Result<(), Failed> {
        let bytes = self.calls.read(&self.place.current).at(&self.place.current)?;
        let mut file = self.calls.create(to).at(to)?;
        self.calls.write(&mut file, &bytes).at(to)?;
        self.calls.sync(&file).at(to)
    }

    /// Removes what may be left there. If it can't be, what comes after says why.
    fn clear(&self, path: &Path) {
        drop(self.calls.remove(path));
    }
}
