//! `saslgate setup` as it is typed: every product by every way, from the answers to mail that is read and sent; what answers
//! can't be used; files that are there; and the PowerShell file.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::unwrap_used)]

#[path = "../sim_support/mod.rs"]
mod sim_support;
#[path = "../support/mod.rs"]
mod support;

#[path = "../guides/browser.rs"]
mod browser;
#[allow(dead_code)]
#[path = "../guides/commands.rs"]
mod commands;
#[allow(dead_code)]
#[path = "../guides/example.rs"]
mod example;
#[path = "../guides/mail.rs"]
mod mail;

mod answers;
mod asked;
mod many;
mod powershell;
mod registered;
mod run;
mod walk;
