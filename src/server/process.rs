//! The process as a whole: how many files it may open, and that its memory stays its own.

use std::fs;

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// Descriptors that are not sessions: listeners, log, token endpoint, commands, the runtime's own.
const RESERVED: u64 = 64;

/// Descriptors of one relayed session: the mail client's and upstream's.
const PER_SESSION: u64 = 2;

/// What is assumed where the system names no limit at all.
const UNLIMITED: u64 = 1 << 20;

/// Raises the limit of open files to its hard limit and tells how many sessions fit in it.
pub fn raise_open_files() -> usize {
    let limits = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limits.maximum,
        maximum: limits.maximum,
    };
    // A refused raise leaves the soft limit, which is then what counts.
    let files = if setrlimit(Resource::Nofile, raised).is_ok() {
        limits.maximum
    } else {
        limits.current
    };
    usize::try_from(files.unwrap_or(UNLIMITED).saturating_sub(RESERVED) / PER_SESSION).unwrap_or(usize::MAX)
}

/// How many files and sockets are open; none where the system does not tell.
pub(super) fn open_files() -> Option<u64> {
    let listed = fs::read_dir("/proc/self/fd").or_else(|_| fs::read_dir("/dev/fd"));
    // The one by which they are listed is not counted.
    listed
        .ok()
        .map(|listed| (listed.count() as u64).saturating_sub(1))
}

/// How many may be; none if there is no limit.
pub(super) fn open_files_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Keeps passwords and tokens out of core files, and other processes of the same user out of our memory.
pub fn keep_memory_private() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core files can't be turned off; a crash could write tokens to disk");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "the process can't be made undumpable; other processes of this user can read its memory");
    }
}
