//! The listener for probes and scrapes: its sockets, and the task that answers until the very end.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::StartError;
use super::listeners::is_missing_family;
use crate::health::{Health, Settings, Vitals};
use crate::listener::bind;

/// The listener while it answers. It goes on through the drain, so that nobody takes a saslgate that stops for one that hangs.
pub(super) struct Answering {
    pub(super) addresses: Vec<SocketAddr>,
    _task: AbortOnDropHandle<()>,
}

/// Binds every address.
pub(super) fn bind_all(settings: &Settings) -> Result<Health, StartError> {
    let mut sockets: Vec<TcpListener> = Vec::new();
    let mut missing = None;
    for &address in &settings.bind {
        match bind(address) {
            Ok(socket) => sockets.push(socket),
            // `localhost` means both families, and a container often has only one of them.
            Err(error) if address.ip().is_loopback() && is_missing_family(&error) => {
                missing = Some(StartError::Health { address, error });
            }
            Err(error) => return Err(StartError::Health { address, error }),
        }
    }
    match missing.filter(|_| sockets.is_empty()) {
        Some(error) => Err(error),
        None => Ok(Health::new(sockets, settings)),
    }
}

/// Answers from now on, until what is handed out is dropped.
pub(super) fn answer(health: Health, vitals: Arc<dyn Vitals>) -> Answering {
    let addresses = health.addresses();
    for address in &addresses {
        tracing::info!(%address, "answering probes and scrapes");
    }
    Answering {
        addresses,
        _task: AbortOnDropHandle::new(tokio::spawn(health.serve(vitals))),
    }
}
