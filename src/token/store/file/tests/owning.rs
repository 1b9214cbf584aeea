//! One process at a time, and files that are not what they seem.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;
use crate::token::store::tests::conformance::token;
use crate::token::store::{TokenStore as _, Trouble};

#[tokio::test]
async fn two_cannot_have_one_store() {
    let rig = Rig::new();
    let store = rig.open().await;
    put(&store, grant(1), None, sign_in("alice", "1")).await;
    let before = fs::read(rig.path()).unwrap();
    let error = rig.error().await;
    assert_eq!(error.trouble, Trouble::InUse);
    assert!(
        error.what.ends_with(&format!(
            "is in use by process {} (`saslgate run`)",
            std::process::id()
        )),
        "{error}"
    );
    assert_eq!(fs::read(rig.path()).unwrap(), before);
    store.close().await.unwrap();
    assert_eq!(token(&rig.open().await, grant(1)).await, "1");
}

#[tokio::test]
async fn who_waits_gets_the_store_with_what_was_saved_last() {
    let rig = Rig::new();
    let store = rig.open().await;
    let settings = rig.settings();
    let waiting = tokio::spawn(async move { FileStore::open_when_free(&settings, drop).await });
    put(&store, grant(1), None, sign_in("alice", "1")).await;
    assert!(!waiting.is_finished());
    store.close().await.unwrap();
    let (next, _) = waiting.await.unwrap().unwrap();
    assert_eq!(token(&next, grant(1)).await, "1");
    assert_eq!(rig.error().await.trouble, Trouble::InUse);
}

#[tokio::test]
async fn a_store_that_is_dropped_is_free() {
    let rig = Rig::new();
    for _ in 0..3 {
        drop(rig.open().await);
    }
}

#[tokio::test]
async fn links_and_directories_are_no_store() {
    let rig = Rig::new();
    let elsewhere = rig.folder.path().join("elsewhere");
    fs::write(&elsewhere, "precious").unwrap();
    symlink(&elsewhere, rig.path()).unwrap();
    assert_eq!(rig.error().await.trouble, Trouble::NotAFile);
    fs::remove_file(rig.path()).unwrap();
    symlink(rig.folder.path().join("nowhere"), rig.path()).unwrap();
    assert_eq!(rig.error().await.trouble, Trouble::NotAFile);
    fs::remove_file(rig.path()).unwrap();
    fs::create_dir(rig.path()).unwrap();
    assert_eq!(rig.error().await.trouble, Trouble::NotAFile);
    fs::remove_dir(rig.path()).unwrap();
    for path in ["/", ".."] {
        let error = FileStore::open(&settings(Path::new(path), KEY))
            .await
            .unwrap_err();
        assert_eq!(error.trouble, Trouble::NotAFile, "{path}");
    }

    // Links where the store writes lead nowhere.
    let store = rig.open().await;
    for name in [".new", ".prev.new", ".prev", ".set-aside-1"] {
        symlink(&elsewhere, rig.file(name)).unwrap();
    }
    let first = put(&store, grant(1), None, sign_in("alice", "1")).await;
    put(&store, grant(1), Some(first), sign_in("alice", "2")).await;
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "precious");
    drop(store);
    fs::remove_file(rig.file(".lock")).unwrap();
    symlink(&elsewhere, rig.file(".lock")).unwrap();
    assert_eq!(rig.error().await.trouble, Trouble::Disk);
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "precious");
}

/// `sudo saslgate sign-in` works on the files of a service that runs as another user.
#[tokio::test]
async fn what_root_makes_belongs_to_the_owner_of_the_directory() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let rig = Rig::new();
    if rustix::process::geteuid().is_root() {
        chown(rig.folder.path(), Some(65_534), Some(65_534)).unwrap();
    }
    let owner = |path: &Path| fs::metadata(path).unwrap().uid();
    let settings = Settings {
        path: rig.path(),
        key: KeySource::Found { credentials: None },
        command: "run",
    };
    let (store, _) = FileStore::open(&Arc::new(settings)).await.unwrap();
    let first = put(&store, grant(1), None, sign_in("alice", "1")).await;
    put(&store, grant(1), Some(first), sign_in("alice", "2")).await;
    for suffix in ["", ".prev", ".lock", ".key"] {
        assert_eq!(owner(&rig.file(suffix)), owner(rig.folder.path()), "{suffix}");
    }
}

#[tokio::test]
async fn a_lock_with_another_name_is_not_written_into() {
    let rig = Rig::new();
    let precious = rig.folder.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    fs::hard_link(&precious, rig.file(".lock")).unwrap();
    let _store = rig.open().await;
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert!(rig.error().await.what.ends_with("is in use by another process"));
}

/// A sign-in that was begun while no server ran keeps the store for as long as a person takes.
#[tokio::test]
async fn who_has_it_is_told_with_what_it_does_and_how_to_end_it() {
    let rig = Rig::new();
    let _store = rig.open().await;
    let cases = [
        ("17 sign-in\n", "process 17 (`saslgate sign-in`)", "`kill 17`"),
        (
            "17 test\n",
            "process 17 (`saslgate test`)",
            "wait until it has ended",
        ),
        ("17 run\n", "process 17 (`saslgate run`)", "stop it"),
        ("17\n", "process 17", "stop it"),
        // Nothing that somebody else wrote there reaches a terminal.
        ("17 \u{1b}[2J\n", "process 17", "stop it"),
        ("seventeen sign-in", "another process", "stop it"),
        ("", "another process", "stop it"),
    ];
    for (note, holder, fix) in cases {
        fs::write(rig.file(".lock"), note).unwrap();
        let error = rig.error().await;
        assert_eq!(error.trouble, Trouble::InUse);
        assert!(error.what.ends_with(&format!("in use by {holder}")), "{error}");
        assert!(error.fix.contains(fix), "{}", error.fix);
    }
    assert_eq!(cases.len(), 7);
}

/// `ln -s /data/saslgate /var/lib/saslgate` is how containers and full disks are served.
#[tokio::test]
async fn a_link_in_place_of_the_directory_is_fine() {
    let rig = Rig::new();
    fs::create_dir(rig.folder.path().join("data")).unwrap();
    symlink("data", rig.folder.path().join("link")).unwrap();
    let path = rig.folder.path().join("link/tokens");
    let (store, _) = FileStore::open(&settings(&path, KEY)).await.unwrap();
    put(&store, grant(1), None, sign_in("alice", "1")).await;
    assert!(rig.folder.path().join("data/tokens").is_file());
}

#[tokio::test]
async fn what_others_can_read_or_change_is_told() {
    let rig = Rig::with_three().await;
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    assert!(rig.notices().await.is_empty());
    for (folder, file, notices) in [
        (0o755, 0o600, 1),
        (0o770, 0o640, 2),
        (0o700, 0o666, 1),
        (0o700, 0o600, 0),
    ] {
        set(rig.folder.path(), folder);
        set(&rig.path(), file);
        let found = rig.notices().await;
        assert_eq!(found.len(), notices, "{folder:o} {file:o}: {found:?}");
        assert!(found.iter().all(|notice| notice.trouble == Trouble::Exposed));
    }
    // The next save mends the file.
    set(&rig.path(), 0o644);
    let store = rig.open().await;
    put(&store, grant(4), None, sign_in("dave", "1")).await;
    drop(store);
    assert!(rig.notices().await.is_empty());
}

#[tokio::test]
async fn a_store_of_another_format_or_key_is_left_alone() {
    let rig = Rig::with_three().await;
    let whole = fs::read_to_string(rig.path()).unwrap();
    let other = settings(&rig.path(), "b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28=");
    let error = FileStore::open(&other).await.unwrap_err();
    assert_eq!(error.trouble, Trouble::WrongKey);
    assert_eq!(fs::read_to_string(rig.path()).unwrap(), whole);

    let newer = whole.replacen("\"version\":1", "\"version\":2", 1);
    fs::write(rig.path(), &newer).unwrap();
    assert_eq!(rig.error().await.trouble, Trouble::NewerVersion);
    assert_eq!(fs::read_to_string(rig.path()).unwrap(), newer);
    assert_eq!(rig.names(), ["tokens", "tokens.prev"]);

    // The file before alone tells as much.
    fs::remove_file(rig.path()).unwrap();
    assert_eq!(
        FileStore::open(&other).await.unwrap_err().trouble,
        Trouble::WrongKey
    );
}
