//! A code from the authorize endpoint (RFC 6749, 4.1.3; RFC 7636, 4.5).

use super::{EntraError, Granted, Kind, Request, Seen, error};
use crate::sim::entra::authorize;
use crate::sim::entra::code::Offer;
use crate::sim::entra::refresh::SignedIn;

pub(super) fn grant(request: &Request<'_>, seen: &mut Seen) -> Result<Granted, EntraError> {
    request.only(&["code", "redirect_uri", "code_verifier"])?;
    let entra = &request.world.entra;
    let (claimant, app) = request.claimant(seen)?;
    let text = request.form.required("code")?;
    let redirect_uri = request.form.required("redirect_uri")?;
    let platform = authorize::platform(&app, redirect_uri, entra.web_ignores_port.get())
        .ok_or_else(|| error::redirect_mismatch(redirect_uri, &app))?;
    let kind = Kind::of_platform(platform);
    let proof = claimant.prove(request, &app, kind)?;
    seen.proof = proof;
    let code = entra.codes.look(text)?;
    seen.person = Some(code.upn.clone());
    let offer = Offer {
        client_id: &app.client_id,
        realm: request.realm.key(),
        redirect_uri,
        verifier: request.form.get("code_verifier"),
    };
    code.check(&offer, entra.ages.now())?;
    let (person, tenant) = request.person(&code.upn, &app)?;
    let mut scope = request.scope()?.unwrap_or_else(|| code.scope.clone());
    scope.identity = scope.identity.or(code.scope.identity);
    let what = request.permitted(&scope, &app, (&person, &tenant))?;
    request.planned()?;
    entra.codes.redeem(text)?;
    let claims = request.claims((&app, proof), (&person, &tenant), what);
    let sign_in = SignedIn {
        client_id: &app.client_id,
        person: &person,
        personal: tenant.is_personal(),
        kind,
        scope,
    };
    let mut granted = Granted::to_person(claims, &person, sign_in.scope.identity, code.nonce);
    granted.begin(request.world, sign_in, seen);
    Ok(granted)
}
