//! Why there is no token, in the operator's words.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Who can mend it. Everything that follows from a failure follows from this, never from its text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A person has to sign in at the provider.
    NeedsSignIn,
    /// The provider says that the person's password is wrong, or that it knows no such person.
    WrongPassword,
    /// The person's password is right and has to be changed.
    PasswordExpired,
    /// The configuration here, or the app registration or tenant there, has to change.
    Misconfigured,
    /// It may pass by itself.
    Temporary {
        /// How long the provider asks to be left alone (`Retry-After`), when it says so.
        retry_after: Option<Duration>,
    },
}

/// Why there is no token. No field ever holds a token, a client secret, or a control character.
#[derive(Clone, Debug)]
pub struct TokenError {
    /// Who can mend it.
    pub kind: Kind,
    /// The provider's own name for it: `AADSTS7000215`, or a word of RFC 6749 5.2.
    pub code: Option<Box<str>>,
    /// What happened.
    pub what: Cow<'static, str>,
    /// What causes this.
    pub why: Cow<'static, str>,
    /// What mends it.
    pub fix: Cow<'static, str>,
    /// What the provider, the network or the command itself said, on one line; trace ids stay in it.
    pub detail: Option<Box<str>>,
}

impl TokenError {
    /// An error without a code or a detail.
    pub(crate) fn new(
        kind: Kind,
        what: impl Into<Cow<'static, str>>,
        why: impl Into<Cow<'static, str>>,
        fix: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            code: None,
            what: what.into(),
            why: why.into(),
            fix: fix.into(),
            detail: None,
        }
    }

    /// One that may pass by itself, when nobody said how soon.
    pub(crate) fn temporary(
        what: impl Into<Cow<'static, str>>,
        why: impl Into<Cow<'static, str>>,
        fix: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Kind::Temporary { retry_after: None }, what, why, fix)
    }

    /// One that stays until somebody changes a setting.
    pub(crate) fn misconfigured(
        what: impl Into<Cow<'static, str>>,
        why: impl Into<Cow<'static, str>>,
        fix: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Kind::Misconfigured, what, why, fix)
    }

    /// The same, with what was said about it. The text has to be made readable before.
    pub(crate) fn with_detail(mut self, detail: impl Into<Box<str>>) -> Self {
        let detail = detail.into();
        self.detail = (!detail.is_empty()).then_some(detail);
        self
    }

    /// Whether it may pass by itself.
    pub fn is_temporary(&self) -> bool {
        matches!(self.kind, Kind::Temporary { .. })
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(detail) = &self.detail {
            write!(f, " ({detail})")?;
        }
        Ok(())
    }
}

impl Error for TokenError {}
