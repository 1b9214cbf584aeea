//! The tenant: a GUID, a domain, a word for everybody, or a URL copied from the portal.

use super::provider::Provider;
use super::reader::{Reader, Text};
use super::table::Table;
use crate::oauth::Dialect;
use crate::oauth::authority::{Anyone, Authority, Tenant};
use crate::provider::{PRESETS, Preset};

/// A tenant as it was written.
#[derive(Clone)]
pub(super) struct Named {
    pub(super) tenant: Tenant,
    /// The generation of endpoints that a URL was of.
    pub(super) dialect: Option<Dialect>,
}

/// Which words for everybody a grant can use.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Everybody {
    /// None: an app is known to one tenant at a time.
    Nobody,
    /// `organizations` alone: personal accounts have no password grant.
    Organizations,
    /// All of them.
    Anyone,
}

/// The tenant; the inner `None` where the provider has none. `given` stands for a key that is not there.
#[allow(clippy::option_option, reason = "wrong and not needed are two things")]
pub(super) fn read(
    table: &Table<'_>,
    provider: Option<&Provider>,
    everybody: Everybody,
    given: Option<Text>,
    reader: &mut Reader<'_>,
) -> Option<Option<Named>> {
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
    let text = match given {
        Some(text) if table.key("tenant").is_none() => text,
        _ => table.required("tenant", "the token endpoint depends on it", fix, reader)?,
    };
    of(&text, provider, everybody, reader).map(Some)
}

/// A GUID, a domain, or any URL of the portal's Endpoints blade, whose first path segment is one of those.
pub(super) fn of(
    text: &Text,
    provider: &Provider,
    everybody: Everybody,
    reader: &mut Reader<'_>,
) -> Option<Named> {
    let written = text.value.trim();
    let (tenant, dialect) = if written.contains("://") {
        let authority = authority(text, provider, reader)?;
        (authority.tenant, authority.dialect)
    } else {
        (Tenant::parse(written), None)
    };
    let (what, why) = match tenant {
        None => ("is not a tenant", "it is neither a GUID nor a domain"),
        Some(tenant) => match (&tenant, everybody) {
            (Tenant::One(_), _)
            | (_, Everybody::Anyone)
            | (Tenant::Any(Anyone::Organizations), Everybody::Organizations) => {
                return Some(Named { tenant, dialect });
            }
            (_, Everybody::Nobody) => (
                "stands for every tenant",
                "an app gets a token from one tenant, the one that granted it (AADSTS50059)",
            ),
            (_, Everybody::Organizations) => (
                "stands for personal accounts too",
                "a password is taken from work accounts alone, in one tenant or in \"organizations\" (AADSTS9001023)",
            ),
        },
    };
    reader.error(
        &text.span,
        format!("`tenant` = {} {what}", text.shown()),
        why,
        FIX,
    );
    None
}

const FIX: &str =
    "write the Directory (tenant) ID, a domain of the tenant, or a URL from the portal's Endpoints blade";

/// What a URL says, if it is of the provider's own cloud.
fn authority(text: &Text, provider: &Provider, reader: &mut Reader<'_>) -> Option<Authority> {
    let other = match Authority::read(&text.value) {
        Some(authority) if is_of(&authority.host, provider) => return Some(authority),
        other => other,
    };
    let what = format!("`tenant` = {} is the URL of another service", text.shown());
    let why = format!("the provider is \"{}\"", provider.name);
    let fix = other
        .and_then(|other| other_cloud(&other.host))
        .unwrap_or_else(|| FIX.to_owned());
    reader.error(&text.span, what, why, fix);
    None
}

/// The presets of one cloud, by an address of its sign-in.
pub(super) fn clouds(host: &str) -> Vec<&'static Preset> {
    let is_it =
        |preset: &&Preset| preset.authorities.contains(&host) && preset.token_url.contains("{tenant}");
    PRESETS.iter().filter(is_it).collect()
}

/// Which preset an address is of that is not of the provider's own cloud.
fn other_cloud(host: &str) -> Option<String> {
    let clouds = names(&clouds(host));
    (!clouds.is_empty()).then(|| format!("set preset = {clouds}, the cloud of that address"))
}

/// Presets in a sentence.
pub(super) fn names(presets: &[&Preset]) -> String {
    let names: Vec<_> = presets
        .iter()
        .map(|preset| format!("\"{}\"", preset.name))
        .collect();
    names.join(" or ")
}

/// The Endpoints blade shows the token endpoint's own host and old names of it.
fn is_of(host: &str, provider: &Provider) -> bool {
    let template = provider.token_url.as_deref();
    let own = template.and_then(|template| provider.endpoint(template, "tenant", Dialect::Scope));
    let known = provider.preset.map_or(&[][..], |preset| preset.authorities);
    own.as_ref().and_then(url::Url::host_str) == Some(host) || known.contains(&host)
}
