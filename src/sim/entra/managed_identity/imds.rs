//! The instance metadata service of a virtual machine. Every number of its answer is a text.

use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Refusal, Reply, chosen, claims, wanted};
use crate::sim::World;
use crate::sim::entra::form::Form;

/// Where it answers.
pub(super) const PATH: &str = "/metadata/identity/oauth2/token";

const VERSIONS: [&str; 3] = ["2018-02-01", "2019-08-01", "2021-02-01"];

/// Answers one request.
pub(super) fn answer(world: &World, head: &Parts, form: Option<&Form>) -> Reply {
    match token(world, head, form) {
        Ok(body) => (StatusCode::OK, body),
        Err(refusal) => (
            refusal.status,
            json!({"error": refusal.error, "error_description": refusal.text}),
        ),
    }
}

fn token(world: &World, head: &Parts, form: Option<&Form>) -> Result<Value, Refusal> {
    check_head(head)?;
    let form = form.ok_or_else(|| Refusal::bad_request("invalid_request", "Malformed query"))?;
    let version = form.get("api-version").unwrap_or_default();
    if !VERSIONS.contains(&version) {
        let text = format!("Bad request. api-version is invalid or was not specified: '{version}'");
        return Err(Refusal::bad_request("bad_request", text));
    }
    let known = ["api-version", "resource", "client_id", "object_id", "msi_res_id"];
    if let Some(stranger) = form.stranger(&known) {
        let text = format!("Unknown query parameter '{stranger}'");
        return Err(Refusal::bad_request("invalid_request", text));
    }
    let resource = wanted(world, form)?;
    let claims = claims(world, chosen(world, form, "msi_res_id")?, resource);
    Ok(json!({
        "access_token": world.entra.mint(&claims).reveal(),
        "client_id": claims.client_id,
        "refresh_token": "",
        "expires_in": world.entra.lifetime().to_string(),
        "expires_on": claims.expires.to_string(),
        "not_before": claims.not_before.to_string(),
        "resource": claims.audience,
        "token_type": "Bearer",
    }))
}

/// The header that no page of a browser can send, and no sign of a proxy on the way: either would let a stranger ask.
fn check_head(head: &Parts) -> Result<(), Refusal> {
    if head.method != Method::GET {
        return Err(Refusal {
            status: StatusCode::METHOD_NOT_ALLOWED,
            error: "invalid_request",
            text: "Method not allowed".to_owned(),
        });
    }
    if head.headers.get("metadata").is_none_or(|value| value != "true") {
        return Err(Refusal::bad_request(
            "bad_request_102",
            "Required metadata header not specified",
        ));
    }
    if head.headers.contains_key("x-forwarded-for") || head.uri.scheme().is_some() {
        return Err(Refusal::bad_request(
            "bad_request_103",
            "The request came through a proxy",
        ));
    }
    Ok(())
}
