//! saslgate
pub mod account;
pub mod downstream;
#[doc(hidden)]
pub mod fuzzing;
pub mod listener;
pub mod log;
pub mod name;
pub mod oauth;
pub mod peer;
pub mod provider;
pub mod relay;
pub mod sasl;
pub mod secret;
pub mod sessions;
pub mod transport;
pub mod upstream;
pub mod wire;
