//! How many requests for tokens there were, by how they ended.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::oauth::{Kind, TokenError};

/// Requests for tokens since the start. The sum of all fields is what the providers and commands have seen of us.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// A new token came.
    pub issued: u64,
    /// The token came that was there already.
    pub same: u64,
    /// It failed and may pass by itself.
    pub temporary: u64,
    /// It failed and somebody has to change a setting.
    pub misconfigured: u64,
    /// It failed and a person has to sign in.
    pub needs_sign_in: u64,
}

/// The counters behind [`Counts`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    issued: AtomicU64,
    same: AtomicU64,
    temporary: AtomicU64,
    misconfigured: AtomicU64,
    needs_sign_in: AtomicU64,
}

impl Counters {
    pub(super) fn issued(&self) {
        self.issued.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn same(&self) {
        self.same.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, error: &TokenError) {
        let counter = match error.kind {
            Kind::Temporary { .. } => &self.temporary,
            Kind::Misconfigured => &self.misconfigured,
            Kind::NeedsSignIn | Kind::WrongPassword | Kind::PasswordExpired => &self.needs_sign_in,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Counts {
        Counts {
            issued: self.issued.load(Ordering::Relaxed),
            same: self.same.load(Ordering::Relaxed),
            temporary: self.temporary.load(Ordering::Relaxed),
            misconfigured: self.misconfigured.load(Ordering::Relaxed),
            needs_sign_in: self.needs_sign_in.load(Ordering::Relaxed),
        }
    }
}
