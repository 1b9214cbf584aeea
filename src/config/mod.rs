//! The configuration: text in, every room's own settings out, or every problem at once.
//!
//! [`load`] reads one file. It is pure: what it needs beside the text comes from an [`Environment`]. Nothing of a file
//! with an error in it is used. [`diff()`] says what a reload changes.

mod account;
mod app;
mod diff;
mod environment;
mod excerpt;
mod fingerprint;
mod keys;
mod limits;
mod listener;
mod network;
mod origin;
mod password;
mod problem;
mod provider;
mod reader;
#[cfg(test)]
mod reference;
pub mod report;
mod route;
mod snapshot;
mod sources;
mod state;
mod table;
mod tenant;

use std::path::{Path, PathBuf};

use toml::de::DeTable;

pub use app::ConfiguredApp;
pub use diff::{AccountChange, Changes, ReloadPlan, diff};
pub use environment::{Content, Environment, Given, MAX_FILE, System};
pub use fingerprint::Fingerprint;
pub use limits::{Limits, Server, Upstream, most_connections};
pub use network::collide;
pub use origin::Origin;
pub use problem::{Located, Place, Problem, Problems, Severity};
pub use provider::Provider;
pub use snapshot::Snapshot;
pub use sources::Sources;
pub use state::State;

use crate::account::Account;
use crate::listener::Settings;
use crate::log;
use reader::{Reader, Span};
use table::Table;

/// A file without errors, resolved: what every room is given.
#[derive(Debug)]
pub struct Config {
    /// Where mail clients connect.
    pub listeners: Vec<Settings>,
    /// Who may log in.
    pub accounts: Vec<Account>,
    /// The apps that accounts use, one for each tenant.
    pub apps: Vec<ConfiguredApp>,
    /// What is logged.
    pub log: log::Settings,
    /// What one session, one source and all together may use.
    pub limits: Limits,
    /// What holds for every upstream.
    pub upstream: Upstream,
    /// How the server stops.
    pub server: Server,
    /// What saslgate writes, and where.
    pub state: State,
    /// What works and should be looked at.
    pub warnings: Problems,
    /// What the next configuration is compared with.
    pub snapshot: Snapshot,
    /// Of the text and everything it refers to: while it stays the same, nothing has changed.
    pub digest: Fingerprint,
}

/// Reads a file and what it refers to.
pub fn load(path: &Path, environment: &impl Environment) -> Result<Config, Problems> {
    read(&Origin::File(path.to_owned()), environment).0
}

/// Reads a configuration, and says what it was read from, whether it can be used or not.
pub fn read(origin: &Origin, environment: &dyn Environment) -> (Result<Config, Problems>, Sources) {
    let Origin::File(path) = origin;
    let mut sources = Sources::default();
    let content = sources.read(path, environment);
    let text = match &content {
        Ok(content) => utf8(content.bytes.expose()),
        Err(error) => Err(reader::unreadable(error.kind())),
    };
    let known = text.as_ref().map_or("", |text| text);
    let mut reader = Reader::new(path, known, sources, environment);
    let parts = match text {
        Ok(text) => parse(text, &mut reader).map(|document| resolve(&document, path, &mut reader)),
        Err((why, fix)) => {
            reader.file_error("the configuration cannot be read", &why, fix);
            None
        }
    };
    finish(parts, reader)
}

/// The text of a file, or why it is none and what to do about it.
fn utf8(bytes: &[u8]) -> Result<&str, (String, &'static str)> {
    str::from_utf8(bytes).map_err(|error| {
        let sound = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let line = 1 + sound.matches('\n').count();
        (format!("line {line} is not UTF-8"), "save it as UTF-8")
    })
}

/// None beside an error.
fn parse<'t>(text: &'t str, reader: &mut Reader<'_>) -> Option<DeTable<'t>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let why = error.message().to_owned();
        reader.error(
            &span,
            "this is not TOML",
            why,
            "close what is open before it, or quote the value; then check again",
        );
    }
    errors.is_empty().then(|| document.into_inner())
}

/// Where the running saslgate of a configuration listens for commands, whatever else is wrong with the file by now.
pub fn control(path: &Path, environment: &impl Environment) -> PathBuf {
    let content = environment.read(path).ok();
    let text = content
        .as_ref()
        .and_then(|content| str::from_utf8(content.bytes.expose()).ok());
    let text = text.unwrap_or_default();
    let mut reader = Reader::new(path, text, Sources::default(), environment);
    let (document, _errors) = DeTable::parse_recoverable(text);
    let root = Table::open(&keys::ROOT, 0..0, document.get_ref(), &mut reader);
    state::control(&root, path, &mut reader)
}

/// Everything in a document, as far as it could be read.
struct Parts {
    listeners: Vec<(Settings, snapshot::ListenerPrint)>,
    accounts: Vec<(Account, snapshot::AccountPrint)>,
    apps: Vec<ConfiguredApp>,
    log: log::Settings,
    limits: Limits,
    upstream: Upstream,
    server: Server,
    state: State,
}

fn resolve(document: &DeTable<'_>, path: &Path, reader: &mut Reader<'_>) -> Parts {
    let everything: Span = 0..0;
    let root = Table::open(&keys::ROOT, everything, document, reader);
    let mut providers = provider::Providers::read(&root, reader);
    let mut apps = app::Apps::read(&root, &mut providers, reader);
    let accounts = account::read(&root, &mut apps, reader);
    providers.note_unused(reader);
    Parts {
        listeners: listener::read(&root, reader),
        accounts,
        apps: apps.finish(reader),
        log: limits::log(&root, reader),
        limits: limits::limits(&root, reader),
        upstream: limits::upstream(&root, reader),
        server: limits::server(&root, reader),
        state: state::read(&root, path, reader),
    }
}

fn finish(parts: Option<Parts>, reader: Reader<'_>) -> (Result<Config, Problems>, Sources) {
    let (problems, digest, sources) = reader.finish();
    let config = match parts {
        Some(parts) if !problems.has_errors() => Ok(config(parts, problems, digest)),
        _ => Err(problems),
    };
    (config, sources)
}

fn config(parts: Parts, warnings: Problems, digest: Fingerprint) -> Config {
    let Parts {
        log,
        limits,
        upstream,
        server,
        state,
        apps,
        ..
    } = parts;
    let (listeners, listener_prints): (Vec<_>, Vec<_>) = parts.listeners.into_iter().unzip();
    let (accounts, account_prints): (Vec<_>, Vec<_>) = parts.accounts.into_iter().unzip();
    let snapshot = Snapshot {
        accounts: account_prints
            .into_iter()
            .map(|print| (print.name.clone(), print))
            .collect(),
        apps: apps.iter().map(snapshot::app).collect(),
        listeners: listener_prints.into_iter().collect(),
        limits,
        upstream: snapshot::upstream(&upstream),
        log: log.clone(),
        server,
        store: snapshot::store(&state.store),
        control: state.control.clone(),
    };
    Config {
        listeners,
        accounts,
        apps,
        log,
        limits,
        upstream,
        server,
        state,
        warnings,
        snapshot,
        digest,
    }
}
