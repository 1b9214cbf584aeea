//! Token introspection (RFC 7662). Entra ID has none; it is here for mail servers that others wrote, which can't know
//! the simulator's key and ask whether a token that a mail client brought is good.

use serde_json::{Value, json};

use super::form::Form;
use super::{Claims, resource};
use crate::sim::World;
use crate::sim::clock;

/// Where it answers.
pub(super) const PATH: &str = "/introspect";

/// The answer to one request (RFC 7662, 2.2): whatever is wrong with a token, or with the request, it is not active.
pub(super) fn answer(world: &World, body: &[u8]) -> String {
    let claims = Form::parse(body)
        .ok()
        .and_then(|form| world.entra.read(form.get("token")?));
    claims
        .filter(is_good)
        .and_then(|claims| active(world, &claims))
        .unwrap_or_else(|| json!({"active": false}))
        .to_string()
}

/// For Exchange, in its time, with a permission.
fn is_good(claims: &Claims) -> bool {
    let lifetime = claims.not_before..claims.expires;
    let permitted = !claims.roles.is_empty() || !claims.scopes.is_empty();
    resource::is_for_exchange(&claims.audience) && lifetime.contains(&clock::now()) && permitted
}

/// An app's own token belongs to nobody: its name has the tenant's domain, in which it opens mailboxes.
fn active(world: &World, claims: &Claims) -> Option<Value> {
    let username = match &claims.user {
        Some(user) => user.clone(),
        None => format!("app@{}", world.directory.tenant(&claims.tenant)?.domains.first()?),
    };
    Some(json!({
        "active": true,
        "username": username,
        "client_id": claims.client_id,
        "token_type": "Bearer",
        "exp": claims.expires,
        "scope": claims.scopes.join(" "),
    }))
}
