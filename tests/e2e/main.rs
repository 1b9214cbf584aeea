//! The whole path, end to end: mail clients, a saslgate, a simulated Microsoft 365.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod balancers;
mod crowd;
mod devices;
mod endurance;
mod explained;
mod following;
mod isolation;
mod limits;
mod log_lines;
mod log_sink;
mod places;
mod reload;
mod secrecy;
mod starttls;
mod stopping;
mod strangers;
mod supervised;
mod tokens;
mod trace;
mod transcripts;
mod variables;
