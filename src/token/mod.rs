//! Access tokens: one cache, one request at a time for each grant, renewal ahead of need.
//!
//! [`Tokens::pending`] is where a login comes in. `cache` decides, without a socket or a task, what a login gets;
//! `manager` runs the flights (one request for a token each); `refresher` starts those that nobody waits for. `source`
//! says how a grant gives a token; behind the grants of people stand `renewal`, by what the store keeps, `passwords`, and
//! `imported` for what another program knew.
//! [`store`] keeps what must outlive the process: refresh tokens, and what else people entrusted to it.

mod access;
mod cache;
mod clock;
mod counts;
mod failures;
mod fernet;
mod flight;
pub mod imported;
pub mod links;
mod manager;
mod passwords;
mod pending;
mod people;
mod questions;
mod refresher;
mod renewal;
mod request;
mod slot;
mod source;
pub mod store;
#[cfg(test)]
mod tests;
mod typed;

pub use access::{AccessToken, Fingerprint};
pub use counts::Counts;
pub use manager::{Since, Standing, Tokens};
pub use pending::Pending;
pub use people::Unproven;
pub use slot::{StoreOpener, StoreSlot};
pub use typed::sign_in_command;

pub use crate::oauth::{Kind, TokenError};
