//! The whole path, end to end: mail clients, a saslgate, a simulated Microsoft 365.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod crowd;
mod explained;
mod isolation;
mod limits;
mod log_lines;
mod reload;
mod secrecy;
mod starttls;
mod stopping;
mod strangers;
mod tokens;
mod transcripts;
