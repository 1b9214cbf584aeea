//! What the system said no to, why it may have, and what to do about it.

use std::borrow::Cow;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::io::Errno;

use super::super::StoreError;
use super::super::error::Trouble;
use super::place::{Place, name};

/// What was tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Doing {
    Opening,
    Saving,
}

/// Explains a failed call. What was not saved stays in memory, and the file that is there stays readable.
pub(super) fn explain(doing: Doing, place: &Place, path: &Path, error: &io::Error) -> StoreError {
    let done = match doing {
        Doing::Opening => "opened",
        Doing::Saving => "saved",
    };
    let what = format!(
        "the token store {} can't be {done}: {}: {error}",
        name(&place.current),
        name(path)
    );
    let (why, fix) = cause(place, error);
    let fix = match doing {
        Doing::Opening => fix,
        Doing::Saving => {
            format!("{fix}; until then what is new is kept in memory, so do not restart saslgate").into()
        }
    };
    StoreError::new(Trouble::Disk, what, why, fix)
}

type Text = Cow<'static, str>;

fn cause(place: &Place, error: &io::Error) -> (Text, Text) {
    let folder = name(&place.folder);
    match Errno::from_io_error(error) {
        Some(Errno::NOSPC | Errno::DQUOT) => (
            "the disk, or this user's share of it, is full".into(),
            format!("make room on the file system of {folder}").into(),
        ),
        Some(Errno::ROFS) => (
            "the file system is read-only: for saslgate's service or container, or for all after errors of the disk".into(),
            format!(
                "make {folder} writable (StateDirectory= or ReadWritePaths= in a systemd unit, a volume in a container)"
            )
            .into(),
        ),
        Some(Errno::ACCESS | Errno::PERM) => denied(place),
        Some(Errno::IO) => (
            "the disk, or the network to it, failed".into(),
            format!("look into the kernel's log (dmesg), and copy {folder} to a sound disk").into(),
        ),
        Some(Errno::BUSY | Errno::XDEV) => (
            "that file is a mount of its own, and cannot be replaced in one step".into(),
            "mount the directory into the container, not the file".into(),
        ),
        Some(Errno::NOENT | Errno::NOTDIR | Errno::EXIST) => (
            "the directory is not there, or something else has its name".into(),
            format!("make {folder} a directory of the user that runs saslgate").into(),
        ),
        Some(Errno::MFILE | Errno::NFILE) => (
            "too many files are open".into(),
            "raise the limit of open files (LimitNOFILE= in a systemd unit), or lower `sessions` in [limits]"
                .into(),
        ),
        Some(Errno::FBIG) => (
            "the limit of a file's size is too low".into(),
            "raise it (LimitFSIZE= in a systemd unit, `ulimit -f` in a shell)".into(),
        ),
        _ => (
            "the operating system refused it".into(),
            format!("see that {folder} is a directory of a local file system that saslgate may write").into(),
        ),
    }
}

/// Who runs, and whose the directory is: nearly always they are not the same.
fn denied(place: &Place) -> (Text, Text) {
    let folder = name(&place.folder);
    let me = rustix::process::geteuid().as_raw();
    let owner = fs::metadata(&place.folder).map(|folder| (folder.uid(), folder.mode() & 0o7777));
    let chown = format!("chown -R {me} {folder}");
    let (why, fix) = match owner {
        Ok((owner, mode)) if owner == me => (
            format!("the directory is saslgate's own (mode {mode:03o}), but something denies it to it"),
            format!("chmod 700 {folder}, and see what SELinux or AppArmor denies"),
        ),
        Ok((owner, mode)) => (
            format!("saslgate runs as user {me}; the directory belongs to user {owner} (mode {mode:03o})"),
            chown,
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => (
            format!("the directory is not there, and saslgate runs as user {me}, which may not make it"),
            format!("sudo install -d -m 700 -o {me} {folder}"),
        ),
        Err(_) => (
            format!("saslgate runs as user {me}, which may not look into the directory"),
            chown,
        ),
    };
    (why.into(), fix.into())
}
