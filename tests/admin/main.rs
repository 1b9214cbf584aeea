//! The admin page, over real HTTP, of the running program: what it shows and does, and what nobody else can make it do.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "../sim_support/mod.rs"]
mod sim_support;
#[path = "../support/mod.rs"]
mod support;

#[path = "../grants/browser.rs"]
#[allow(dead_code)]
mod browser;
#[path = "../grants/middleman.rs"]
mod middleman;
#[path = "../grants/people.rs"]
#[allow(dead_code)]
mod people;

mod attacks;
mod canaries;
mod floods;
mod http;
mod links;
mod login;
mod mistyped;
mod owner;
mod reload;
mod rig;
mod sign_in;
