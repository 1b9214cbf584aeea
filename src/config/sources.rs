//! What a configuration was read from: whoever watches for changes asks here where to look, and whether there was one.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::conf_d;
use super::environment::{Content, Environment};
use super::fingerprint::{Fingerprint, Sum};

/// Every path that was read, with a fingerprint of what was there: its content and its mode, or why it could not be read.
///
/// It is known of a configuration with errors too, because mending any of these files may mend it. Fingerprints are keyed
/// for this process, so they tell nothing about a secret.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    read: BTreeMap<PathBuf, Fingerprint>,
    /// Directories of which every file counts that is in them.
    listed: BTreeMap<PathBuf, Fingerprint>,
}

impl Sources {
    /// What to watch: files and directories that are there, and those that were looked for in vain. A relative one counts
    /// from where saslgate was started.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.read.keys().chain(self.listed.keys()).map(PathBuf::as_path)
    }

    /// Whether any of them is not as it was. Each is read again, and no password is hashed.
    pub fn changed(&self, environment: &dyn Environment) -> bool {
        let mut read = self.read.iter();
        let mut listed = self.listed.iter();
        listed.any(|(path, print)| of_parts(&conf_d::parts(path, environment)) != *print)
            || read.any(|(path, print)| of_file(&environment.read(path)) != *print)
    }

    /// Reads a file. Where one is read twice the first time counts: a change in between is a change. A pipe, such as a
    /// shell's `<(…)`, gives what is in it once, so it is not kept in mind.
    pub(super) fn read(&mut self, path: &Path, environment: &dyn Environment) -> io::Result<Content> {
        let content = environment.read(path);
        if content.as_ref().map_or(true, |content| content.mode.is_some()) {
            let print = of_file(&content);
            self.read.entry(path.to_owned()).or_insert(print);
        }
        content
    }

    /// The files of a `conf.d`, in the order in which they count.
    pub(super) fn list(
        &mut self,
        directory: &Path,
        environment: &dyn Environment,
    ) -> io::Result<Vec<PathBuf>> {
        let parts = conf_d::parts(directory, environment);
        self.listed
            .entry(directory.to_owned())
            .or_insert_with(|| of_parts(&parts));
        parts
    }
}

fn of_parts(parts: &io::Result<Vec<PathBuf>>) -> Fingerprint {
    let mut sum = Sum::new();
    match parts {
        Ok(parts) => parts
            .iter()
            .for_each(|path| sum.add(path.as_os_str().as_encoded_bytes())),
        Err(error) => return of_error(error),
    }
    sum.end()
}

fn of_file(content: &io::Result<Content>) -> Fingerprint {
    match content {
        // The mode counts: a secret that others may write is refused until somebody has run chmod.
        Ok(Content { bytes, mode }) => {
            Fingerprint::of(&[b"file", bytes.expose(), &mode.unwrap_or_default().to_le_bytes()])
        }
        Err(error) => of_error(error),
    }
}

fn of_error(error: &io::Error) -> Fingerprint {
    let mut sum = Sum::new();
    sum.add(b"error");
    sum.add(error.kind().to_string().as_bytes());
    sum.end()
}
