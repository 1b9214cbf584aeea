//! What came of a login: the proof that it was right, or why it was refused.

use std::sync::Arc;

use super::password::PasswordId;
use super::{Account, Identity, Route};
use crate::name::{Mailbox, NameError};
use crate::oauth::{GrantKey, Holder, TokenKey};
use crate::provider::Protocol;

/// The answer to a login.
#[derive(Debug)]
pub enum Verdict {
    /// It may go on.
    Authorized(Authorized),
    /// It may not.
    Refused(RefusedLogin),
}

/// The proof that a login was checked, and the way upstream that it opens. Only [`super::Accounts::check`] makes one,
/// so a path that forgets the check does not compile.
#[derive(Debug)]
pub struct Authorized {
    account: Arc<Account>,
    protocol: Protocol,
    way: Way,
    app_password: Option<PasswordId>,
}

/// Where a login leads, once its password is found right.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) route: Route,
    pub(super) mailbox: Mailbox,
    pub(super) owner: Mailbox,
}

impl Authorized {
    pub(super) fn new(
        account: Arc<Account>,
        protocol: Protocol,
        way: Way,
        app_password: Option<PasswordId>,
    ) -> Self {
        Self {
            account,
            protocol,
            way,
            app_password,
        }
    }

    /// Whose login it is.
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// The way upstream.
    pub fn route(&self) -> &Route {
        &self.way.route
    }

    /// The protocol that was logged in to.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The mailbox to open.
    pub fn mailbox(&self) -> &Mailbox {
        &self.way.mailbox
    }

    /// Who signs in: the token's owner. Never the mailbox of an authorization identity, whose owner has given nobody
    /// a token by being named.
    pub fn owner(&self) -> &Mailbox {
        &self.way.owner
    }

    /// The name that XOAUTH2 carries on this route.
    pub fn identity(&self) -> &Mailbox {
        match self.way.route.identity {
            Identity::Mailbox => self.mailbox(),
            Identity::Owner => self.owner(),
        }
    }

    /// Which generated password was typed; none for a chosen one.
    pub fn app_password(&self) -> Option<&PasswordId> {
        self.app_password.as_ref()
    }

    /// The grant that gives this login's token.
    pub fn grant_key(&self) -> GrantKey {
        self.token_key().grant
    }

    /// The token that this login needs.
    pub fn token_key(&self) -> TokenKey {
        let account = self.account.name.to_string();
        let holder = Holder {
            account: &account,
            owner: self.owner(),
            mailbox: self.mailbox(),
        };
        TokenKey::of(&self.way.route.app, holder)
    }
}

/// Why a login was refused, for the operator. The mail client hears one sentence for all of them, but for those that
/// are a [limit](Self::is_limit).
///
/// Where several hold, a wrong password comes before a broken rule: a rule in the log means that the password was right.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RefusedLogin {
    /// The login, or the mailbox asked for, is no name at all.
    #[error("the user name or the mailbox asked for is not acceptable: {0}")]
    BadName(NameError),
    /// No account answers to it.
    #[error("no account answers to this user name")]
    UnknownUser,
    /// Neither a generated nor the chosen password of the account.
    #[error("the local password is wrong")]
    WrongPassword,
    /// The account has no local password, so none can be right.
    #[error("the account has no local password: make one with `saslgate password`")]
    NoPasswordSet,
    /// The account has no route for the protocol.
    #[error("the password is right, but the account is not allowed to use {0}")]
    ProtocolNotAllowed(Protocol),
    /// The account's `allow_from` does not contain the peer.
    #[error("the password is right, but the account may not log in from this address (`allow_from`)")]
    ForbiddenSource,
    /// The authorization identity is no mailbox of this account.
    #[error("the password is right, but the account may not open the mailbox asked for (`may_open`)")]
    MailboxNotAllowed,
    /// An address without a password lets nobody in.
    #[error("no device is known at this address")]
    UnknownDevice,
    /// Too many wrong passwords from this source for this name, or from everywhere for this account.
    #[error("too many wrong passwords were tried lately, so this one was not looked at")]
    TooManyGuesses,
    /// More passwords are being hashed than this machine can.
    #[error("more logins are waiting for their password to be checked than this machine can serve")]
    Busy,
}

impl RefusedLogin {
    /// Whether the password was not even looked at, so that the mail client is told to come back instead of hearing
    /// that it is wrong.
    pub const fn is_limit(self) -> bool {
        matches!(self, Self::TooManyGuesses | Self::Busy)
    }
}
