//! What was asked of the token endpoint.

use std::time::SystemTime;

/// How a token request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenOutcome {
    /// A token was issued.
    Issued,
    /// Refused with this `AADSTS` number.
    Refused(u32),
    /// A fault stood in the way.
    Faulted,
}

/// One token request. It never holds a secret.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// When it came.
    pub at: SystemTime,
    /// The tenant in its path.
    pub tenant: String,
    /// The grant it named.
    pub grant: String,
    /// The client id it named, in the body or in HTTP Basic.
    pub client_id: String,
    /// The scope it named.
    pub scope: String,
    /// What came of it.
    pub outcome: TokenOutcome,
}
