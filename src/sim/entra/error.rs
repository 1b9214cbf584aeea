//! Refusals of the token endpoint, in the words and the JSON of Entra ID.

use hyper::StatusCode;
use serde_json::json;

use crate::sim::clock;
use crate::sim::random::Random;

/// One `AADSTS` error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraError {
    /// The number after `AADSTS`.
    pub code: u32,
    /// The OAuth error (RFC 6749, 5.2) that goes with it.
    pub error: &'static str,
    /// The sentence after the number.
    pub text: String,
    /// `suberror`, where Entra sends one.
    pub suberror: Option<&'static str>,
}

impl EntraError {
    /// An error without `suberror`.
    pub fn new(code: u32, error: &'static str, text: impl Into<String>) -> Self {
        Self {
            code,
            error,
            text: text.into(),
            suberror: None,
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self.error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    pub(super) fn body(&self, random: &Random) -> String {
        let (trace, correlation) = (random.guid(), random.guid());
        let timestamp = clock::entra(clock::now());
        let mut body = json!({
            "error": self.error,
            "error_description": format!(
                "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}",
                self.code, self.text
            ),
            "error_codes": [self.code],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.code),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = json!(suberror);
        }
        body.to_string()
    }
}

/// A request that isn't POST.
pub(super) fn not_post(method: &str) -> EntraError {
    let text = format!("The endpoint only accepts POST, OPTIONS requests. Received a {method} request.");
    EntraError::new(900_561, "invalid_request", text)
}

/// A parameter that is not there, which is also what a body of another content type looks like.
pub(super) fn missing(parameter: &str) -> EntraError {
    let text = format!("The request body must contain the following parameter: '{parameter}'.");
    EntraError::new(900_144, "invalid_request", text)
}

/// A parameter that came twice (RFC 6749, 3.2).
pub(super) fn duplicated(parameter: &str) -> EntraError {
    let text = format!("The request is not properly formatted. The parameter '{parameter}' is duplicated.");
    EntraError::new(9_000_411, "invalid_request", text)
}

/// A body that is not `application/x-www-form-urlencoded` inside.
pub(super) fn malformed() -> EntraError {
    EntraError::new(
        9_002_313,
        "invalid_request",
        "Invalid request. Request is malformed or invalid.",
    )
}

/// A request that a browser sent from another page.
pub(super) fn cross_origin() -> EntraError {
    EntraError::new(
        9_002_326,
        "invalid_request",
        "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type.",
    )
}

pub(super) fn unsupported_grant(grant: &str) -> EntraError {
    let text = format!("The app requested an unsupported grant type '{grant}'.");
    EntraError::new(70_003, "unsupported_grant_type", text)
}

pub(super) fn unknown_tenant(tenant: &str) -> EntraError {
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

pub(super) fn unknown_app(client_id: &str, tenant: &str) -> EntraError {
    let text = format!(
        "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen \
         if the application has not been installed by the administrator of the tenant or consented to by any \
         user in the tenant. You may have sent your authentication request to the wrong tenant."
    );
    EntraError::new(700_016, "unauthorized_client", text)
}

pub(super) fn secret_missing() -> EntraError {
    EntraError::new(
        7_000_218,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    )
}

pub(super) fn wrong_secret(client_id: &str) -> EntraError {
    let text = format!(
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret \
         value, not the client secret ID, for a secret added to app '{client_id}'."
    );
    EntraError::new(7_000_215, "invalid_client", text)
}

pub(super) fn expired_secret(client_id: &str) -> EntraError {
    let text = format!(
        "The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create \
         new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for \
         added security: https://aka.ms/certCreds."
    );
    EntraError::new(7_000_222, "invalid_client", text)
}

/// A scope of the client credentials grant that names permissions one by one.
pub(super) fn scope_without_default(scope: &str) -> EntraError {
    let text = format!(
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value \
         with /.default suffixed to the resource identifier (application ID URI)."
    );
    EntraError::new(1_002_012, "invalid_scope", text)
}

pub(super) fn invalid_scope(scope: &str) -> EntraError {
    let text = format!(
        "The provided request must include a 'scope' input parameter. The provided value for the input \
         parameter 'scope' is not valid. The scope {scope} is not valid."
    );
    EntraError::new(70_011, "invalid_scope", text)
}

pub(super) fn unknown_resource(resource: &str, tenant: &str) -> EntraError {
    let text = format!(
        "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen \
         if the application has not been installed by the administrator of the tenant or consented to by any \
         user in the tenant. You might have sent your authentication request to the wrong tenant."
    );
    EntraError::new(500_011, "invalid_resource", text)
}
