//! A device code that a person has approved elsewhere (RFC 8628, 3.4).

use super::{EntraError, Granted, Kind, Request, Seen, error};
use crate::sim::entra::device::Poll;
use crate::sim::entra::path::Version;
use crate::sim::entra::refresh::SignedIn;

pub(super) fn grant(request: &Request<'_>, seen: &mut Seen) -> Result<Granted, EntraError> {
    let entra = &request.world.entra;
    // Programs that speak v1 call it `code`.
    let parameter = match request.version {
        Version::V1 if request.form.get("code").is_some() => "code",
        _ => "device_code",
    };
    request.only(&[parameter])?;
    let (claimant, app) = request.claimant(seen)?;
    let device_code = request.form.required(parameter)?;
    let kind = Kind::without_redirect(&app);
    let proof = claimant.prove(request, &app, kind)?;
    seen.proof = proof;
    if request.version == Version::V2 && request.form.get("scope").is_some() {
        return Err(error::malformed());
    }
    let approval = entra.device_codes.poll(&Poll {
        device_code,
        client_id: &app.client_id,
        realm: request.realm.key(),
        now: entra.ages.now(),
    })?;
    seen.person = Some(approval.upn.clone());
    let (person, tenant) = request.person(&approval.upn, &app)?;
    let what = request.permitted(&approval.scope, &app, (&person, &tenant))?;
    request.planned()?;
    entra.device_codes.redeem(device_code)?;
    let claims = request.claims((&app, proof), (&person, &tenant), what);
    let sign_in = SignedIn {
        client_id: &app.client_id,
        person: &person,
        personal: tenant.is_personal(),
        kind,
        scope: approval.scope,
    };
    let mut granted = Granted::to_person(claims, &person, sign_in.scope.identity, None);
    granted.begin(request.world, sign_in, seen);
    Ok(granted)
}
