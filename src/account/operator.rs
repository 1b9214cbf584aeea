//! Logins that the operator asks about: no mail client stands behind them, so no password is asked for.

use std::sync::Arc;

use super::verdict::Way;
use super::{Account, Accounts, Authorized};
use crate::name::LoginName;
use crate::provider::Protocol;

impl Accounts {
    /// Each account once, by name.
    pub fn all(&self) -> Vec<&Arc<Account>> {
        let mut all: Vec<_> = self.by_login.values().chain(self.by_domain.values()).collect();
        all.sort_by_cached_key(|account| account.name.to_string());
        all.dedup_by(|one, other| one.name == other.name);
        all
    }

    /// The account that a name means, as a login of that name would.
    pub fn meant_by(&self, name: &LoginName) -> Option<&Arc<Account>> {
        self.find(name)
    }

    /// What a right login of that name would open by one protocol, for commands of the operator and for renewals that
    /// nobody waits for. None if there is no such account, or it has no such protocol, or no mailbox.
    pub fn for_operator(&self, name: &LoginName, protocol: Protocol) -> Option<Authorized> {
        let account = self.find(name)?;
        let mailbox = account.own_mailbox(name)?;
        let way = Way {
            route: account.routes.get(&protocol)?.clone(),
            owner: account.signs_in_as.clone().unwrap_or_else(|| mailbox.clone()),
            mailbox,
        };
        Some(Authorized::new(Arc::clone(account), protocol, way, None))
    }
}
