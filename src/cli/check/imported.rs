//! Accounts whose password the token store should have: whether it does.

use std::fmt::Write as _;

use crate::account::Account;
use crate::config::Config;
use crate::oauth::GrantKey;
use crate::token::store::{Content, FileStore, Listed};

/// What is to be told, and whether the configuration can be used in spite of it.
pub(super) struct Missing {
    pub(super) text: String,
    pub(super) is_error: bool,
}

/// Looks for what `password = "imported"` promises; none if all of it is there.
pub(super) fn missing(config: &Config) -> Option<Missing> {
    let imported: Vec<_> = config
        .accounts
        .iter()
        .filter(|account| account.imported)
        .collect();
    if imported.is_empty() {
        return None;
    }
    let path = &config.state.store.path;
    let listed = match FileStore::at_a_glance(path) {
        Ok(listed) => listed,
        Err(error) => {
            let text = format!(
                "warning: the token store {} can't be read, so it is not known whether it has the imported passwords: {error}\n  \
                 fix: run this command as the user that saslgate runs as (`sudo -u saslgate saslgate check`)\n",
                path.display()
            );
            let is_error = false;
            return Some(Missing { text, is_error });
        }
    };
    let mut text = String::new();
    for account in imported.into_iter().filter(|account| !has(&listed, account)) {
        let _ = writeln!(
            text,
            "error: {}: the token store {} has no password of this account\n  \
             why: its password is \"imported\", and nothing was imported for it into this store\n  \
             fix: run `saslgate import` with this configuration's store, or write the line that `saslgate password` prints",
            account.name,
            path.display()
        );
    }
    (!text.is_empty()).then_some(Missing { text, is_error: true })
}

fn has(listed: &[Listed], account: &Account) -> bool {
    let key = GrantKey::of_local_password(&account.name.to_string());
    let is_password =
        |content: &Content| matches!(content, Content::Imported { .. } | Content::LocalPassword { .. });
    let mut records = listed.iter().filter(|record| record.key == key);
    records.any(|record| record.content.as_ref().is_none_or(is_password))
}
