//! Who gets in where no password is configured: whoever can read a file that only saslgate's user can read.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::account::PasswordHash;
use crate::account::password::{GeneratedPassword, HashingError};
use crate::secret::Secret;

/// What the file is called, beside the token store.
const NAME: &str = "admin-token";

/// The longest file that is read.
const MOST: u64 = 1024;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// The file can't be read or written.
    #[error(
        "the file {} with the admin page's token can't be used: {error}; let saslgate's user write there, or set `password` of [admin]",
        path.display()
    )]
    File {
        /// Where it is.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Somebody else might have read or written it.
    #[error(
        "the file {} with the admin page's token belongs to another user, or others may read it; delete it, and saslgate makes another",
        .0.display()
    )]
    Exposed(PathBuf),
    /// What is in it is no token.
    #[error("the file {} holds no token of saslgate; delete it, and saslgate makes one", .0.display())]
    Foreign(PathBuf),
    /// No token could be made.
    #[error(transparent)]
    Hashing(#[from] HashingError),
}

/// Where the token is, for a token store at that path.
pub fn path(store: &Path) -> PathBuf {
    store.with_file_name(NAME)
}

/// What recognises the token in that file. If there is none it is made, once: the file is the only place that ever shows it.
pub fn token(path: &Path) -> Result<PasswordHash, TokenFileError> {
    let failed = |error| TokenFileError::File {
        path: path.into(),
        error,
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    match write_new(path) {
        Ok(hash) => {
            tracing::warn!(
                file = %path.display(),
                fix = "make one with `saslgate password --choose`, and write it into [admin]",
                "the admin page has no password: whoever logs in types the token in this file"
            );
            Ok(hash)
        }
        Err(TokenFileError::File { error, .. }) if error.kind() == io::ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(error),
    }
}

fn write_new(path: &Path) -> Result<PasswordHash, TokenFileError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| TokenFileError::File {
            path: path.into(),
            error,
        })?;
    let (token, hash) = GeneratedPassword::make()?;
    let written = file
        .write_all(token.text().as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Half a token would lock everybody out at the next start.
        let _ = fs::remove_file(path);
        TokenFileError::File {
            path: path.into(),
            error,
        }
    })?;
    Ok(PasswordHash::Generated(hash))
}

fn read(path: &Path) -> Result<PasswordHash, TokenFileError> {
    let failed = |error| TokenFileError::File {
        path: path.into(),
        error,
    };
    let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(no_follow)
        .open(path)
        .map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.mode() & 0o077 != 0 || metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(TokenFileError::Exposed(path.into()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(MOST).unwrap_or(0));
    file.take(MOST).read_to_end(&mut bytes).map_err(failed)?;
    let bytes = Secret::new(bytes);
    let text = str::from_utf8(bytes.expose()).unwrap_or_default().trim();
    PasswordHash::of_generated(text)?.ok_or_else(|| TokenFileError::Foreign(path.into()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_token_is_written_once_for_its_owner_alone_and_survives_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(&folder.path().join("state/tokens"));
        token(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(GeneratedPassword::could_be(text.trim()), "{text}");
        token(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn a_file_that_others_may_have_touched_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(&folder.path().join("tokens"));
        fs::write(&path, "2222-2222").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(token(&path), Err(TokenFileError::Exposed(_))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(token(&path), Err(TokenFileError::Foreign(_))));
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
        assert!(token(&path).is_err());
    }
}
