//! `client_assertion`: a JWT that the app's certificate signed, checked claim by claim (RFC 7523, 3).

use aws_lc_rs::digest;
use hyper::header::HOST;

use super::certificate::Certificate;
use super::jwt::Jwt;
use super::{Proof, federation};
use crate::sim::clock;
use crate::sim::directory::App;
use crate::sim::entra::error::{self, EntraError};
use crate::sim::entra::grant::Request;

/// How far the two clocks may differ, in seconds.
const SKEW: u64 = 300;

/// The longest life of an assertion, in seconds. Entra advises it; this server insists.
const LONGEST_LIFE: u64 = 600;

/// Whatever is in `client_assertion`: the app's own JWT, or a token of an issuer that it trusts.
pub(super) fn check(request: &Request<'_>, app: &App, text: &str) -> Result<Proof, EntraError> {
    let jwt = Jwt::decode(text).ok_or_else(|| error::malformed_assertion("not a JWT"))?;
    let issuer = jwt
        .text("iss")
        .ok_or_else(|| error::malformed_assertion("no issuer"))?;
    let names_certificate = jwt.header.get("x5t").is_some() || jwt.header.get("x5t#S256").is_some();
    if issuer == app.client_id {
        own(request, app, &jwt)
    } else if names_certificate {
        Err(error::assertion_of_another(&app.client_id))
    } else {
        federation::check(app, &jwt, issuer)
    }
}

fn own(request: &Request<'_>, app: &App, jwt: &Jwt<'_>) -> Result<Proof, EntraError> {
    check_signature(app, jwt)?;
    if jwt.text("sub") != Some(&app.client_id) {
        return Err(error::assertion_of_another(&app.client_id));
    }
    let audience = jwt.text("aud").unwrap_or_default();
    if !audiences(request).iter().any(|known| known == audience) {
        return Err(error::assertion_audience(audience));
    }
    check_time(jwt)?;
    let id = jwt
        .text("jti")
        .ok_or_else(|| error::malformed_assertion("no jti"))?;
    if request
        .world
        .entra
        .assertions
        .change(|seen| seen.insert(id.to_owned()))
    {
        Ok(Proof::Certificate)
    } else {
        Err(error::assertion_again())
    }
}

/// Whether a registered certificate that is good today made the signature.
fn check_signature(app: &App, jwt: &Jwt<'_>) -> Result<(), EntraError> {
    if jwt.header.get("typ").is_none_or(|kind| kind != "JWT") {
        return Err(error::malformed_assertion("typ is not JWT"));
    }
    let named = |field, algorithm| Some((jwt.header.get(field)?.as_str()?, algorithm));
    let (thumbprint, algorithm) = named("x5t#S256", &digest::SHA256)
        .or_else(|| named("x5t", &digest::SHA1_FOR_LEGACY_USE_ONLY))
        .ok_or_else(|| error::bad_signature("The key was not found.", ""))?;
    let certificate = app
        .certificates
        .iter()
        .filter_map(|der| Certificate::parse(der))
        .find(|certificate| certificate.has_thumbprint(algorithm, thumbprint))
        .ok_or_else(|| error::bad_signature("The key was not found.", thumbprint))?;
    if !(certificate.not_before..certificate.not_after).contains(&clock::now()) {
        return Err(error::bad_signature("The key used is expired.", thumbprint));
    }
    if jwt.is_signed_by(certificate.public_key) {
        Ok(())
    } else {
        Err(error::bad_signature("The signature is invalid.", thumbprint))
    }
}

/// The token endpoints of the request's tenant, and its issuer, under the host that was asked.
fn audiences(request: &Request<'_>) -> [String; 3] {
    let host = request.headers.get(HOST).and_then(|host| host.to_str().ok());
    let base = format!("https://{}/{}", host.unwrap_or_default(), request.realm_name);
    ["oauth2/v2.0/token", "oauth2/token", "v2.0"].map(|path| format!("{base}/{path}"))
}

/// `nbf`, `iat` and `exp` are there, now lies between, and they are not far apart.
fn check_time(jwt: &Jwt<'_>) -> Result<(), EntraError> {
    let claim = |name| jwt.time(name).ok_or_else(|| error::malformed_assertion(name));
    let (not_before, expires) = (claim("nbf")?, claim("exp")?);
    let issued = claim("iat")?;
    let now = clock::now();
    let in_time = not_before.max(issued) <= now + SKEW && expires > now;
    if in_time && expires.saturating_sub(not_before) <= LONGEST_LIFE {
        Ok(())
    } else {
        Err(error::assertion_time(now, not_before, expires))
    }
}
