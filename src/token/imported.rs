//! What other programs left: tokens under the passwords of their mail clients.
//!
//! email-oauth2-proxy has no passwords of its own. Whatever a mail client sends with its first login becomes the key under which
//! the account's tokens are sealed, and whoever opens them later knew it. So they are kept as they are, and each mail
//! client's first login here opens its own: that password becomes the account's, the token a sign-in as any other.

mod judge;

use std::fmt;
use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::fernet::Fernet;
use super::store::{Content, Record};
use crate::account::{Candidate, RefusedLogin, Spelling};
use crate::secret::Secret;

/// What email-oauth2-proxy has derived its keys with: since January 2025, and before October 2023, when it did not yet write it down.
const USUAL: u32 = 1_200_000;
const FIRST: u32 = 100_000;

/// More would keep a processor busy for seconds at each guess.
const MOST: u32 = 10_000_000;

/// A Fernet token under a password, with all that it takes to open it but that password.
pub struct Sealed {
    salt: Vec<u8>,
    iterations: Vec<NonZeroU32>,
    token: String,
    holds: Holds,
    used: Option<u64>,
}

/// What is in it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// A refresh token.
    RefreshToken,
    /// Something that is of no use any more, but was sealed under the password: it tells who knows that.
    Proof,
}

/// As the other program wrote it.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// The salt, in base64.
    pub salt: &'a str,
    /// How often it was hashed, if that was written down.
    pub iterations: Option<u32>,
    /// The Fernet token.
    pub token: &'a str,
    /// What is in it.
    pub holds: Holds,
    /// When it was last used, in seconds since 1970: an unused refresh token ends after 90 days.
    pub used: Option<u64>,
}

/// Why something can't be what it should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SealedError {
    /// The salt.
    #[error("its salt (`token_salt`) is no base64, or is empty")]
    Salt,
    /// The iterations.
    #[error("its number of iterations (`token_iterations`) is 0 or more than ten million")]
    Iterations,
    /// The token.
    #[error("its token was not sealed by email-oauth2-proxy, or was damaged since")]
    Token,
}

/// As it is kept. A name in it is for ever.
#[derive(Deserialize, Serialize)]
struct Kept<'a> {
    salt: &'a str,
    iterations: Vec<u32>,
    holds: Holds,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used: Option<u64>,
    fernet: &'a str,
}

impl Sealed {
    /// Takes what another program wrote.
    pub fn new(written: Written<'_>) -> Result<Self, SealedError> {
        let first = match written.iterations {
            Some(iterations) => vec![iterations, USUAL, FIRST],
            None => vec![USUAL, FIRST],
        };
        let mut iterations = Vec::new();
        for count in first {
            if !iterations.contains(&count) {
                iterations.push(count);
            }
        }
        Self::of(written, &iterations)
    }

    fn of(written: Written<'_>, iterations: &[u32]) -> Result<Self, SealedError> {
        let salt = STANDARD.decode(written.salt).map_err(|_| SealedError::Salt)?;
        if salt.is_empty() {
            return Err(SealedError::Salt);
        }
        let counted = |count: &u32| NonZeroU32::new(*count).filter(|count| count.get() <= MOST);
        let iterations: Option<Vec<_>> = iterations.iter().map(counted).collect();
        Fernet::read(written.token).ok_or(SealedError::Token)?;
        Ok(Self {
            salt,
            iterations: iterations
                .filter(|all| !all.is_empty())
                .ok_or(SealedError::Iterations)?,
            token: written.token.to_owned(),
            holds: written.holds,
            used: written.used,
        })
    }

    /// As it is kept in the store.
    pub fn stored(&self) -> Secret<String> {
        let salt = STANDARD.encode(&self.salt);
        let kept = Kept {
            salt: &salt,
            iterations: self.iterations.iter().map(|count| count.get()).collect(),
            holds: self.holds,
            used: self.used,
            fernet: &self.token,
        };
        Secret::new(serde_json::to_string(&kept).unwrap_or_default())
    }

    fn read(text: &Secret<String>) -> Option<Self> {
        let kept: Kept<'_> = serde_json::from_str(text.expose()).ok()?;
        let written = Written {
            salt: kept.salt,
            iterations: None,
            token: kept.fernet,
            holds: kept.holds,
            used: kept.used,
        };
        Self::of(written, &kept.iterations).ok()
    }

    /// What is in it, if a candidate has the password.
    async fn opened(&self, candidate: &Candidate<'_>) -> Result<Option<Secret<String>>, RefusedLogin> {
        let Some(token) = Fernet::read(&self.token) else {
            return Ok(None);
        };
        for spelling in [Spelling::Plain, Spelling::Escaped] {
            for iterations in &self.iterations {
                let derived = candidate.derived(spelling, &self.salt, *iterations).await?;
                let opened = derived.and_then(|key| token.open(&key));
                if opened.is_some() {
                    return Ok(opened);
                }
            }
        }
        Ok(None)
    }

    fn last_used(&self) -> Option<SystemTime> {
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(self.used?))
    }
}

/// Shows what a guess costs, never what can be guessed at.
impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({:?}, {:?})", self.holds, self.iterations)
    }
}

/// The record that keeps what another program had of an account.
pub fn record(account: &str, app: &str, sealed: &Sealed) -> Record {
    let imported = SystemTime::now();
    kept(account, app, Content::Imported { imported }, sealed.stored())
}

fn kept(account: &str, app: &str, content: Content, secret: Secret<String>) -> Record {
    Record {
        account: account.into(),
        app: app.into(),
        content,
        secret,
    }
}
