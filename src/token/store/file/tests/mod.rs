//! The store in a file: what it survives, what it finds out, and what it says.

mod calls;
mod crashes;
mod damage;
mod disk_trouble;
mod keys;
mod killed;
mod owning;
mod saving;
mod words;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use tempfile::TempDir;

use super::calls::System;
use super::layout::Image;
use super::place::Place;
use super::recovery::{self, Recovered};
use super::seal::Keys;
use super::{FileStore, KeySource, Settings};
use crate::secret::Secret;
use crate::token::store::tests::conformance::{conforms, put};
use crate::token::store::tests::{grant, sign_in};
use crate::token::store::{Condition, StoreError, TokenStore as _};
use calls::Faulty;

/// The key of nearly every test, in base64: 32 times the letter k.
const KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

/// A directory with a store in it.
struct Rig {
    folder: TempDir,
}

impl Rig {
    fn new() -> Self {
        let private = fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().permissions(private).tempdir().unwrap();
        Self { folder }
    }

    /// A store with the sign-ins of alice, bob and carol, each in its second generation; it was saved six times.
    async fn with_three() -> Self {
        let rig = Self::new();
        let store = rig.open().await;
        for round in ["old", "new"] {
            for (number, name) in (1..).zip(["alice", "bob", "carol"]) {
                let stored = store.load(grant(number)).await.unwrap();
                let expected = stored.map(|stored| stored.generation);
                put(
                    &store,
                    grant(number),
                    expected,
                    sign_in(name, &format!("{name}-{round}")),
                )
                .await;
            }
        }
        rig
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("tokens")
    }

    /// A file of the store by what follows its name.
    fn file(&self, suffix: &str) -> PathBuf {
        self.folder.path().join(format!("tokens{suffix}"))
    }

    fn place(&self) -> Place {
        Place::of(&self.path()).unwrap()
    }

    fn settings(&self) -> Arc<Settings> {
        settings(&self.path(), KEY)
    }

    /// Opens it on a file system with faults.
    async fn open_on(&self, faulty: &Faulty) -> FileStore {
        let calls = faulty.clone();
        let opened = FileStore::open_on(&self.settings(), || Box::new(calls)).await;
        opened.unwrap().0
    }

    async fn open(&self) -> FileStore {
        FileStore::open(&self.settings()).await.unwrap().0
    }

    async fn notices(&self) -> Vec<StoreError> {
        FileStore::open(&self.settings()).await.unwrap().1
    }

    async fn error(&self) -> StoreError {
        FileStore::open(&self.settings()).await.unwrap_err()
    }

    /// What the files say to a process that starts now.
    fn recover(&self) -> Result<Recovered, StoreError> {
        recovery::recover(&self.place(), &System, &KEYS, "")
    }

    /// The names of all files, but for the lock.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != "tokens.lock").collect();
        names.sort();
        names
    }

    /// The lines of the store.
    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn write_lines(&self, lines: &[String]) {
        fs::write(self.path(), lines.join("\n") + "\n").unwrap();
    }
}

fn settings(path: &Path, key: &str) -> Arc<Settings> {
    Arc::new(Settings {
        path: path.to_owned(),
        key: KeySource::Value(Secret::new(key.to_owned())),
        command: "run",
    })
}

/// What the key of the tests opens.
static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::derive(&[b'k'; 32]).unwrap());

/// What is in an image: for each of the first three grants its token, or that it is not there or not whole.
fn tokens(image: &Image) -> [String; 3] {
    [1, 2, 3].map(|number| {
        let Some(entry) = image.entries.get(&grant(number)) else {
            return "-".to_owned();
        };
        match entry.open(&KEYS) {
            Ok(record) => record.secret.expose().clone(),
            Err(condition) => {
                assert_eq!(condition, entry.listed.condition);
                format!("{condition:?}")
            }
        }
    })
}

/// How often a condition occurs.
fn count(image: &Image, condition: Condition) -> usize {
    let entries = image.entries.values();
    entries
        .filter(|entry| entry.listed.condition == condition)
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_in_a_file_does_what_every_store_does() {
    let folders = std::sync::Mutex::new(Vec::new());
    conforms(async || {
        let rig = Rig::new();
        let store = rig.open().await;
        folders.lock().unwrap().push(rig);
        store
    })
    .await;
    assert_eq!(folders.lock().unwrap().len(), 7);
}
