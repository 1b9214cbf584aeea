//! The app for itself (RFC 6749, 4.4).

use super::{Claims, EntraError, Granted, Kind, Request, Seen, error, token};
use crate::sim::directory::{App, Tenant};
use crate::sim::entra::path::Version;
use crate::sim::entra::proof::Claimant;
use crate::sim::entra::resource::{self, Resource};

pub(super) fn grant(request: &Request<'_>, seen: &mut Seen) -> Result<Granted, EntraError> {
    if request.version == Version::V2 && request.form.get("resource").is_some() {
        return Err(error::resource_on_v2());
    }
    request.only(&[])?;
    let claimant = Claimant::of(request.headers, &request.form)?;
    seen.client_id.clone_from(&claimant.client_id);
    let tenant = request.realm.tenant()?;
    let app = service_principal(request, &claimant.client_id, tenant)?;
    let proof = claimant.prove(request, &app, Kind::Confidential)?;
    seen.proof = proof;
    let resource = wanted(request, tenant)?;
    request.planned()?;
    let (not_before, expires) = token::valid_from_now(request.world.entra.lifetime());
    let claims = Claims {
        audience: resource.name.to_owned(),
        tenant: tenant.id.clone(),
        object_id: app.object_id,
        client_id: app.client_id,
        app_class: proof.class(),
        user: None,
        scopes: Vec::new(),
        // Without a consent there are none, and the token is issued all the same.
        roles: if resource.exchange { app.roles } else { Vec::new() },
        not_before,
        expires,
    };
    Ok(Granted::to_app(claims))
}

/// The app as this tenant knows it.
fn service_principal(request: &Request<'_>, client_id: &str, tenant: &Tenant) -> Result<App, EntraError> {
    let app = request.realm.app(&request.world.directory, client_id)?;
    if app.tenant == tenant.id {
        Ok(app)
    } else {
        Err(error::no_service_principal(client_id, &tenant.id))
    }
}

/// The one resource, which v2 wants with `/.default` behind it.
fn wanted(request: &Request<'_>, tenant: &Tenant) -> Result<Resource, EntraError> {
    let cloud = request.world.entra.cloud.get();
    let text = request.form.required(request.version.scope_parameter())?;
    let name = match request.version {
        Version::V1 => text.strip_suffix('/').unwrap_or(text),
        Version::V2 if text.contains(' ') => return Err(error::invalid_scope(text)),
        Version::V2 => text
            .strip_suffix("/.default")
            .ok_or_else(|| error::scope_without_default(text))?,
    };
    resource::named(name, cloud).ok_or_else(|| error::unknown_resource(name, &tenant.id))
}
