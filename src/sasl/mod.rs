//! SASL mechanisms (RFC 4422), without I/O.

pub mod bearer;
pub mod oauthbearer;
pub mod xoauth2;
