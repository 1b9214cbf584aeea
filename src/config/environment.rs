//! What a configuration refers to outside its own text: files, variables, the clock, the machine's limits.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::container;
use crate::secret::Secret;

/// The largest file read, in bytes: ten thousand accounts fit, a device or a log given by mistake does not.
pub const MAX_FILE: u64 = 8 * 1024 * 1024;

/// A file as it was at one moment.
#[derive(Debug)]
pub struct Content {
    /// What is in it.
    pub bytes: Secret<Vec<u8>>,
    /// Its permission bits; none where the file system has none.
    pub mode: Option<u32>,
}

/// Everything outside the text. Loading asks nothing else, so with the same environment it gives the same result.
pub trait Environment {
    /// The whole of a file of at most [`MAX_FILE`] bytes, and its mode, both of the same open file.
    fn read(&self, path: &Path) -> io::Result<Content>;
    /// The names of what is in a directory, in no order.
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>>;
    /// The names of the environment variables that begin so and are not empty, in order. Those that are not UTF-8 are
    /// nobody's here.
    fn variables(&self, beginning: &str) -> Vec<String>;
    /// An environment variable.
    fn variable(&self, name: &str) -> Option<OsString>;
    /// Whether a path names a file that may be executed.
    fn is_program(&self, path: &Path) -> bool;
    /// The time, for expiry dates.
    fn now(&self) -> SystemTime;
    /// How many descriptors this process may open: its hard limit, to which the server raises its own.
    fn descriptors(&self) -> u64;
}

/// The machine that saslgate runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Environment for System {
    fn read(&self, path: &Path) -> io::Result<Content> {
        use std::os::unix::fs::MetadataExt as _;
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let mut bytes = Vec::new();
        // One byte more tells a file that is too long from one that just fits.
        file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        Ok(Content {
            bytes: Secret::new(bytes),
            mode: metadata.is_file().then(|| metadata.mode() & 0o7777),
        })
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        std::fs::read_dir(directory)?
            .map(|entry| Ok(entry?.file_name()))
            .collect()
    }

    fn variables(&self, beginning: &str) -> Vec<String> {
        let set = std::env::vars_os().filter(|(_, value)| !value.is_empty());
        let names = set.filter_map(|(name, _)| name.into_string().ok());
        let mut names: Vec<_> = names.filter(|name| name.starts_with(beginning)).collect();
        names.sort_unstable();
        names
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn is_program(&self, path: &Path) -> bool {
        path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn descriptors(&self) -> u64 {
        rustix::process::getrlimit(rustix::process::Resource::Nofile)
            .maximum
            .unwrap_or(u64::MAX)
    }
}

/// The machine as it will be: with files that are not written yet, and perhaps a container of the image.
#[derive(Clone, Debug, Default)]
pub struct Becoming<'a> {
    /// What is going to be written, and where.
    pub files: BTreeMap<&'a Path, &'a [u8]>,
    /// Whether it is a container; as this machine is if it is not said.
    pub is_container: Option<bool>,
}

impl Environment for Becoming<'_> {
    fn read(&self, path: &Path) -> io::Result<Content> {
        match self.files.get(path) {
            Some(bytes) => Ok(Content {
                bytes: Secret::new(bytes.to_vec()),
                mode: Some(0o600),
            }),
            None => System.read(path),
        }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        System.list(directory)
    }

    fn variables(&self, beginning: &str) -> Vec<String> {
        System.variables(beginning)
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        match self.is_container {
            Some(is) if name == container::VARIABLE => Some(if is { "1" } else { "0" }.into()),
            _ => System.variable(name),
        }
    }

    fn is_program(&self, path: &Path) -> bool {
        System.is_program(path)
    }

    fn now(&self) -> SystemTime {
        System.now()
    }

    fn descriptors(&self) -> u64 {
        System.descriptors()
    }
}

/// An environment made of values: for tests and fuzzing.
#[derive(Clone, Debug)]
pub struct Given {
    /// Files: what is in them, and their mode.
    pub files: BTreeMap<PathBuf, (Vec<u8>, u32)>,
    /// Environment variables.
    pub variables: BTreeMap<String, OsString>,
    /// Programs that may be executed.
    pub programs: Vec<PathBuf>,
    /// Seconds since 1970.
    pub now: u64,
    /// How many descriptors the process may open.
    pub descriptors: u64,
}

impl Default for Given {
    /// An empty machine on 2026-11-21 with the descriptors of a usual Linux service.
    fn default() -> Self {
        Self {
            files: BTreeMap::new(),
            variables: BTreeMap::new(),
            programs: Vec::new(),
            now: 1_795_219_200,
            descriptors: 524_288,
        }
    }
}

impl Given {
    /// Adds a file that only its owner may read.
    #[must_use]
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.into(), (content.into(), 0o600));
        self
    }

    /// Adds a variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }
}

impl Environment for Given {
    fn read(&self, path: &Path) -> io::Result<Content> {
        let (bytes, mode) = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Content {
            bytes: Secret::new(bytes.clone()),
            mode: Some(*mode),
        })
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let within = |path: &&PathBuf| path.parent() == Some(directory);
        let names = self
            .files
            .keys()
            .filter(within)
            .filter_map(|path| path.file_name());
        let names: Vec<_> = names.map(ToOwned::to_owned).collect();
        if names.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(names)
    }

    fn variables(&self, beginning: &str) -> Vec<String> {
        let set = self.variables.iter().filter(|(_, value)| !value.is_empty());
        let names = set
            .map(|(name, _)| name)
            .filter(|name| name.starts_with(beginning));
        names.cloned().collect()
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        self.variables.get(name).cloned()
    }

    fn is_program(&self, path: &Path) -> bool {
        self.programs.iter().any(|program| program == path)
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.now)
    }

    fn descriptors(&self) -> u64 {
        self.descriptors
    }
}
