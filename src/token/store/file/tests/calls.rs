//! A file system that fails when it is told to.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustix::io::Errno;

use super::super::calls::{Calls, System};

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// Every call of this name fails.
    Fail(&'static str, Errno),
    /// The call of this number is not done, nor any after it: the process is dead. A write is half done.
    Die(usize),
}

#[derive(Default)]
struct Plan {
    fault: Option<Fault>,
    made: Vec<&'static str>,
}

/// The system's calls with faults.
#[derive(Clone, Default)]
pub(super) struct Faulty(Arc<Mutex<Plan>>);

impl Faulty {
    /// From now on this goes wrong; calls are counted anew.
    pub(super) fn plan(&self, fault: Option<Fault>) {
        *self.0.lock().unwrap() = Plan {
            fault,
            made: Vec::new(),
        };
    }

    /// The calls made since.
    pub(super) fn made(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().made.clone()
    }

    /// How many of one name.
    pub(super) fn count(&self, name: &str) -> usize {
        self.made().iter().filter(|made| **made == name).count()
    }

    /// Whether a call is done.
    fn call(&self, name: &'static str) -> io::Result<()> {
        let mut plan = self.0.lock().unwrap();
        let number = plan.made.len();
        plan.made.push(name);
        match plan.fault {
            Some(Fault::Fail(failing, errno)) if failing == name => Err(errno.into()),
            Some(Fault::Die(at)) if number >= at => Err(io::Error::other("dead")),
            _ => Ok(()),
        }
    }

    /// Whether the process died in the very call that was made last.
    fn is_dying(&self) -> bool {
        let plan = self.0.lock().unwrap();
        matches!(plan.fault, Some(Fault::Die(at)) if plan.made.len() == at + 1)
    }
}

impl Calls for Faulty {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.call("read").and_then(|()| System.read(path))
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        self.call("create").and_then(|()| System.create(path))
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        let called = self.call("write");
        if called.is_err() && self.is_dying() {
            file.write_all(&bytes[..bytes.len() / 2])?;
        }
        called.and_then(|()| System.write(file, bytes))
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.call("sync").and_then(|()| System.sync(file))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call("link").and_then(|()| System.link(from, to))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call("rename").and_then(|()| System.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call("remove").and_then(|()| System.remove(path))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.call("sync_folder").and_then(|()| System.sync_folder(path))
    }
}
