//! From the addresses that another program was told to what saslgate calls them.

use url::Url;

use crate::oauth::authority::is_guid;
use crate::provider::{PRESETS, Preset};

/// A provider as saslgate knows it.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Known {
    pub(super) preset: &'static str,
    pub(super) tenant: Option<String>,
}

/// What a token endpoint belongs to; none if no preset knows it. `hosts`: the mail hosts that the other program uses.
pub(super) fn known(token_url: &str, hosts: &[String]) -> Option<Known> {
    let url = Url::parse(token_url).ok()?;
    let host = url.host_str()?;
    let first = url
        .path_segments()
        .and_then(|mut parts| parts.next())
        .unwrap_or_default();
    if first == "consumers" && host == "login.microsoftonline.com" {
        return Some(Known {
            preset: "outlook.com",
            tenant: None,
        });
    }
    let entra: Vec<&Preset> = PRESETS
        .iter()
        .filter(|preset| preset.token_url.contains("{tenant}") && preset.authorities.contains(&host))
        .collect();
    // One sign-in host can stand before two sets of mail hosts.
    let used = |preset: &&&Preset| {
        hosts
            .iter()
            .any(|host| mail_hosts(preset).contains(&host.as_str()))
    };
    if let Some(preset) = entra.iter().find(used).or(entra.first()) {
        return Some(Known {
            preset: preset.name,
            tenant: Some(tenant(token_url, first)),
        });
    }
    let same_host = |preset: &&Preset| {
        let known = Url::parse(preset.token_url).ok();
        known.is_some_and(|known| known.host_str() == Some(host))
    };
    let others = PRESETS.iter().filter(|preset| preset.authorities.is_empty());
    let preset = others.clone().find(same_host).map(|preset| preset.name);
    // Google's earlier token endpoint.
    let preset = preset
        .or_else(|| (host == "accounts.google.com" || host == "www.googleapis.com").then_some("google"));
    preset.map(|preset| Known { preset, tenant: None })
}

/// A tenant by its id or domain; the whole address where its generation matters.
fn tenant(token_url: &str, first: &str) -> String {
    let is_usual = token_url.contains("/oauth2/v2.0/");
    let is_tenant = is_guid(first) || first.contains('.') || matches!(first, "common" | "organizations");
    if is_usual && is_tenant {
        first.to_owned()
    } else {
        token_url.to_owned()
    }
}

/// The mail hosts of a preset.
pub(super) fn mail_hosts(preset: &Preset) -> Vec<&'static str> {
    let pop3 = preset.pop3.map(|host| host.name);
    let mut hosts = vec![preset.imap.name, preset.smtp.name];
    hosts.extend(pop3);
    hosts
}

/// The preset of that name.
pub(super) fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row<'a> = (&'a str, &'a [String], Option<(&'a str, Option<&'a str>)>);

    #[test]
    fn a_token_endpoint_says_which_provider_it_is() {
        let dod = [String::from("outlook-dod.office365.us")];
        let table: [Row<'_>; 9] = [
            (
                "https://login.microsoftonline.com/common/oauth2/v2.0/token",
                &[],
                Some(("microsoft365", Some("common"))),
            ),
            (
                "https://login.microsoftonline.com/consumers/oauth2/v2.0/token",
                &[],
                Some(("outlook.com", None)),
            ),
            (
                "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token",
                &[],
                Some(("microsoft365", Some("contoso.com"))),
            ),
            (
                "https://login.microsoftonline.com/contoso.com/oauth2/token",
                &[],
                Some((
                    "microsoft365",
                    Some("https://login.microsoftonline.com/contoso.com/oauth2/token"),
                )),
            ),
            (
                "https://login.microsoftonline.us/a.us/oauth2/v2.0/token",
                &[],
                Some(("microsoft365-gcc-high", Some("a.us"))),
            ),
            (
                "https://login.microsoftonline.us/a.us/oauth2/v2.0/token",
                &dod,
                Some(("microsoft365-dod", Some("a.us"))),
            ),
            ("https://oauth2.googleapis.com/token", &[], Some(("google", None))),
            ("https://login.example/token", &[], None),
            ("nonsense", &[], None),
        ];
        for (url, hosts, expected) in table {
            let found = known(url, hosts);
            let found = found
                .as_ref()
                .map(|known| (known.preset, known.tenant.as_deref()));
            assert_eq!(found, expected, "{url}");
        }
    }
}
