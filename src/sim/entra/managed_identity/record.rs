//! What was asked of the machine's endpoints.

use std::time::SystemTime;

/// One request for a managed identity's token.
#[derive(Debug, Clone)]
pub struct IdentityRequest {
    /// When it came.
    pub at: SystemTime,
    /// The path, which tells the metadata service from App Service.
    pub path: String,
    /// The resource it named.
    pub resource: Option<String>,
    /// `client_id`, if it named one.
    pub client_id: Option<String>,
    /// The status of the answer.
    pub status: u16,
}
