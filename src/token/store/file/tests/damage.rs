//! Files that are not what was written: each damage is found out, costs no more than it must, and is told by name.

use std::fs;

use super::*;
use crate::token::store::tests::conformance::token;
use crate::token::store::{Swap, TokenStore as _, Trouble};

/// What a record may be after a damage when the file before is there.
fn is_old_or_new(tokens: &[String; 3]) -> bool {
    let names = ["alice", "bob", "carol"];
    let pairs = names.iter().zip(tokens);
    pairs
        .into_iter()
        .all(|(name, token)| *token == format!("{name}-old") || *token == format!("{name}-new"))
}

/// Where the list of records ends: what comes after it costs single records only.
fn end_of_list(bytes: &[u8]) -> usize {
    let text = str::from_utf8(bytes).unwrap();
    text.find("{\"sealed\"").unwrap()
}

/// Puts another file in the store's place. A new one: ext4 writes one that is cut and filled again to the disk at once,
/// which takes milliseconds, thousands of times.
fn rewrite(rig: &Rig, bytes: &[u8]) {
    fs::remove_file(rig.path()).unwrap();
    fs::write(rig.path(), bytes).unwrap();
}

#[tokio::test]
async fn a_file_that_breaks_off_anywhere_gives_the_old_store_or_the_new_one() {
    let rig = Rig::with_three().await;
    let (whole, before) = (
        fs::read(rig.path()).unwrap(),
        fs::read(rig.file(".prev")).unwrap(),
    );
    let list = end_of_list(&whole);
    for length in 0..whole.len() {
        rewrite(&rig, &whole[..length]);
        let found = rig.recover().unwrap();
        assert!(
            is_old_or_new(&tokens(&found.image)),
            "{length}: {:?}",
            tokens(&found.image)
        );
        // Only the end of the last line can be missing without being missed.
        assert_eq!(found.notices.is_empty(), length == whole.len() - 1, "{length}");
        let from_previous = found
            .notices
            .iter()
            .any(|notice| notice.trouble == Trouble::FromPrevious);
        assert_eq!(from_previous, length < list, "{length}");
    }
    assert_eq!(fs::read(rig.file(".prev")).unwrap(), before);
    assert!(whole.len() > 2_000, "only {} bytes tried", whole.len());
}

#[tokio::test]
async fn without_the_file_before_a_file_that_breaks_off_is_an_error_or_lacks_what_it_names() {
    let rig = Rig::with_three().await;
    let whole = fs::read(rig.path()).unwrap();
    fs::remove_file(rig.file(".prev")).unwrap();
    let mut errors = 0;
    for length in 0..whole.len() - 1 {
        rewrite(&rig, &whole[..length]);
        let found = match rig.recover() {
            Err(error) => {
                assert_eq!(error.trouble, Trouble::Damaged);
                errors += 1;
                continue;
            }
            Ok(found) => found,
        };
        let named = |notice: &StoreError| notice.trouble == Trouble::RecordDamaged;
        let damaged = found.notices.iter().filter(|notice| named(notice)).count();
        assert_eq!(damaged, count(&found.image, Condition::Damaged), "{length}");
        assert!((1..=3).contains(&damaged), "{length}");
    }
    assert_eq!(errors, end_of_list(&whole));
}

#[tokio::test]
async fn no_changed_byte_changes_a_record() {
    let rig = Rig::with_three().await;
    let whole = fs::read(rig.path()).unwrap();
    let mut refused = 0;
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        rewrite(&rig, &changed);
        match rig.recover() {
            Ok(found) => assert!(is_old_or_new(&tokens(&found.image)), "byte {at}"),
            // The version or the key's id was hit: then nothing is touched.
            Err(error) => {
                assert!(
                    matches!(error.trouble, Trouble::NewerVersion | Trouble::WrongKey),
                    "{error}"
                );
                refused += 1;
            }
        }
    }
    assert!((8..=17).contains(&refused), "{refused}");
    assert!(whole.len() > 2_000, "only {} bytes tried", whole.len());
}

#[tokio::test]
async fn records_that_changed_places_are_found_out() {
    let rig = Rig::with_three().await;
    fs::remove_file(rig.file(".prev")).unwrap();
    let lines = rig.lines();
    let sealed: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("{\"sealed\""))
        .collect();
    let content = |line: &str| line.split("\"box\":").nth(1).unwrap().to_owned();
    let (alice, bob) = (content(sealed[0]), content(sealed[1]));
    let mut swapped = lines.clone();
    for line in &mut swapped {
        *line = if line.contains(&alice) {
            line.replace(&alice, &bob)
        } else {
            line.replace(&bob, &alice)
        };
    }
    assert_ne!(swapped, lines);
    rig.write_lines(&swapped);

    let (store, notices) = FileStore::open(&rig.settings()).await.unwrap();
    let said: Vec<_> = notices
        .iter()
        .map(|notice| (notice.trouble, notice.what.clone()))
        .collect();
    assert_eq!(said.len(), 2);
    for name in ["alice", "bob"] {
        let what = format!("the record of {name} (app `app`) in the token store is damaged");
        assert!(said.contains(&(Trouble::RecordDamaged, what.into())), "{said:?}");
    }
    for number in [1, 2] {
        let error = store.load(grant(number)).await.unwrap_err();
        assert_eq!(error.trouble, Trouble::RecordDamaged);
    }
    assert_eq!(token(&store, grant(3)).await, "carol-new");
}

#[tokio::test]
async fn a_record_of_long_ago_is_found_out() {
    let rig = Rig::new();
    let store = rig.open().await;
    let first = put(&store, grant(1), None, sign_in("alice", "long-ago")).await;
    let long_ago = rig.lines();
    let second = put(&store, grant(1), Some(first), sign_in("alice", "lately")).await;
    put(&store, grant(1), Some(second), sign_in("alice", "now")).await;
    drop(store);
    let now = rig.lines();
    let old_box = long_ago.last().unwrap().clone();

    // In the place of the new box.
    let mut lines = now.clone();
    lines[3] = old_box.clone();
    rig.write_lines(&lines);
    let found = rig.recover().unwrap();
    assert_eq!(tokens(&found.image)[0], "lately", "the file before has it");
    assert_eq!(found.notices[0].trouble, Trouble::RecordOlder);
    // With its line of the list: then the whole list does not fit.
    let mut lines = now.clone();
    (lines[1], lines[3]) = (long_ago[1].clone(), old_box.clone());
    rig.write_lines(&lines);
    assert_eq!(tokens(&rig.recover().unwrap().image)[0], "lately");
    // Beside the new one: it is not wanted.
    let mut lines = now;
    lines.push(old_box);
    rig.write_lines(&lines);
    let found = rig.recover().unwrap();
    assert_eq!(tokens(&found.image)[0], "now");
    assert_eq!(found.notices[0].trouble, Trouble::Strange);
}

#[tokio::test]
async fn a_damaged_record_is_kept_as_it_is_until_its_account_signs_in_again() {
    let rig = Rig::with_three().await;
    fs::remove_file(rig.file(".prev")).unwrap();
    let mut lines = rig.lines();
    let broken = lines
        .iter()
        .position(|line| line.starts_with("{\"sealed\""))
        .unwrap();
    let end = lines[broken].len();
    lines[broken].replace_range(end - 8..end - 5, "AAA");
    let broken = lines[broken].clone();
    rig.write_lines(&lines);

    for round in 0..3 {
        let (store, notices) = FileStore::open(&rig.settings()).await.unwrap();
        assert_eq!(notices.len(), 1, "told at every start: {notices:?}");
        let generation = store.load(grant(3)).await.unwrap().unwrap().generation;
        put(
            &store,
            grant(3),
            Some(generation),
            sign_in("carol", &round.to_string()),
        )
        .await;
        assert!(rig.lines().contains(&broken), "round {round}");
        let listed = store.list().await.unwrap();
        assert_eq!(listed[0].condition, Condition::Damaged);
        assert_eq!(&*listed[0].account, "alice");
    }
    assert_eq!(
        rig.names(),
        ["tokens", "tokens.prev", "tokens.set-aside-1"],
        "news only once"
    );

    let store = rig.open().await;
    put(&store, grant(1), None, sign_in("alice", "again")).await;
    drop(store);
    assert!(rig.notices().await.is_empty());
    assert!(!rig.lines().contains(&broken));
}

#[tokio::test]
async fn nobody_swaps_a_record_that_nobody_can_have_read() {
    let rig = Rig::with_three().await;
    fs::remove_file(rig.file(".prev")).unwrap();
    let mut lines = rig.lines();
    lines.retain(|line| !line.contains(&format!("\"sealed\":\"{}\"", grant(1).to_hex())));
    rig.write_lines(&lines);
    let store = rig.open().await;
    let listed = store.list().await.unwrap();
    let generation = listed[0].generation;
    let swap = store
        .swap(grant(1), Some(generation), sign_in("alice", "x"))
        .await;
    assert!(matches!(swap.unwrap(), Swap::Conflict(None)));
}

#[tokio::test]
async fn a_record_of_a_newer_saslgate_is_left_alone() {
    let rig = Rig::with_three().await;
    let mut lines = rig.lines();
    let (index, sealed) = (1, 5);
    assert!(lines[index].contains("\"alice\"") && lines[sealed].contains("\"sealed\""));
    // A newer one sealed something that this one does not know.
    lines[index] = lines[index].replace("\"kind\":\"sign-in\"", "\"kind\":\"passkey\"");
    let list = lines[..4].join("\n") + "\n";
    lines[4] = format!("{{\"check\":\"{}\"}}", KEYS.check(list.as_bytes()));
    let content = KEYS.seal(&lines[index], b"anything".to_vec().into()).unwrap();
    lines[sealed] = format!("{{\"sealed\":\"{}\",\"box\":\"{content}\"}}", grant(1).to_hex());
    rig.write_lines(&lines);

    let image = rig.recover().unwrap().image;
    assert_eq!(count(&image, Condition::Newer), 1);
    let (store, notices) = FileStore::open(&rig.settings()).await.unwrap();
    assert_eq!(notices[0].trouble, Trouble::RecordNewer);
    assert_eq!(
        store.load(grant(1)).await.unwrap_err().trouble,
        Trouble::RecordNewer
    );
    let generation = store.load(grant(2)).await.unwrap().unwrap().generation;
    put(&store, grant(2), Some(generation), sign_in("bob", "newest")).await;
    for line in [&lines[index], &lines[sealed]] {
        assert!(rig.lines().contains(line), "it is written back as it was");
    }
}

#[tokio::test]
async fn a_store_that_is_gone_comes_back_from_the_file_before() {
    let rig = Rig::with_three().await;
    fs::remove_file(rig.path()).unwrap();
    let found = rig.recover().unwrap();
    assert_eq!(tokens(&found.image), ["alice-new", "bob-new", "carol-old"]);
    assert_eq!(found.notices[0].trouble, Trouble::FromPrevious);
}
