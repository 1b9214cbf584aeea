//! The listeners where no `[[listener]]` is written: one for each protocol.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use toml::de::DeTable;

use super::container;
use super::keys::Shape;
use super::network;
use super::reader::{At, Reader, Span, Text};
use super::table::Table;
use crate::account::Passwords;
use crate::listener::{Settings, TlsMode};
use crate::provider::Protocol;

/// What variables say about all of them.
const USUAL: Shape = Shape {
    name: "the usual listeners",
    keys: &["bind", "plaintext_from", "allow_from"],
    expands: false,
    refused: &[],
};

/// One listener for each protocol: on this machine alone, or, in a container, for what is on its networks. `said` is what
/// variables say otherwise.
pub(super) fn listeners(said: Option<&DeTable<'_>>, reader: &mut Reader<'_>) -> Vec<Settings> {
    let in_container = container::is_here(reader);
    let usual = if in_container {
        [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()]
    } else {
        [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()]
    };
    let trusted = if in_container {
        container::plaintext_from()
    } else {
        network::loopback()
    };
    let table = said.map(|said| Table::ahead(&USUAL, said));
    let list = |key, reader: &mut Reader<'_>| network::list(key, table.as_ref()?, reader);
    let bind = table.as_ref().and_then(|table| addresses(table, reader));
    let plaintext_from = list("plaintext_from", reader).unwrap_or_else(|| trusted.clone());
    let allow_from = list("allow_from", reader).unwrap_or_default();
    let bind = bind.unwrap_or_else(|| usual.to_vec());
    if let Some(table) = &table {
        note_clear(&bind, &plaintext_from, &trusted, table, reader);
    }
    let listener = |protocol| Settings {
        protocol,
        bind: bind
            .iter()
            .map(|address| SocketAddr::from((*address, port(protocol))))
            .collect(),
        tls: TlsMode::Off,
        identity: None,
        files: None,
        plaintext_from: plaintext_from.clone(),
        allow_from: allow_from.clone(),
        proxy_from: Vec::new(),
        passwords: Passwords::Any,
        devices: Arc::default(),
    };
    Protocol::ALL.map(listener).into()
}

/// The usual port of each protocol with 1000 added: those below 1024 need privileges.
fn port(protocol: Protocol) -> u16 {
    match protocol {
        Protocol::Imap => 1143,
        Protocol::Pop3 => 1110,
        Protocol::Smtp => 1587,
    }
}

fn addresses(table: &Table<'_>, reader: &mut Reader<'_>) -> Option<Vec<IpAddr>> {
    let At { value: texts, span } = table.texts("bind", reader)?;
    let mut addresses = Vec::new();
    for text in texts {
        for address in address(&text, reader) {
            note_taken(address, &addresses, &span, reader);
            addresses.push(address);
        }
    }
    Some(addresses)
}

fn address(text: &Text, reader: &mut Reader<'_>) -> Vec<IpAddr> {
    let plain = text.value.trim_start_matches('[').trim_end_matches(']');
    match plain.parse() {
        Ok(address) => vec![address],
        Err(_) if plain == "localhost" => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        Err(_) => {
            let what = format!("`bind` = {} is not an address", text.shown());
            let why = "the ports are 1143 for IMAP, 1110 for POP3 and 1587 for SMTP";
            let fix = "write an address such as 0.0.0.0 or ::, or localhost; several with commas between";
            reader.error(&text.span, what, why, fix);
            Vec::new()
        }
    }
}

fn note_taken(address: IpAddr, taken: &[IpAddr], span: &Span, reader: &mut Reader<'_>) {
    let on_one_port = |ip| SocketAddr::from((ip, 1));
    let collides = |other: &&IpAddr| network::collide(on_one_port(address), on_one_port(**other));
    if let Some(other) = taken.iter().find(collides) {
        let why = format!("{other} before it is or includes the same address");
        reader.error(span, format!("{address} is taken"), why, "remove one of the two");
    }
}

/// A word about passwords in clear on a network that is not the container's own, and about logins that can only be refused.
fn note_clear(
    bind: &[IpAddr],
    plaintext_from: &[IpNet],
    trusted: &[IpNet],
    table: &Table<'_>,
    reader: &mut Reader<'_>,
) {
    if bind.iter().all(IpAddr::is_loopback) {
        return;
    }
    let span = table.key("plaintext_from").or(table.key("bind"));
    let span = span.unwrap_or(table.span.clone());
    let is_trusted = |network: &&IpNet| !trusted.iter().any(|trusted| trusted.contains(*network));
    if let Some(network) = plaintext_from.iter().find(is_trusted) {
        let what = format!("passwords from {network} may cross the network in clear");
        let why = "whoever can listen there can read them, and then the mail";
        let fix = "keep to networks where nobody can listen, or write a configuration file with listeners that have TLS";
        reader.warning(&span, what, why, fix);
    } else if plaintext_from.iter().all(network::is_loopback) {
        let what = "every login from another machine will be refused";
        let why = "passwords in clear are taken from this machine only";
        let fix = "name the networks in `plaintext_from`, or write a configuration file with listeners that have TLS";
        reader.warning(&span, what, why, fix);
    }
}
