//! What is wrong with how an app proves itself.

use super::EntraError;

/// A request that a browser sent from another page, for an app that is none.
pub(in crate::sim::entra) fn cross_origin() -> EntraError {
    EntraError::new(
        9_002_326,
        "invalid_request",
        "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type.",
    )
}

/// A token of a single-page app asked for without a browser.
pub(in crate::sim::entra) fn single_page() -> EntraError {
    EntraError::new(
        9_002_327,
        "invalid_request",
        "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin \
         requests.",
    )
}

pub(in crate::sim::entra) fn secret_missing() -> EntraError {
    EntraError::new(
        7_000_218,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    )
}

/// A public app with a secret.
pub(in crate::sim::entra) fn public_with_proof() -> EntraError {
    EntraError::new(
        700_025,
        "invalid_client",
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    )
}

pub(in crate::sim::entra) fn wrong_secret(client_id: &str) -> EntraError {
    let text = format!(
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret \
         value, not the client secret ID, for a secret added to app '{client_id}'."
    );
    EntraError::new(7_000_215, "invalid_client", text)
}

pub(in crate::sim::entra) fn expired_secret(client_id: &str) -> EntraError {
    let text = format!(
        "The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create \
         new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for \
         added security: https://aka.ms/certCreds."
    );
    EntraError::new(7_000_222, "invalid_client", text)
}

/// A text that is not a JWT, or one without what belongs into it.
pub(in crate::sim::entra) fn malformed_assertion(what: &str) -> EntraError {
    let text = format!("JWT token is invalid or malformed: {what}.");
    EntraError::new(50_027, "invalid_client", text)
}

/// A signature that none of the app's certificates made.
pub(in crate::sim::entra) fn bad_signature(reason: &str, thumbprint: &str) -> EntraError {
    let text = format!(
        "The certificate with identifier used to sign the client assertion is not registered on application. \
         [Reason - {reason}, Thumbprint of key used by client: '{thumbprint}']"
    );
    EntraError::new(700_027, "invalid_client", text)
}

pub(in crate::sim::entra) fn assertion_time(now: u64, not_before: u64, expires: u64) -> EntraError {
    let text = format!(
        "Client assertion is not within its valid time range. Current time: {now}, assertion valid from \
         {not_before}, expiry time of assertion {expires}."
    );
    EntraError::new(700_024, "invalid_client", text)
}

/// `iss` or `sub` that is not the client id.
pub(in crate::sim::entra) fn assertion_of_another(client_id: &str) -> EntraError {
    let text =
        format!("Client assertion application identifier doesn't match 'client_id' parameter '{client_id}'.");
    EntraError::new(700_021, "invalid_client", text)
}

pub(in crate::sim::entra) fn assertion_audience(audience: &str) -> EntraError {
    let text = format!(
        "Client assertion audience claim does not match Realm issuer. The audience was '{audience}'."
    );
    EntraError::new(700_023, "invalid_client", text)
}

/// A `jti` for the second time. Entra lets it pass; a careful server does not (RFC 7523, 3).
pub(in crate::sim::entra) fn assertion_again() -> EntraError {
    EntraError::new(
        50_012,
        "invalid_client",
        "Authentication failed: the client assertion was used before.",
    )
}

/// No federated credential fits the assertion's issuer (700211), audience (700212) or subject (700213).
pub(in crate::sim::entra) fn not_federated(code: u32, what: &str, value: &str) -> EntraError {
    let text = format!(
        "No matching federated identity record found for presented assertion {what} '{value}'. Please check \
         your federated identity credential Subject, Audience and Issuer against the presented assertion."
    );
    EntraError::new(code, "invalid_client", text)
}

/// A token of Entra's own in the place of a federated one.
pub(in crate::sim::entra) fn own_token() -> EntraError {
    EntraError::new(
        700_229,
        "invalid_client",
        "Only app tokens can be used as Federated Identity Credentials for AAD issuer.",
    )
}
