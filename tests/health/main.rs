//! Probes and scrapes, over real HTTP, of the running program: what they are told, and what whoever floods them can't do.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod command;
mod exposition;
mod floods;
mod http;
mod probes;
mod scrapes;

use std::net::SocketAddr;

use saslgate::sim::{Demo, Settings, Sim};

use support::config::{Account, Config};
use support::log::field;
use support::place::Place;
use support::program::Program;

/// A program with Alice's account and a listener for probes.
pub(crate) struct Rig {
    /// Kept running.
    _sim: Sim,
    pub(crate) alice: Account,
    pub(crate) config: Config,
    pub(crate) gate: Program,
    pub(crate) health: SocketAddr,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with("", |config| config).await
    }

    /// The same with more lines in `[health]`, and with a changed configuration.
    pub(crate) async fn with(lines: &str, change: impl FnOnce(Config) -> Config) -> Self {
        let sim = Sim::start(Settings::default()).unwrap();
        let alice = Account::new(Demo::ALICE);
        let config = Config::new(&sim)
            .account(&alice)
            .table("health", &format!("bind = \"127.0.0.1:0\"\n{lines}"));
        let config = change(config);
        let gate = Program::start(Place::new(&sim), &config).await;
        let said = |line: &str| {
            let is_meant = line.contains("answering probes and scrapes");
            field(line, "address").filter(|_| is_meant)?.parse().ok()
        };
        let health = gate.log.find(0, "where probes are answered", said).await;
        Self {
            _sim: sim,
            alice,
            config,
            gate,
            health,
        }
    }
}
