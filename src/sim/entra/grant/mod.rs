//! The token endpoint: from a request to an answer or a refusal. Every parameter is checked; one file for each grant.

mod authorization_code;
mod client_credentials;
mod device_code;
mod password;
mod refresh_token;

use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;

use super::error::{self, EntraError};
use super::form::Form;
use super::issue::{self, Granted};
use super::path::{Place, Version};
use super::proof::{Claimant, Kind, Proof};
use super::realm::Realm;
use super::resource::Resource;
use super::scope::{Scope, Wanted};
use super::sign_in;
use super::token::{self, Claims};
use crate::sim::World;
use crate::sim::directory::{App, Person, Tenant};

/// The grant type of device codes (RFC 8628, 3.4).
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Parameters that every grant may bring.
const COMMON: [&str; 7] = [
    "grant_type",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "scope",
    "resource",
];

/// What could be read of a request, right or wrong, for the record.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) client_id: String,
    pub(super) scope: String,
    pub(super) grant: String,
    pub(super) proof: Proof,
    pub(super) person: Option<String>,
    pub(super) family: Option<u64>,
}

/// One POST to a token endpoint.
pub(super) struct Request<'a> {
    pub(super) world: &'a World,
    pub(super) realm: Realm,
    /// The realm as it stands in the path.
    pub(super) realm_name: &'a str,
    pub(super) version: Version,
    pub(super) headers: &'a HeaderMap,
    pub(super) form: Form,
}

/// Answers one POST. Where it only has to be recorded, because something stands in the way of its being processed,
/// `processed` is false.
pub(super) fn answer(
    world: &World,
    place: Place<'_>,
    headers: &HeaderMap,
    body: &[u8],
    seen: &mut Seen,
    processed: bool,
) -> Result<String, EntraError> {
    check_type(headers, "grant_type")?;
    let form = Form::parse(body)?;
    note(&form, place.version, seen);
    if !processed {
        return Ok(String::new());
    }
    let request = Request {
        realm: Realm::named(world, place.realm)?,
        realm_name: place.realm,
        version: place.version,
        world,
        headers,
        form,
    };
    let granted = match request.form.required("grant_type")? {
        "client_credentials" => client_credentials::grant(&request, seen),
        "authorization_code" => authorization_code::grant(&request, seen),
        "refresh_token" => refresh_token::grant(&request, seen),
        "password" => password::grant(&request, seen),
        DEVICE_CODE => device_code::grant(&request, seen),
        other => Err(error::unsupported_grant(other)),
    }?;
    Ok(issue::body(world, place.version, granted))
}

fn note(form: &Form, version: Version, seen: &mut Seen) {
    let text = |name| form.get(name).unwrap_or_default().to_owned();
    seen.client_id = text("client_id");
    seen.scope = text(version.scope_parameter());
    seen.grant = text("grant_type");
    seen.person = form.get("username").map(str::to_owned);
}

/// A body of another type is not read, so that its first parameter seems to be missing.
pub(super) fn check_type(headers: &HeaderMap, first: &str) -> Result<(), EntraError> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let kind = types
        .next()
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = kind.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") || types.next().is_some() {
        return Err(error::missing(first));
    }
    Ok(())
}

impl Request<'_> {
    /// Refuses parameters that belong neither to every grant nor to this one.
    fn only(&self, own: &[&str]) -> Result<(), EntraError> {
        let known: Vec<&str> = COMMON.iter().chain(own).copied().collect();
        match self.form.stranger(&known) {
            Some(_) => Err(error::malformed()),
            None => Ok(()),
        }
    }

    /// The app that asks, and what it has proved.
    fn claimant(&self, seen: &mut Seen) -> Result<(Claimant, App), EntraError> {
        let claimant = Claimant::of(self.headers, &self.form)?;
        seen.client_id.clone_from(&claimant.client_id);
        let app = self.realm.app(&self.world.directory, &claimant.client_id)?;
        Ok((claimant, app))
    }

    /// What this request asks for; `None` when it leaves that to what was asked before.
    fn scope(&self) -> Result<Option<Scope>, EntraError> {
        Scope::of(self.world, &self.form, self.version, &self.realm)
    }

    /// The refusal that a test planned. It comes before anything is used up: a code, a refresh token.
    fn planned(&self) -> Result<(), EntraError> {
        self.world.entra.take_refusal().map_or(Ok(()), Err)
    }

    /// The person of this sign-in name, if the account may be used without a browser.
    fn person(&self, upn: &str, app: &App) -> Result<(Person, Tenant), EntraError> {
        let directory = &self.world.directory;
        let person = directory
            .person(upn)
            .ok_or_else(|| error::unknown_person(upn, self.realm.key()))?;
        let tenant = self.realm.tenant_of(directory, &person, app)?;
        sign_in::check_account(&person)?;
        Ok((person, tenant))
    }

    /// The one resource of a scope, and the permissions of it that the person has agreed to.
    fn permitted(
        &self,
        scope: &Scope,
        app: &App,
        holder: (&Person, &Tenant),
    ) -> Result<(Resource, Vec<String>), EntraError> {
        let (person, tenant) = holder;
        let (resource, wanted) = scope.only_resource().ok_or_else(|| {
            let text = self.form.get("scope").unwrap_or_default();
            error::two_resources(self.world.entra.two_resources.get(), text)
        })?;
        if *wanted == Wanted::Default && app.delegated.is_empty() {
            return Err(error::resource_not_picked(app, resource.name));
        }
        let permissions = wanted.permissions(app);
        sign_in::check_consent(&self.world.directory, app, tenant, person, &permissions)?;
        Ok((*resource, permissions))
    }

    /// The claims of a person's token.
    fn claims(&self, by: (&App, Proof), whose: (&Person, &Tenant), what: (Resource, Vec<String>)) -> Claims {
        let ((app, proof), (person, tenant), (resource, permissions)) = (by, whose, what);
        let (not_before, expires) = token::valid_from_now(self.world.entra.lifetime());
        Claims {
            audience: resource.name.to_owned(),
            tenant: tenant.id.clone(),
            object_id: person.object_id.clone(),
            client_id: app.client_id.clone(),
            app_class: proof.class(),
            user: Some(person.upn.clone()),
            scopes: permissions,
            roles: Vec::new(),
            not_before,
            expires,
        }
    }
}
