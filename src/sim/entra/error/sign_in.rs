//! What is wrong with a person's sign-in: account, password, policy, consent, the page they are sent back to.

use super::EntraError;
use crate::sim::directory::{App, Person};

/// The claims that a browser has to bring along when a policy wants more than a password.
const POLICY_CLAIMS: &str =
    r#"{"access_token":{"polids":{"essential":true,"values":["5e2fe3c8-0000-4a7b-9a2f-000000000001"]}}}"#;

pub(in crate::sim::entra) fn redirect_mismatch(redirect_uri: &str, app: &App) -> EntraError {
    let text = format!(
        "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs \
         configured for the application '{}'. Make sure the redirect URI sent in the request matches one added \
         to your application in the Azure portal.",
        app.client_id
    );
    EntraError::new(50_011, "invalid_request", text)
}

/// An app without any redirect URI.
pub(in crate::sim::entra) fn no_redirects(app: &App) -> EntraError {
    let text = format!(
        "No reply address is registered for the application '{}'.",
        app.name
    );
    EntraError::new(500_113, "invalid_request", text)
}

/// A request without a redirect URI.
pub(in crate::sim::entra) fn no_redirect_given() -> EntraError {
    EntraError::new(900_971, "invalid_request", "No reply address provided.")
}

pub(in crate::sim::entra) fn response_type(kind: &str) -> EntraError {
    let text = format!("response_type '{kind}' is not enabled for the application.");
    EntraError::new(700_054, "unsupported_response_type", text)
}

/// A value of `prompt` or `response_mode` that Entra does not know.
pub(in crate::sim::entra) fn unknown_value(parameter: &str) -> EntraError {
    let text = format!("Unsupported '{parameter}' value.");
    EntraError::new(90_023, "invalid_request", text)
}

/// A public app without PKCE.
pub(in crate::sim::entra) fn pkce_required() -> EntraError {
    EntraError::new(
        9_002_325,
        "invalid_request",
        "Proof Key for Code Exchange is required for cross-origin authorization code redemption.",
    )
}

/// `prompt=none` and nobody signed in.
pub(in crate::sim::entra) fn nobody_signed_in() -> EntraError {
    EntraError::new(
        50_058,
        "login_required",
        "A silent sign-in request was sent but no user is signed in.",
    )
}

/// Somebody from another tenant.
pub(in crate::sim::entra) fn foreign_account(name: &str, tenant: &str, app: &App) -> EntraError {
    let text = format!(
        "User account '{name}' from identity provider 'https://sts.windows.net/' does not exist in tenant \
         '{tenant}' and cannot access the application '{}'({}) in that tenant. The account needs to be added as \
         an external user in the tenant first. Sign out and sign in again with a different Azure Active \
         Directory user account.",
        app.client_id, app.name
    );
    EntraError::new(50_020, "invalid_request", text)
}

pub(in crate::sim::entra) fn unknown_person(name: &str, tenant: &str) -> EntraError {
    let text = format!(
        "The user account {name} does not exist in the {tenant} directory. To sign into this application, the \
         account must be added to the directory."
    );
    EntraError::new(50_034, "invalid_grant", text)
}

pub(in crate::sim::entra) fn wrong_password() -> EntraError {
    EntraError::new(
        50_126,
        "invalid_grant",
        "Error validating credentials due to invalid username or password.",
    )
}

pub(in crate::sim::entra) fn locked_out() -> EntraError {
    EntraError::new(
        50_053,
        "invalid_grant",
        "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
    )
}

pub(in crate::sim::entra) fn expired_password() -> EntraError {
    let text = "The password is expired.";
    EntraError::new(50_055, "invalid_grant", text).suberror("user_password_expired")
}

pub(in crate::sim::entra) fn no_password() -> EntraError {
    let text = "Invalid or null password: password does not exist in the directory for this user.";
    EntraError::new(50_056, "invalid_grant", text)
}

pub(in crate::sim::entra) fn disabled_person() -> EntraError {
    EntraError::new(50_057, "invalid_grant", "The user account is disabled.")
}

pub(in crate::sim::entra) fn mfa_required() -> EntraError {
    let text = "Due to a configuration change made by your administrator, or because you moved to a new \
                location, you must use multi-factor authentication to access \
                '00000002-0000-0ff1-ce00-000000000000'.";
    EntraError::new(50_076, "invalid_grant", text)
        .suberror("basic_action")
        .with_claims(POLICY_CLAIMS)
}

pub(in crate::sim::entra) fn mfa_not_set_up() -> EntraError {
    let text = "Due to a configuration change made by your administrator, or because you moved to a new \
                location, you must enroll in multi-factor authentication to access \
                '00000002-0000-0ff1-ce00-000000000000'.";
    EntraError::new(50_079, "interaction_required", text).suberror("basic_action")
}

/// Conditional Access. `error` differs between the endpoints.
pub(in crate::sim::entra) fn blocked(error: &'static str) -> EntraError {
    let text = "Access has been blocked by Conditional Access policies. The access policy does not allow token \
                issuance.";
    EntraError::new(53_003, error, text)
        .suberror("message_only")
        .with_claims(POLICY_CLAIMS)
}

pub(in crate::sim::entra) fn consent_missing(app: &App, error: &'static str) -> EntraError {
    let text = format!(
        "The user or administrator has not consented to use the application with ID '{}' named '{}'. Send an \
         interactive authorization request for this user and resource.",
        app.client_id, app.name
    );
    EntraError::new(65_001, error, text).suberror("consent_required")
}

pub(in crate::sim::entra) fn declined(error: &'static str) -> EntraError {
    EntraError::new(65_004, error, "User declined to consent to access the app.")
}

pub(in crate::sim::entra) fn admin_needed(person: &Person) -> EntraError {
    let text = format!(
        "An administrator has set a policy that prevents '{}' from granting the application the permissions it \
         is requesting. Contact an administrator, who can grant permissions to this application on your behalf.",
        person.upn
    );
    EntraError::new(90_094, "access_denied", text)
}
