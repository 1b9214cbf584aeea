//! The parameters of an authorize request, each checked.

use serde_json::Value;

use super::redirect_uri::platform;
use crate::sim::World;
use crate::sim::directory::{App, Platform};
use crate::sim::entra::code::Challenge;
use crate::sim::entra::error::{self, EntraError};
use crate::sim::entra::form::Form;
use crate::sim::entra::path::{Place, Version};
use crate::sim::entra::realm::Realm;
use crate::sim::entra::scope::Scope;

/// Every parameter that a mail program may send.
const KNOWN: [&str; 14] = [
    "client_id",
    "response_type",
    "redirect_uri",
    "response_mode",
    "scope",
    "resource",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "login_hint",
    "domain_hint",
    "claims",
];

/// Where the browser is to be sent back to, by an app that may ask for it.
pub(super) struct Back<'a> {
    pub(super) realm: Realm,
    pub(super) app: App,
    pub(super) uri: &'a str,
    pub(super) platform: Platform,
    /// `response_mode`, `query` if none was asked for.
    pub(super) mode: &'a str,
    pub(super) state: Option<&'a str>,
}

/// What is asked for.
pub(super) struct Asked {
    pub(super) scope: Scope,
    pub(super) challenge: Option<Challenge>,
    pub(super) nonce: Option<String>,
}

/// Tenant, app and redirect URI. What is wrong here is shown on a page.
pub(super) fn back<'a>(world: &World, place: Place<'_>, form: &'a Form) -> Result<Back<'a>, EntraError> {
    let realm = Realm::named(world, place.realm)?;
    let app = realm.app(&world.directory, form.required("client_id")?)?;
    if app.redirects.is_empty() {
        return Err(error::no_redirects(&app));
    }
    let uri = form.get("redirect_uri").ok_or_else(error::no_redirect_given)?;
    let platform = platform(&app, uri, world.entra.web_ignores_port.get())
        .ok_or_else(|| error::redirect_mismatch(uri, &app))?;
    Ok(Back {
        realm,
        app,
        uri,
        platform,
        mode: form.get("response_mode").unwrap_or("query"),
        state: form.get("state"),
    })
}

/// Everything else. What is wrong here, the app is told.
pub(super) fn read(
    world: &World,
    version: Version,
    form: &Form,
    back: &Back<'_>,
) -> Result<Asked, EntraError> {
    if form.stranger(&KNOWN).is_some() {
        return Err(error::malformed());
    }
    check_words(form)?;
    Ok(Asked {
        scope: Scope::required(world, form, version, &back.realm)?,
        challenge: challenge(form, back.platform)?,
        nonce: form.get("nonce").map(str::to_owned),
    })
}

/// The parameters with a fixed set of values.
fn check_words(form: &Form) -> Result<(), EntraError> {
    match form.required("response_type")? {
        "code" => {}
        other => return Err(error::response_type(other)),
    }
    let allowed: [(&str, &[&str]); 2] = [
        ("response_mode", &["query", "fragment", "form_post"]),
        ("prompt", &["login", "none", "consent", "select_account"]),
    ];
    for (name, values) in allowed {
        if form.get(name).is_some_and(|value| !values.contains(&value)) {
            return Err(error::unknown_value(name));
        }
    }
    let claims = form.get("claims").map(serde_json::from_str::<Value>);
    if claims.is_some_and(|claims| !claims.is_ok_and(|json| json.is_object())) {
        return Err(error::malformed());
    }
    Ok(())
}

/// PKCE: S256 and nothing less where there is no secret (RFC 9700, 2.1.1).
fn challenge(form: &Form, platform: Platform) -> Result<Option<Challenge>, EntraError> {
    let method = form.get("code_challenge_method");
    let challenge = match form.get("code_challenge") {
        Some(challenge) => Some(Challenge::of(challenge, method)?),
        None if method.is_some() => return Err(error::missing("code_challenge")),
        None => None,
    };
    match (platform, challenge) {
        (Platform::Native | Platform::SinglePage, None | Some(Challenge::Plain(_))) => {
            Err(error::pkce_required())
        }
        (_, challenge) => Ok(challenge),
    }
}
