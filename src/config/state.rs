//! `[store]` and `control` of `[server]`: what saslgate itself writes, and where.

use std::path::{Path, PathBuf};

use super::container;
use super::keys;
use super::origin::Origin;
use super::reader::Reader;
use super::table::Table;
use crate::token::store::{KeySource, Settings};

/// Where the packages, the unit and the image put state, for a configuration that is the machine's.
const OF_THE_MACHINE: &str = "/var/lib/saslgate";

/// What is written, and where.
#[derive(Debug)]
pub struct State {
    /// The token store. It is opened only if an app needs one.
    pub store: Settings,
    /// The socket by which commands talk to the running saslgate.
    pub control: PathBuf,
    /// The configuration's own file, so that commands which mean another one are told; none where there is none.
    pub file: Option<PathBuf>,
}

pub(super) fn read(root: &Table<'_>, origin: &Origin, reader: &mut Reader<'_>) -> State {
    let directory = directory(origin, reader);
    let store = root.sub("store", &keys::STORE, reader);
    let named = store.as_ref().and_then(|table| table.text("path", reader));
    let key = store.as_ref().map(|table| key(table, reader));
    State {
        store: Settings {
            path: named.map_or_else(|| directory.join("tokens"), |named| reader.path(&named)),
            key: key.flatten().unwrap_or_else(|| found(reader)),
            command: "run",
        },
        control: control(root, origin, reader),
        file: origin.file(),
    }
}

/// Where commands reach the running saslgate.
pub(super) fn control(root: &Table<'_>, origin: &Origin, reader: &mut Reader<'_>) -> PathBuf {
    let server = root.sub("server", &keys::SERVER, reader);
    let named = server.and_then(|table| table.text("control", reader));
    match named {
        Some(named) => reader.path(&named),
        None => directory(origin, reader).join("control/socket"),
    }
}

/// Where state goes if nothing is said. A command that somebody types has to find the same place as the service, so
/// it depends on the configuration's own place, not on who asks.
fn directory(origin: &Origin, reader: &mut Reader<'_>) -> PathBuf {
    let variable = |name, reader: &mut Reader<'_>| reader.variable(name).ok().map(PathBuf::from);
    if let Some(given) = variable("STATE_DIRECTORY", reader) {
        return given;
    }
    let is_of_machine = matches!(origin, Origin::File(path) if path.starts_with("/etc"));
    if is_of_machine || container::is_here(reader) {
        return OF_THE_MACHINE.into();
    }
    let of_person = variable("XDG_STATE_HOME", reader)
        .or_else(|| variable("HOME", reader).map(|home| home.join(".local/state")))
        .filter(|directory| directory.is_absolute());
    match (of_person, origin) {
        (Some(state), _) => state.join("saslgate"),
        (None, Origin::File(path)) => path.parent().unwrap_or(Path::new("")).join("state"),
        (None, Origin::Variables) => OF_THE_MACHINE.into(),
    }
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
