//! `devices` of a listener: which addresses send as which account without a password.

use std::sync::Arc;

use ipnet::IpNet;
use toml::de::DeValue;

use super::network;
use super::reader::{Reader, Text};
use super::table::{Table, wrong_type};
use crate::account::Account;
use crate::devices::Devices;
use crate::listener::TlsMode;
use crate::name::LoginName;
use crate::provider::Protocol;

const KEY: &str = "devices";

/// What of the listener decides who may be in its map.
pub(super) struct Place<'a> {
    pub(super) protocol: Option<Protocol>,
    pub(super) tls: Option<TlsMode>,
    /// Whether balancers say where connections come from.
    pub(super) behind_balancer: bool,
    pub(super) allow_from: &'a [IpNet],
}

/// Reads the map. `accounts`: those of the file, unless one of them can't be used.
pub(super) fn read(
    table: &Table<'_>,
    place: &Place<'_>,
    accounts: Option<&[Account]>,
    reader: &mut Reader<'_>,
) -> Arc<Devices> {
    let mut entries: Vec<(IpNet, LoginName)> = Vec::new();
    for (network, login) in pairs(table, reader) {
        let found = network::network(KEY, &network, reader);
        let named = known(&login, accounts, found.as_ref(), reader);
        let Some(found) = found else { continue };
        if entries.iter().any(|(other, _)| *other == found) {
            reader.error(
                &network.span,
                format!("{found} a second time in `devices`"),
                "it can mean one account only",
                "remove one of the two",
            );
        }
        note_reach(found, &network, place, reader);
        entries.extend(named.map(|login| (found, login)));
    }
    if let Some(span) = table.key(KEY)
        && place.protocol.is_some_and(|protocol| protocol != Protocol::Smtp)
    {
        reader.error(
            &span,
            "`devices` at a listener that does not speak SMTP",
            "an address may stand for a password where mail is sent, never where it is read",
            "move it to a listener with protocol = \"smtp\"",
        );
    }
    let tls_first = matches!(place.tls, Some(TlsMode::StartTls | TlsMode::Implicit));
    Arc::new(Devices::new(entries, tls_first))
}

/// Addresses and logins as they are written.
fn pairs(table: &Table<'_>, reader: &mut Reader<'_>) -> Vec<(Text, Text)> {
    let Some(map) = table.raw(KEY, reader) else {
        return Vec::new();
    };
    let mut pairs = Vec::new();
    for (key, value) in map.value {
        let text = |written: &str, span| Text {
            value: written.to_owned(),
            written: written.to_owned(),
            span,
        };
        match value.get_ref() {
            DeValue::String(login) => {
                pairs.push((text(key.get_ref(), key.span()), text(login, value.span())));
            }
            _ => wrong_type(KEY, value, "a login in quotes", reader),
        }
    }
    if map.value.is_empty() {
        reader.no_effect(&map.span, KEY, "it names no device");
    }
    pairs
}

/// The login, if a device can be let in by it.
fn known(
    login: &Text,
    accounts: Option<&[Account]>,
    network: Option<&IpNet>,
    reader: &mut Reader<'_>,
) -> Option<LoginName> {
    let name = match LoginName::parse(login.value.as_bytes()) {
        Ok(name) => name,
        Err(error) => {
            reader.error(
                &login.span,
                "this login cannot be used",
                error.to_string(),
                "write the `login` of an account",
            );
            return None;
        }
    };
    // While an account can't be used, nobody can tell whether it is the one that is meant.
    let Some(accounts) = accounts else {
        return Some(name);
    };
    let own = accounts.iter().find(|account| account.is_called(&name));
    let account = own.or_else(|| accounts.iter().find(|account| account.catches(&name)));
    let (why, fix) = match account {
        None => (
            "no [[account]] has this login",
            "write the `login` of an account, or add one",
        ),
        Some(account) => match account.routes.get(&Protocol::Smtp) {
            None => (
                "its account may not send (`protocols`)",
                "add \"smtp\" to `protocols` of the account",
            ),
            Some(route) if account.asks_provider(route) => (
                "its app shows the provider the password that was typed, and a device types none",
                "give the account `upstream_password_file` and a local `password`, or another app",
            ),
            Some(_) if !may_come(account, network) => (
                "`allow_from` of its account leaves the device out",
                "add the device to `allow_from` of the account",
            ),
            Some(_) => return Some(name),
        },
    };
    reader.error(
        &login.span,
        format!("no device can send as {}", login.shown()),
        why,
        fix,
    );
    None
}

fn may_come(account: &Account, network: Option<&IpNet>) -> bool {
    network.is_none_or(|network| network::overlaps(&account.allow_from, network))
}

/// Who shares an address may send as its account: one host, or all behind a router.
fn note_reach(found: IpNet, text: &Text, place: &Place<'_>, reader: &mut Reader<'_>) {
    let span = &text.span;
    if !network::overlaps(place.allow_from, &found) {
        reader.warning(
            span,
            format!("{found} may not connect here"),
            "`allow_from` of the listener leaves it out",
            "add it there",
        );
    }
    if network::is_private(&found) {
        return;
    }
    let clear = matches!(place.tls, Some(TlsMode::Off | TlsMode::StartTlsOptional));
    if !network::is_one_host(&found) {
        reader.error(
            span,
            format!("everybody in {found} could send without a password"),
            "that is a public network, and an address is all that would be asked for",
            "name single public addresses, or private networks such as \"10.1.2.0/24\"",
        );
    } else if clear && !place.behind_balancer {
        reader.error(
            span,
            format!("mail from {found} would cross the internet in clear"),
            "it is a public address, and no TLS is asked for here",
            "use tls = \"starttls\" or \"implicit\" at this listener",
        );
    } else {
        reader.warning(
            span,
            format!(
                "whoever shares the public address {} sends without a password",
                found.addr()
            ),
            "behind it may be a whole office, and whoever gets hold of the address is that office",
            "let it log in if it can",
        );
    }
}
