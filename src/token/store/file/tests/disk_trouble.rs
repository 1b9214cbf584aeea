//! A disk that refuses: the old store stays readable, the new tokens stay in memory, and a later save writes them.

use std::fs;
use std::time::Duration;

use rustix::io::Errno;
use tokio::time::sleep;

use super::calls::{Fault, Faulty};
use super::*;
use crate::token::store::tests::conformance::token;
use crate::token::store::{Generation, Swap, TokenStore as _, Trouble};

/// A store of alice's first token on a file system with faults.
async fn store() -> (Rig, FileStore, Faulty, Generation) {
    let rig = Rig::new();
    let faulty = Faulty::default();
    let store = rig.open_on(&faulty).await;
    let first = put(&store, grant(1), None, sign_in("alice", "1")).await;
    let second = put(&store, grant(1), Some(first), sign_in("alice", "2")).await;
    (rig, store, faulty, second)
}

fn said(swap: Swap) -> (Generation, StoreError) {
    match swap {
        Swap::Unsaved(generation, error) => (generation, error),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_failing_disk_costs_nothing_but_durability() {
    let faults = [
        ("create", Errno::NOSPC),
        ("create", Errno::ROFS),
        ("create", Errno::ACCESS),
        ("create", Errno::MFILE),
        ("write", Errno::NOSPC),
        ("write", Errno::DQUOT),
        ("write", Errno::IO),
        ("write", Errno::FBIG),
        ("sync", Errno::IO),
        ("sync", Errno::NOSPC),
        ("link", Errno::NOSPC),
        ("rename", Errno::BUSY),
        ("rename", Errno::IO),
        ("sync_folder", Errno::IO),
    ];
    for (call, errno) in faults {
        let (rig, store, faulty, generation) = store().await;
        faulty.plan(Some(Fault::Fail(call, errno)));
        let swap = store
            .swap(grant(1), Some(generation), sign_in("alice", "3"))
            .await;
        let (generation, error) = said(swap.unwrap());
        assert_eq!(error.trouble, Trouble::Disk, "{call} {errno}");
        assert_eq!(token(&store, grant(1)).await, "3", "logins go on");

        // Whoever starts now has the old one; the new one if only the last call failed.
        let found = rig.recover().unwrap();
        let on_disk = if call == "sync_folder" { "3" } else { "2" };
        assert_eq!(tokens(&found.image)[0], on_disk, "{call} {errno}");
        assert!(found.notices.is_empty());
        assert_eq!(rig.names(), ["tokens", "tokens.prev"], "{call} {errno}");

        // A second change and a retry meet the same disk.
        let swap = store.swap(grant(2), None, sign_in("bob", "1")).await;
        said(swap.unwrap());
        let unsaved = store.unsaved().unwrap();
        assert_eq!(unsaved.accounts, ["alice".into(), "bob".into()]);
        assert_eq!(unsaved.error.what, error.what);
        assert!(store.0.save_pending().await.is_err());
        assert_eq!(store.unsaved().unwrap().since, unsaved.since);

        // Room again.
        faulty.plan(None);
        store.0.save_pending().await.unwrap();
        assert!(store.unsaved().is_none());
        assert_eq!(tokens(&rig.recover().unwrap().image), ["3", "1", "-"]);
        put(&store, grant(1), Some(generation), sign_in("alice", "4")).await;
    }
    assert_eq!(faults.len(), 14);
}

/// Nobody has to ask for it, and a disk that stays full is not asked all the time.
#[tokio::test(start_paused = true)]
async fn a_save_that_failed_is_tried_again_until_the_disk_takes_it() {
    let (rig, store, faulty, generation) = store().await;
    faulty.plan(Some(Fault::Fail("write", Errno::NOSPC)));
    let record = sign_in("alice", "3");
    said(store.swap(grant(1), Some(generation), record).await.unwrap());
    sleep(Duration::from_secs(600)).await;
    let tries = faulty.count("write");
    assert!((10..=16).contains(&tries), "{tries} tries in ten minutes");
    // One task tries, however many changes have failed.
    said(store.swap(grant(2), None, sign_in("bob", "1")).await.unwrap());
    sleep(Duration::from_secs(600)).await;
    assert!((20..=32).contains(&faulty.count("write")));

    faulty.plan(None);
    sleep(Duration::from_secs(60)).await;
    assert!(store.unsaved().is_none());
    assert_eq!(tokens(&rig.recover().unwrap().image), ["3", "1", "-"]);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(faulty.count("write"), 1, "what is saved is not saved again");

    // The next trouble finds somebody who tries again.
    faulty.plan(Some(Fault::Fail("write", Errno::NOSPC)));
    said(store.swap(grant(3), None, sign_in("carol", "1")).await.unwrap());
    faulty.plan(None);
    sleep(Duration::from_secs(6)).await;
    assert_eq!(tokens(&rig.recover().unwrap().image), ["3", "1", "1"]);
}

/// Whoever drops a store, or closes it, has it no longer: another process may.
#[tokio::test(start_paused = true)]
async fn trying_again_keeps_no_store_that_was_let_go() {
    for close in [false, true] {
        let (rig, store, faulty, _) = store().await;
        faulty.plan(Some(Fault::Fail("write", Errno::NOSPC)));
        said(store.swap(grant(2), None, sign_in("bob", "1")).await.unwrap());
        if close {
            assert!(store.close().await.is_err());
        }
        drop(store);
        faulty.plan(None);
        sleep(Duration::from_secs(600)).await;
        assert!(faulty.made().is_empty(), "{:?}", faulty.made());
        assert_eq!(token(&rig.open().await, grant(1)).await, "2");
    }
}

#[tokio::test]
async fn the_next_change_writes_what_failed_before() {
    let (rig, store, faulty, generation) = store().await;
    faulty.plan(Some(Fault::Fail("write", Errno::NOSPC)));
    let swap = store
        .swap(grant(1), Some(generation), sign_in("alice", "3"))
        .await;
    said(swap.unwrap());
    faulty.plan(None);
    put(&store, grant(2), None, sign_in("bob", "1")).await;
    assert!(store.unsaved().is_none());
    assert_eq!(tokens(&rig.recover().unwrap().image), ["3", "1", "-"]);
}

#[tokio::test]
async fn a_sign_out_that_was_not_saved_says_so_and_is_finished_later() {
    for call in ["write", "rename", "link", "sync_folder"] {
        let (rig, store, faulty, _) = store().await;
        faulty.plan(Some(Fault::Fail(call, Errno::IO)));
        assert_eq!(
            store.remove(grant(1)).await.unwrap_err().trouble,
            Trouble::Disk,
            "{call}"
        );
        assert!(store.load(grant(1)).await.unwrap().is_none());
        assert_eq!(store.unsaved().unwrap().accounts, ["alice".into()]);
        faulty.plan(None);
        store.0.save_pending().await.unwrap();
        assert!(store.unsaved().is_none());
        for file in ["", ".prev"] {
            let text = fs::read_to_string(rig.file(file)).unwrap();
            assert!(!text.contains(&grant(1).to_hex()), "{call}: {file}");
        }
    }
}

#[tokio::test]
async fn closing_tries_once_more_and_lets_go_whatever_comes_of_it() {
    let (rig, store, faulty, generation) = store().await;
    faulty.plan(Some(Fault::Fail("sync", Errno::IO)));
    let swap = store
        .swap(grant(1), Some(generation), sign_in("alice", "3"))
        .await;
    said(swap.unwrap());
    assert_eq!(store.close().await.unwrap_err().trouble, Trouble::Disk);
    assert_eq!(faulty.count("sync"), 2);
    assert_eq!(store.unsaved().unwrap().accounts, ["alice".into()]);

    let other = rig.open().await;
    faulty.plan(None);
    assert_eq!(store.0.save_pending().await.unwrap_err().trouble, Trouble::Closed);
    assert!(faulty.made().is_empty(), "the store is another process's now");
    assert_eq!(token(&other, grant(1)).await, "2");

    let (rig, store, faulty, generation) = self::store().await;
    faulty.plan(Some(Fault::Fail("sync", Errno::IO)));
    let swap = store
        .swap(grant(1), Some(generation), sign_in("alice", "3"))
        .await;
    said(swap.unwrap());
    faulty.plan(None);
    store.close().await.unwrap();
    assert_eq!(token(&rig.open().await, grant(1)).await, "3");
}

#[tokio::test]
async fn a_disk_that_fails_to_read_gives_the_file_before() {
    let rig = Rig::with_three().await;
    let faulty = Faulty::default();
    faulty.plan(Some(Fault::Fail("read", Errno::IO)));
    let calls = faulty.clone();
    let opened = FileStore::open_on(&rig.settings(), move || Box::new(calls)).await;
    assert_eq!(opened.unwrap_err().trouble, Trouble::Damaged, "both files");
    let found = rig.recover().unwrap();
    assert!(found.image.is_as_written(), "nothing was touched");
}

/// As root everything may be written, so this one says something only for other users; the table above has the error.
#[tokio::test]
async fn a_directory_that_may_not_be_written_still_gives_its_tokens() {
    use std::os::unix::fs::PermissionsExt as _;
    let rig = Rig::with_three().await;
    let mode = |mode| fs::set_permissions(rig.folder.path(), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o500);
    let store = rig.open().await;
    assert_eq!(token(&store, grant(1)).await, "alice-new");
    let swap = store.swap(grant(4), None, sign_in("dave", "1")).await.unwrap();
    let is_root = rustix::process::geteuid().is_root();
    assert_eq!(matches!(swap, Swap::Saved(_)), is_root, "{swap:?}");
    mode(0o700);
    store.0.save_pending().await.unwrap();
    drop(store);
    assert_eq!(token(&rig.open().await, grant(4)).await, "1");
}
