//! The configuration: text in, every room's own settings out, or every problem at once.
//!
//! [`read`] reads a file, those beside it, and what they name; or variables. It is pure: all that it asks is an
//! [`Environment`]. Nothing of a configuration with an error in it is used. [`diff()`] says what a reload changes.

mod account;
mod admin;
mod alert;
mod app;
mod conf_d;
mod container;
mod device;
mod diff;
mod document;
mod environment;
mod excerpt;
mod exposure;
mod fingerprint;
mod health;
mod identity;
mod keys;
mod limits;
mod listener;
mod network;
mod origin;
mod pages;
mod password;
mod problem;
mod program;
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
mod users_file;
mod usual;
mod variables;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

pub use app::ConfiguredApp;
pub(crate) use app::NO_CLIENT_ID;
pub use diff::{AccountChange, Changes, ReloadPlan, diff};
pub use environment::{Becoming, Content, Environment, Given, MAX_FILE, System};
pub use fingerprint::Fingerprint;
pub use limits::{Limits, Server, Upstream, most_connections};
pub use network::{collide, is_private};
pub use origin::Origin;
pub use problem::{Located, Place, Problem, Problems, Severity};
pub use provider::Provider;
pub use snapshot::Snapshot;
pub use sources::Sources;
pub use state::State;
pub use variables::listed as variables;

use crate::account::Account;
use crate::admin::Settings as Admin;
use crate::health::Settings as Health;
use crate::hook;
use crate::listener::Settings;
use crate::log;
use reader::Reader;
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
    /// How alerts are told.
    pub alert: hook::Settings,
    /// Where probes and scrapes are answered; none if they are not.
    pub health: Option<Health>,
    /// The admin page; none if there is none.
    pub admin: Option<Admin>,
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
    let mut reader = Reader::new(origin, environment);
    let parts = match origin {
        Origin::File(path) => of_file(path, origin, environment, &mut reader),
        Origin::Variables => {
            let said = variables::read(environment, &mut reader);
            Some(resolve(&said.document, said.usual.as_ref(), origin, &mut reader))
        }
    };
    finish(parts, reader)
}

/// None beside an error: what could not be read could be what the rest depends on.
fn of_file(
    path: &Path,
    origin: &Origin,
    environment: &dyn Environment,
    reader: &mut Reader<'_>,
) -> Option<Parts> {
    let own = reader.open(path);
    let document = own.as_ref().and_then(|own| document::parse(own, reader));
    let parts = conf_d::open(path, reader);
    let mut more = Vec::new();
    for part in &parts {
        more.push(part.as_ref().and_then(|part| document::parse(part, reader)));
    }
    let (mut document, more) = (document?, more.into_iter().collect::<Option<Vec<_>>>()?);
    let users = users_file::open(&document, reader);
    for part in more {
        conf_d::add(&mut document, part, path, reader);
    }
    if let Some(users) = &users {
        users_file::add(&mut document, users, reader);
    }
    let parts = resolve(&document, None, origin, reader);
    variables::note_beside_file(environment, reader);
    Some(parts)
}

/// Where the running saslgate of a configuration listens for commands, whatever else is wrong with it by now.
pub fn control(origin: &Origin, environment: &dyn Environment) -> PathBuf {
    in_spite_of_all(origin, environment, |root, reader| {
        state::control(root, origin, reader)
    })
}

/// Where the running saslgate of a configuration answers probes, likewise; empty if it does not.
pub fn health(origin: &Origin, environment: &dyn Environment) -> Vec<SocketAddr> {
    in_spite_of_all(origin, environment, health::addresses)
}

/// Reads one thing of a configuration, whatever else is wrong with it.
fn in_spite_of_all<T>(
    origin: &Origin,
    environment: &dyn Environment,
    read: impl FnOnce(&Table<'_>, &mut Reader<'_>) -> T,
) -> T {
    let mut reader = Reader::new(origin, environment);
    let own = match origin {
        Origin::File(path) => reader.open(path),
        Origin::Variables => None,
    };
    let document = own.as_ref().map(document::recovered).unwrap_or_default();
    read(&Table::ahead(&keys::ROOT, &document), &mut reader)
}

/// Everything in a document, as far as it could be read.
struct Parts {
    listeners: Vec<(Settings, snapshot::ListenerPrint)>,
    accounts: Vec<Account>,
    account_prints: Vec<snapshot::AccountPrint>,
    apps: Vec<ConfiguredApp>,
    log: log::Settings,
    limits: Limits,
    upstream: Upstream,
    server: Server,
    state: State,
    alert: (hook::Settings, Fingerprint),
    health: Option<Health>,
    admin: Option<(Admin, admin::AdminPrint)>,
}

fn resolve(
    document: &DeTable<'_>,
    usual: Option<&DeTable<'_>>,
    origin: &Origin,
    reader: &mut Reader<'_>,
) -> Parts {
    container::note(reader);
    let root = Table::open(&keys::ROOT, 0..0, document, reader);
    let mut providers = provider::Providers::read(&root, reader);
    let mut apps = app::Apps::read(&root, &mut providers, reader);
    let accounts = account::read(&root, &mut apps, reader);
    let are_sound = reader.errors() == 0;
    let (accounts, account_prints): (Vec<_>, Vec<_>) = accounts.into_iter().unzip();
    providers.note_unused(reader);
    let alert = alert::read(&root, &accounts, reader);
    let sound = are_sound.then_some(accounts.as_slice());
    let listeners = listener::read(&root, usual, sound, reader);
    let mut taken: Vec<_> = listeners
        .iter()
        .flat_map(|(settings, _)| settings.bind.clone())
        .collect();
    let health = health::read(&root, &taken, reader);
    taken.extend(health.iter().flat_map(|health| health.bind.clone()));
    Parts {
        alert,
        admin: admin::read(&root, &taken, reader),
        health,
        listeners,
        accounts,
        account_prints,
        apps: apps.finish(reader),
        log: limits::log(&root, reader),
        limits: limits::limits(&root, reader),
        upstream: limits::upstream(&root, reader),
        server: limits::server(&root, reader),
        state: state::read(&root, origin, reader),
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
        health,
        admin,
        apps,
        alert: (alert, alert_print),
        accounts,
        account_prints,
        ..
    } = parts;
    let (admin, admin_print) = admin.unzip();
    let (listeners, listener_prints): (Vec<_>, Vec<_>) = parts.listeners.into_iter().unzip();
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
        alert: alert_print,
        health: health.clone(),
        admin: admin_print,
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
        alert,
        health,
        admin,
        warnings,
        snapshot,
        digest,
    }
}
