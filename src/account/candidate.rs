//! A login whose password the configuration can't judge: the provider does, or what the token store keeps.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::Pattern;
use super::check::Shared;
use super::hashing::{Busy, Derived};
use super::password::{ChosenHash, Cost, PasswordHash};
use super::throttle::Admission;
use super::verdict::{Authorized, RefusedLogin, TokenWanted};
use super::verified::Digest;
use crate::secret::Secret;

/// Who says whether a password is right that the configuration has no hash of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Judge {
    /// The provider, by the password grant.
    Provider,
    /// What the token store keeps of the account: a hash, or what another program had sealed under the password.
    Store,
}

/// How a password was written when another program derived a key from it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Spelling {
    /// As it was typed.
    Plain,
    /// With each backslash twice, as it stands in a quoted string of IMAP (RFC 3501 9): a program that does not read the
    /// escape takes both for the password.
    Escaped,
}

/// A login that may be right. It takes its place among the guesses until somebody has said whether it is; dropped
/// without a word it counts as a wrong one.
pub struct Candidate<'a> {
    login: Authorized,
    judge: Judge,
    password: Arc<Secret<String>>,
    admission: Admission<'a>,
    shared: &'a Shared,
}

impl<'a> Candidate<'a> {
    pub(super) fn new(
        (login, judge): (Authorized, Judge),
        password: Arc<Secret<String>>,
        admission: Admission<'a>,
        shared: &'a Shared,
    ) -> Self {
        Self {
            login,
            judge,
            password,
            admission,
            shared,
        }
    }

    /// Who is to say whether it is right.
    pub fn judge(&self) -> Judge {
        self.judge
    }

    /// The token that the login would need: asking for it opens nothing.
    pub fn token_wanted(&self) -> TokenWanted {
        self.login.token_wanted()
    }

    /// What the configuration calls the account.
    pub fn account(&self) -> &Pattern {
        &self.login.account().name
    }

    /// What was typed.
    pub fn password(&self) -> &Arc<Secret<String>> {
        &self.password
    }

    /// Whether this very password was found right a moment ago.
    pub fn is_remembered(&self) -> bool {
        self.shared.verified().contains(&self.digest())
    }

    /// Whether it is the password that [`Self::kept`] was made of; [`RefusedLogin::Busy`] if more passwords are being hashed
    /// than this machine can.
    pub async fn is(&self, kept: &Secret<String>) -> Result<bool, RefusedLogin> {
        let Ok(PasswordHash::Chosen(hash)) = PasswordHash::parse(kept.expose()) else {
            return Ok(false);
        };
        let hashing = self.shared.hashing();
        let right = hashing
            .is_chosen(&hash, &self.password, self.admission.queue())
            .await;
        right.map_err(|Busy| RefusedLogin::Busy)
    }

    /// What PBKDF2 with HMAC-SHA-256 makes of the password; none if that spelling is no other than the plain one, and
    /// [`RefusedLogin::Busy`] if more keys are being derived than this machine can.
    pub async fn derived(
        &self,
        spelling: Spelling,
        salt: &[u8],
        iterations: NonZeroU32,
    ) -> Result<Option<Derived>, RefusedLogin> {
        let password = match spelling {
            Spelling::Plain => Arc::clone(&self.password),
            Spelling::Escaped if !self.password.expose().contains('\\') => return Ok(None),
            Spelling::Escaped => Arc::new(Secret::new(self.password.expose().replace('\\', "\\\\"))),
        };
        let derived = self
            .shared
            .hashing()
            .derive(password, salt.into(), iterations, self.admission.queue());
        derived.await.map(Some).map_err(|Busy| RefusedLogin::Busy)
    }

    /// Whether no account waits any more for the first login that shows its password: an attempt that meets no account
    /// then costs what a usual hash costs.
    pub fn some_wait(&self, some: bool) {
        self.shared.some_wait(some);
    }

    /// A slow hash of the password, to know it again by after a restart; none if there is no memory for it now.
    pub async fn kept(&self) -> Option<Secret<String>> {
        let password = Arc::clone(&self.password);
        let hashed = spawn_blocking(move || ChosenHash::make(&password, Cost::default()));
        let hash = PasswordHash::Chosen(hashed.await.ok()?.ok()?);
        Some(Secret::new(hash.stored()))
    }

    /// The password is right.
    pub fn right(self) -> Authorized {
        self.shared.verified().remember(self.digest());
        self.admission.right();
        match self.judge {
            Judge::Provider => self.login.with_password(self.password),
            Judge::Store => self.login,
        }
    }

    /// The password is wrong. Takes a moment, as every wrong one does.
    pub async fn wrong(self) -> RefusedLogin {
        self.admission.wrong().await;
        RefusedLogin::WrongPassword
    }

    /// There is none that could be right. Takes as long as a wrong one.
    pub async fn has_none(self) -> RefusedLogin {
        self.admission.wrong().await;
        RefusedLogin::NoPasswordSet
    }

    /// Nobody could say whether it is right.
    pub fn undecided(self) {
        self.admission.not_looked_at();
    }

    fn digest(&self) -> Digest {
        let TokenWanted { key, account, .. } = self.token_wanted();
        let parts: [&[u8]; 2] = [account.as_bytes(), key.grant.bytes()];
        self.shared.verified().digest_by_provider(parts, &self.password)
    }
}

impl fmt::Debug for Candidate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Candidate({})", self.login.account().name)
    }
}
