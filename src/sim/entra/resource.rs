//! The resources that tokens are for: by which names each national cloud knows Exchange and Graph, and their permissions.

use crate::sim::directory::Cloud;

/// A resource by one of its names. Two names of Exchange are two resources here: nobody has shown that Entra lets them be
/// mixed in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resource {
    /// What stands before the permission in a scope, and in `aud`.
    pub(super) name: &'static str,
    /// Whether it is Exchange.
    pub(super) exchange: bool,
    cloud: Option<Cloud>,
}

const fn exchange(name: &'static str, cloud: Option<Cloud>) -> Resource {
    Resource {
        name,
        exchange: true,
        cloud,
    }
}

const fn graph(name: &'static str, cloud: Option<Cloud>) -> Resource {
    Resource {
        name,
        exchange: false,
        cloud,
    }
}

const RESOURCES: [Resource; 12] = [
    exchange("https://outlook.office365.com", Some(Cloud::Global)),
    exchange("https://outlook.office.com", Some(Cloud::Global)),
    exchange("https://ps.outlook.com", Some(Cloud::Global)),
    exchange("https://outlook.office365.us", Some(Cloud::UsGovernment)),
    exchange("https://outlook-dod.office365.us", Some(Cloud::UsGovernment)),
    exchange("https://partner.outlook.cn", Some(Cloud::China)),
    exchange("00000002-0000-0ff1-ce00-000000000000", None),
    graph("https://graph.microsoft.com", Some(Cloud::Global)),
    graph("https://graph.microsoft.us", Some(Cloud::UsGovernment)),
    graph("https://dod-graph.microsoft.us", Some(Cloud::UsGovernment)),
    graph("https://microsoftgraph.chinacloudapi.cn", Some(Cloud::China)),
    graph("00000003-0000-0000-c000-000000000000", None),
];

/// Delegated permissions that either resource has, in Microsoft's spelling.
const PERMISSIONS: [&str; 8] = [
    "IMAP.AccessAsUser.All",
    "POP.AccessAsUser.All",
    "SMTP.Send",
    "EWS.AccessAsUser.All",
    "Mail.Send",
    "Mail.Send.Shared",
    "Mail.ReadWrite",
    "User.Read",
];

/// The resource of this name, if the cloud has it.
pub(super) fn named(name: &str, cloud: Cloud) -> Option<Resource> {
    in_cloud(cloud).find(|resource| resource.name == name)
}

/// Graph, which a scope without any resource means.
pub(super) fn default(cloud: Cloud) -> Option<Resource> {
    in_cloud(cloud).find(|resource| !resource.exchange)
}

fn in_cloud(cloud: Cloud) -> impl Iterator<Item = Resource> {
    RESOURCES
        .into_iter()
        .filter(move |resource| resource.cloud.is_none_or(|its| its == cloud))
}

/// A permission in Microsoft's spelling; case does not matter in a request.
pub(super) fn permission(name: &str) -> Option<&'static str> {
    PERMISSIONS
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(name))
}

/// Whether Exchange takes tokens with this `aud` as its own. Those for `ps.outlook.com`, a name for admin consent alone,
/// are not.
pub(in crate::sim) fn is_for_exchange(audience: &str) -> bool {
    RESOURCES
        .into_iter()
        .any(|resource| resource.exchange && resource.name == audience && !audience.contains("//ps."))
}
