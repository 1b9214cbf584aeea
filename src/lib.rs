//! saslgate: a local SASL authentication proxy.
//!
//! Old mail software speaks IMAP, POP3 or SMTP with a user name and a password; Exchange Online accepts only OAuth 2.0.
//! saslgate listens for the plain login, checks it locally, gets a fresh access token, logs in upstream with SASL
//! XOAUTH2 over TLS, and relays the session byte for byte. It stores no mail, rewrites no message, and changes no
//! byte of a session after its login; it reads along for its log, and to know when a session can end without loss.
//!
//! ```text
//!                     ┌──────────────────── session ────────────────────┐
//!  mail client ⇄ listener ⇄ downstream → account → token → upstream ⇄ Exchange Online
//!                     └───────────────────── relay ─────────────────────┘
//! ```
//!
//! Start reading at [`session`]. The modules below stand in the order in which data flows; a module imports only from
//! those that `tests/architecture.rs` lists below it.

pub mod cli;
pub mod server;

pub mod config;

pub mod admin;

pub mod control;
pub mod health;
pub mod hook;
pub mod listener;
pub mod probe;
pub mod session;
pub mod transport;
pub mod wire;

pub mod downstream;
pub mod sasl;

pub mod account;
pub mod oauth;
pub mod token;

pub mod relay;
pub mod upstream;

pub mod complaints;
pub mod devices;
pub mod failure;
pub mod pace;
pub mod sessions;

pub mod audit;
pub mod certificates;
pub mod log;
pub mod metrics;
pub mod name;
pub mod outgoing;
pub mod peer;
pub mod provider;
pub mod secret;
pub mod subprocess;
pub mod web;

#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "demo")]
pub mod sim;
