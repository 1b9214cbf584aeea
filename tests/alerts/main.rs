//! Who does not look hears all the same: a real hook script, a real receiver of webhooks, mail by the simulator.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod certificates;
mod documented;
mod receiver;
mod stage;
mod trying;
mod ways;
