//! The admin consent page: an administrator agrees for everybody, and no code comes back.

use hyper::Response;

use super::request::Back;
use super::{failure, redirect, redirect_uri, request, shown};
use crate::sim::World;
use crate::sim::directory::{App, Person, Tenant};
use crate::sim::entra::error::{self, EntraError};
use crate::sim::entra::form::Form;
use crate::sim::entra::path::{Place, Version};
use crate::sim::entra::realm::Realm;
use crate::sim::entra::record::{Visit, VisitOutcome};
use crate::sim::entra::response::Answer;
use crate::sim::entra::scope::{Scope, Wanted};
use crate::sim::entra::sign_in::{self, Asking, Does, Stop};

/// Answers one visit to `/{tenant}/v2.0/adminconsent`, and writes it down.
pub(in crate::sim::entra) fn visit(
    world: &World,
    place: Place<'_>,
    form: &Result<Form, EntraError>,
) -> Response<Answer> {
    let mut visit = Visit::of(place, form.as_ref().ok());
    let response = match form {
        Ok(form) => consent(world, place, form, &mut visit),
        Err(error) => shown(error, &mut visit),
    };
    world.entra.note_visit(visit);
    response
}

fn consent(world: &World, place: Place<'_>, form: &Form, visit: &mut Visit) -> Response<Answer> {
    let (back, scope) = match read(world, place, form) {
        Ok(read) => read,
        Err(error) => return shown(&error, visit),
    };
    match administrator(world, &back) {
        Ok((person, tenant)) => {
            grant(world, &back.app, &tenant, scope.as_ref());
            visit.person = Some(person.upn);
            visit.outcome = VisitOutcome::AdminConsent;
            send(&back, &tenant.id, form.get("scope"), Vec::new())
        }
        Err(Stop::Return(mut error)) => {
            // The older page has a word of its own for a refusal.
            if place.version == Version::V1 {
                error.error = "permission_denied";
            }
            visit.outcome = VisitOutcome::Returned(error.code);
            send(&back, back.realm.key(), form.get("scope"), failure(world, &error))
        }
        Err(stop) => super::stopped(world, &back, stop, visit),
    }
}

fn read<'a>(
    world: &World,
    place: Place<'_>,
    form: &'a Form,
) -> Result<(Back<'a>, Option<Scope>), EntraError> {
    let back = request::back(world, place, form)?;
    if form
        .stranger(&["client_id", "scope", "redirect_uri", "state"])
        .is_some()
    {
        return Err(error::malformed());
    }
    // One tenant, or `organizations` for whichever the administrator belongs to.
    if matches!(back.realm, Realm::Common | Realm::Consumers) {
        return Err(error::no_tenant());
    }
    let scope = match place.version {
        Version::V1 => None,
        Version::V2 => Some(Scope::required(world, form, Version::V2, &back.realm)?),
    };
    Ok((back, scope))
}

/// The administrator at the browser, if they agree.
fn administrator(world: &World, back: &Back<'_>) -> Result<(Person, Tenant), Stop> {
    let asking = Asking {
        realm: &back.realm,
        app: &back.app,
        hint: None,
        silent: false,
        permissions: Vec::new(),
    };
    let (person, tenant) = sign_in::account(world, &asking)?;
    match world.entra.browser.change(|browser| browser.does) {
        Does::Leaves => Err(Stop::Waits),
        Does::Declines => Err(Stop::Return(error::declined("access_denied"))),
        _ if !person.admin => Err(Stop::Page(error::admin_needed(&person))),
        _ => Ok((person, tenant)),
    }
}

/// Everything that was picked in the portal, or the permissions that the scope names.
fn grant(world: &World, app: &App, tenant: &Tenant, scope: Option<&Scope>) {
    let everything = scope.is_none_or(|scope| {
        scope
            .resources
            .iter()
            .any(|(_, wanted)| *wanted == Wanted::Default)
    });
    let delegated = scope.map_or_else(|| app.delegated.clone(), |scope| scope.permissions(app));
    let delegated: Vec<&str> = delegated.iter().map(String::as_str).collect();
    world
        .directory
        .consent(&app.client_id, &tenant.id, None, &delegated);
    sign_in::install(world, app, tenant);
    if everything {
        world.directory.change_app(&app.client_id, |entry| {
            if entry.tenant == tenant.id {
                let waiting = std::mem::take(&mut entry.roles_without_consent);
                entry.roles.extend(waiting);
            }
        });
    }
}

fn send(
    back: &Back<'_>,
    tenant: &str,
    scope: Option<&str>,
    mut parameters: Vec<(&'static str, String)>,
) -> Response<Answer> {
    parameters.push(("admin_consent", "True".to_owned()));
    parameters.push(("tenant", tenant.to_owned()));
    parameters.extend(scope.map(|scope| ("scope", scope.to_owned())));
    parameters.extend(back.state.map(|state| ("state", state.to_owned())));
    redirect(&redirect_uri::with(back.uri, '?', &parameters))
}
