//! Where keys come from, and what is no key.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::super::key::CREDENTIAL;
use super::*;
use crate::token::store::Trouble;
use crate::token::store::tests::conformance::token;

impl Rig {
    /// Opens the store with a key from somewhere else than usual.
    async fn open_with(&self, key: KeySource) -> Result<(FileStore, Vec<StoreError>), StoreError> {
        let settings = Settings {
            path: self.path(),
            key,
            command: "run",
        };
        FileStore::open(&Arc::new(settings)).await
    }

    /// A file for its owner alone, outside the store's names.
    fn key_file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }
}

#[tokio::test]
async fn a_key_is_the_same_key_however_it_is_written() {
    let rig = Rig::with_three().await;
    let raw = [b'k'; 32];
    let files = [
        rig.key_file("raw", raw),
        rig.key_file("base64", KEY),
        rig.key_file("line", format!("{KEY}\n")),
        rig.key_file("dos", format!("  {KEY}\r\n\r\n")),
        rig.key_file("unpadded", KEY.trim_end_matches('=')),
    ];
    let link = rig.folder.path().join("link");
    symlink(&files[0], &link).unwrap();
    for path in files.iter().chain([&link]) {
        let (store, notices) = rig.open_with(KeySource::File(path.clone())).await.unwrap();
        assert!(notices.is_empty(), "{}: {notices:?}", path.display());
        assert_eq!(token(&store, grant(1)).await, "alice-new");
    }
    // All bits set: its two base64 alphabets differ.
    let rig = Rig::new();
    for text in ["/".repeat(42) + "8=", "_".repeat(42) + "8"] {
        let key = KeySource::File(rig.key_file("key", &text));
        let store = rig.open_with(key).await.unwrap().0;
        if text.starts_with('/') {
            put(&store, grant(1), None, sign_in("alice", "1")).await;
        } else {
            assert_eq!(token(&store, grant(1)).await, "1");
        }
    }
}

#[tokio::test]
async fn what_is_no_key_is_refused_before_anything_is_made() {
    let rig = Rig::new();
    let contents: [&[u8]; 7] = [
        b"",
        b"a passphrase",
        &[0; 31],
        &[0; 33],
        b"6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b",
        &[b'A'; 5000],
        b"=",
    ];
    for content in contents {
        let error = rig
            .open_with(KeySource::File(rig.key_file("key", content)))
            .await
            .unwrap_err();
        assert_eq!(error.trouble, Trouble::NoKey, "{content:?}");
    }
    let others = [
        KeySource::File(rig.folder.path().join("missing")),
        KeySource::File(rig.folder.path().to_owned()),
        KeySource::File("/dev/zero".into()),
        KeySource::Value(Secret::new(String::new())),
        KeySource::Value(Secret::new("thirty-two letters are not enough".into())),
        KeySource::Value(Secret::new("thirty-two-letters-are-a-phrase!".into())),
    ];
    let mut tried = 0;
    for source in others {
        let error = rig.open_with(source).await.unwrap_err();
        assert_eq!(error.trouble, Trouble::NoKey, "{error}");
        tried += 1;
    }
    assert_eq!(tried, 6);
    assert_eq!(rig.names(), ["key"]);
}

#[tokio::test]
async fn a_key_that_others_can_write_is_refused_and_one_that_they_can_read_is_told() {
    let rig = Rig::new();
    let path = rig.key_file("key", KEY);
    for (mode, refused, told) in [
        (0o600, false, false),
        (0o440, false, false),
        (0o444, false, true),
        (0o644, false, true),
        (0o620, true, false),
        (0o602, true, false),
    ] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        match rig.open_with(KeySource::File(path.clone())).await {
            Err(error) => assert!(refused && error.trouble == Trouble::NoKey, "{mode:o}"),
            Ok((_, notices)) => {
                let exposed = |notice: &StoreError| notice.trouble == Trouble::Exposed;
                assert_eq!((refused, notices.iter().any(exposed)), (false, told), "{mode:o}");
            }
        }
    }
}

#[tokio::test]
async fn without_a_key_one_is_made_beside_the_store_once() {
    let rig = Rig::new();
    let found = || KeySource::Found { credentials: None };
    let (store, notices) = rig.open_with(found()).await.unwrap();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].trouble, Trouble::KeyBeside);
    put(&store, grant(1), None, sign_in("alice", "1")).await;
    drop(store);
    let key = fs::read_to_string(rig.file(".key")).unwrap();
    assert_eq!(key.len(), 45);
    assert_eq!(fs::metadata(rig.file(".key")).unwrap().mode() & 0o777, 0o600);

    let (store, notices) = rig.open_with(found()).await.unwrap();
    assert_eq!(notices.len(), 1, "told at every start");
    assert_eq!(token(&store, grant(1)).await, "1");
    drop(store);
    assert_eq!(fs::read_to_string(rig.file(".key")).unwrap(), key);

    // It can be moved away and named.
    let moved = rig.folder.path().join("moved");
    fs::rename(rig.file(".key"), &moved).unwrap();
    let (store, notices) = rig.open_with(KeySource::File(moved)).await.unwrap();
    assert!(notices.is_empty());
    drop(store);

    // Then no other is made: it could not open the store.
    let error = rig.open_with(found()).await.unwrap_err();
    assert_eq!(error.trouble, Trouble::NoKey);
    assert!(!rig.file(".key").exists());
    fs::remove_file(rig.path()).unwrap();
    fs::write(rig.file(".prev"), "anything").unwrap();
    assert_eq!(rig.open_with(found()).await.unwrap_err().trouble, Trouble::NoKey);
}

/// Each fix led to the next wall: a new key was another key, and another path lost what was there.
#[tokio::test]
async fn the_fix_of_a_lost_key_leads_to_a_store_that_opens() {
    let found = || KeySource::Found { credentials: None };
    let other = "b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28=";
    let mut tried = 0;
    for key in [None, Some(""), Some(other)] {
        let rig = Rig::with_three().await;
        match key {
            Some(key) => drop(rig.key_file("tokens.key", key)),
            None => assert!(!rig.file(".key").exists()),
        }
        let settings = Settings {
            path: rig.path(),
            key: found(),
            command: "check",
        };
        let seen = FileStore::examine(&settings).unwrap();
        let error = rig.open_with(found()).await.unwrap_err();
        assert_eq!(
            (&seen.what, &seen.fix),
            (&error.what, &error.fix),
            "a check says what the start says"
        );
        let (_, command) = error.fix.split_once("`rm -f ").unwrap();
        let (files, _) = command.split_once('`').unwrap();
        assert_eq!(files.split(' ').count(), 3, "{files}");
        for file in files.split(' ') {
            let _ = fs::remove_file(file);
        }
        assert!(FileStore::examine(&settings).is_none());
        assert!(rig.open_with(found()).await.is_ok());
        tried += 1;
    }
    assert_eq!(tried, 3);
}

#[tokio::test]
async fn every_key_that_is_made_is_another() {
    let mut keys = Vec::new();
    for _ in 0..8 {
        let rig = Rig::new();
        drop(
            rig.open_with(KeySource::Found { credentials: None })
                .await
                .unwrap(),
        );
        keys.push(fs::read_to_string(rig.file(".key")).unwrap());
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 8);
}

#[tokio::test]
async fn a_credential_of_the_service_manager_is_the_key() {
    let rig = Rig::with_three().await;
    let credentials = rig.folder.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::write(credentials.join(CREDENTIAL), KEY).unwrap();
    fs::set_permissions(credentials.join(CREDENTIAL), fs::Permissions::from_mode(0o400)).unwrap();
    let found = || KeySource::Found {
        credentials: Some(credentials.clone()),
    };
    let (store, notices) = rig.open_with(found()).await.unwrap();
    assert!(notices.is_empty(), "{notices:?}");
    assert_eq!(token(&store, grant(1)).await, "alice-new");
    drop(store);
    fs::remove_file(credentials.join(CREDENTIAL)).unwrap();
    assert_eq!(rig.open_with(found()).await.unwrap_err().trouble, Trouble::NoKey);
}
