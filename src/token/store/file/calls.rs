//! What a store asks of the file system, one call each, so that tests can make any of them fail or be the last.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

/// Calls that read or change files.
pub(super) trait Calls: Send + Sync + 'static {
    /// A whole file; a symbolic link is not followed.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Creates a file that only its owner may read. One that is there already is an error, a symbolic link included.
    fn create(&self, path: &Path) -> io::Result<File>;
    /// Writes all of it.
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()>;
    /// Returns when a file is on the disk.
    fn sync(&self, file: &File) -> io::Result<()>;
    /// Gives a file a second name. One that is taken is an error.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Renames a file, over another if there is one, in one step.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a name.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Returns when a directory's names are on the disk.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
}

/// The system's own.
pub(super) struct System;

impl Calls for System {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(no_follow())
            .open(path)?;
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        hand_over(&file, path);
        Ok(file)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        match File::open(path)?.sync_all() {
            // Some network and FUSE file systems know no sync of a directory; it is no trouble that anybody can mend.
            Err(error) if is(&error, &[Errno::INVAL, Errno::NOTSUP, Errno::OPNOTSUPP]) => Ok(()),
            synced => synced,
        }
    }
}

/// The open flag that refuses a symbolic link.
pub(super) fn no_follow() -> i32 {
    i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default()
}

/// Whether an error is one of these.
pub(super) fn is(error: &io::Error, these: &[Errno]) -> bool {
    Errno::from_io_error(error).is_some_and(|errno| these.contains(&errno))
}

/// Gives a new file to the owner of its directory, when root made it: `sudo saslgate sign-in` must not lock out the
/// service that runs as a user of its own. Where that is not possible, the service says what to do.
pub(super) fn hand_over(file: &File, path: &Path) {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    if let Some(Ok(folder)) = path.parent().map(fs::metadata) {
        drop(fchown(file, Some(folder.uid()), Some(folder.gid())));
    }
}
