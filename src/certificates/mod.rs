//! The local certificate authority that `saslgate certs` makes, what it issues, the renewal of that, and when a certificate's end is
//! worth a word.
//!
//! Commands make it and the server renews by it; the listener's room does not know it: what serves mail clients has no
//! business with a key that can sign.

mod authority;
mod files;
mod renewal;
mod validity;

use std::path::{Path, PathBuf};

pub use authority::{
    Authority, DAY, Kind, Name, common_name, day, key_from_pem, params_until, server_key, without_repeats,
};
pub use files::{Mode, create_all, read, replace};
pub use renewal::{NotRenewed, Ours, Renewal, is_local, mended_by, renew_due, validity_of};
pub use validity::{AHEAD, Validity};

/// Where each file is that `saslgate certs` lays out in a directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Places {
    /// The authority, which mail programs import.
    pub ca: PathBuf,
    /// Its key.
    pub ca_key: PathBuf,
    /// The listeners' certificate.
    pub server: PathBuf,
    /// Its key.
    pub server_key: PathBuf,
}

impl Places {
    /// Absolute, because the configuration may be read from elsewhere. An error names the directory.
    pub fn of(dir: &Path) -> Result<Self, String> {
        let dir = std::path::absolute(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        Ok(Self {
            ca: dir.join("ca.pem"),
            ca_key: dir.join("ca.key"),
            server: dir.join("server.pem"),
            server_key: dir.join("server.key"),
        })
    }

    /// All four of them.
    pub fn all(&self) -> [&PathBuf; 4] {
        [&self.ca, &self.ca_key, &self.server, &self.server_key]
    }

    /// The directory that they are in.
    pub fn dir(&self) -> &Path {
        self.ca.parent().unwrap_or(&self.ca)
    }
}
