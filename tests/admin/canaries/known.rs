//! The secrets that were there, by what they are.

use std::collections::BTreeSet;

/// Every kind that has to have been there, or the search was for less.
pub(super) const KINDS: [&str; 21] = [
    "access_token",
    "admin password",
    "bootstrap token",
    "client_secret",
    "code",
    "code_verifier",
    "cookie saslgate-session",
    "cookie saslgate-sign-in",
    "cookie saslgate-visit",
    "device_code",
    "form token",
    "id_token",
    "link",
    "local password",
    "made-up code",
    "misplaced secret",
    "refresh_token",
    "state",
    "stored password",
    "user code",
    "wrong password",
];

/// Secrets, each once.
#[derive(Default)]
pub(super) struct Secrets(BTreeSet<(String, String)>);

impl Secrets {
    pub(super) fn of(all: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(all.into_iter().collect())
    }

    pub(super) fn add(&mut self, kind: &str, secret: impl Into<String>) {
        self.0.insert((kind.to_owned(), secret.into()));
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(kind, secret)| (kind.as_str(), secret.as_str()))
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn kinds(&self) -> Vec<&str> {
        let kinds: BTreeSet<_> = self.all().map(|(kind, _)| kind).collect();
        kinds.into_iter().collect()
    }
}
