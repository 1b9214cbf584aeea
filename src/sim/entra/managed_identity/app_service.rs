//! The local endpoint of App Service, Functions and Container Apps.

use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{ManagedIdentity, Refusal, Reply, chosen, claims, wanted};
use crate::sim::World;
use crate::sim::entra::form::Form;

/// Where it answers (`IDENTITY_ENDPOINT`).
pub(super) const PATH: &str = "/msi/token";

/// Answers one request. Its errors have a form of their own.
pub(super) fn answer(world: &World, head: &Parts, form: Option<&Form>) -> Reply {
    match token(world, head, form) {
        Ok(body) => (StatusCode::OK, body),
        Err(refusal) => (
            refusal.status,
            json!({"statusCode": refusal.status.as_u16(), "message": refusal.text}),
        ),
    }
}

fn token(world: &World, head: &Parts, form: Option<&Form>) -> Result<Value, Refusal> {
    let header = head.headers.get("x-identity-header");
    if header.is_none_or(|value| value != ManagedIdentity::IDENTITY_HEADER) || head.method != Method::GET {
        return Err(Refusal {
            status: StatusCode::UNAUTHORIZED,
            error: "",
            text: "The X-IDENTITY-HEADER is missing or wrong".to_owned(),
        });
    }
    let bad = |text: &str| Refusal::bad_request("", text);
    let form = form.ok_or_else(|| bad("Malformed query"))?;
    if form.get("api-version") != Some("2019-08-01") {
        return Err(bad("Unsupported api-version"));
    }
    if form
        .stranger(&["api-version", "resource", "client_id", "object_id", "mi_res_id"])
        .is_some()
    {
        return Err(bad("Unknown query parameter"));
    }
    let resource = wanted(world, form)?;
    let claims = claims(world, chosen(world, form, "mi_res_id")?, resource);
    let expires_on = if world.machine.expires_on_as_number.get() {
        json!(claims.expires)
    } else {
        json!(claims.expires.to_string())
    };
    Ok(json!({
        "access_token": world.entra.mint(&claims).reveal(),
        "expires_on": expires_on,
        "resource": claims.audience,
        "token_type": "Bearer",
        "client_id": claims.client_id,
    }))
}
