//! The way to the mail provider: dial, prove the provider's name, log in with a token.

pub mod handshake;
