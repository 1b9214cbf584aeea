//! Which account a login means.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::password::{ChosenHash, Cost, GeneratedHash, PasswordHash, PasswordId};
use super::{Account, Pattern, Shared};
use crate::devices::Devices;
use crate::name::{LoginName, Mailbox};

/// Every account of one configuration. A reload makes a new one; what attempts have taught stays in [`Shared`].
#[derive(Debug)]
pub struct Accounts {
    pub(super) by_login: HashMap<LoginName, Arc<Account>>,
    pub(super) by_domain: HashMap<Box<str>, Arc<Account>>,
    /// What the chosen passwords cost, one entry each: failing attempts cost one of these. Empty if none is chosen.
    pub(super) costs: Vec<Work>,
    /// Each listener's devices that need no password.
    pub(super) devices: Vec<Arc<Devices>>,
    pub(super) shared: Shared,
}

/// What finding out whether a chosen password is right costs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Work {
    /// A hash of that cost.
    Hash(Cost),
    /// A usual hash; a key, as long as another program's seal has not been opened.
    Imported,
}

/// Why accounts cannot be used together: each would make a login ambiguous.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AccountsError {
    /// Two accounts answer to one login.
    #[error("two accounts answer to {0}: a login must mean one account, so remove one of them")]
    SameLogin(String),
    /// An attempt may cost one slow hash, so an account has one password to spend it on.
    #[error("account {0} has two chosen passwords (`sg2:`): keep one, generated ones (`sg1:`) may be many")]
    TwoChosen(String),
    /// The id in front of a generated password picks the hash.
    #[error(
        "account {account} has two generated passwords with the id {id}: make another with `saslgate password`"
    )]
    SameId {
        /// Which account.
        account: String,
        /// Which id.
        id: PasswordId,
    },
}

impl Accounts {
    /// Takes the accounts of a configuration.
    pub fn new(accounts: Vec<Account>, shared: Shared) -> Result<Self, AccountsError> {
        let mut all = Self {
            by_login: HashMap::new(),
            by_domain: HashMap::new(),
            costs: Vec::new(),
            devices: Vec::new(),
            shared,
        };
        for account in accounts {
            account.check_passwords()?;
            all.costs
                .extend(account.chosen().map(|hash| Work::Hash(hash.cost())));
            all.costs.extend(account.imported.then_some(Work::Imported));
            all.add(&Arc::new(account))?;
        }
        Ok(all)
    }

    /// The account that a login means: the one with that spelling, else the catch-all of its domain.
    pub(super) fn find(&self, login: &LoginName) -> Option<&Arc<Account>> {
        let catch_all = || self.by_domain.get(Pattern::domain_of(login)?);
        self.by_login.get(login).or_else(catch_all)
    }

    /// The account of that name.
    pub(super) fn named(&self, name: &Pattern) -> Option<&Arc<Account>> {
        let account = match name {
            Pattern::Login(login) => self.by_login.get(login),
            Pattern::Domain(domain) => self.by_domain.get(domain),
        };
        account.filter(|account| account.name == *name)
    }

    fn add(&mut self, account: &Arc<Account>) -> Result<(), AccountsError> {
        let taken = |name: String| Err(AccountsError::SameLogin(name));
        // An account may say its own name again among its spellings.
        let mut spellings: HashSet<&LoginName> = account.logins.iter().collect();
        match &account.name {
            Pattern::Login(login) => _ = spellings.insert(login),
            Pattern::Domain(domain) => {
                if self
                    .by_domain
                    .insert(domain.clone(), Arc::clone(account))
                    .is_some()
                {
                    return taken(account.name.to_string());
                }
            }
        }
        for login in spellings {
            if self.by_login.insert(login.clone(), Arc::clone(account)).is_some() {
                return taken(login.to_string());
            }
        }
        Ok(())
    }
}

impl Account {
    /// Whether it has that login as its name or among its spellings, and not only as one of a whole domain's.
    pub fn is_called(&self, login: &LoginName) -> bool {
        self.name == Pattern::Login(login.clone()) || self.logins.contains(login)
    }

    /// Whether it is the catch-all of that login's domain.
    pub fn catches(&self, login: &LoginName) -> bool {
        matches!(&self.name, Pattern::Domain(domain) if Pattern::domain_of(login) == Some(domain))
    }

    /// The generated password with that id. An account has a handful of them, and only one is ever hashed.
    pub(super) fn generated(&self, id: PasswordId) -> Option<&GeneratedHash> {
        self.passwords.iter().find_map(|password| match password {
            PasswordHash::Generated(hash) if hash.id() == id => Some(hash),
            _ => None,
        })
    }

    /// The chosen password, if it has one.
    pub(super) fn chosen(&self) -> Option<&ChosenHash> {
        self.passwords.iter().find_map(|password| match password {
            PasswordHash::Chosen(hash) => Some(hash),
            PasswordHash::Generated(_) => None,
        })
    }

    /// The mailbox that a login opens if it asks for no other: the configured one, else its own name. A further
    /// spelling such as `CONTOSO\alice` is no address, so it opens what the account's name says.
    pub(super) fn own_mailbox(&self, login: &LoginName) -> Option<Mailbox> {
        let named = || match &self.name {
            Pattern::Login(name) => Mailbox::parse(name.as_str()).ok(),
            Pattern::Domain(_) => Pattern::domain_of(login).and_then(|_| Mailbox::parse(login.as_str()).ok()),
        };
        self.mailbox.clone().or_else(named)
    }

    fn check_passwords(&self) -> Result<(), AccountsError> {
        let mut ids = HashSet::new();
        let mut chosen = false;
        for password in &self.passwords {
            match password {
                PasswordHash::Generated(hash) if !ids.insert(hash.id()) => {
                    return Err(AccountsError::SameId {
                        account: self.name.to_string(),
                        id: hash.id(),
                    });
                }
                PasswordHash::Chosen(_) if chosen => {
                    return Err(AccountsError::TwoChosen(self.name.to_string()));
                }
                PasswordHash::Generated(_) => {}
                PasswordHash::Chosen(_) => chosen = true,
            }
        }
        Ok(())
    }
}
