//! What every store does, and records to try it with.

pub(super) mod conformance;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Content, Record, SignIn};
use crate::oauth::{GrantKey, Owner};
use crate::secret::Secret;

/// 2026-11-21 00:00:00 UTC, so many seconds later.
pub(super) fn moment(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_219_200 + seconds)
}

/// One of 256 grants.
pub(in crate::token) fn grant(number: u8) -> GrantKey {
    GrantKey::from_hex(&format!("{number:02x}").repeat(32)).unwrap()
}

pub(super) fn sign_in(account: &str, refresh_token: &str) -> Record {
    let owner = Owner {
        oid: "0a0b0c0d-1111-2222-3333-444455556666".into(),
        tid: "aaaabbbb-1111-2222-3333-444455556666".into(),
        upn: Some(account.into()),
    };
    let sign_in = SignIn {
        owner: Some(owner),
        expected: None,
        scopes: "https://outlook.office.com/IMAP.AccessAsUser.All offline_access".into(),
        client_id: "11111111-2222-3333-4444-555555555555".into(),
        authority: "https://login.example/t/oauth2/v2.0/token".into(),
        signed_in: moment(0),
        refreshed: moment(60),
    };
    record(account, Content::SignIn(sign_in), refresh_token)
}

pub(super) fn verified(account: &str, hash: &str) -> Record {
    record(account, Content::VerifiedPassword { verified: moment(1) }, hash)
}

pub(super) fn imported(account: &str, sealed: &str) -> Record {
    record(account, Content::Imported { imported: moment(2) }, sealed)
}

fn record(account: &str, content: Content, secret: &str) -> Record {
    Record {
        account: account.into(),
        app: "app".into(),
        content,
        secret: Secret::new(secret.to_owned()),
    }
}

/// Whether two records are the same, their secrets included.
pub(super) fn same(one: &Record, other: &Record) -> bool {
    let shown = |record: &Record| format!("{record:?}");
    shown(one) == shown(other) && one.secret.expose() == other.secret.expose()
}
