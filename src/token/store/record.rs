//! What a record holds, and what of it everybody may see.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::Generation;
use crate::name::Mailbox;
use crate::oauth::{Delegated, GrantKey, Granted, Owner};
use crate::secret::Secret;

/// A record. Times are kept to the second.
#[derive(Debug)]
pub struct Record {
    /// The account as the configuration names it, so that a record can be told when no configuration names it any more.
    pub account: Box<str>,
    /// The app as the configuration names it.
    pub app: Box<str>,
    /// What kind of secret it is, and where it comes from.
    pub content: Content,
    /// The secret: what [`Content`] says that it is.
    pub secret: Secret<String>,
}

/// What is kept, but for the secret itself. As JSON it is a line of the store's file: a name in it is for ever.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Content {
    /// A person signed in. The secret is the newest refresh token.
    SignIn(SignIn),
    /// A provider has said that a password is right, so that a restart need not ask it again. The secret is the
    /// password's hash.
    VerifiedPassword {
        /// When the provider said so.
        #[serde(with = "seconds")]
        verified: SystemTime,
    },
    /// What another program had of an account, still sealed under a password that only its owner knows. The secret is
    /// [what was sealed](crate::token::imported::Sealed): whoever has it can guess at the password.
    Imported {
        /// When it was brought in.
        #[serde(with = "seconds")]
        imported: SystemTime,
    },
    /// The local password of an account, by which another program knew its mail client. The secret is its hash.
    LocalPassword {
        /// When the mail client first showed it.
        #[serde(with = "seconds")]
        since: SystemTime,
    },
    /// A link was made by which a person may sign in. The secret is a digest of it: the link itself is kept nowhere.
    SignInLink {
        /// Who asks the person to sign in.
        asked_by: Box<str>,
        /// Until when it is good.
        #[serde(with = "seconds")]
        expires: SystemTime,
    },
}

/// A sign-in: what renews access tokens without the person.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignIn {
    /// Who signed in, where the provider tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Who should: as the configuration named them then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Box<str>>,
    /// What was consented to, space-separated.
    pub scopes: Box<str>,
    /// The app registration's client id.
    pub client_id: Box<str>,
    /// Where it was: the token endpoint with its tenant in it.
    pub authority: Box<str>,
    /// When the person signed in.
    #[serde(with = "seconds")]
    pub signed_in: SystemTime,
    /// When the refresh token came: unused ones die after 90 days.
    #[serde(with = "seconds")]
    pub refreshed: SystemTime,
}

impl SignIn {
    /// One that has just come about: what `granted` brought for an app, asked for on behalf of `expected`.
    pub fn begun(app: &Delegated, expected: &Mailbox, granted: &Granted) -> Self {
        let now = SystemTime::now();
        let scopes = granted.scope.clone();
        Self {
            owner: granted.owner.clone(),
            expected: Some(expected.as_str().into()),
            scopes: scopes.unwrap_or_else(|| app.scopes.to_string().into()),
            client_id: app.registration.client_id.clone(),
            authority: app.registration.token_url.as_str().into(),
            signed_in: now,
            refreshed: now,
        }
    }
}

/// What everybody who may read the file may know of a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// Whose it is.
    pub key: GrantKey,
    /// Its generation.
    pub generation: Generation,
    /// The account as the configuration names it.
    pub account: Box<str>,
    /// The app as the configuration names it.
    pub app: Box<str>,
    /// What it holds; `None` if only a newer saslgate knows.
    pub content: Option<Content>,
    /// Whether it can be opened.
    pub condition: Condition,
}

/// Whether a record can be opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Condition {
    /// It can.
    Whole,
    /// Its seal does not fit, or it is not where it belongs. It is kept as it is.
    Damaged,
    /// A newer saslgate wrote something that this one does not know. It is kept as it is.
    Newer,
}

impl Listed {
    /// What is to be seen of a record that can be opened.
    pub(super) fn of(key: GrantKey, generation: Generation, record: &Record) -> Self {
        Self {
            key,
            generation,
            account: record.account.clone(),
            app: record.app.clone(),
            content: Some(record.content.clone()),
            condition: Condition::Whole,
        }
    }
}

/// A list in its order: by account, then app. A generation is one record's alone.
pub(super) fn in_order(records: impl Iterator<Item = Listed>) -> Vec<Listed> {
    let mut records: Vec<_> = records.collect();
    let order = |of: &Listed| (of.account.clone(), of.app.clone(), of.generation);
    records.sort_by_cached_key(order);
    records
}

/// A moment as seconds since 1970, which every language reads; what was before becomes 0.
mod seconds {
    use std::time::{Duration, SystemTime};

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(moment: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
        let since = moment.duration_since(SystemTime::UNIX_EPOCH);
        to.serialize_u64(since.unwrap_or_default().as_secs())
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<SystemTime, D::Error> {
        let since = Duration::from_secs(u64::deserialize(from)?);
        let moment = SystemTime::UNIX_EPOCH.checked_add(since);
        moment.ok_or_else(|| D::Error::custom("a time beyond all times"))
    }
}
