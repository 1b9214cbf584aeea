//! Workload identity: what a platform puts into the environment of the processes that it vouches for.

use super::super::reader::{Reader, Text};
use super::super::table::Table;
use super::super::tenant::{clouds, names};
use super::proof;
use crate::oauth::authority::Authority;

/// The app registration that trusts the platform.
pub(super) const CLIENT_ID: &str = "AZURE_CLIENT_ID";

/// Its tenant.
pub(super) const TENANT_ID: &str = "AZURE_TENANT_ID";

/// The sign-in host of its cloud.
const AUTHORITY_HOST: &str = "AZURE_AUTHORITY_HOST";

/// The preset of the cloud that the platform names; the inner `None` where it names none.
#[allow(clippy::option_option, reason = "wrong and not given are two things")]
pub(super) fn preset(
    table: &Table<'_>,
    environment: &mut Vec<&'static str>,
    reader: &mut Reader<'_>,
) -> Option<Option<Text>> {
    let Some(named) = proof::variable(AUTHORITY_HOST, &table.span, reader) else {
        return Some(None);
    };
    let host = Authority::read(&named.value).map(|authority| authority.host);
    let found = host.map_or_else(Vec::new, |host| clouds(&host));
    if let [preset] = found.as_slice() {
        environment.push(AUTHORITY_HOST);
        return Some(Some(Text {
            value: preset.name.to_owned(),
            ..named
        }));
    }
    let (why, fix) = if found.is_empty() {
        (
            "it is the address of no cloud that a preset knows",
            "add `preset`".to_owned(),
        )
    } else {
        (
            "several clouds sign in there, and their mail hosts differ",
            format!("add preset = {}", names(&found)),
        )
    };
    let what = format!("{AUTHORITY_HOST} does not say which cloud is meant");
    reader.error(&named.span, what, why, fix);
    None
}
