//! What is wrong with a request before anybody's credentials are looked at: form, tenant, app, scope.

use super::EntraError;
use crate::sim::directory::{App, Cloud};

/// A request that isn't POST.
pub(in crate::sim::entra) fn not_post(method: &str) -> EntraError {
    let text = format!("The endpoint only accepts POST, OPTIONS requests. Received a {method} request.");
    EntraError::new(900_561, "invalid_request", text)
}

/// A parameter that is not there, which is also what a body of another content type looks like.
pub(in crate::sim::entra) fn missing(parameter: &str) -> EntraError {
    let text = format!("The request body must contain the following parameter: '{parameter}'.");
    EntraError::new(900_144, "invalid_request", text)
}

/// A parameter that came twice (RFC 6749, 3.2).
pub(in crate::sim::entra) fn duplicated(parameter: &str) -> EntraError {
    let text = format!("The request is not properly formatted. The parameter '{parameter}' is duplicated.");
    EntraError::new(9_000_411, "invalid_request", text)
}

/// A body that is not `application/x-www-form-urlencoded` inside, or that brings what the grant does not know.
pub(in crate::sim::entra) fn malformed() -> EntraError {
    EntraError::new(
        9_002_313,
        "invalid_request",
        "Invalid request. Request is malformed or invalid.",
    )
}

/// v1's parameter on a v2 endpoint.
pub(in crate::sim::entra) fn resource_on_v2() -> EntraError {
    EntraError::new(
        901_002,
        "invalid_request",
        "The 'resource' request parameter is not supported.",
    )
}

pub(in crate::sim::entra) fn unsupported_grant(grant: &str) -> EntraError {
    let text = format!("The app requested an unsupported grant type '{grant}'.");
    EntraError::new(70_003, "unsupported_grant_type", text)
}

pub(in crate::sim::entra) fn unknown_tenant(tenant: &str) -> EntraError {
    let is_guid = tenant.len() == 36
        && tenant
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if !is_guid && !tenant.contains('.') {
        let text = format!(
            "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain."
        );
        return EntraError::new(900_023, "invalid_request", text);
    }
    let text = format!(
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into \
         the correct cloud. Check with your subscription administrator, this may happen if there are no active \
         subscriptions for the tenant."
    );
    EntraError::new(90_002, "invalid_request", text)
}

/// A tenant that lives in another national cloud.
pub(in crate::sim::entra) fn other_cloud(tenant: &str, cloud: Cloud) -> EntraError {
    let text = format!(
        "Tenant '{tenant}' request is being redirected to the National Cloud '{}'.",
        cloud.host()
    );
    EntraError::new(90_038, "invalid_request", text)
}

/// `/common` and its like for a grant that needs one tenant.
pub(in crate::sim::entra) fn no_tenant() -> EntraError {
    EntraError::new(
        50_059,
        "invalid_request",
        "No tenant-identifying information found in either the request or implied by any provided credentials.",
    )
}

/// A password on `/common` or `/consumers`.
pub(in crate::sim::entra) fn password_without_tenant() -> EntraError {
    EntraError::new(
        9_001_023,
        "invalid_request",
        "The grant type is not supported over the /common or /consumers endpoints. Please use the \
         /organizations or tenant-specific endpoint.",
    )
}

/// A single-tenant app on `/common` or `/organizations`.
pub(in crate::sim::entra) fn not_multi_tenant(app: &App) -> EntraError {
    let text = format!(
        "Application '{}'({}) is not configured as a multi-tenant application. Usage of the /common endpoint \
         is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or \
         configure the application to be multi-tenant.",
        app.client_id, app.name
    );
    EntraError::new(50_194, "invalid_request", text)
}

/// An app for work accounts on `/consumers`.
pub(in crate::sim::entra) fn work_accounts_only(app: &App) -> EntraError {
    let text = format!(
        "Application '{}'({}) is configured for use by Azure Active Directory users only. Please do not use \
         the /consumers endpoint to serve this request.",
        app.client_id, app.name
    );
    EntraError::new(9_002_332, "invalid_request", text)
}

pub(in crate::sim::entra) fn unknown_app(client_id: &str, tenant: &str) -> EntraError {
    let text = format!(
        "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen \
         if the application has not been installed by the administrator of the tenant or consented to by any \
         user in the tenant. You may have sent your authentication request to the wrong tenant."
    );
    EntraError::new(700_016, "unauthorized_client", text)
}

/// A multi-tenant app that nobody in the tenant has consented to.
pub(in crate::sim::entra) fn no_service_principal(client_id: &str, tenant: &str) -> EntraError {
    let text = format!("The app '{client_id}' is missing service principal in the tenant '{tenant}'.");
    EntraError::new(7_000_229, "invalid_client", text)
}

pub(in crate::sim::entra) fn disabled_app(app: &App) -> EntraError {
    let text = format!("Application '{}'({}) is disabled.", app.client_id, app.name);
    EntraError::new(7_000_112, "unauthorized_client", text)
}

/// A scope of the client credentials grant that names permissions one by one.
pub(in crate::sim::entra) fn scope_without_default(scope: &str) -> EntraError {
    let text = format!(
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value \
         with /.default suffixed to the resource identifier (application ID URI)."
    );
    EntraError::new(1_002_012, "invalid_scope", text)
}

pub(in crate::sim::entra) fn invalid_scope(scope: &str) -> EntraError {
    let text = format!(
        "The provided request must include a 'scope' input parameter. The provided value for the input \
         parameter 'scope' is not valid. The scope {scope} is not valid."
    );
    EntraError::new(70_011, "invalid_scope", text)
}

/// Two resources in one token request, with the number that stands in the knob.
pub(in crate::sim::entra) fn two_resources(code: u32, scope: &str) -> EntraError {
    let text = format!(
        "Provided value for the input parameter scope is not valid because it contains more than one resource. \
         Scope {scope} is not valid."
    );
    EntraError::new(code, "invalid_scope", text)
}

pub(in crate::sim::entra) fn unknown_resource(resource: &str, tenant: &str) -> EntraError {
    let text = format!(
        "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen \
         if the application has not been installed by the administrator of the tenant or consented to by any \
         user in the tenant. You might have sent your authentication request to the wrong tenant."
    );
    EntraError::new(500_011, "invalid_resource", text)
}

/// `/.default` of an app for which nothing was picked in the portal.
pub(in crate::sim::entra) fn resource_not_picked(app: &App, resource: &str) -> EntraError {
    let text = format!(
        "Invalid resource. The client has requested access to a resource which is not listed in the requested \
         permissions in the client's application registration. Client app ID: {}. Resource value from request: \
         {resource}.",
        app.client_id
    );
    EntraError::new(650_057, "invalid_resource", text)
}
