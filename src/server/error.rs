//! Why saslgate could not start, or could not take another configuration.

use std::io;
use std::net::SocketAddr;

use crate::provider::Protocol;

/// Why saslgate could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener's address can't be had.
    #[error("can't listen on {address} for {protocol}: {error}; {}", bind_fix(error))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What was to be spoken there.
        protocol: Protocol,
        /// What the system said.
        error: io::Error,
    },
    /// The address for probes and scrapes can't be had.
    #[error(
        "can't listen on {address} for probes and scrapes ([health]): {error}; {}",
        bind_fix(error)
    )]
    Health {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The admin page's address can't be had.
    #[error(
        "can't listen on {address} for the admin page ([admin]): {error}; {}",
        bind_fix(error)
    )]
    Admin {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// This very saslgate has the port until the reload is done, or longer.
    #[error("can't listen on {address} for {wanted} yet: {holder} of this saslgate has that port; {fix}")]
    OwnPort {
        /// The address.
        address: SocketAddr,
        /// What was to be spoken there.
        wanted: String,
        /// Who has it.
        holder: String,
        /// What mends it.
        fix: &'static str,
    },
    /// A part can't be prepared.
    #[error("{0}")]
    Prepare(Box<dyn std::error::Error + Send + Sync>),
    /// A listener's certificate does not work.
    #[error("the certificate of the {0} listener can't be used: {1}; make one with `saslgate certs`")]
    Certificate(Protocol, rustls::Error),
}

impl StartError {
    pub(super) fn prepare(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Prepare(Box::new(error))
    }
}

fn bind_fix(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program (or another saslgate) has it: stop that one, or choose another port"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege: let systemd hold the port (docs/operations.md), give the program CAP_NET_BIND_SERVICE, or choose a port above, such as 1143"
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address",
        _ => "check `bind` in the configuration",
    }
}
