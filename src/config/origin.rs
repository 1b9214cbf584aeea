//! Where a configuration comes from.

use std::fmt;
use std::path::PathBuf;

/// Where a configuration comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// A file, and what it refers to.
    File(PathBuf),
}

/// As a message names it.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
        }
    }
}
