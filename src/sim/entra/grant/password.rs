//! A person's own password (RFC 6749, 4.3), which Entra takes for work accounts alone.

use super::{EntraError, Granted, Kind, Request, Seen, error, sign_in};
use crate::sim::directory::{App, Person, Tenant};
use crate::sim::entra::realm::Realm;
use crate::sim::entra::refresh::SignedIn;

pub(super) fn grant(request: &Request<'_>, seen: &mut Seen) -> Result<Granted, EntraError> {
    request.only(&["username", "password"])?;
    if matches!(request.realm, Realm::Common | Realm::Consumers) {
        return Err(error::password_without_tenant());
    }
    let entra = &request.world.entra;
    let (claimant, app) = request.claimant(seen)?;
    let kind = Kind::without_redirect(&app);
    let proof = claimant.prove(request, &app, kind)?;
    seen.proof = proof;
    let name = request.form.required("username")?;
    let password = request.form.required("password")?;
    let scope = request
        .scope()?
        .ok_or_else(|| error::missing(request.version.scope_parameter()))?;
    let (person, tenant) = account(request, &app, name)?;
    // Planned refusals are about accounts, and wrong passwords are asked about before.
    entra.lockouts.check(&person, password, entra.ages.now())?;
    sign_in::check_account(&person)?;
    sign_in::check_password_is_enough(&person)?;
    let what = request.permitted(&scope, &app, (&person, &tenant))?;
    request.planned()?;
    let claims = request.claims((&app, proof), (&person, &tenant), what);
    let sign_in = SignedIn {
        client_id: &app.client_id,
        person: &person,
        personal: false,
        kind,
        scope,
    };
    let mut granted = Granted::to_person(claims, &person, sign_in.scope.identity, None);
    granted.begin(request.world, sign_in, seen);
    Ok(granted)
}

/// The account of this name in this realm. Here one of another tenant simply does not exist.
fn account(request: &Request<'_>, app: &App, name: &str) -> Result<(Person, Tenant), EntraError> {
    let directory = &request.world.directory;
    let unknown = || error::unknown_person(name, request.realm.key());
    let person = directory.person(name).ok_or_else(unknown)?;
    let tenant = request
        .realm
        .tenant_of(directory, &person, app)
        .map_err(|_| unknown())?;
    Ok((person, tenant))
}
