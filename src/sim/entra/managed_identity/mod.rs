//! Managed identities: what a virtual machine's metadata service and an App Service's local endpoint answer. Plain HTTP,
//! for the real ones are only reachable from the machine itself.

mod app_service;
mod imds;
mod record;
mod service;

use std::fmt;

use hyper::StatusCode;
use serde_json::Value;

pub use self::record::IdentityRequest;
pub(in crate::sim) use self::service::serve;

use super::form::Form;
use super::resource::{self, Resource};
use super::token::{self, Claims};
use crate::sim::World;
use crate::sim::directory::App;
use crate::sim::knob::Knob;

/// An identity that belongs to the machine: the client id of an [`App`], and how it is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its client id.
    pub client_id: String,
    /// Its Azure resource id if it is user-assigned; the system-assigned one has none.
    pub resource_id: Option<String>,
}

/// The machine's knobs and records.
#[derive(Default)]
pub struct ManagedIdentity {
    /// Which identities the machine has.
    pub identities: Knob<Vec<Identity>>,
    /// Whether App Service writes `expires_on` as a number instead of a text.
    pub expires_on_as_number: Knob<bool>,
    fault: Knob<Option<(u16, u32)>>,
    requests: Knob<Vec<IdentityRequest>>,
}

impl ManagedIdentity {
    /// What `X-IDENTITY-HEADER` has to say (`IDENTITY_HEADER` in the environment of an app).
    pub const IDENTITY_HEADER: &'static str = "853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a";

    /// The next `times` requests get this status: 404, 410 and 429 pass, and so do 5xx.
    pub fn fail_next(&self, times: u32, status: u16) {
        self.fault.set(Some((status, times)));
    }

    /// Every request so far, oldest first.
    pub fn requests(&self) -> Vec<IdentityRequest> {
        self.requests.get()
    }

    fn take_fault(&self) -> Option<StatusCode> {
        self.fault.change(|slot| {
            let (status, left) = (*slot).filter(|(_, left)| *left > 0)?;
            *slot = Some((status, left - 1));
            StatusCode::from_u16(status).ok()
        })
    }
}

impl fmt::Debug for ManagedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ManagedIdentity")
    }
}

/// What an endpoint answers.
type Reply = (StatusCode, Value);

/// Why no token is given: the words that both endpoints put into their own form.
struct Refusal {
    status: StatusCode,
    error: &'static str,
    text: String,
}

impl Refusal {
    fn bad_request(error: &'static str, text: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error,
            text: text.into(),
        }
    }
}

/// The one identity that the parameters choose: `client_id`, `object_id`, or the name that the endpoint has for the
/// resource id. Without any, the system-assigned one, or the only one.
fn chosen(world: &World, form: &Form, resource_id: &str) -> Result<App, Refusal> {
    let given: Vec<(&str, &str)> = ["client_id", "object_id", resource_id]
        .into_iter()
        .filter_map(|name| Some((name, form.get(name)?)))
        .collect();
    let all = world.machine.identities.get();
    let app = |identity: &Identity| world.directory.app_anywhere(&identity.client_id);
    let found = match given.as_slice() {
        [] => match all.iter().find(|it| it.resource_id.is_none()) {
            None if all.len() > 1 => {
                let text = "Multiple user assigned identities exist, please specify the clientId / resourceId of \
                            the identity in the token request";
                return Err(Refusal::bad_request("invalid_request", text));
            }
            system => system.or(all.first()).and_then(app),
        },
        [(name, value)] => all.iter().find_map(|identity| {
            let app = app(identity)?;
            let is_it = match *name {
                "client_id" => app.client_id == *value,
                "object_id" => app.object_id == *value,
                _ => identity.resource_id.as_deref() == Some(value),
            };
            is_it.then_some(app)
        }),
        _ => None,
    };
    found.ok_or_else(|| Refusal::bad_request("invalid_request", "Identity not found"))
}

/// The resource that is asked for.
fn wanted(world: &World, form: &Form) -> Result<Resource, Refusal> {
    let name = form.get("resource").ok_or_else(|| {
        Refusal::bad_request("invalid_request", "Required query variable 'resource' is missing")
    })?;
    let bare = name.strip_suffix('/').unwrap_or(name);
    resource::named(bare, world.entra.cloud.get()).ok_or_else(|| {
        let text = format!("AADSTS50001: The resource principal named {name} was not found in the tenant.");
        Refusal::bad_request("invalid_resource", text)
    })
}

/// The claims of the identity's token.
fn claims(world: &World, app: App, resource: Resource) -> Claims {
    let (not_before, expires) = token::valid_from_now(world.entra.lifetime());
    Claims {
        audience: resource.name.to_owned(),
        tenant: app.tenant,
        object_id: app.object_id,
        client_id: app.client_id,
        // Azure keeps a certificate for each managed identity.
        app_class: 2,
        user: None,
        scopes: Vec::new(),
        roles: if resource.exchange { app.roles } else { Vec::new() },
        not_before,
        expires,
    }
}
