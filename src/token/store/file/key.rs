//! Where the key of a store comes from.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::super::StoreError;
use super::super::error::Trouble;
use super::calls::Calls;
use super::failing::{self, Doing};
use super::place::{Place, name};
use super::seal::KEY;
use crate::secret::Secret;

/// The name of the systemd credential that holds a key (`LoadCredential=`, `LoadCredentialEncrypted=`).
pub const CREDENTIAL: &str = "saslgate-store-key";

/// What is read of a key file: no encoding of a key comes near, and a device never ends.
const MOST: usize = 4096;

/// Where the key of a store comes from. A key is 32 bytes, as they are or in base64.
#[derive(Debug)]
pub enum KeySource {
    /// A file that the operator keeps.
    File(PathBuf),
    /// An environment variable's value, in base64.
    Value(Secret<String>),
    /// The credential [`CREDENTIAL`] if the service manager passes one, else a file beside the store, made at the first start.
    Found {
        /// What `CREDENTIALS_DIRECTORY` says.
        credentials: Option<PathBuf>,
    },
}

/// The key itself.
pub(super) type Key = Zeroizing<[u8; KEY]>;

/// Finds the key. One is made only where there is no store yet: a new one could not open it.
pub(super) fn find(
    source: &KeySource,
    place: &Place,
    calls: &dyn Calls,
) -> Result<(Key, Vec<StoreError>), StoreError> {
    let mend = mend(source, place);
    match source {
        KeySource::File(path) => in_file(path, &mend),
        KeySource::Value(text) => decode(text.expose().as_bytes())
            .map(|key| (key, Vec::new()))
            .ok_or_else(|| unusable("the key of the token store, in an environment variable,", mend)),
        KeySource::Found { credentials } => match credential(credentials.as_deref()) {
            Some(path) => in_file(&path, &mend),
            None => beside(place, &mend, calls),
        },
    }
}

/// Whether there is no key and none is missed: one is made with the store.
pub(super) fn is_yet_to_be_made(source: &KeySource, place: &Place) -> bool {
    match source {
        KeySource::Found { credentials } => {
            credential(credentials.as_deref()).is_none() && !place.key.exists() && !place.has_store()
        }
        KeySource::File(_) | KeySource::Value(_) => false,
    }
}

/// The file in which the service manager passes a key, if it does.
fn credential(credentials: Option<&Path>) -> Option<PathBuf> {
    let path = credentials?.join(CREDENTIAL);
    path.exists().then_some(path)
}

/// What helps where the key is lost, another, or none: one way that leads to the end. A file is looked at again by itself as long as the
/// store can't be opened; what the environment or the service manager passes comes with a start alone.
pub(super) fn mend(source: &KeySource, place: &Place) -> String {
    let there = place.has_store();
    let (put_back, renew) = match source {
        KeySource::File(path) => in_its_file(path, there),
        KeySource::Value(_) if there => (
            "set the variable that `key_env` names to the key of this store again, and restart saslgate"
                .to_owned(),
            format!("set that variable to a new key ({NEW} prints one), "),
        ),
        KeySource::Value(_) => return format!("set it to what {NEW} prints, and restart saslgate"),
        KeySource::Found { credentials } if credential(credentials.as_deref()).is_some() => (
            format!(
                "restore the file that LoadCredential={CREDENTIAL} names from a backup, and restart saslgate"
            ),
            format!("put a new key into that file ({NEW} prints one), "),
        ),
        KeySource::Found { .. } if there => (
            format!(
                "restore {} from a backup; or, if the key is kept somewhere else now, name that file as `key_file` in [store] and restart saslgate",
                name(&place.key)
            ),
            String::new(),
        ),
        KeySource::Found { .. } => {
            return format!(
                "delete {}: there is no store yet, and saslgate makes another key",
                name(&place.key)
            );
        }
    };
    if there {
        format!("{put_back}. {}", begin_anew(source, place, &renew))
    } else {
        put_back
    }
}

/// Without its key nobody can read a store.
fn begin_anew(source: &KeySource, place: &Place, renew: &str) -> String {
    let mut files = vec![name(&place.current), name(&place.previous)];
    if matches!(source, KeySource::Found { .. }) {
        files.push(name(&place.key));
    }
    format!(
        "If nobody has the key any more: stop saslgate, `rm -f {}`, {renew}start saslgate, and have everybody sign in again \
         (`saslgate sign-in --all-needed --device`; with --link in place of --device for links to forward)",
        files.join(" ")
    )
}

fn in_its_file(path: &Path, there: bool) -> (String, String) {
    let shown = name(path);
    if there {
        let renew = format!("put a new key into {shown} ({NEW} prints one), ");
        (format!("restore {shown} from a backup"), renew)
    } else {
        let make = format!("put a key into {shown} that only saslgate's user may read: {NEW} prints one");
        (make, String::new())
    }
}

fn beside(place: &Place, mend: &str, calls: &dyn Calls) -> Result<(Key, Vec<StoreError>), StoreError> {
    let (key, mut notices) = if place.key.exists() {
        in_file(&place.key, mend)?
    } else if place.has_store() {
        return Err(lost(place, mend));
    } else {
        (make(place, calls)?, Vec::new())
    };
    notices.push(StoreError::new(
        Trouble::KeyBeside,
        format!("the key of the token store lies beside it, in {}", name(&place.key)),
        "nothing gives another one, so it protects only copies of the store that are made without it",
        format!(
            "to protect a stolen disk or backup as well, move it to where neither is taken from and name it as `key_file` \
             in [store], or pass it as the systemd credential `{CREDENTIAL}`"
        ),
    ));
    Ok((key, notices))
}

fn in_file(path: &Path, mend: &str) -> Result<(Key, Vec<StoreError>), StoreError> {
    let (bytes, mode) = read(path).map_err(|error| unreadable(path, mend, &error))?;
    let shown = name(path);
    if mode & 0o022 != 0 {
        return Err(StoreError::new(
            Trouble::NoKey,
            format!("the key of the token store, {shown}, may be written by other users (mode {mode:03o})"),
            "whoever can write it decides who can read the tokens",
            format!("chmod 600 {shown}"),
        ));
    }
    let key = key(&bytes).or_else(|| decode(&bytes));
    let key =
        key.ok_or_else(|| unusable(&format!("the key of the token store, {shown},"), mend.to_owned()))?;
    let mut notices = Vec::new();
    if mode & 0o004 != 0 {
        notices.push(StoreError::new(
            Trouble::Exposed,
            format!("the key of the token store, {shown}, may be read by every user of this machine (mode {mode:03o})"),
            "with it and the store anybody can read the tokens",
            format!("run `sudo chmod 600 {shown}` (or 640 with a group of its own)"),
        ));
    }
    Ok((key, notices))
}

/// The content of a key file, and its mode. A symbolic link is followed: Kubernetes mounts secrets as links.
fn read(path: &Path) -> io::Result<(Zeroizing<Vec<u8>>, u32)> {
    // A pipe would be waited for.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let file = File::open(path)?;
    let mode = file.metadata()?.mode() & 0o7777;
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST + 1));
    file.take(MOST as u64).read_to_end(&mut bytes)?;
    Ok((bytes, mode))
}

/// 32 bytes in either base64, with or without padding and line ends.
fn decode(bytes: &[u8]) -> Option<Key> {
    let text = bytes.trim_ascii();
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let text = &text[..text.len() - padding];
    let decoded = BASE64_STANDARD_NO_PAD
        .decode(text)
        .or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(text));
    key(&Zeroizing::new(decoded.ok()?))
}

fn key(bytes: &[u8]) -> Option<Key> {
    Some(Zeroizing::new(bytes.try_into().ok()?))
}

/// Makes a key that is on the disk before anything is sealed with it.
fn make(place: &Place, calls: &dyn Calls) -> Result<Key, StoreError> {
    let mut key = Zeroizing::new([0; KEY]);
    rand::fill(key.as_mut_slice())
        .map_err(|_| StoreError::defect("no key can be made for the token store"))?;
    // A buffer that grows leaves what it held behind in freed memory.
    let mut text = Zeroizing::new(String::with_capacity(2 * KEY));
    BASE64_STANDARD.encode_string(key.as_slice(), &mut text);
    text.push('\n');
    let made = calls.create(&place.new_key).and_then(|mut file| {
        calls.write(&mut file, text.as_bytes())?;
        calls.sync(&file)?;
        calls.rename(&place.new_key, &place.key)?;
        calls.sync_folder(&place.folder)
    });
    made.map_err(|error| failing::explain(Doing::Opening, place, &place.key, &error))?;
    Ok(key)
}

/// What prints a new one.
const NEW: &str = "`openssl rand -base64 32`";

fn unusable(what: &str, mend: String) -> StoreError {
    StoreError::new(
        Trouble::NoKey,
        format!("{what} is no key"),
        "a key is 32 random bytes, as they are or in base64",
        mend,
    )
}

fn unreadable(path: &Path, mend: &str, error: &io::Error) -> StoreError {
    let shown = name(path);
    let (why, fix) = match error.kind() {
        io::ErrorKind::NotFound => ("there is no such file", mend.to_owned()),
        io::ErrorKind::PermissionDenied => (
            "this user may not",
            format!("let the user that runs saslgate, and nobody else, read {shown}"),
        ),
        _ => (
            "a directory, a pipe or a device can be no key, and a broken disk gives none",
            "name a regular file as `key_file` in [store]".to_owned(),
        ),
    };
    let what = format!("the key of the token store, {shown}, can't be read: {error}");
    StoreError::new(Trouble::NoKey, what, why, fix)
}

fn lost(place: &Place, mend: &str) -> StoreError {
    let store = name(&place.current);
    StoreError::new(
        Trouble::NoKey,
        format!("the key of the token store {store} is missing"),
        format!(
            "it was made with one, and there is neither {} nor the credential `{CREDENTIAL}`",
            name(&place.key)
        ),
        mend.to_owned(),
    )
}
