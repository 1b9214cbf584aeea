//! Files that are never half written, never overwritten by accident, and never readable for too many.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Who may read a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Its owner.
    Secret,
    /// Everybody.
    Public,
}

/// Creates files, all or none. One that is there already is an error, a dangling link included.
pub fn create_all(files: &[(&PathBuf, Mode, &[u8])]) -> Result<(), String> {
    let mut made: Vec<&Path> = Vec::new();
    for (path, mode, bytes) in files {
        if let Err(error) = create(path, *mode, bytes) {
            let complaint = complaint(path, &error);
            if error.kind() != io::ErrorKind::AlreadyExists {
                made.push(path);
            }
            // What is left behind is told by the next attempt.
            for path in made {
                drop(fs::remove_file(path));
            }
            return Err(complaint);
        }
        made.push(path);
    }
    Ok(())
}

/// Puts a public file in the place of another in one step: whoever reads it meanwhile reads the old or the new one.
pub fn replace(path: &Path, text: &str) -> Result<(), String> {
    let new = path.with_extension(format!("pem.{}", std::process::id()));
    // What a crash left behind: in a container every process has the same number.
    drop(fs::remove_file(&new));
    let replaced = create(&new, Mode::Public, text.as_bytes())
        .and_then(|()| fs::rename(&new, path))
        .and_then(|()| sync_folder(path));
    replaced.map_err(|error| {
        // Gone already if it was the last step that failed.
        drop(fs::remove_file(&new));
        complaint(path, &error)
    })
}

/// A file's text; keys are among them.
pub fn read(path: &Path) -> Result<Zeroizing<String>, String> {
    let text =
        fs::read_to_string(path).map_err(|error| format!("{} can't be read: {error}", path.display()))?;
    Ok(Zeroizing::new(text))
}

fn create(path: &Path, mode: Mode, bytes: &[u8]) -> io::Result<()> {
    let bits = match mode {
        Mode::Secret => 0o600,
        Mode::Public => 0o644,
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(bits)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A rename is on disk when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn complaint(path: &Path, error: &io::Error) -> String {
    format!("{} can't be written: {error}", path.display())
}
