//! The tenant: a GUID, a domain, or a URL copied from the portal.

use super::provider::Provider;
use super::reader::{Reader, Text};
use super::table::Table;
use crate::oauth::authority::{Authority, Tenant};
use crate::provider::{PRESETS, Preset};

/// The tenant; the inner `None` where the provider has none.
#[allow(clippy::option_option, reason = "wrong and not needed are two things")]
pub(super) fn read(
    table: &Table<'_>,
    provider: Option<&Provider>,
    reader: &mut Reader<'_>,
) -> Option<Option<Box<str>>> {
    let provider = provider?;
    if !provider.has_tenants() {
        if let Some(span) = table.key("tenant") {
            reader.no_effect(
                &span,
                "tenant",
                "the provider's `token_url` has no {tenant} in it",
            );
        }
        return Some(None);
    }
    let fix = "copy \"Directory (tenant) ID\" from the app registration's Overview";
    let text = table.required("tenant", "the token endpoint depends on it", fix, reader)?;
    of(&text, provider, reader).map(Some)
}

/// A GUID, a domain, or any URL of the portal's Endpoints blade, whose first path segment is one of those.
pub(super) fn of(text: &Text, provider: &Provider, reader: &mut Reader<'_>) -> Option<Box<str>> {
    let fix =
        "write the Directory (tenant) ID, a domain of the tenant, or a URL from the portal's Endpoints blade";
    let written = text.value.trim();
    let tenant = if written.contains("://") {
        match Authority::read(written) {
            Some(authority) if is_of(&authority.host, provider) => authority.tenant,
            other => {
                let what = format!("`tenant` = {} is the URL of another service", text.shown());
                let why = format!("the provider is \"{}\"", provider.name);
                let fix = other
                    .and_then(|other| other_cloud(&other.host))
                    .unwrap_or(fix.to_owned());
                reader.error(&text.span, what, why, fix);
                return None;
            }
        }
    } else {
        Tenant::parse(written)
    };
    let (what, why) = match tenant {
        Some(Tenant::One(tenant)) => return Some(tenant),
        Some(Tenant::Any(_)) => (
            format!("`tenant` = {} stands for every tenant", text.shown()),
            "an app gets a token from one tenant, the one that granted it",
        ),
        None => (
            format!("`tenant` = {} is not a tenant", text.shown()),
            "it is neither a GUID nor a domain",
        ),
    };
    reader.error(&text.span, what, why, fix);
    None
}

/// Which preset an address is of that is not of the provider's own cloud.
fn other_cloud(host: &str) -> Option<String> {
    let is_cloud =
        |preset: &&Preset| preset.authorities.contains(&host) && preset.token_url.contains("{tenant}");
    let clouds = PRESETS.iter().filter(is_cloud);
    let clouds: Vec<_> = clouds.map(|preset| format!("\"{}\"", preset.name)).collect();
    (!clouds.is_empty()).then(|| format!("set preset = {}, the cloud of that address", clouds.join(" or ")))
}

/// The Endpoints blade shows the token endpoint's own host and old names of it.
fn is_of(host: &str, provider: &Provider) -> bool {
    let own = provider.token_url("tenant");
    let known = provider.preset.map_or(&[][..], |preset| preset.authorities);
    own.as_ref().and_then(url::Url::host_str) == Some(host) || known.contains(&host)
}
