//! What a reload changes: two configurations compared, nothing applied.

use std::collections::BTreeMap;
use std::fmt;

use super::fingerprint::Fingerprint;
use super::snapshot::{AccountPrint, Snapshot};
use crate::account::password::PasswordId;

/// What the next configuration changes, by names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ReloadPlan {
    /// Accounts.
    pub accounts: Changes<AccountChange>,
    /// Apps.
    pub apps: Changes<String>,
    /// Listeners, each `protocol address …`. One with another address is another listener.
    pub listeners: Changes<String>,
    /// What holds for everything and differs: `[limits]`, `[upstream]`, `[log]`, `[server]`, `[alert]`, `[admin]`, and what only a start looks at.
    pub tables: Vec<&'static str>,
}

/// What is looked at when saslgate starts and not again: another process may hold the one, commands use the other, and both are
/// what tells a second saslgate from the first.
const AT_THE_START: [&str; 4] = [
    "[store]",
    "`control` of [server]",
    "`format` of [log]",
    "[health]",
];

/// What became of things of one kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Changes<Changed> {
    /// New ones.
    pub added: Vec<String>,
    /// Those that are in both and differ.
    pub changed: Vec<Changed>,
    /// Those that are gone: what goes on in their name has to end.
    pub removed: Vec<String>,
    /// Those that are as before.
    pub kept: Vec<String>,
}

impl<Changed> Default for Changes<Changed> {
    fn default() -> Self {
        Self {
            added: Vec::new(),
            changed: Vec::new(),
            removed: Vec::new(),
            kept: Vec::new(),
        }
    }
}

impl<Changed> Changes<Changed> {
    /// Whether all is as before.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// An account that is in both and differs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccountChange {
    /// Its name.
    pub name: String,
    /// What differs: `passwords`, `logins`, `mailbox`, `routes`, `networks`, `upstream password`, `watch`, `notices`.
    pub what: Vec<&'static str>,
    /// The passwords that are gone: sessions that came with one have to end. None is the chosen password.
    pub passwords_removed: Vec<Option<PasswordId>>,
}

/// Compares the configuration in use with the next one.
pub fn diff(old: &Snapshot, new: &Snapshot) -> ReloadPlan {
    let tables = [
        ("[limits]", old.limits != new.limits),
        ("[upstream]", old.upstream != new.upstream),
        (
            "[log]",
            (&old.log.level, old.log.audit) != (&new.log.level, new.log.audit),
        ),
        ("[server]", old.server != new.server),
        ("[alert]", old.alert != new.alert),
        ("[admin]", old.admin != new.admin),
        (AT_THE_START[0], old.store != new.store),
        (AT_THE_START[1], old.control != new.control),
        (AT_THE_START[2], old.log.format != new.log.format),
        (AT_THE_START[3], old.health != new.health),
    ];
    ReloadPlan {
        accounts: changes(&old.accounts, &new.accounts, account),
        apps: changes(&old.apps, &new.apps, plain),
        listeners: changes(&old.listeners, &new.listeners, plain),
        tables: tables
            .into_iter()
            .filter(|(_, differs)| *differs)
            .map(|(name, _)| name)
            .collect(),
    }
}

fn changes<T, Changed>(
    old: &BTreeMap<String, T>,
    new: &BTreeMap<String, T>,
    change: impl Fn(&str, &T, &T) -> Option<Changed>,
) -> Changes<Changed> {
    let mut changes = Changes::default();
    for (name, after) in new {
        match old.get(name).map(|before| change(name, before, after)) {
            None => changes.added.push(name.clone()),
            Some(None) => changes.kept.push(name.clone()),
            Some(Some(changed)) => changes.changed.push(changed),
        }
    }
    changes.removed = old
        .keys()
        .filter(|name| !new.contains_key(*name))
        .cloned()
        .collect();
    changes
}

fn plain(name: &str, before: &Fingerprint, after: &Fingerprint) -> Option<String> {
    (before != after).then(|| name.to_owned())
}

fn account(name: &str, before: &AccountPrint, after: &AccountPrint) -> Option<AccountChange> {
    let mut what = Vec::new();
    if before.passwords != after.passwords {
        what.push("passwords");
    }
    for ((part, before), (_, after)) in before.parts.iter().zip(&after.parts) {
        if before != after {
            what.push(part);
        }
    }
    let gone = before
        .passwords
        .iter()
        .filter(|password| !after.passwords.contains(password));
    (!what.is_empty()).then(|| AccountChange {
        name: name.to_owned(),
        what,
        passwords_removed: gone.map(|(id, _)| *id).collect(),
    })
}

impl ReloadPlan {
    /// Whether both configurations mean the same.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
            && self.apps.is_empty()
            && self.listeners.is_empty()
            && self.tables.is_empty()
    }

    /// What takes effect only when saslgate starts anew.
    pub fn needs_restart(&self) -> impl Iterator<Item = &'static str> {
        let tables = self.tables.iter().copied();
        tables.filter(|table| AT_THE_START.contains(table))
    }
}

/// One line for the log: `+2 accounts, 1 changed, listener imap 127.0.0.1:1143 kept`.
impl fmt::Display for ReloadPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        count("account", &self.accounts, &mut parts);
        count("app", &self.apps, &mut parts);
        if parts.is_empty() {
            parts.push("accounts and apps unchanged".to_owned());
        }
        count("listener", &self.listeners, &mut parts);
        match self.listeners.kept.as_slice() {
            [] => {}
            [one] => parts.push(format!("listener {one} kept")),
            several => parts.push(format!("{} listeners kept", several.len())),
        }
        let now = self.tables.iter().filter(|table| !AT_THE_START.contains(table));
        parts.extend(now.map(|table| format!("{table} changed")));
        parts.extend(self.needs_restart().map(|what| format!("{what} needs a restart")));
        f.write_str(&parts.join(", "))
    }
}

/// The noun is said once.
fn count<Changed>(noun: &str, changes: &Changes<Changed>, parts: &mut Vec<String>) {
    let counts = [
        ("+", changes.added.len(), ""),
        ("", changes.changed.len(), " changed"),
        ("", changes.removed.len(), " removed"),
    ];
    let mut said = false;
    for (sign, number, verb) in counts.into_iter().filter(|(_, number, _)| *number > 0) {
        let noun = match (said, number) {
            (true, _) => String::new(),
            (false, 1) => format!(" {noun}"),
            (false, _) => format!(" {noun}s"),
        };
        parts.push(format!("{sign}{number}{noun}{verb}"));
        said = true;
    }
}
