//! Why saslgate could not start, or could not take another configuration.

use std::io;
use std::net::SocketAddr;

use crate::provider::Protocol;

/// Why saslgate could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener's address can't be had.
    #[error("can't listen on {address} for {protocol}: {error}; {}", bind_fix(error, &such_as(*protocol, address.port())))]
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
        bind_fix(error, "")
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
        bind_fix(error, "")
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

/// `such_as`: an example for a port that needs no privilege.
fn bind_fix(error: &io::Error, such_as: &str) -> String {
    let fix = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program (or another saslgate) has it: stop that one, or choose another port"
        }
        io::ErrorKind::PermissionDenied => {
            return format!(
                "ports below 1024 need a privilege: let systemd hold the port (docs/operations.md), give the program \
                 CAP_NET_BIND_SERVICE, or choose a port above{such_as}"
            );
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address",
        _ => "check `bind` in the configuration",
    };
    fix.to_owned()
}

/// The protocol's own port with 1000 added, as the usual listeners have it; that of TLS from the first byte where that was wanted.
fn such_as(protocol: Protocol, wanted: u16) -> String {
    let port = match (protocol, wanted) {
        (Protocol::Imap, 993) => 1993,
        (Protocol::Pop3, 995) => 1995,
        (Protocol::Smtp, 465) => 1465,
        (Protocol::Imap, _) => 1143,
        (Protocol::Pop3, _) => 1110,
        (Protocol::Smtp, _) => 1587,
    };
    format!(", such as {port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_needs_a_privilege_is_answered_with_one_of_the_same_protocol() {
        let table = [
            (Protocol::Imap, 143, 1143),
            (Protocol::Imap, 993, 1993),
            (Protocol::Pop3, 110, 1110),
            (Protocol::Pop3, 995, 1995),
            (Protocol::Smtp, 25, 1587),
            (Protocol::Smtp, 465, 1465),
        ];
        for (protocol, wanted, port) in table {
            let error = StartError::Bind {
                address: ([0, 0, 0, 0], wanted).into(),
                protocol,
                error: io::ErrorKind::PermissionDenied.into(),
            };
            let said = error.to_string();
            assert!(said.ends_with(&format!("a port above, such as {port}")), "{said}");
        }
        assert_eq!(table.len(), 6);
    }
}
