//! The grants: one file for each way to a token (RFC 6749 4, RFC 7523 2.1, RFC 8628), and the steps of a browser sign-in.

pub mod authorize;
mod client_credentials;
mod code;
pub mod device;
mod issuer;
mod jwt_bearer;
mod managed_identity;
pub mod password;
pub mod pkce;
pub mod redirect;
mod refresh;
pub mod sign_in;

pub use client_credentials::ClientCredentials;
pub use code::Redemption;
pub use jwt_bearer::{ServiceAccount, ServiceAccountError};
pub use managed_identity::{ManagedIdentity, Platform, PlatformError};
