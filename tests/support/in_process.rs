//! A saslgate in the test's own process: quick to start, and its counters can be read.

use std::path::Path;
use std::sync::Once;

use saslgate::config::{self, Problems, ReloadPlan, System};
use saslgate::log;
use saslgate::server::{Inherited, Server, raise_open_files};

use super::config::Config;
use super::place::Place;
use super::{Addresses, Gate};

/// A running server, and its folder.
pub(crate) struct InProcess {
    pub(crate) server: Server,
    pub(crate) addresses: Addresses,
    pub(crate) place: Place,
}

impl InProcess {
    /// Starts it with that configuration.
    pub(crate) fn start(place: Place, config: &Config) -> Self {
        static PREPARED: Once = Once::new();
        PREPARED.call_once(prepare);
        let server = Server::start(
            load(&place.configure(config)).unwrap(),
            Inherited::default(),
            None,
        )
        .unwrap();
        let addresses = Addresses::new(&config.listeners, server.addresses());
        Self {
            server,
            addresses,
            place,
        }
    }

    /// Takes accounts and apps from another configuration, and says what it changes.
    pub(crate) async fn reread(&mut self, config: &Config) -> ReloadPlan {
        let config = load(&self.place.configure(config)).unwrap();
        self.server.reload(config).await.unwrap()
    }
}

impl Gate for InProcess {
    fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    async fn reload(&mut self, config: &Config) {
        self.reread(config).await;
    }
}

fn prepare() {
    // A thousand sessions have four thousand ends, all of them in this process.
    raise_open_files();
    // For whoever looks for the cause of a failure: SASLGATE_TEST_LOG=debug cargo test --test e2e NAME
    if let Ok(level) = std::env::var("SASLGATE_TEST_LOG") {
        let settings = log::Settings {
            format: log::Format::Text,
            level,
            audit: true,
        };
        // No test can tell when the last of them ends.
        std::mem::forget(log::start(&settings).unwrap());
    }
}

fn load(path: &Path) -> Result<config::Config, Problems> {
    config::load(path, &System)
}
