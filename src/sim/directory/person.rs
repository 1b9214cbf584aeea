//! A person with an account: the sign-in name, the password, and what a policy demands of them.

use std::fmt;
use std::fmt::Write as _;

use aws_lc_rs::digest;

/// What multi-factor authentication means for an account. A browser passes it; a password alone does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mfa {
    /// Nothing.
    #[default]
    Off,
    /// It is asked for.
    Required,
    /// It is asked for, and the person has not set it up yet.
    NotSetUp,
}

/// Someone who signs in. The domain of the sign-in name says to which tenant they belong.
#[derive(Clone)]
pub struct Person {
    /// The sign-in name (UPN), which need not be an address that receives mail.
    pub upn: String,
    /// Further names that they may sign in with.
    pub sign_in_aliases: Vec<String>,
    /// The account's object id; derived from the sign-in name, so that it is the same in every run.
    pub object_id: String,
    /// The name that is shown.
    pub name: String,
    /// The password; `None` when there is none in the directory.
    pub password: Option<String>,
    /// Whether the password has to be changed first.
    pub password_expired: bool,
    /// Whether sign-in is blocked, as it is for shared mailboxes.
    pub disabled: bool,
    /// Whether they may consent for everybody.
    pub admin: bool,
    /// What is asked for beside the password.
    pub mfa: Mfa,
    /// Whether Conditional Access lets them in nowhere.
    pub blocked_by_policy: bool,
    /// How often all their sessions were revoked; a refresh token from before is dead.
    pub(crate) revocations: u32,
    /// How often their password was changed; a public app's refresh token from before is dead.
    pub(crate) password_changes: u32,
}

impl Person {
    /// An account without a password that may sign in.
    pub fn new(upn: impl Into<String>) -> Self {
        let upn = upn.into();
        Self {
            sign_in_aliases: Vec::new(),
            object_id: object_id(&upn),
            name: upn.split('@').next().unwrap_or_default().to_owned(),
            upn,
            password: None,
            password_expired: false,
            disabled: false,
            admin: false,
            mfa: Mfa::Off,
            blocked_by_policy: false,
            revocations: 0,
            password_changes: 0,
        }
    }

    /// Sets the first password.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Makes them an administrator.
    #[must_use]
    pub fn admin(mut self) -> Self {
        self.admin = true;
        self
    }

    /// Adds another name to sign in with.
    #[must_use]
    pub fn alias(mut self, name: impl Into<String>) -> Self {
        self.sign_in_aliases.push(name.into());
        self
    }

    /// Changes the password, which ends the sign-ins that a public app got for them (but not a confidential app's).
    pub fn change_password(&mut self, password: impl Into<String>) {
        self.password = Some(password.into());
        self.password_expired = false;
        self.password_changes += 1;
    }

    /// "Revoke sessions" in the admin center: every refresh token of theirs is dead.
    pub fn revoke_sessions(&mut self) {
        self.revocations += 1;
    }

    /// Whether they may sign in with this name.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.upn.eq_ignore_ascii_case(name)
            || self
                .sign_in_aliases
                .iter()
                .any(|alias| alias.eq_ignore_ascii_case(name))
    }
}

/// Never the password.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person")
            .field("upn", &self.upn)
            .field("object_id", &self.object_id)
            .finish_non_exhaustive()
    }
}

/// A GUID of the sign-in name.
fn object_id(upn: &str) -> String {
    let hash = digest::digest(&digest::SHA256, upn.to_ascii_lowercase().as_bytes());
    let hex = hash
        .as_ref()
        .iter()
        .take(16)
        .fold(String::new(), |mut hex, byte| {
            // Writing to a string can't fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
    let part = |range| hex.get(range).unwrap_or_default();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0..8),
        part(8..12),
        part(13..16),
        part(17..20),
        part(20..32)
    )
}
