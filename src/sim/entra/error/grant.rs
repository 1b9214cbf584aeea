//! What is wrong with a code, a device code or a refresh token.

use super::EntraError;

fn invalid(code: u32, text: &str) -> EntraError {
    EntraError::new(code, "invalid_grant", text)
}

/// A text that was never a code or token: cut off, most likely.
pub(in crate::sim::entra) fn malformed_grant() -> EntraError {
    invalid(9_002_313, "Invalid request. Request is malformed or invalid.")
}

pub(in crate::sim::entra) fn unknown_grant() -> EntraError {
    invalid(70_000, "Provided grant is invalid or malformed.")
}

/// A code or token that another app got.
pub(in crate::sim::entra) fn grant_of_another_app() -> EntraError {
    unknown_grant().suberror("client_mismatch")
}

/// A refresh token that was exchanged before, where that is not allowed. Entra itself has no such mode.
pub(in crate::sim::entra) fn refresh_token_again() -> EntraError {
    unknown_grant().suberror("bad_token")
}

pub(in crate::sim::entra) fn code_again() -> EntraError {
    invalid(
        54_005,
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing \
         refresh token.",
    )
}

pub(in crate::sim::entra) fn code_expired() -> EntraError {
    invalid(
        70_008,
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive \
         authorization request for this user and resource.",
    )
}

/// A code at another tenant's path.
pub(in crate::sim::entra) fn code_elsewhere() -> EntraError {
    invalid(
        700_005,
        "Provided Authorization Code is intended to use against other tenant, thus rejected.",
    )
}

pub(in crate::sim::entra) fn other_redirect(given: &str, before: &str) -> EntraError {
    let text = format!(
        "The reply address '{given}' does not match the reply address '{before}' provided when requesting \
         Authorization code."
    );
    invalid(500_112, &text)
}

pub(in crate::sim::entra) fn wrong_verifier() -> EntraError {
    invalid(
        501_481,
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    )
}

/// A verifier or challenge outside RFC 7636, 4.1.
pub(in crate::sim::entra) fn pkce_size(parameter: &str) -> EntraError {
    let text = format!("The size of the {parameter} parameter is not valid.");
    invalid(501_491, &text)
}

/// 90 days without use.
pub(in crate::sim::entra) fn refresh_token_inactive() -> EntraError {
    invalid(
        700_082,
        "The refresh token has expired due to inactivity. The token was inactive for 90.00:00:00.",
    )
}

/// 24 hours after the sign-in of a single-page app.
pub(in crate::sim::entra) fn single_page_token_expired() -> EntraError {
    invalid(
        700_084,
        "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime \
         of 1.00:00:00, which can't be extended. It is now expired and a new sign in request must be sent by \
         the SPA to the sign in page.",
    )
}

/// A password change, or an administrator's "revoke sessions".
pub(in crate::sim::entra) fn refresh_token_revoked() -> EntraError {
    invalid(
        50_173,
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might \
         have changed or reset their password.",
    )
    .suberror("bad_token")
}

pub(in crate::sim::entra) fn pending() -> EntraError {
    EntraError::new(
        70_016,
        "authorization_pending",
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    )
}

/// Polled before the interval was over (RFC 8628, 3.5).
pub(in crate::sim::entra) fn too_fast(interval: u64) -> EntraError {
    let text =
        format!("OAuth 2.0 device flow error. Polled too fast; the interval is {interval} seconds now.");
    EntraError::new(70_016, "slow_down", text)
}

pub(in crate::sim::entra) fn device_declined() -> EntraError {
    EntraError::new(
        65_004,
        "authorization_declined",
        "User declined to consent to access the app.",
    )
}

pub(in crate::sim::entra) fn unknown_device_code() -> EntraError {
    EntraError::new(
        70_018,
        "bad_verification_code",
        "Bad verification code. User typed in a wrong user code for device code flow.",
    )
}

pub(in crate::sim::entra) fn device_code_expired() -> EntraError {
    EntraError::new(
        70_020,
        "expired_token",
        "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
    )
}
