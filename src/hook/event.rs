//! What alerts are about, and how that stands: the words that scripts compare.

use crate::account::state;

/// What an alert is about.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Event {
    /// An account changed its state.
    Account,
    /// The token store can't be opened or saved, or can be again.
    Store,
    /// Something ends by itself: a client secret, a certificate, a sign-in.
    Expiry,
    /// A changed configuration was refused, or the next one taken.
    Reload,
    /// A mailbox is near a limit of the provider, or no longer.
    Rate,
    /// An operator tries whether alerts arrive.
    Test,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 6] = [
        Self::Account,
        Self::Store,
        Self::Expiry,
        Self::Reload,
        Self::Rate,
        Self::Test,
    ];

    /// The one word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Store => "store",
            Self::Expiry => "expiry",
            Self::Reload => "reload",
            Self::Rate => "rate",
            Self::Test => "test",
        }
    }

    /// Whether what it is about is an account.
    pub(super) const fn has_account(self) -> bool {
        matches!(self, Self::Account | Self::Rate)
    }
}

/// How that which an alert is about stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// One of the five states of an account.
    Of(state::State),
    /// All is well again: what is no account.
    Ready,
    /// It goes on, and less well.
    Degraded,
    /// It does not work at all.
    Closed,
    /// It ends within 30 days.
    EndsSoon,
    /// It has ended.
    Ended,
    /// It was not taken.
    Refused,
    /// It is close to a limit.
    Near,
    /// Nothing is the matter.
    Test,
}

impl State {
    /// Every state there is beside the five of accounts.
    pub const OTHERS: [Self; 8] = [
        Self::Ready,
        Self::Degraded,
        Self::Closed,
        Self::EndsSoon,
        Self::Ended,
        Self::Refused,
        Self::Near,
        Self::Test,
    ];

    /// The one word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Of(state) => state.name(),
            Self::Ready => state::State::Ready.name(),
            Self::Degraded => "degraded",
            Self::Closed => "closed",
            Self::EndsSoon => "ends soon",
            Self::Ended => "ended",
            Self::Refused => "refused",
            Self::Near => "near",
            Self::Test => "test",
        }
    }
}
