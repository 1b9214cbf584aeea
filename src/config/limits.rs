//! `[limits]`, `[upstream]`, `[log]` and `[server]`: what holds for every session.

use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use url::Url;

use super::keys;
use super::reader::{Reader, Text};
use super::table::{Table, nearest};
use crate::log::{self, Format};
use crate::outgoing::Proxy;
use crate::pace;
use crate::wire;

/// What `[limits]` resolved to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Connections at one time, in all.
    pub connections: u32,
    /// Connections at one time from one source; loopback is exempt.
    pub connections_per_source: u32,
    /// How long we wait for a mail client before its login.
    pub login: Duration,
    /// How long a session may be silent in both directions.
    pub idle: Duration,
    /// Refused logins before a connection is closed.
    pub attempts: u32,
    /// Sessions of one mailbox, and how long others wait.
    pub places: pace::Limits,
}

/// What `[upstream]` resolved to.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Certificate authorities that are trusted beside the system's.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// By which way tokens are asked for and webhooks called; mail goes straight to its host.
    pub proxy: Proxy,
    /// Whether a post-quantum key exchange is offered.
    pub post_quantum: bool,
}

/// What `[server]` resolved to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Server {
    /// How long sessions may go on after a request to stop.
    pub drain: Duration,
}

/// Two sockets per session, of which happy eyeballs may briefly double one.
const DESCRIPTORS_PER_CONNECTION: u64 = 3;

/// Descriptors for everything else: listeners, files, token requests, commands, their pipes.
const DESCRIPTORS_RESERVED: u64 = 64;

/// Connections in all if nothing is said: at 16 KiB each they idle in 128 MiB.
const CONNECTIONS: u32 = 8192;

/// Connections from one source if nothing is said. A mail client opens five; a container's gateway or an office behind
/// one address is one source.
const CONNECTIONS_PER_SOURCE: u32 = 256;

/// Seconds before a login.
const LOGIN_SECONDS: u32 = 60;

/// RFC 9051 5.4 and RFC 3501 5.4 allow no less than 30 minutes; mail clients renew IDLE every 29, some a little later.
const IDLE_MINUTES: u32 = 35;

/// Sessions of one mailbox if nothing is said: Exchange refuses a fourth concurrent submission with 432 4.3.2. For IMAP,
/// some say 15 and some 20.
const PLACES: pace::Limits = pace::Limits {
    smtp_per_mailbox: 3,
    imap_per_mailbox: 15,
    patience: Duration::from_secs(20),
    idle: Duration::from_secs(30),
};

/// Seconds between a request to stop and the end of the last session: Kubernetes kills after 30.
const DRAIN: u32 = 25;

/// How many connections a process with that many descriptors can hold.
pub fn most_connections(descriptors: u64) -> u32 {
    let connections = descriptors.saturating_sub(DESCRIPTORS_RESERVED) / DESCRIPTORS_PER_CONNECTION;
    u32::try_from(connections).unwrap_or(u32::MAX).max(1)
}

/// Reads `[limits]`.
pub(super) fn limits(root: &Table<'_>, reader: &mut Reader<'_>) -> Limits {
    let most = most_connections(reader.descriptors());
    let mut limits = Limits {
        connections: CONNECTIONS.min(most),
        connections_per_source: CONNECTIONS_PER_SOURCE,
        login: seconds(LOGIN_SECONDS),
        idle: seconds(IDLE_MINUTES * 60),
        attempts: wire::Limits::DEFAULT.attempts,
        places: PLACES,
    };
    let Some(table) = root.sub("limits", &keys::LIMITS, reader) else {
        return limits;
    };
    let why = format!(
        "each one needs {DESCRIPTORS_PER_CONNECTION} of the {} descriptors that this process may open",
        reader.descriptors()
    );
    if let Some(at) = table.whole("connections", 1..=most, &why, reader) {
        limits.connections = at.value;
    }
    let why = "0 would let nobody in";
    if let Some(at) = table.whole("connections_per_source", 1..=u32::MAX, why, reader) {
        limits.connections_per_source = at.value;
    }
    let why = "a login over a slow line takes a few seconds, and who waits longer keeps others out";
    if let Some(at) = table.whole("login_seconds", 5..=600, why, reader) {
        limits.login = seconds(at.value);
    }
    if let Some(at) = table.whole(
        "idle_minutes",
        1..=1440,
        "a session that is gone has to end",
        reader,
    ) {
        limits.idle = seconds(at.value * 60);
        if at.value < 30 {
            let what = "`idle_minutes` is below 30";
            let why = "RFC 9051 5.4 promises mail clients that long, and IDLE is renewed every 29 minutes";
            reader.warning(&at.span, what, why, "write 30 or more");
        }
    }
    if let Some(at) = table.whole("attempts", 1..=100, "each one costs a password hash", reader) {
        limits.attempts = at.value;
    }
    places(&table, &mut limits.places, reader);
    limits
}

fn places(table: &Table<'_>, places: &mut pace::Limits, reader: &mut Reader<'_>) {
    for (key, places) in [
        ("smtp_per_mailbox", &mut places.smtp_per_mailbox),
        ("imap_per_mailbox", &mut places.imap_per_mailbox),
    ] {
        if let Some(at) = table.whole(key, 1..=u32::MAX, "0 would let nobody in", reader) {
            *places = at.value;
        }
    }
    let why = "a login that waits longer is given up by every mail client";
    if let Some(at) = table.whole("place_seconds", 0..=300, why, reader) {
        places.patience = seconds(at.value);
    }
    let why = "a place that nobody uses belongs to those who wait";
    if let Some(at) = table.whole("idle_place_seconds", 0..=3_600, why, reader) {
        places.idle = seconds(at.value);
    }
}

fn seconds(number: u32) -> Duration {
    Duration::from_secs(number.into())
}

/// Reads `[upstream]`.
pub(super) fn upstream(root: &Table<'_>, reader: &mut Reader<'_>) -> Upstream {
    let mut upstream = Upstream {
        extra_roots: Vec::new(),
        proxy: Proxy::default(),
        post_quantum: true,
    };
    let Some(table) = root.sub("upstream", &keys::UPSTREAM, reader) else {
        return upstream;
    };
    if let Some(named) = table.text("ca_file", reader) {
        upstream.extra_roots = authorities(&named, reader);
    }
    if let Some(text) = table.text("proxy", reader) {
        upstream.proxy = proxy(&text, reader);
    }
    if let Some(at) = table.flag("post_quantum", reader) {
        upstream.post_quantum = at.value;
    }
    upstream
}

fn authorities(named: &Text, reader: &mut Reader<'_>) -> Vec<CertificateDer<'static>> {
    let Some(pem) = reader.public_file(named) else {
        return Vec::new();
    };
    let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.expose()).collect();
    let why = match roots {
        Ok(roots) if !roots.is_empty() => return roots,
        Ok(_) => "there is no certificate in PEM form in it",
        Err(_) => "it is cut or damaged",
    };
    reader.error(
        &named.span,
        "`ca_file` cannot be used",
        why,
        "name a file with `-----BEGIN CERTIFICATE-----` in it",
    );
    Vec::new()
}

/// The value is never repeated: a password in the URL would be.
fn proxy(text: &Text, reader: &mut Reader<'_>) -> Proxy {
    if text.value == "none" {
        return Proxy::Direct;
    }
    let (why, fix) = match Url::parse(&text.value) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => (
            "a configuration is copied, mailed and committed, and a password in it goes along",
            "put this URL in the environment variable HTTPS_PROXY and remove the key",
        ),
        Ok(url) if url.scheme() == "http" && url.has_host() => return Proxy::At(url),
        _ => (
            "it is not the URL of an HTTP proxy",
            "write \"http://proxy.example.com:3128\"; what goes through it is https all the same",
        ),
    };
    reader.error(&text.span, "`proxy` cannot be used", why, fix);
    Proxy::default()
}

/// Reads `[server]`.
pub(super) fn server(root: &Table<'_>, reader: &mut Reader<'_>) -> Server {
    let table = root.sub("server", &keys::SERVER, reader);
    let why = "what starts saslgate kills it when its own patience ends";
    let drain = table.and_then(|table| table.whole("drain", 0..=3600, why, reader));
    Server {
        drain: seconds(drain.map_or(DRAIN, |at| at.value)),
    }
}

const FORMATS: &[(&str, Format)] = &[("text", Format::Text), ("json", Format::Json)];

/// Reads `[log]`.
pub(super) fn log(root: &Table<'_>, reader: &mut Reader<'_>) -> log::Settings {
    let table = root.sub("log", &keys::LOG, reader);
    let format = table
        .as_ref()
        .and_then(|table| table.choice("format", FORMATS, reader));
    let level = table.as_ref().and_then(|table| table.text("level", reader));
    let level = level.filter(|level| is_filter(level, reader));
    let audit = table.as_ref().and_then(|table| table.flag("audit", reader));
    log::Settings {
        audit: audit.is_none_or(|at| at.value),
        format: format.map_or(Format::Text, |at| at.value),
        level: level.map_or_else(|| "info".to_owned(), |level| level.value),
    }
}

fn is_filter(level: &Text, reader: &mut Reader<'_>) -> bool {
    let unknown = log::unknown_word(&level.value);
    if unknown.is_none() && log::filter(&level.value, true).is_ok() {
        return true;
    }
    let fix = match unknown.and_then(|word| nearest(word, log::LEVELS.into_iter())) {
        Some(word) => format!("did you mean \"{word}\"?"),
        None => "write one of error, warn, info, debug, trace, off, or \"info,saslgate::upstream=debug\""
            .to_owned(),
    };
    let what = format!("`level` = {} is not a filter", level.shown());
    reader.error(&level.span, what, "it is a level, or a list of MODULE=LEVEL", fix);
    false
}
