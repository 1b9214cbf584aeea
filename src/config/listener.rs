//! `[[listener]]`: where mail clients connect, and when TLS starts there.

use std::net::SocketAddr;

use ipnet::IpNet;
use toml::de::DeTable;

use super::device;
use super::exposure;
use super::fingerprint::Fingerprint;
use super::identity::{self, Certified, Whose};
use super::keys;
use super::network;
use super::reader::{Reader, Span};
use super::snapshot::{self, ListenerPrint};
use super::table::Table;
use super::usual;
use crate::account::{Account, Passwords};
use crate::listener::{Settings, TlsMode};
use crate::provider::Protocol;

const PROTOCOLS: &[(&str, Protocol)] = &[
    ("imap", Protocol::Imap),
    ("pop3", Protocol::Pop3),
    ("smtp", Protocol::Smtp),
];

const MODES: &[(&str, TlsMode)] = &[
    ("off", TlsMode::Off),
    ("starttls", TlsMode::StartTls),
    ("starttls-optional", TlsMode::StartTlsOptional),
    ("implicit", TlsMode::Implicit),
];

const PASSWORDS: &[(&str, Passwords)] = &[("any", Passwords::Any), ("generated", Passwords::Generated)];

const WHOSE: Whose = Whose {
    owner: "this listener's",
    seen_by: "mail clients",
};

/// Reads every listener; without any, the usual ones, of which variables may have said something. `accounts`: those of the
/// configuration, unless one of them can't be used.
pub(super) fn read(
    root: &Table<'_>,
    said: Option<&DeTable<'_>>,
    accounts: Option<&[Account]>,
    reader: &mut Reader<'_>,
) -> Vec<(Settings, ListenerPrint)> {
    if root.key("listener").is_none() {
        let usual = usual::listeners(said, reader);
        return usual
            .into_iter()
            .map(|settings| printed(settings, None))
            .collect();
    }
    let mut bound = Vec::new();
    let mut placed = Vec::new();
    let mut prints = Vec::new();
    for table in root.each("listener", &keys::LISTENER, reader) {
        if let Some((settings, print)) = listener(&table, accounts, &mut bound, reader) {
            placed.push((settings, table.span.clone()));
            prints.push(print);
        }
    }
    exposure::note(&placed, accounts, reader);
    let settings = placed.into_iter().map(|(settings, _)| settings);
    settings.zip(prints).collect()
}

fn printed(settings: Settings, identity: Option<Fingerprint>) -> (Settings, ListenerPrint) {
    let print = snapshot::listener(&settings, identity);
    (settings, print)
}

/// Addresses bound so far, and where in the file.
type Bound = Vec<(SocketAddr, Span)>;

fn listener(
    table: &Table<'_>,
    accounts: Option<&[Account]>,
    bound: &mut Bound,
    reader: &mut Reader<'_>,
) -> Option<(Settings, ListenerPrint)> {
    let errors = reader.errors();
    if table.key("protocol").is_none() {
        let fix = "add protocol = \"imap\", \"pop3\" or \"smtp\"";
        table.missing("protocol", "it decides which one is spoken there", fix, reader);
    }
    let protocol = table.choice("protocol", PROTOCOLS, reader);
    let bind = bind(table, bound, reader);
    let tls = match table.choice("tls", MODES, reader) {
        Some(tls) => Some(tls.value),
        None => table.key("tls").is_none().then_some(TlsMode::Off),
    };
    let plaintext = plaintext_from(table, tls, reader);
    let allow_from = network::list("allow_from", table, reader).unwrap_or_default();
    let proxy_from = proxy_from(table, reader);
    let passwords = table.choice("passwords", PASSWORDS, reader);
    let place = device::Place {
        protocol: protocol.as_ref().map(|at| at.value),
        tls,
        behind_balancer: !proxy_from.is_empty(),
        allow_from: &allow_from,
    };
    let devices = device::read(table, &place, accounts, reader);
    let identity = certified(table, tls, reader);
    if reader.errors() > errors {
        return None;
    }
    let (identity, read) = identity.unzip();
    let (files, print) = read.unzip();
    let settings = Settings {
        protocol: protocol?.value,
        bind,
        tls: tls?,
        identity,
        files,
        plaintext_from: plaintext,
        allow_from,
        proxy_from,
        passwords: passwords.map_or(Passwords::Any, |at| at.value),
        devices,
    };
    note_clear(&settings, table, reader);
    Some(printed(settings, print))
}

/// The balancers that name the source of each connection. Whoever may do that may be anybody, so it is said who.
fn proxy_from(table: &Table<'_>, reader: &mut Reader<'_>) -> Vec<IpNet> {
    let balancers = network::list("proxy_from", table, reader);
    let spoken = table.flag("proxy_protocol", reader);
    let is_spoken = spoken.as_ref().is_some_and(|at| at.value);
    match (table.key("proxy_from"), spoken) {
        (None, Some(at)) if is_spoken => reader.error(
            &at.span,
            "`proxy_protocol` without `proxy_from`",
            "it has to be known who may say where others come from",
            "add proxy_from = [\"10.0.0.5\"] with the addresses of the balancers",
        ),
        (Some(span), _) if !is_spoken && table.key("proxy_protocol").is_none() => reader.error(
            &span,
            "`proxy_from` without `proxy_protocol`",
            "it would be passed over, and the balancer's address taken for that of every mail client",
            "add proxy_protocol = true, or remove it",
        ),
        (Some(span), Some(at)) if !at.value => {
            reader.no_effect(&span, "proxy_from", "`proxy_protocol` is false");
        }
        _ => {}
    }
    let balancers = balancers.filter(|_| is_spoken).unwrap_or_default();
    if let (Some(public), Some(span)) = (
        balancers
            .iter()
            .find(|network| !network::is_private(network) && !network::is_one_host(network)),
        table.key("proxy_from"),
    ) {
        reader.warning(
            &span,
            format!("everybody in {public} may claim to be any address"),
            "it is a public network, and `allow_from`, `plaintext_from` and `devices` believe what is said from there",
            "name the balancers' own addresses",
        );
    }
    balancers
}

fn bind(table: &Table<'_>, bound: &mut Bound, reader: &mut Reader<'_>) -> Vec<SocketAddr> {
    if table.key("bind").is_none() {
        let fix = "add bind = \"localhost:1143\" or another address and port";
        table.missing("bind", "it says where mail clients connect", fix, reader);
    }
    let mut addresses = Vec::new();
    for text in table
        .one_or_more("bind", reader)
        .map_or(Vec::new(), |at| at.value)
    {
        for address in network::bind(&text, reader) {
            note_bound(address, &text.span, bound, reader);
            bound.push((address, text.span.clone()));
            addresses.push(address);
        }
    }
    addresses
}

fn note_bound(address: SocketAddr, span: &Span, bound: &Bound, reader: &mut Reader<'_>) {
    if let Some((other, first)) = bound.iter().find(|(other, _)| network::collide(address, *other)) {
        let why = format!("{} listens on {other} already", reader.elsewhere(first, span));
        reader.error(span, format!("{address} is taken"), why, "choose another port");
    }
}

/// Where passwords may come without TLS; empty where TLS has always begun by then.
fn plaintext_from(table: &Table<'_>, tls: Option<TlsMode>, reader: &mut Reader<'_>) -> Vec<IpNet> {
    let networks = network::list("plaintext_from", table, reader);
    if matches!(tls, Some(TlsMode::StartTls | TlsMode::Implicit)) {
        if let Some(span) = table.key("plaintext_from") {
            reader.no_effect(
                &span,
                "plaintext_from",
                "this listener reads no password before TLS anyway",
            );
        }
        return Vec::new();
    }
    networks.unwrap_or_else(network::loopback)
}

/// A word about passwords in clear on a network, and about logins that can only be refused.
fn note_clear(settings: &Settings, table: &Table<'_>, reader: &mut Reader<'_>) {
    let remote = settings.bind.iter().any(|address| !address.ip().is_loopback());
    let remote = remote || !settings.proxy_from.is_empty();
    if !remote || matches!(settings.tls, TlsMode::StartTls | TlsMode::Implicit) {
        return;
    }
    let span = table
        .key("plaintext_from")
        .or(table.key("bind"))
        .unwrap_or(table.span.clone());
    let beyond = settings
        .plaintext_from
        .iter()
        .find(|network| !network::is_loopback(network));
    if let Some(network) = beyond {
        reader.warning(
            &span,
            format!("passwords from {network} may cross the network in clear"),
            "whoever can listen there can read them, and then the mail",
            "use tls = \"starttls\" or \"implicit\", or keep to networks where nobody can listen",
        );
    } else if settings.tls == TlsMode::Off && settings.devices.entries().is_empty() {
        reader.warning(
            &span,
            "every login from another machine will be refused here",
            "`tls` is off, and passwords in clear are taken from this machine only",
            "use tls = \"starttls\" or \"implicit\", or name the networks in `plaintext_from`",
        );
    }
}

fn certified(table: &Table<'_>, tls: Option<TlsMode>, reader: &mut Reader<'_>) -> Option<Certified> {
    let tls = tls?;
    let certificate = table.text("certificate", reader);
    let key = table.text("key", reader);
    for name in ["certificate", "key"] {
        match (tls, table.key(name)) {
            (TlsMode::Off, Some(span)) => reader.no_effect(&span, name, "`tls` is off"),
            (TlsMode::Off, None) | (_, Some(_)) => {}
            (_, None) => {
                let fix = "name the PEM file; `saslgate certs DIR` makes one for a start";
                table.missing(name, "TLS needs a certificate and its key", fix, reader);
            }
        }
    }
    if tls == TlsMode::Off {
        return None;
    }
    let (certificate, key) = (certificate?, key?);
    identity::read(&certificate, &key, &WHOSE, reader)
}
