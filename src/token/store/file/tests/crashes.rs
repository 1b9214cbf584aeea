//! The process dies before each call of a save in turn. Whoever starts next finds the old store or the new one.

use std::fs;

use rustix::io::Errno;

use super::super::calls::{Calls, System};
use super::calls::{Fault, Faulty};
use super::*;
use crate::token::store::tests::conformance::token;
use crate::token::store::{Swap, TokenStore as _, Trouble};

/// What a save meets, and how many calls it is made of.
struct Scene {
    name: &'static str,
    /// How many saves were before.
    saves: usize,
    /// What is done to the files then.
    prepare: fn(&Rig),
    /// The change that is being saved.
    change: Change,
    calls: usize,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Change {
    Put,
    Remove,
}

const SCENES: [Scene; 6] = [
    Scene {
        name: "the first save",
        saves: 0,
        prepare: |_| (),
        change: Change::Put,
        calls: 6,
    },
    Scene {
        name: "the second, without a file before",
        saves: 1,
        prepare: |_| (),
        change: Change::Put,
        calls: 10,
    },
    Scene {
        name: "any later",
        saves: 3,
        prepare: |_| (),
        change: Change::Put,
        calls: 10,
    },
    Scene {
        name: "after a crash between two renames",
        saves: 2,
        prepare: |rig| {
            fs::remove_file(rig.file(".prev")).unwrap();
            fs::hard_link(rig.path(), rig.file(".prev")).unwrap();
        },
        change: Change::Put,
        calls: 10,
    },
    Scene {
        name: "over a damaged file",
        saves: 2,
        prepare: |rig| {
            // The box of alice is gone; the file before has it.
            let mut lines = rig.lines();
            lines.pop();
            rig.write_lines(&lines);
        },
        change: Change::Put,
        calls: 7,
    },
    Scene {
        name: "a removal",
        saves: 3,
        prepare: |_| (),
        change: Change::Remove,
        calls: 14,
    },
];

/// A store that was saved so often: alice's token is then the last number.
async fn saved(saves: usize) -> Rig {
    let rig = Rig::new();
    let store = rig.open().await;
    let mut generation = None;
    for number in 1..=saves {
        generation = Some(
            put(
                &store,
                grant(1),
                generation,
                sign_in("alice", &number.to_string()),
            )
            .await,
        );
    }
    rig
}

/// The change, on a file system that may die: whether it was acknowledged.
async fn change(store: &FileStore, change: Change) -> bool {
    let current = store.load(grant(1)).await.unwrap();
    let generation = current.map(|stored| stored.generation);
    match change {
        Change::Put => {
            let swap = store.swap(grant(1), generation, sign_in("alice", "newest")).await;
            matches!(swap.unwrap(), Swap::Saved(_))
        }
        Change::Remove => store.remove(grant(1)).await.is_ok(),
    }
}

/// Runs a scene in which the process dies at a call; `false` if it came to its end before.
async fn dies_at(scene: &Scene, at: usize, also: Option<Fault>) -> bool {
    let rig = saved(scene.saves).await;
    (scene.prepare)(&rig);
    let before = tokens(&rig.recover().unwrap().image);
    let faulty = Faulty::default();
    let store = rig.open_on(&faulty).await;
    faulty.plan(also.or(Some(Fault::Die(at))));
    let acknowledged = change(&store, scene.change).await;
    drop(store);

    let said = format!("{}, dead at call {at}", scene.name);
    let after = rig.recover().unwrap_or_else(|error| panic!("{said}: {error}"));
    let after = tokens(&after.image);
    let new = ["newest", "-"][usize::from(scene.change == Change::Remove)];
    assert!(after == before || after[0] == new, "{said}: {after:?}");
    assert!(!acknowledged || after[0] == new, "{said}: acknowledged, and lost");

    // Whoever starts next cleans up and goes on.
    let store = rig.open().await;
    assert!(
        !rig.names().iter().any(|name| name.contains("new")),
        "{said}: {:?}",
        rig.names()
    );
    assert!(change(&store, Change::Put).await, "{said}");
    assert_eq!(token(&store, grant(1)).await, "newest", "{said}");
    drop(store);
    let found = rig.recover().unwrap();
    assert!(found.image.is_as_written() && found.notices.is_empty(), "{said}");
    !acknowledged
}

#[tokio::test]
async fn a_save_that_is_cut_off_anywhere_leaves_the_old_store_or_the_new_one() {
    let mut deaths = 0;
    for scene in &SCENES {
        let mut at = 0;
        while dies_at(scene, at, None).await {
            at += 1;
        }
        assert_eq!(at, scene.calls, "{}", scene.name);
        deaths += at;
    }
    assert_eq!(deaths, 57);
}

/// FAT, and some network and container file systems, have no hard links.
#[tokio::test]
async fn without_hard_links_the_file_before_is_a_copy() {
    for errno in [Errno::PERM, Errno::NOTSUP, Errno::NOSYS] {
        for scene in &SCENES {
            let ended = !dies_at(scene, usize::MAX, Some(Fault::Fail("link", errno))).await;
            assert!(ended, "{} without links", scene.name);
        }
    }
    let rig = saved(2).await;
    let faulty = Faulty::default();
    let store = rig.open_on(&faulty).await;
    faulty.plan(Some(Fault::Fail("link", Errno::PERM)));
    assert!(change(&store, Change::Put).await);
    let before = fs::read(rig.file(".prev")).unwrap();
    let before = super::super::layout::read(&before, &KEYS).unwrap();
    assert_eq!(tokens(&before)[0], "2");
}

/// Two names of one file stay two names when one is renamed to the other (POSIX rename).
#[tokio::test]
async fn nothing_is_left_behind_by_a_rename_that_does_nothing() {
    let rig = saved(1).await;
    fs::hard_link(rig.path(), rig.file(".prev")).unwrap();
    System.link(&rig.path(), &rig.file(".prev.new")).unwrap();
    let store = rig.open().await;
    assert!(change(&store, Change::Put).await);
    assert_eq!(rig.names(), ["tokens", "tokens.prev"]);
}

#[tokio::test]
async fn a_damaged_file_is_kept_until_somebody_looks_at_it() {
    let rig = saved(2).await;
    let mut kept = Vec::new();
    for number in 1..=3 {
        let broken = fs::read(rig.path()).unwrap();
        let broken = &broken[..broken.len() / 3 + number];
        fs::write(rig.path(), broken).unwrap();
        kept.push(broken.to_vec());
        let (store, notices) = FileStore::open(&rig.settings()).await.unwrap();
        assert!(
            notices
                .iter()
                .any(|notice| notice.trouble == Trouble::FromPrevious)
        );
        assert_eq!(fs::read(rig.path()).unwrap(), broken, "opening changes nothing");
        assert!(change(&store, Change::Put).await);
    }
    for (number, broken) in (1..).zip(kept) {
        assert_eq!(
            fs::read(rig.file(&format!(".set-aside-{number}"))).unwrap(),
            broken
        );
    }
    assert_eq!(rig.names().len(), 5);
}
