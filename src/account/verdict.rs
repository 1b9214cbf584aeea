//! What came of a login: the proof that it was right, or why it was refused.

use std::sync::Arc;

use super::candidate::Candidate;
use super::password::PasswordId;
use super::{Account, Identity, Pattern, Route};
use crate::devices::Device;
use crate::name::{Mailbox, NameError};
use crate::oauth::{App, Holder, TokenKey};
use crate::peer::Peer;
use crate::provider::Protocol;
use crate::secret::Secret;

/// The answer to a login.
#[derive(Debug)]
pub enum Verdict<'a> {
    /// It may go on.
    Authorized(Authorized),
    /// The provider or the token store has to say whether the password is right.
    Ask(Candidate<'a>),
    /// It may not.
    Refused(RefusedLogin),
}

/// Where a login comes in.
#[derive(Clone, Copy, Debug)]
pub struct Entrance<'a> {
    /// What is spoken there.
    pub protocol: Protocol,
    /// Who comes.
    pub peer: &'a Peer,
    /// Which local passwords the listener takes.
    pub passwords: Passwords,
}

/// Which local passwords are taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Passwords {
    /// All of an account's.
    Any,
    /// Those that `saslgate password` made: nobody guesses one.
    Generated,
}

/// The proof that a login was checked, and the way upstream that it opens. Only [`super::Accounts::check`], a
/// [`Candidate`] that was found right, and the operator's own commands make one, so a path that forgets the check does
/// not compile.
#[derive(Debug)]
pub struct Authorized {
    account: Arc<Account>,
    protocol: Protocol,
    way: Way,
    app_password: Option<PasswordId>,
    device: Option<Device>,
    /// What proves the owner to the provider, for the password grant alone.
    password: Option<Arc<Secret<String>>>,
}

/// A token that a login needs. Whoever has one of these may know of the token, not use it.
#[derive(Clone, Debug)]
pub struct TokenWanted {
    /// Where it is kept.
    pub key: TokenKey,
    /// How it is obtained.
    pub app: Arc<App>,
    /// What the account is called where its sign-in is kept: its name, or the login's own where a name stands for many.
    pub account: Box<str>,
    /// What the configuration calls the account.
    pub name: Box<str>,
    /// The mailbox to open.
    pub mailbox: Mailbox,
    /// Whose token it is.
    pub owner: Mailbox,
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
            password: account.upstream_password.clone(),
            account,
            protocol,
            way,
            app_password,
            device: None,
        }
    }

    /// The same, let in by its address.
    pub(super) fn by_device(self, device: Device) -> Self {
        Self {
            device: Some(device),
            ..self
        }
    }

    /// The same with what was typed, for a grant that needs it.
    pub(super) fn with_password(self, password: Arc<Secret<String>>) -> Self {
        Self {
            password: Some(password),
            ..self
        }
    }

    /// What proves the owner to the provider by the password grant: what was typed, or what the account has for it.
    pub fn password(&self) -> Option<&Arc<Secret<String>>> {
        self.password.as_ref()
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

    /// The device that it is, if its address is all that it showed.
    pub fn device(&self) -> Option<&Device> {
        self.device.as_ref()
    }

    /// The token that this login needs.
    pub fn token_wanted(&self) -> TokenWanted {
        let name = self.account.name.to_string();
        let holder = Holder {
            account: &name,
            owner: self.owner(),
            mailbox: self.mailbox(),
        };
        TokenWanted {
            key: TokenKey::of(&self.way.route.app, holder),
            app: Arc::clone(&self.way.route.app),
            name: name.as_str().into(),
            account: match &self.account.name {
                Pattern::Login(_) => name.into(),
                Pattern::Domain(_) => self.owner().as_str().into(),
            },
            mailbox: self.mailbox().clone(),
            owner: self.owner().clone(),
        }
    }
}

/// Why a login was refused, for the operator. The mail client hears one sentence for all of them, but for those that
/// are a [limit](Self::is_limit).
///
/// Where several hold, a wrong password comes before a broken rule: a rule in the log means that the password was right, or that
/// a device needed none.
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
    #[error("the login is right, but the account is not allowed to use {0}")]
    ProtocolNotAllowed(Protocol),
    /// The account's `allow_from` does not contain the peer.
    #[error("the login is right, but the account may not log in from this address (`allow_from`)")]
    ForbiddenSource,
    /// The authorization identity is no mailbox of this account.
    #[error("the login is right, but the account may not open the mailbox asked for (`may_open`)")]
    MailboxNotAllowed,
    /// The listener takes generated passwords only, and this does not look like one.
    #[error("what was typed is no generated password, and this listener takes no others (`passwords`)")]
    NotGenerated,
    /// No listener's map names the address, or no more.
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
