//! `managed_identity`: who gives this machine its tokens, as the platform says in the environment.

use super::super::provider::Provider;
use super::super::reader::{Reader, Span, Text};
use super::super::table::Table;
use super::{grant, scope};
use crate::oauth::authority::is_guid;
use crate::oauth::flow::{ManagedIdentity, Platform};
use crate::secret::Secret;

/// The managed identity: that with a client id, or the machine's own.
pub(super) fn read(
    client_id: Option<&Text>,
    table: &Table<'_>,
    provider: Option<&Provider>,
    reader: &mut Reader<'_>,
) -> Option<ManagedIdentity> {
    let why = "the platform knows the managed identity's own";
    grant::note(&["tenant", "client_id"], why, table, reader);
    let span = table.key("managed_identity")?;
    let platform = platform(&span, reader);
    let scope = scope::of_app(table, provider, reader);
    if let Some(id) = client_id.filter(|id| !is_guid(&id.value)) {
        reader.error(
            &id.span,
            format!("`managed_identity` = {} is not a client id", id.shown()),
            "one has the form 11111111-2222-3333-4444-555555555555",
            "copy Client ID from the user-assigned identity's Overview, or write true for the machine's own",
        );
    }
    let scope = scope?;
    Some(ManagedIdentity {
        platform: platform?,
        resource: scope.strip_suffix("/.default").unwrap_or(&scope).into(),
        client_id: client_id.map(|id| id.value.as_str().into()),
    })
}

/// In the order in which Azure's own libraries look for them.
fn platform(span: &Span, reader: &mut Reader<'_>) -> Option<Platform> {
    let mut variable = |name| reader.variable(name).ok();
    let endpoint = variable("IDENTITY_ENDPOINT");
    let header = variable("IDENTITY_HEADER");
    let thumbprint = variable("IDENTITY_SERVER_THUMBPRINT");
    let imds = variable("IMDS_ENDPOINT");
    let mut refuse = |what: &str, why: &str| {
        let fix = "use a certificate, or run saslgate on a virtual machine or in App Service";
        let what = format!("the managed identity of {what} cannot be used");
        reader.error(span, what, why, fix);
    };
    let found = match (endpoint, header) {
        (Some(_), Some(_)) if thumbprint.is_some() => {
            let why = "its endpoint has a certificate of its own kind";
            refuse("a Service Fabric cluster", why);
            return None;
        }
        (Some(_), None) if imds.is_some() => {
            let why = "its agent wants a proof from a file that only its own group can read";
            refuse("an Azure Arc machine", why);
            return None;
        }
        (Some(endpoint), Some(header)) => Platform::app_service(&endpoint, Secret::new(header)),
        _ => return Some(Platform::VirtualMachine),
    };
    match found {
        Ok(platform) => Some(platform),
        Err(error) => {
            let why = error.to_string();
            let fix = "start saslgate without the variable IDENTITY_ENDPOINT, or with the platform's own";
            reader.error(span, "`managed_identity` cannot be used", why, fix);
            None
        }
    }
}
