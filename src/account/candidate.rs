//! A login whose password only the provider can judge: nothing here stores one for the account.

use std::fmt;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::Pattern;
use super::check::Shared;
use super::hashing::Busy;
use super::password::{ChosenHash, Cost, PasswordHash};
use super::throttle::Admission;
use super::verdict::{Authorized, RefusedLogin, TokenWanted};
use super::verified::Digest;
use crate::secret::Secret;

/// A login that may be right. It takes its place among the guesses until somebody has said whether it is; dropped
/// without a word it counts as a wrong one.
pub struct Candidate<'a> {
    login: Authorized,
    password: Arc<Secret<String>>,
    admission: Admission<'a>,
    shared: &'a Shared,
}

impl<'a> Candidate<'a> {
    pub(super) fn new(
        login: Authorized,
        password: Arc<Secret<String>>,
        admission: Admission<'a>,
        shared: &'a Shared,
    ) -> Self {
        Self {
            login,
            password,
            admission,
            shared,
        }
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
        self.login.with_password(self.password)
    }

    /// The password is wrong. Takes a moment, as every wrong one does.
    pub async fn wrong(self) -> RefusedLogin {
        self.admission.wrong().await;
        RefusedLogin::WrongPassword
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
