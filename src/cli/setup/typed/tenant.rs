//! The tenant: a GUID, a domain, or any address that was copied from a portal.

use url::Url;

use super::{Label, guid_behind, labelled};
use crate::oauth::authority::{self, Authority};
use crate::provider::{PRESETS, Preset};

/// A tenant, and what else was said with it.
#[derive(Clone, Debug)]
pub(in super::super) struct Tenant {
    pub(in super::super) name: String,
    /// The clouds that it may be of, the usual one first; never empty.
    pub(in super::super) clouds: Vec<&'static Preset>,
    /// An address of the portal names the app that is open as well.
    pub(in super::super) client_id: Option<String>,
}

const WHERE: &str = "copy Directory (tenant) ID from the app registration's Overview, or write a domain such as \
                     contoso.onmicrosoft.com";

/// Portals and admin centres, by the end of their names: which cloud they are of, as the beginning of its presets.
const PORTALS: &[(&str, &str)] = &[
    ("portal.azure.com", GLOBAL),
    ("entra.microsoft.com", GLOBAL),
    ("admin.microsoft.com", GLOBAL),
    ("admin.cloud.microsoft", GLOBAL),
    ("admin.exchange.microsoft.com", GLOBAL),
    ("portal.azure.us", GOVERNMENT),
    ("entra.microsoft.us", GOVERNMENT),
    ("portal.azure.cn", CHINA),
    ("entra.microsoftonline.cn", CHINA),
];

/// The sign-in hosts by which a cloud is found in the table of presets.
const GLOBAL: &str = "login.microsoftonline.com";
const GOVERNMENT: &str = "login.microsoftonline.us";
const CHINA: &str = "login.partner.microsoftonline.cn";

/// Reads a tenant.
pub(in super::super) fn tenant(typed: &str) -> Result<Tenant, String> {
    let typed = typed.trim().trim_matches(['"', '\'', '<', '>']);
    if typed.is_empty() {
        return Err(format!("the tenant is needed: {WHERE}"));
    }
    if typed.contains("://") {
        return of_address(typed);
    }
    if let Some((label, guid)) = labelled(typed) {
        return match label {
            None | Some(Label::Tenant) => named(guid, clouds(GLOBAL)),
            Some(Label::Client) => Err(format!(
                "that is the client id, which is asked for later: {WHERE}"
            )),
            Some(Label::Object) => Err(format!(
                "that is the Object ID, which belongs to the app: {WHERE}"
            )),
            Some(Label::Secret) => Err(format!("that is the ID of a client secret: {WHERE}")),
        };
    }
    if let Some((_, domain)) = typed.rsplit_once('@') {
        return Err(format!(
            "that is the address of a mailbox; is {domain} a domain of the tenant? Then write that"
        ));
    }
    named(typed, of_domain(typed))
}

/// The clouds of a sign-in host.
fn clouds(host: &str) -> Vec<&'static Preset> {
    let is_it =
        |preset: &&Preset| preset.authorities.contains(&host) && preset.token_url.contains("{tenant}");
    PRESETS.iter().filter(is_it).collect()
}

/// Every cloud that has tenants.
pub(in super::super) fn every_cloud() -> Vec<&'static Preset> {
    [GLOBAL, GOVERNMENT, CHINA].into_iter().flat_map(clouds).collect()
}

/// Tenants of other clouds are told by the domain that each begins with.
fn of_domain(domain: &str) -> Vec<&'static Preset> {
    let domain = domain.to_ascii_lowercase();
    if domain.ends_with(".onmicrosoft.us") {
        clouds(GOVERNMENT)
    } else if domain.ends_with(".partner.onmschina.cn") {
        clouds(CHINA)
    } else {
        clouds(GLOBAL)
    }
}

fn named(name: &str, clouds: Vec<&'static Preset>) -> Result<Tenant, String> {
    match authority::Tenant::parse(name) {
        Some(authority::Tenant::One(name)) => Ok(Tenant {
            name: name.into(),
            clouds,
            client_id: None,
        }),
        Some(authority::Tenant::Any(anyone)) => Err(format!(
            "\"{}\" stands for every tenant, and the mailboxes are in one: {WHERE}",
            anyone.name()
        )),
        None => Err(format!("that is neither a GUID nor a domain: {WHERE}")),
    }
}

fn of_address(address: &str) -> Result<Tenant, String> {
    let url = Url::parse(address).map_err(|_| format!("that address can't be read: {WHERE}"))?;
    let host = url.host_str().unwrap_or_default();
    if let Some(authority) = Authority::read(address)
        && let found = clouds(host)
        && !found.is_empty()
    {
        let tenant = authority.tenant;
        let tenant = tenant.ok_or_else(|| format!("no tenant is in that address: {WHERE}"))?;
        return named(tenant.as_str(), found);
    }
    let is_it = |(end, _): &&(&str, &str)| host == *end || host.ends_with(&format!(".{end}"));
    let Some((_, cloud)) = PORTALS.iter().find(is_it) else {
        return Err(format!("that is an address of another service: {WHERE}"));
    };
    let client_id = guid_behind(address, "appid").map(str::to_owned);
    let Some(name) = of_portal(&url) else {
        let what = match client_id {
            Some(_) => "that address of the portal names the app and not the tenant",
            None => "that address of the portal does not name the tenant",
        };
        return Err(format!("{what}: {WHERE}"));
    };
    Ok(Tenant {
        client_id,
        ..named(&name, clouds(cloud))?
    })
}

/// The tenant in an address of a portal: behind `#@` or `/@`, as the first part of the path, or by its name.
fn of_portal(url: &Url) -> Option<String> {
    let address = url.as_str();
    if let Some(guid) = ["tenantid", "tid=", "tenant="]
        .iter()
        .find_map(|word| guid_behind(address, word))
    {
        return Some(guid.to_owned());
    }
    let first = |text: &str| {
        let name = text.trim_start_matches('@');
        let name = name.split(['/', '?', '&', '#']).next().unwrap_or_default();
        matches!(authority::Tenant::parse(name), Some(authority::Tenant::One(_))).then(|| name.to_owned())
    };
    let in_fragment = url
        .fragment()
        .filter(|fragment| fragment.starts_with('@'))
        .and_then(first);
    in_fragment.or_else(|| first(url.path().trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "0a0b0c0d-1111-2222-3333-444455556666";
    const APP: &str = "11111111-2222-3333-4444-555555555555";

    #[test]
    fn whatever_the_portal_shows_names_the_tenant() {
        let cases = [
            (GUID.to_owned(), GUID, "microsoft365"),
            (GUID.to_ascii_uppercase(), GUID, "microsoft365"),
            (format!(" Directory (tenant) ID : {GUID}\r"), GUID, "microsoft365"),
            (format!("\"{GUID}\""), GUID, "microsoft365"),
            (
                "Contoso.onmicrosoft.com".into(),
                "contoso.onmicrosoft.com",
                "microsoft365",
            ),
            ("contoso.com".into(), "contoso.com", "microsoft365"),
            (
                "contoso.onmicrosoft.us".into(),
                "contoso.onmicrosoft.us",
                "microsoft365-gcc-high",
            ),
            (
                "contoso.partner.onmschina.cn".into(),
                "contoso.partner.onmschina.cn",
                "microsoft365-china",
            ),
            (
                format!("https://login.microsoftonline.com/{GUID}/oauth2/v2.0/token"),
                GUID,
                "microsoft365",
            ),
            (
                format!("https://login.microsoftonline.com/{GUID}/v2.0/.well-known/openid-configuration"),
                GUID,
                "microsoft365",
            ),
            (format!("https://sts.windows.net/{GUID}/"), GUID, "microsoft365"),
            (
                format!("https://login.microsoftonline.us/{GUID}/oauth2/v2.0/authorize"),
                GUID,
                "microsoft365-gcc-high",
            ),
            (
                format!("https://login.chinacloudapi.cn/{GUID}/oauth2/token"),
                GUID,
                "microsoft365-china",
            ),
            (
                "https://portal.azure.com/#@contoso.onmicrosoft.com/resource/x".into(),
                "contoso.onmicrosoft.com",
                "microsoft365",
            ),
            (
                "https://portal.azure.com/contoso.com#view/Microsoft_AAD_RegisteredApps".into(),
                "contoso.com",
                "microsoft365",
            ),
            (
                "https://entra.microsoft.com/@contoso.com?feature=x#home".into(),
                "contoso.com",
                "microsoft365",
            ),
            (
                format!("https://entra.microsoft.com/#view/Overview/tenantId/{GUID}"),
                GUID,
                "microsoft365",
            ),
            (
                format!("https://admin.microsoft.com/?tid={GUID}#/homepage"),
                GUID,
                "microsoft365",
            ),
            (
                format!("https://portal.azure.us/?tenantId={GUID}"),
                GUID,
                "microsoft365-gcc-high",
            ),
            (
                format!("https://portal.azure.cn/{GUID}"),
                GUID,
                "microsoft365-china",
            ),
        ];
        for (typed, name, preset) in &cases {
            let read = tenant(typed).unwrap_or_else(|error| panic!("{typed}: {error}"));
            assert_eq!(
                (read.name.as_str(), read.clouds[0].name),
                (*name, *preset),
                "{typed}"
            );
        }
        assert_eq!(cases.len(), 20);
        let both =
            format!("https://entra.microsoft.com/{GUID}#view/App/~/Overview/appId/{APP}/isMSAApp~/false");
        assert_eq!(tenant(&both).unwrap().client_id.as_deref(), Some(APP));
        assert_eq!(tenant("contoso.onmicrosoft.us").unwrap().clouds.len(), 2);
    }

    #[test]
    fn what_is_no_tenant_is_told_apart() {
        let cases = [
            (String::new(), "is needed"),
            ("contoso".into(), "neither a GUID nor a domain"),
            ("common".into(), "every tenant"),
            (
                "https://login.microsoftonline.com/common/oauth2/v2.0/token".into(),
                "every tenant",
            ),
            ("https://login.microsoftonline.com/".into(), "no tenant is in"),
            ("https://example.com/contoso.com".into(), "another service"),
            (
                format!("http://login.microsoftonline.com/{GUID}"),
                "another service",
            ),
            (
                format!("https://portal.azure.com/#view/App/appId/{APP}"),
                "names the app and not",
            ),
            (
                "https://portal.azure.com/#home".into(),
                "does not name the tenant",
            ),
            ("support@contoso.com".into(), "is contoso.com a domain"),
            (format!("Application (client) ID: {GUID}"), "the client id"),
            (format!("Object ID: {GUID}"), "the Object ID"),
            (format!("Secret ID {GUID}"), "a client secret"),
            ("https://[".into(), "can't be read"),
        ];
        for (typed, word) in &cases {
            let error = tenant(typed).unwrap_err();
            assert!(error.contains(word), "{typed}: {error}");
            assert!(error.contains("tenant"), "{error}");
        }
        assert_eq!(cases.len(), 14);
    }
}
