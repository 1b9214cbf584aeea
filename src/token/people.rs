//! The grants that a person stands behind: what they have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::questions::Questions;
use super::slot::StoreSlot;
use super::store::{StoreError, Trouble};
use super::typed::sign_in_command;
use crate::account::RefusedLogin;
use crate::oauth::{Endpoint, Kind, TokenError};

/// Gives tokens on people's behalf, from what the token store keeps. Clones share what they know.
#[derive(Clone, Debug)]
pub(super) struct People {
    pub(super) endpoint: Endpoint,
    pub(super) slot: StoreSlot,
    pub(super) questions: Arc<Questions>,
    /// Whether the owners of mailboxes can be given links to sign in by.
    links: Arc<AtomicBool>,
}

impl People {
    pub(super) fn new(endpoint: Endpoint, slot: StoreSlot) -> Self {
        Self {
            endpoint,
            slot,
            questions: Arc::new(Questions::new()),
            links: Arc::default(),
        }
    }

    pub(super) fn offer_links(&self, offered: bool) {
        self.links.store(offered, Ordering::Relaxed);
    }

    /// What somebody types who has to see to it that a person signs in.
    pub(super) fn sign_in_command(&self, account: &str) -> String {
        sign_in_command(account, self.links.load(Ordering::Relaxed))
    }
}

/// Why a password that the provider judges was not found right.
#[derive(Clone, Debug)]
pub enum Unproven {
    /// It is wrong, or was not looked at.
    Login(RefusedLogin),
    /// The provider could not say, or said something else.
    Token(Arc<TokenError>),
}

/// What a store's trouble means for whoever wants a token.
pub(super) fn of_store(error: &StoreError) -> TokenError {
    let kind = match error.trouble {
        Trouble::InUse | Trouble::Closed | Trouble::Disk => Kind::Temporary { retry_after: None },
        Trouble::RecordDamaged => Kind::NeedsSignIn,
        _ => Kind::Misconfigured,
    };
    TokenError::new(kind, error.what.clone(), error.why.clone(), error.fix.clone())
}
