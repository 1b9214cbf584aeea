//! By what a session was let in: what a reload may take away again.

use super::password::PasswordId;
use super::{Account, Accounts, Authorized, Pattern};
use crate::devices::Device;
use crate::name::Mailbox;
use crate::provider::Protocol;

/// What the registry keeps of a login: enough to tell whether a later configuration would still let it in, and
/// nothing of the configuration itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LetInBy {
    account: Pattern,
    protocol: Protocol,
    mailbox: Mailbox,
    app_password: Option<PasswordId>,
    device: Option<Device>,
}

impl LetInBy {
    /// The account.
    pub fn account(&self) -> &Pattern {
        &self.account
    }

    /// The protocol.
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }
}

impl Authorized {
    /// By what this login was let in.
    pub fn let_in_by(&self) -> LetInBy {
        LetInBy {
            account: self.account().name.clone(),
            protocol: self.protocol(),
            mailbox: self.mailbox().clone(),
            app_password: self.app_password().copied(),
            device: self.device().cloned(),
        }
    }
}

impl Accounts {
    /// Whether the account, its mailbox, its protocol, and the generated password or the device's entry are still there. A chosen password that
    /// was changed ends no session: the person who changed it is the person who is logged in.
    pub fn still_lets_in(&self, by: &LetInBy) -> bool {
        let is_named = by.device.as_ref().is_none_or(|device| self.still_names(device));
        is_named
            && self.named(&by.account).is_some_and(|account| {
                account.routes.contains_key(&by.protocol)
                    && account.opens(&by.mailbox)
                    && by.app_password.is_none_or(|id| account.generated(id).is_some())
            })
    }
}

impl Account {
    fn opens(&self, mailbox: &Mailbox) -> bool {
        // Without a fixed mailbox it is the login's own, which cannot change under the same name.
        self.mailbox.as_ref().is_none_or(|own| own.same_as(mailbox))
            || self.may_open.iter().any(|other| other.same_as(mailbox))
    }
}
