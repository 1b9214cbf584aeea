//! What goes wrong with a store, in the operator's words.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// Which trouble it is. Everything that follows from an error follows from this, never from its text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// Another process has it; it may be free later.
    InUse,
    /// It is sealed with another key.
    WrongKey,
    /// Its key is missing, is none, or others could replace it.
    NoKey,
    /// A newer saslgate wrote the file.
    NewerVersion,
    /// Neither the file nor the one before it can be read.
    Damaged,
    /// One record can't be opened.
    RecordDamaged,
    /// One record holds something that only a newer saslgate knows.
    RecordNewer,
    /// Its path leads to something that is no file of ours.
    NotAFile,
    /// The system refuses to read or to write it.
    Disk,
    /// It was closed, because saslgate is ending.
    Closed,
    /// A defect of saslgate.
    Defect,

    /// The key lies beside the store.
    KeyBeside,
    /// Other users of the machine can read the store or its key, or put another in its place.
    Exposed,
    /// Nothing keeps a second process out.
    NotLocked,
    /// The file could not be read; the one before it was.
    FromPrevious,
    /// The file holds lines that do not belong in it.
    Strange,
    /// One record is an older one, from the file before.
    RecordOlder,
}

/// Why a store can't answer, why a record can't be read, or what somebody should know of a store that opened all the
/// same. No field ever holds a secret or a control character.
#[derive(Clone, Debug)]
pub struct StoreError {
    /// Which trouble it is.
    pub trouble: Trouble,
    /// What happened.
    pub what: Cow<'static, str>,
    /// What causes this.
    pub why: Cow<'static, str>,
    /// What mends it.
    pub fix: Cow<'static, str>,
}

impl StoreError {
    pub(super) fn new(
        trouble: Trouble,
        what: impl Into<Cow<'static, str>>,
        why: impl Into<Cow<'static, str>>,
        fix: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            trouble,
            what: what.into(),
            why: why.into(),
            fix: fix.into(),
        }
    }

    pub(super) fn closed() -> Self {
        Self::new(
            Trouble::Closed,
            "the token store is closed",
            "saslgate is shutting down",
            "wait until it has started again, then try again",
        )
    }

    /// Another process has it, and may let it go any moment.
    pub(in crate::token) fn still_opening() -> Self {
        Self::new(
            Trouble::InUse,
            "the token store is not open yet",
            "another saslgate still has it; one that is ending lets it go within seconds",
            "wait; if another saslgate goes on running, stop it, or give this one another `path` in [store]",
        )
    }

    pub(in crate::token) fn defect(what: &'static str) -> Self {
        Self::new(
            Trouble::Defect,
            what,
            "saslgate has a defect, or the machine has no randomness or memory left",
            "restart saslgate; if it comes back, report it where you got saslgate from, with the lines of the log before this one",
        )
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for StoreError {}
