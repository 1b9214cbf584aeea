//! A refresh token for the next access token (RFC 6749, 6).

use super::{EntraError, Granted, Request, Seen, error};

pub(super) fn grant(request: &Request<'_>, seen: &mut Seen) -> Result<Granted, EntraError> {
    request.only(&["refresh_token"])?;
    let entra = &request.world.entra;
    let (claimant, app) = request.claimant(seen)?;
    let token = request.form.required("refresh_token")?;
    let now = entra.ages.now();
    let held = entra.refresh_tokens.look(token, now)?;
    seen.person = Some(held.upn.clone());
    seen.family = Some(held.family);
    // A wrong secret says nothing about the token, which stays good.
    let proof = claimant.prove(request, &app, held.kind)?;
    seen.proof = proof;
    if held.client_id != app.client_id {
        return Err(error::grant_of_another_app());
    }
    let (person, tenant) = request.person(&held.upn, &app)?;
    held.check_revoked(&person)?;
    let mut scope = request.scope()?.unwrap_or_else(|| held.scope.clone());
    scope.identity = scope.identity.or(held.scope.identity);
    let what = request.permitted(&scope, &app, (&person, &tenant))?;
    request.planned()?;
    let rotation = entra.rotation.get();
    let next = entra
        .refresh_tokens
        .exchange(token, rotation, now, &request.world.random)?;
    let claims = request.claims((&app, proof), (&person, &tenant), what);
    let mut granted = Granted::to_person(claims, &person, scope.identity, None);
    granted.refresh_token = next;
    Ok(granted)
}
