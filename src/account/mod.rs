//! Local accounts: who a mail client is, which mailbox it may open, and the way there.
//!
//! [`Accounts::check`] is the only door. Nothing here ever sees a token.

mod accounts;
mod bounded;
mod candidate;
mod check;
mod device;
mod hashing;
mod let_in;
mod one_password;
mod operator;
pub mod password;
mod places;
pub mod refusals;
pub mod state;
#[cfg(test)]
mod tests;
mod throttle;
mod verdict;
mod verified;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use ipnet::IpNet;

use crate::name::{LoginName, Mailbox};
use crate::oauth::{App, Grant};
use crate::provider::{BearerMechanism, MailHost, Protocol};
use crate::secret::Secret;

pub use accounts::{Accounts, AccountsError};
pub use candidate::{Candidate, Judge, Spelling};
pub use check::Shared;
pub use hashing::{Derived, Hashed};
pub use let_in::LetInBy;
pub use one_password::{Guessed, OnePassword};
pub use password::PasswordHash;
pub use verdict::{Authorized, Entrance, Passwords, RefusedLogin, TokenWanted, Verdict};

/// What one `[[account]]` resolved to.
#[derive(Debug)]
pub struct Account {
    /// What it answers to: the name shown in logs and commands.
    pub name: Pattern,
    /// Further spellings of the login.
    pub logins: Vec<LoginName>,
    /// The mailbox; none means the one the mail client names (the login itself).
    pub mailbox: Option<Mailbox>,
    /// The token's owner, when it is not the mailbox.
    pub signs_in_as: Option<Mailbox>,
    /// Local passwords: any number of generated ones, at most one chosen.
    pub passwords: Vec<PasswordHash>,
    /// Whether the token store keeps a password besides: one that another program knew its mail client by.
    pub imported: bool,
    /// What proves the token's owner to the provider by the password grant, where mail clients have passwords of their own.
    pub upstream_password: Option<Arc<Secret<String>>>,
    /// The way upstream per protocol; a protocol that is missing is not allowed.
    pub routes: HashMap<Protocol, Route>,
    /// Networks that may log in; empty means anywhere that the listener allows.
    pub allow_from: Vec<IpNet>,
    /// Further mailboxes that a mail client may ask for by its authorization identity (RFC 4616).
    pub may_open: Vec<Mailbox>,
    /// Whether its way to the mailbox is tried regularly, so that trouble is known before somebody logs in.
    pub watch: bool,
    /// Whether its mail client is told, by IMAP, when somebody has to sign in for it.
    pub notify_in_client: bool,
}

impl Account {
    /// Whether no password can be right: it has none, and no provider is asked.
    pub fn lets_nobody_in(&self) -> bool {
        self.passwords.is_empty() && !self.routes.values().any(|route| self.judge(route).is_some())
    }

    /// Whether the password that a mail client types is the provider's to judge: the account has none of its own.
    pub fn asks_provider(&self, route: &Route) -> bool {
        self.passwords.is_empty()
            && !self.imported
            && self.upstream_password.is_none()
            && matches!(route.app.grant, Grant::Password(_))
    }

    /// Who judges a password that is none of those that the configuration has.
    fn judge(&self, route: &Route) -> Option<Judge> {
        if self.imported {
            return Some(Judge::Store);
        }
        self.asks_provider(route).then_some(Judge::Provider)
    }
}

/// Which logins an account answers to.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Pattern {
    /// One login.
    Login(LoginName),
    /// `*@domain`: every login of a domain that no other account names. The domain is folded.
    Domain(Box<str>),
}

impl Pattern {
    /// The domain of a catch-all account that answers to a login: of an address with one `@` and something before it.
    fn domain_of(login: &LoginName) -> Option<&str> {
        let (local, domain) = login.as_str().split_once('@')?;
        (!local.is_empty() && !domain.contains('@')).then_some(domain)
    }
}

/// The name shown in logs and commands.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login(login) => login.fmt(f),
            Self::Domain(domain) => write!(f, "*@{domain}"),
        }
    }
}

/// For one account and one protocol: where tokens and mail are.
#[derive(Clone, Debug)]
pub struct Route {
    /// Where tokens come from.
    pub app: Arc<App>,
    /// Where mail is.
    pub host: MailHost,
    /// How the token is said there.
    pub mechanism: BearerMechanism,
    /// Whose name goes with the token.
    pub identity: Identity,
}

/// Whose name XOAUTH2 carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Identity {
    /// The mailbox to open: IMAP, POP3, and app-only tokens everywhere.
    Mailbox,
    /// The token's owner: SMTP with a delegate's token, where Exchange refuses a shared mailbox's name.
    Owner,
}
