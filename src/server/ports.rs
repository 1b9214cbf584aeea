//! Ports that saslgate itself still has while it takes another configuration: nobody should look for another program there.

use std::io;

use super::admin::Page;
use super::{Server, StartError};
use crate::config::collide;

const TWO_STEPS: &str = "take it in two steps: leave the new address out and run `saslgate reload`, then write it in and reload once more; or restart saslgate";

impl Server {
    /// The same error, or whichever part of this saslgate it is that has the port. Listeners make way for each other; the admin page,
    /// probes and the supervisor's sockets stay until the reload is done, or longer.
    pub(super) fn of_own_port(&self, error: StartError) -> StartError {
        let listeners = || self.listeners.addresses().into_iter();
        let of_listeners = || listeners().map(|(protocol, at)| (at, format!("the {protocol} listener {at}")));
        let (address, wanted, before) = match &error {
            StartError::Bind {
                address,
                protocol,
                error,
            } if is_in_use(error) => (*address, protocol.to_string(), Vec::new()),
            StartError::Admin { address, error } if is_in_use(error) => (
                *address,
                "the admin page ([admin])".to_owned(),
                of_listeners().collect(),
            ),
            _ => return error,
        };
        let of_page = self.page.iter().flat_map(Page::addresses);
        let of_page = of_page.map(|at| (at, format!("the admin page {at}")));
        let of_probes = self.health_addresses().iter();
        let of_probes = of_probes.map(|at| (*at, format!("[health] {at}")));
        let mut holders = before.into_iter().chain(of_page).chain(of_probes);
        if let Some((_, holder)) = holders.find(|(at, _)| collide(*at, address)) {
            return StartError::OwnPort {
                address,
                wanted,
                holder,
                fix: TWO_STEPS,
            };
        }
        match self.listeners.inherited(address) {
            Some(at) => StartError::OwnPort {
                address,
                wanted,
                holder: format!("the supervisor's socket {at}"),
                fix: "write the same address as ListenStream= into the socket unit, and restart the socket and saslgate",
            },
            None => error,
        }
    }
}

fn is_in_use(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrInUse
}
