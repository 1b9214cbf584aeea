//! What the token store keeps for accounts, and what it lacks before any mail client has met that.

use std::collections::HashMap;

use super::{Desk, stored};
use crate::account::state::State;
use crate::account::{Account, Authorized};
use crate::control::{StoreStatus, TroubleTold};
use crate::oauth::{App, Grant, GrantKey};
use crate::token::sign_in_command;
use crate::token::store::{Condition, Content, Listed, StoreError, Trouble};

/// What the token store has, as far as it could be read.
#[derive(Default)]
pub(super) struct Kept {
    /// None if no account needs the store.
    pub(super) store: Option<StoreStatus>,
    pub(super) records: HashMap<GrantKey, Listed>,
    /// Why it could not be read, as that is told of an account that needs it.
    pub(super) unread: Option<(State, TroubleTold)>,
}

impl Kept {
    pub(super) fn is_whole(&self) -> bool {
        self.unread.is_none()
    }
}

/// What a store that can't be read means for an account that needs it.
pub(super) fn closed(error: &StoreError) -> (State, TroubleTold) {
    let state = match error.trouble {
        Trouble::InUse => State::Waiting,
        _ => State::NeedsAdmin,
    };
    (state, stored(error))
}

impl Desk {
    /// What the token store lacks for a login, before any mail client has met it.
    pub(super) fn needs(
        &self,
        account: &Account,
        login: &Authorized,
        kept: &Kept,
    ) -> Option<(State, TroubleTold)> {
        if let Some(unread) = &kept.unread {
            // Signing in would not help: that has to be kept, too.
            let keeps = matches!(login.route().app.grant, Grant::SignIn(_) | Grant::Password(_));
            return (keeps || account.imported).then(|| unread.clone());
        }
        let links = self.admin_url.load().is_some();
        let listed = kept.records.get(&login.token_wanted().key.grant);
        let first = needs_first_login(account, &kept.records);
        first.or_else(|| needs_sign_in(account, login, listed, links))
    }
}

/// A password that no mail client has shown yet, or that is not there.
fn needs_first_login(account: &Account, records: &HashMap<GrantKey, Listed>) -> Option<(State, TroubleTold)> {
    if !account.imported {
        return None;
    }
    let name = account.name.to_string();
    let record = records.get(&GrantKey::of_local_password(&name));
    let told = |what: &str, why: &str, fix: &str| TroubleTold {
        code: None,
        what: what.to_owned(),
        why: why.to_owned(),
        fix: fix.to_owned(),
    };
    let again =
        "run `saslgate import` once more, or give the account a password of its own with `saslgate password`";
    match record.map(|record| (record.condition, &record.content)) {
        Some((Condition::Whole, Some(Content::LocalPassword { .. }))) => None,
        Some((Condition::Whole, Some(Content::Imported { .. }))) => Some((
            State::Waiting,
            told(
                "waits for its mail client's first login",
                "what another program had is sealed under the mail client's password, which nobody else knows",
                "let the mail client log in once, with the password that it had there",
            ),
        )),
        Some((Condition::Newer, _)) => Some((
            State::NeedsAdmin,
            told(
                "the password in the token store was written by a newer saslgate",
                "this one does not know its form",
                "run the newer saslgate again",
            ),
        )),
        Some(_) => Some((
            State::NeedsAdmin,
            told(
                "the password in the token store is damaged",
                "its seal does not fit: the file was changed by hand, or the disk fails",
                again,
            ),
        )),
        None => Some((
            State::NeedsAdmin,
            told(
                "the token store has no password of this account",
                "the configuration says password = \"imported\", and nothing was imported for it into this store",
                again,
            ),
        )),
    }
}

/// What is signed in, as the command wants it: of an account of several apps, which of them.
fn to_sign_in(account: &Account, login: &Authorized) -> String {
    let wanted = login.token_wanted();
    let own = &login.route().app.name;
    let is_another = |app: &App| matches!(app.grant, Grant::SignIn(_)) && app.name != *own;
    if account.routes.values().any(|route| is_another(&route.app)) {
        format!("{} --app {own}", wanted.account)
    } else {
        wanted.account.to_string()
    }
}

/// A sign-in that is missing is known before any mail client has met it.
fn needs_sign_in(
    account: &Account,
    login: &Authorized,
    listed: Option<&Listed>,
    links: bool,
) -> Option<(State, TroubleTold)> {
    if !matches!(login.route().app.grant, Grant::SignIn(_)) {
        return None;
    }
    let fix = sign_in_command(&to_sign_in(account, login), links);
    let told = |what: &str, why: &str| TroubleTold {
        code: None,
        what: what.to_owned(),
        why: why.to_owned(),
        fix: fix.clone(),
    };
    let trouble = match listed.map(|listed| listed.condition) {
        Some(Condition::Whole) => return None,
        None => told(
            "nobody has signed in yet",
            "the app acts on behalf of a person, who has to allow it once",
        ),
        Some(Condition::Damaged) => told(
            "the sign-in in the token store is damaged",
            "its seal does not fit: the file was changed by hand, or the disk fails",
        ),
        Some(Condition::Newer) => TroubleTold {
            fix: format!("run the newer saslgate again, or sign in anew with this one: `{fix}`"),
            ..told(
                "the sign-in in the token store was written by a newer saslgate",
                "this one does not know its form",
            )
        },
    };
    Some((State::NeedsSignIn, trouble))
}
