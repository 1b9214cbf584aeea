//! Where a configuration comes from.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::variables;

/// Where a configuration comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// A file, and what it refers to.
    File(PathBuf),
    /// Environment variables alone.
    Variables,
}

impl Origin {
    /// The file of that path, unless nobody `named` it, it is not there, and variables say what it would.
    pub fn find(path: &Path, named: bool, environment: &dyn Environment) -> Self {
        let is_missing = || {
            environment
                .read(path)
                .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        };
        if named || variables::given(environment).is_empty() || !is_missing() {
            Self::File(path.to_owned())
        } else {
            Self::Variables
        }
    }
}

/// As a message names it.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Variables => f.write_str(variables::NAME),
        }
    }
}
