//! The five app-registration guides of docs/entra-setup.md, walked end to end: the app is registered as the guide has it,
//! the file of config/examples/ is taken as it is shipped, and the last step is a plain login.
//!
//! `cargo test --test guides -- --nocapture every_cell` prints the table of guides and steps.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::unwrap_used)]

#[path = "../sim_support/mod.rs"]
mod sim_support;
#[path = "../support/mod.rs"]
mod support;

mod as_shipped;
mod browser;
mod commands;
mod example;
mod mail;
mod table;
mod walk;

mod efecte_esm;
mod email_this_issue;
mod highstage;
mod misled;
mod oracle_b2c_service;
mod osticket;
