//! SASL mechanisms (RFC 4422), without I/O.

pub mod base64;
pub mod bearer;
pub mod exchange;
pub mod login;
pub mod oauthbearer;
pub mod plain;
pub mod xoauth2;
