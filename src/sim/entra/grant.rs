//! From a token request to claims or a refusal: every parameter is checked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};

use super::error::{self, EntraError};
use super::form::{self, Form};
use super::token::{self, Claims};
use crate::sim::clock;
use crate::sim::directory::{App, Directory, Tenant};

/// Resources whose service principal every tenant has, and whether it is Exchange's.
const RESOURCES: [(&str, bool); 5] = [
    ("https://outlook.office365.com", true),
    ("https://outlook.office.com", true),
    ("https://ps.outlook.com", true),
    ("00000002-0000-0ff1-ce00-000000000000", true),
    ("https://graph.microsoft.com", false),
];

/// What could be read of a request, right or wrong, for the record.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) client_id: String,
    pub(super) scope: String,
    pub(super) grant: String,
}

/// Answers one POST to `/{tenant}/oauth2/v2.0/token`. The lifetime is that of the token, in seconds.
pub(super) fn answer(
    directory: &Directory,
    tenant: &str,
    headers: &HeaderMap,
    body: &[u8],
    lifetime: u64,
    seen: &mut Seen,
) -> Result<Claims, EntraError> {
    check_headers(headers)?;
    let form = Form::parse(body)?;
    note(&form, seen);
    let tenant = directory
        .tenant(tenant)
        .ok_or_else(|| error::unknown_tenant(tenant))?;
    match form.required("grant_type")? {
        "client_credentials" => client_credentials(directory, &tenant, headers, &form, lifetime, seen),
        other => Err(error::unsupported_grant(other)),
    }
}

fn note(form: &Form, seen: &mut Seen) {
    let text = |name| form.get(name).unwrap_or_default().to_owned();
    *seen = Seen {
        client_id: text("client_id"),
        scope: text("scope"),
        grant: text("grant_type"),
    };
}

/// `Origin` marks a browser's request, which makes a secret illegal; a body of another type is not read.
fn check_headers(headers: &HeaderMap) -> Result<(), EntraError> {
    if headers.contains_key(HeaderName::from_static("origin")) {
        return Err(error::cross_origin());
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let kind = types
        .next()
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = kind.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") || types.next().is_some() {
        return Err(error::missing("grant_type"));
    }
    Ok(())
}

fn client_credentials(
    directory: &Directory,
    tenant: &Tenant,
    headers: &HeaderMap,
    form: &Form,
    lifetime: u64,
    seen: &mut Seen,
) -> Result<Claims, EntraError> {
    if form.get("resource").is_some() {
        let text = "The 'resource' request parameter is not supported.";
        return Err(EntraError::new(901_002, "invalid_request", text));
    }
    if form
        .stranger(&["grant_type", "client_id", "client_secret", "scope"])
        .is_some()
    {
        return Err(error::malformed());
    }
    let (client_id, secret) = proof(headers, form)?;
    seen.client_id.clone_from(&client_id);
    let app = directory
        .app(&client_id, &tenant.id)
        .ok_or_else(|| error::unknown_app(&client_id, &tenant.id))?;
    check_secret(&app, &secret)?;
    let (resource, exchange) = resource(form.required("scope")?, tenant)?;
    let (not_before, expires) = token::valid_from_now(lifetime);
    Ok(Claims {
        audience: resource.to_owned(),
        tenant: tenant.id.clone(),
        object_id: app.object_id,
        client_id: app.client_id,
        user: None,
        scopes: Vec::new(),
        roles: if exchange { app.roles } else { Vec::new() },
        not_before,
        expires,
    })
}

/// Client id and secret, from the body or from HTTP Basic (RFC 6749, 2.3.1), but not from both.
fn proof(headers: &HeaderMap, form: &Form) -> Result<(String, String), EntraError> {
    let Some(header) = headers.get(AUTHORIZATION) else {
        let client_id = form.required("client_id")?;
        let secret = form.get("client_secret").ok_or_else(error::secret_missing)?;
        return Ok((client_id.to_owned(), secret.to_owned()));
    };
    let (client_id, secret) = header
        .to_str()
        .ok()
        .and_then(basic)
        .ok_or_else(error::malformed)?;
    let same_id = form.get("client_id").is_none_or(|id| id == client_id);
    if form.get("client_secret").is_some() || !same_id {
        return Err(error::malformed());
    }
    Ok((client_id, secret))
}

fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = decoded
        .split_once(':')
        .filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    Some((form::decode(id)?, form::decode(secret)?))
}

fn check_secret(app: &App, offered: &str) -> Result<(), EntraError> {
    match app.secrets.iter().find(|secret| secret.value == offered) {
        None => Err(error::wrong_secret(&app.client_id)),
        Some(secret) if secret.expires <= clock::now() => Err(error::expired_secret(&app.client_id)),
        Some(_) => Ok(()),
    }
}

/// The one resource that the scope names, and whether it is Exchange.
fn resource(scope: &str, tenant: &Tenant) -> Result<(&'static str, bool), EntraError> {
    let mut scopes = scope.split(' ');
    let (Some(first), None) = (scopes.next(), scopes.next()) else {
        return Err(error::invalid_scope(scope));
    };
    let Some(resource) = first.strip_suffix("/.default") else {
        return Err(error::scope_without_default(scope));
    };
    RESOURCES
        .into_iter()
        .find(|(known, _)| *known == resource)
        .ok_or_else(|| error::unknown_resource(resource, &tenant.id))
}
