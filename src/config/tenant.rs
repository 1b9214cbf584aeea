//! The tenant: a GUID, a domain, or a URL copied from the portal.

use super::provider::Provider;
use super::reader::{Reader, Text};
use super::table::Table;

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
    let mut tenant = text.value.trim();
    if let Some((scheme, rest)) = tenant.split_once("://") {
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if scheme != "https" || !is_authority(host, provider) {
            let what = format!("`tenant` = {} is the URL of another service", text.shown());
            reader.error(
                &text.span,
                what,
                format!("the provider is \"{}\"", provider.name),
                fix,
            );
            return None;
        }
        tenant = path.split('/').next().unwrap_or_default();
    }
    let lower = tenant.to_ascii_lowercase();
    if matches!(lower.as_str(), "common" | "organizations" | "consumers") {
        let what = format!("`tenant` = {} stands for every tenant", text.shown());
        reader.error(
            &text.span,
            what,
            "an app gets a token from one tenant, the one that granted it",
            fix,
        );
        return None;
    }
    if !is_guid(&lower) && !is_domain(&lower) {
        let what = format!("`tenant` = {} is not a tenant", text.shown());
        reader.error(&text.span, what, "it is neither a GUID nor a domain", fix);
        return None;
    }
    Some(lower.into())
}

/// The Endpoints blade shows the token endpoint's own host and two old names of it.
fn is_authority(host: &str, provider: &Provider) -> bool {
    let own = provider.token_url("tenant");
    let own = own.as_ref().and_then(url::Url::host_str);
    own == Some(host)
        || own == Some("login.microsoftonline.com") && matches!(host, "sts.windows.net" | "login.windows.net")
}

pub(super) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}
