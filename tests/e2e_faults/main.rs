//! Whatever an upstream does to a session, at whichever moment: what the mail client hears, and what is left behind.
//!
//! A test program of its own, because it counts the descriptors of the whole process.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod before_login;
mod relaying;
mod rig;
mod stalls;
