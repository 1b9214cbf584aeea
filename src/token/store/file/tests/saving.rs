//! What a save costs, what it leaves, and who waits for it.

use std::fs;
use std::future::poll_fn;
use std::os::unix::fs::MetadataExt as _;
use std::task::Poll;

use tokio::task::{JoinSet, yield_now};

use super::super::calls::Calls as _;
use super::super::layout::VERSION;
use super::calls::Faulty;
use super::*;
use crate::oauth::Owner;
use crate::token::store::tests::conformance::token;
use crate::token::store::tests::{imported, same, verified};
use crate::token::store::{Content, Record, Swap};

/// A record of each kind, with what is hard to write.
const EACH_KIND: [fn() -> Record; 3] = [
    || sign_in("alice@contoso.com", "refresh"),
    || verified("böb", "sg2:\0ü"),
    || imported("carol \"c\" \\", "gAAAA"),
];

async fn holds_each_kind(store: &FileStore) {
    for (number, make) in (1..).zip(EACH_KIND) {
        let stored = store.load(grant(number)).await.unwrap().unwrap();
        assert!(same(&stored.record, &make()), "{stored:?}");
    }
    assert_eq!(store.list().await.unwrap().len(), 3);
}

#[tokio::test]
async fn what_was_stored_is_there_after_a_restart() {
    let rig = Rig::new();
    let store = rig.open().await;
    for (number, make) in (1..).zip(EACH_KIND) {
        put(&store, grant(number), None, make()).await;
    }
    holds_each_kind(&store).await;
    let list = store.list().await.unwrap();
    store.close().await.unwrap();

    let (store, notices) = FileStore::open(&rig.settings()).await.unwrap();
    assert!(notices.is_empty(), "{notices:?}");
    assert_eq!(store.list().await.unwrap(), list);
    holds_each_kind(&store).await;
}

/// Not every provider tells who signed in, or under what name.
#[tokio::test]
async fn a_sign_in_of_somebody_unknown_is_kept() {
    let rig = Rig::new();
    let make = |owner: Option<Owner>| {
        let mut record = sign_in("alice", "refresh");
        let Content::SignIn(sign_in) = &mut record.content else {
            panic!("{record:?}");
        };
        sign_in.owner = owner;
        record
    };
    let nameless = Owner {
        oid: "1".into(),
        tid: "2".into(),
        upn: None,
    };
    for (number, owner) in (1..).zip([None, Some(nameless)]) {
        put(&rig.open().await, grant(number), None, make(owner.clone())).await;
        let stored = rig.open().await.load(grant(number)).await.unwrap().unwrap();
        assert!(same(&stored.record, &make(owner)), "{stored:?}");
    }
}

/// Stores outlive releases: this file, written when the format was made, has to be read by every later saslgate.
#[tokio::test]
async fn what_version_1_wrote_is_read_and_moved_on() {
    let rig = Rig::new();
    let written = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/token_store_1.txt"
    ));
    System
        .write(&mut System.create(&rig.path()).unwrap(), written.as_bytes())
        .unwrap();
    let (store, notices) = FileStore::open(&rig.settings()).await.unwrap();
    assert!(notices.is_empty(), "{notices:?}");
    holds_each_kind(&store).await;
    put(&store, grant(4), None, sign_in("dave", "1")).await;
    let head = format!("\"version\":{VERSION},");
    assert!(rig.lines()[0].contains(&head));
    assert_eq!(fs::read_to_string(rig.file(".prev")).unwrap(), written);
}

#[tokio::test]
async fn an_operator_may_look_at_the_file() {
    let rig = Rig::new();
    let store = rig.open().await;
    put(
        &store,
        grant(1),
        None,
        sign_in("alice@contoso.com", "canary-refresh"),
    )
    .await;
    let lines = rig.lines();
    assert_eq!(lines.len(), 4);
    let json = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let [head, record, check, sealed] = [0, 1, 2, 3].map(|at| json(&lines[at]));
    assert_eq!(head["format"], "saslgate token store");
    assert_eq!(head["version"], 1);
    assert_eq!(head["key"], KEYS.id());
    assert_eq!(head["records"], 1);
    assert_eq!(record["record"], grant(1).to_hex());
    assert_eq!(record["kind"], "sign-in");
    assert_eq!(record["account"], "alice@contoso.com");
    assert_eq!(record["signed_in"], 1_795_219_200);
    assert_eq!(record["refreshed"], 1_795_219_260);
    assert!(check["check"].is_string() && sealed["box"].is_string());

    // What is sealed is not in it, not even encoded; the key is nowhere.
    let text = fs::read_to_string(rig.path()).unwrap();
    for secret in ["canary", "Y2FuYXJ5", "kkkkkkkk", &KEY[..20]] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn every_file_is_for_its_owner_alone() {
    let rig = Rig::new();
    let inner = rig.folder.path().join("made").join("here");
    let (store, _) = FileStore::open(&settings(&inner.join("tokens"), KEY))
        .await
        .unwrap();
    let first = put(&store, grant(1), None, sign_in("alice", "1")).await;
    put(&store, grant(1), Some(first), sign_in("alice", "2")).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&inner), 0o700);
    assert_eq!(mode(inner.parent().unwrap()), 0o700);
    for name in ["tokens", "tokens.prev", "tokens.lock"] {
        assert_eq!(mode(&inner.join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn what_was_signed_out_is_in_no_file() {
    let rig = Rig::with_three().await;
    let store = rig.open().await;
    assert!(store.remove(grant(2)).await.unwrap());
    for file in ["", ".prev"] {
        let text = fs::read_to_string(rig.file(file)).unwrap();
        assert!(
            !text.contains(&grant(2).to_hex()) && !text.contains("bob"),
            "{file}"
        );
    }
    drop(store);
    assert!(rig.notices().await.is_empty());
    assert_eq!(
        tokens(&rig.recover().unwrap().image),
        ["alice-new", "-", "carol-new"]
    );
}

/// After an outage every account renews at once: that must not be one save for each.
#[tokio::test]
async fn changes_that_come_together_are_saved_together() {
    let rig = Rig::new();
    let faulty = Faulty::default();
    let store = Arc::new(rig.open_on(&faulty).await);
    faulty.plan(None);
    let mut tasks = JoinSet::new();
    for number in 0..200 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { put(&*store, grant(number), None, sign_in("x", "y")).await });
    }
    assert_eq!(tasks.join_all().await.len(), 200);
    let saves = faulty.count("sync_folder");
    assert!((1..=20).contains(&saves), "{saves} saves");
    assert_eq!(rig.recover().unwrap().image.entries.len(), 200);
}

#[tokio::test]
async fn a_change_is_saved_even_if_nobody_waits_for_it() {
    let rig = Rig::new();
    let store = rig.open().await;
    let mut swap = store.swap(grant(1), None, sign_in("alice", "1"));
    // Asked once and dropped, be it done by then or not: the task that saves may be faster than we look.
    poll_fn(|context| Poll::Ready(swap.as_mut().poll(context).is_ready())).await;
    drop(swap);
    assert_eq!(token(&store, grant(1)).await, "1");
    while rig.recover().unwrap().image.entries.is_empty() {
        yield_now().await;
    }
    assert!(store.0.state().pending().is_none() || store.unsaved().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn generations_on_the_disk_never_go_back() {
    let rig = Rig::new();
    let store = Arc::new(rig.open().await);
    let mut tasks = JoinSet::new();
    for number in 0..8 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let mut generation = None;
            for round in 0..25 {
                let record = sign_in("x", &round.to_string());
                let Swap::Saved(new) = store.swap(grant(number), generation, record).await.unwrap() else {
                    panic!("nobody else writes this record");
                };
                assert!(generation.is_none_or(|old| old < new));
                generation = Some(new);
            }
        });
    }
    let mut last = None;
    while !tasks.is_empty() {
        let image = rig.recover().unwrap().image;
        assert!(last.is_none_or(|last| last <= image.generation));
        last = Some(image.generation);
        while let Some(done) = tasks.try_join_next() {
            done.unwrap();
        }
        yield_now().await;
    }
    let image = rig.recover().unwrap().image;
    assert_eq!(image.generation.0, 200);
    assert_eq!(image.entries.len(), 8);
}
