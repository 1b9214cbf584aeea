//! `[store]` and `control` of `[server]`: what saslgate itself writes, and where.

use std::path::{Path, PathBuf};

use super::keys;
use super::reader::Reader;
use super::table::Table;
use crate::token::store::{KeySource, Settings};

/// Where the packages and the unit put state, for a configuration that is the machine's.
const OF_THE_MACHINE: &str = "/var/lib/saslgate";

/// What is written, and where.
#[derive(Debug)]
pub struct State {
    /// The token store. It is opened only if an app needs one.
    pub store: Settings,
    /// The socket by which commands talk to the running saslgate.
    pub control: PathBuf,
}

pub(super) fn read(root: &Table<'_>, path: &Path, reader: &mut Reader<'_>) -> State {
    let directory = directory(path, reader);
    let store = root.sub("store", &keys::STORE, reader);
    let named = store.as_ref().and_then(|table| table.text("path", reader));
    let key = store.as_ref().map(|table| key(table, reader));
    State {
        store: Settings {
            path: named.map_or_else(|| directory.join("tokens"), |named| reader.path(&named)),
            key: key.flatten().unwrap_or_else(|| found(reader)),
        },
        control: control(root, path, reader),
    }
}

/// Where commands reach the running saslgate.
pub(super) fn control(root: &Table<'_>, path: &Path, reader: &mut Reader<'_>) -> PathBuf {
    let server = root.sub("server", &keys::SERVER, reader);
    let named = server.and_then(|table| table.text("control", reader));
    match named {
        Some(named) => reader.path(&named),
        None => directory(path, reader).join("control/socket"),
    }
}

/// Where state goes if nothing is said. A command that somebody types has to find the same place as the service, so
/// it depends on the configuration's own place, not on who asks.
fn directory(path: &Path, reader: &mut Reader<'_>) -> PathBuf {
    let variable = |name, reader: &mut Reader<'_>| reader.variable(name).ok().map(PathBuf::from);
    if let Some(given) = variable("STATE_DIRECTORY", reader) {
        return given;
    }
    if path.starts_with("/etc") {
        return OF_THE_MACHINE.into();
    }
    let of_person = variable("XDG_STATE_HOME", reader)
        .or_else(|| variable("HOME", reader).map(|home| home.join(".local/state")))
        .filter(|directory| directory.is_absolute());
    of_person.map_or_else(
        || path.parent().unwrap_or(Path::new("")).join("state"),
        |state| state.join("saslgate"),
    )
}

/// Where the key comes from, if the file says it.
fn key(table: &Table<'_>, reader: &mut Reader<'_>) -> Option<KeySource> {
    let file = table.text("key_file", reader);
    let variable = table.text("key_env", reader);
    match (file, variable) {
        (Some(_), Some(variable)) => {
            reader.error(
                &variable.span,
                "both `key_file` and `key_env` are given",
                "only one can be meant",
                "remove one of them",
            );
            None
        }
        (Some(file), None) => Some(KeySource::File(reader.path(&file))),
        (None, Some(variable)) => reader.secret_variable(&variable).map(KeySource::Value),
        (None, None) => None,
    }
}

fn found(reader: &mut Reader<'_>) -> KeySource {
    let credentials = reader.variable("CREDENTIALS_DIRECTORY").ok();
    KeySource::Found {
        credentials: credentials.map(Into::into),
    }
}
