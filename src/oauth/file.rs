//! Files that hold a proof: read without stopping anybody else, and not without bounds.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio::time::timeout;
use zeroize::Zeroizing;

use super::error::TokenError;
use crate::name;

/// The most that is read of one: a chain of certificates has some KiB.
const MAX_FILE: u64 = 256 * 1024;

/// How long a file system may take: a mount that hangs should not hold up a login for longer than a provider may.
const DEADLINE: Duration = Duration::from_secs(5);

/// How much of a path or of a system's word about it is shown.
const SHOWN: usize = 254;

/// By what a file is known to be another than before. A secret mounted into a container changes by a link that is
/// pointed elsewhere, hence the inode.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = path.metadata()?;
        Ok(Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            inode: metadata.ino(),
        })
    }
}

/// All of a file.
pub(super) fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let mut file = File::open(path)?.take(MAX_FILE + 1);
    file.read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Does something with files beside the tasks that serve sessions.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match timeout(DEADLINE, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(done)) => done,
        Ok(Err(_stopped)) => Err(io::ErrorKind::Interrupted.into()),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// A path as it is shown. It is the operator's own word.
pub(super) fn shown(path: &Path) -> String {
    name::shown(path.as_os_str().as_encoded_bytes(), SHOWN)
}

/// What can't be read.
pub(super) fn unread(what: &str, error: &io::Error) -> TokenError {
    TokenError::misconfigured(
        format!("{what} can't be read"),
        "it is not there, this user may not read it, or its file system does not answer",
        "put the file in its place, readable by the user that saslgate runs as; it is read again at the next attempt",
    )
    .with_detail(name::shown(error.to_string().as_bytes(), SHOWN))
}
