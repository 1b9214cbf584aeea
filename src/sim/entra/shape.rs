//! How the tokens of the next answers look.

use serde_json::Value;

use super::token::USUAL_TOKEN_SIZE;

/// How tokens look, and what the answer says about them.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenShape {
    /// Length in bytes, approximately; never shorter than the claims need.
    pub size: usize,
    /// Seconds until it expires. Entra itself picks 60 to 90 minutes.
    pub lifetime: u64,
    /// A token without structure instead of a JWT.
    pub opaque: bool,
    /// The `expires_in` of the answer: `None` says the truth, `Some(Value::Null)` leaves it out, anything else is sent.
    pub expires_in: Option<Value>,
    /// The `token_type` of the answer.
    pub token_type: &'static str,
    /// Whether a sign-in that asks for `offline_access` gets a refresh token.
    pub refresh_token: bool,
    /// What stands before the permissions in `scope`, if not the resource that was asked for.
    pub scope_prefix: Option<String>,
}

impl Default for TokenShape {
    fn default() -> Self {
        Self {
            size: USUAL_TOKEN_SIZE,
            lifetime: 3_599,
            opaque: false,
            expires_in: None,
            token_type: "Bearer",
            refresh_token: true,
            scope_prefix: None,
        }
    }
}
