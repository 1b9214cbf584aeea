//! Why an upstream could not be opened, and how far it got.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::connect::Unreached;
use super::handshake::Rejection;
use crate::oauth::TokenError;
use crate::provider::MailHost;
use crate::sasl::bearer::UnusableToken;
use crate::wire::Closing;

/// Why an upstream could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("{host}: {cause} ({stage})")]
pub struct UpstreamError {
    /// Which upstream.
    pub host: MailHost,
    /// How far it got.
    pub stage: Stage,
    /// What happened there.
    pub cause: Cause,
}

/// The steps on the way to an opened upstream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// Asking for its addresses.
    Resolve,
    /// Opening a TCP connection.
    Connect,
    /// Establishing TLS.
    Tls,
    /// Waiting for the token.
    Token,
    /// Speaking with it.
    Login,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "looking up its name",
            Self::Connect => "connecting",
            Self::Tls => "establishing TLS",
            Self::Token => "waiting for a token",
            Self::Login => "logging in",
        })
    }
}

/// What went wrong with an upstream.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// Its name has no address, or nobody can be asked.
    #[error("the name can't be resolved: {0}")]
    Resolve(io::Error),
    /// None of its addresses takes a connection.
    #[error("no connection: {0}")]
    Connect(Unreached),
    /// Its certificate is not to be believed, or TLS failed in another way.
    #[error("TLS failed: {0}")]
    Tls(io::Error),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    /// It closed the connection, or did what its protocol does not allow.
    #[error("{0}")]
    Protocol(Closing),
    /// It said no.
    #[error("it refused: {}", .0.reply)]
    Rejected(Rejection),
    /// It took longer than [`super::PATIENCE`].
    #[error("no answer in time")]
    Timeout,
    /// There is no token to log in with.
    #[error("{0}")]
    Token(Arc<TokenError>),
    /// The source of tokens gave something that is none.
    #[error("{0}")]
    UnusableToken(UnusableToken),
}

impl Cause {
    /// Whether the connection was lost without a word about us: restarts and dropped packets do that, and a new
    /// connection may fare better. A certificate that is not believed will not be believed the next time either.
    pub(super) fn is_lost_connection(&self) -> bool {
        match self {
            Self::Broken(_) | Self::Protocol(Closing::PeerClosed) => true,
            Self::Tls(error) => error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<rustls::Error>())
                .is_none(),
            _ => false,
        }
    }
}
