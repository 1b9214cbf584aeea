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
    match source {
        KeySource::File(path) => in_file(path),
        KeySource::Value(text) => decode(text.expose().as_bytes())
            .map(|key| (key, Vec::new()))
            .ok_or_else(|| unusable("the key of the token store, in an environment variable,")),
        KeySource::Found { credentials } => {
            let credential = credentials.as_ref().map(|folder| folder.join(CREDENTIAL));
            match credential {
                Some(path) if path.exists() => in_file(&path),
                _ => beside(place, calls),
            }
        }
    }
}

fn beside(place: &Place, calls: &dyn Calls) -> Result<(Key, Vec<StoreError>), StoreError> {
    let (key, mut notices) = if place.key.exists() {
        in_file(&place.key)?
    } else if place.has_store() {
        return Err(lost(place));
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

fn in_file(path: &Path) -> Result<(Key, Vec<StoreError>), StoreError> {
    let (bytes, mode) = read(path).map_err(|error| unreadable(path, &error))?;
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
    let key = key.ok_or_else(|| unusable(&format!("the key of the token store, {shown},")))?;
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

/// How to make one.
const MAKE: &str = "make one with `openssl rand -base64 32`, in a file that only saslgate's user may read";

fn unusable(what: &str) -> StoreError {
    StoreError::new(
        Trouble::NoKey,
        format!("{what} is no key"),
        "a key is 32 random bytes, as they are or in base64",
        MAKE,
    )
}

fn unreadable(path: &Path, error: &io::Error) -> StoreError {
    let shown = name(path);
    let (why, fix) = match error.kind() {
        io::ErrorKind::NotFound => (
            "there is no such file",
            format!("put it back; for a store that is not there yet, {MAKE}"),
        ),
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

fn lost(place: &Place) -> StoreError {
    let store = name(&place.current);
    StoreError::new(
        Trouble::NoKey,
        format!("the key of the token store {store} is missing"),
        format!(
            "it was made with one, and there is neither {} nor the credential `{CREDENTIAL}`",
            name(&place.key)
        ),
        format!(
            "put the key back, or name it as `key_file` in [store]; if it is lost, move {store} and {} away and sign in again",
            name(&place.previous)
        ),
    )
}
