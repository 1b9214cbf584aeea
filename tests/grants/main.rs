//! Every way to get a token, and what becomes of it: mail clients, commands, a saslgate, a simulated Microsoft 365.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "../sim_support/mod.rs"]
mod sim_support;
#[path = "../support/mod.rs"]
mod support;

mod adoption;
mod browser;
mod commands;
mod endurance;
mod flights;
mod handing_on;
mod imported;
mod landing;
mod middleman;
mod newer;
mod notices;
mod owners;
mod passwords;
mod people;
mod retention;
mod secrecy;
mod table;
mod verified;
