//! The simulated Entra ID, spoken to by a plain HTTPS client: every parameter is checked, every answer and every refusal
//! has Entra's own form.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "../sim_support/mod.rs"]
mod sim_support;

mod admin_consent;
mod assertions;
mod authorize;
mod browser;
mod client_credentials;
mod clouds;
mod codes;
mod device;
mod https;
mod mailboxes;
mod managed_identity;
mod password;
mod refresh;
mod retention;
mod scopes;
