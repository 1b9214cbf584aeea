//! One suite for every store.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

use super::{grant, imported, same, sign_in, verified};
use crate::oauth::GrantKey;
use crate::token::store::{Condition, Generation, MemoryStore, Record, Swap, TokenStore, Trouble};

/// Tries everything that a store promises. `make` gives a new, empty one each time.
pub(in crate::token::store) async fn conforms<S: TokenStore>(make: impl AsyncFn() -> S) {
    keeps_what_it_is_given(&make().await).await;
    swaps_only_what_was_expected(&make().await).await;
    generations_never_come_back(&make().await).await;
    lists_without_secrets(&make().await).await;
    many_changes_at_once_lose_none(Arc::new(make().await)).await;
    leases_are_held_by_one(Arc::new(make().await)).await;
    closed_is_closed(&make().await).await;
}

/// Puts a record that has to fit.
pub(in crate::token::store) async fn put<S: TokenStore>(
    store: &S,
    key: GrantKey,
    expected: Option<Generation>,
    record: Record,
) -> Generation {
    match store.swap(key, expected, record).await.unwrap() {
        Swap::Saved(generation) => generation,
        other => panic!("{other:?}"),
    }
}

/// A record's secret, as text.
pub(in crate::token::store) async fn token<S: TokenStore>(store: &S, key: GrantKey) -> String {
    let stored = store.load(key).await.unwrap().unwrap();
    stored.record.secret.expose().clone()
}

async fn keeps_what_it_is_given<S: TokenStore>(store: &S) {
    assert!(store.load(grant(1)).await.unwrap().is_none());
    let make = [
        || sign_in("alice@contoso.com", "refresh-1"),
        || verified("bob@contoso.com", "sg2:hash"),
        || imported("carol@contoso.com", "gAAAA\0ü"),
    ];
    for (number, make) in (1..).zip(make) {
        let generation = put(store, grant(number), None, make()).await;
        let stored = store.load(grant(number)).await.unwrap().unwrap();
        assert_eq!(stored.generation, generation);
        assert!(same(&stored.record, &make()));
    }
    assert!(store.unsaved().is_none());
    assert_eq!(store.list().await.unwrap().len(), 3);
}

async fn swaps_only_what_was_expected<S: TokenStore>(store: &S) {
    let first = put(store, grant(1), None, sign_in("alice", "first")).await;
    let second = put(store, grant(1), Some(first), sign_in("alice", "second")).await;
    assert!(second > first);
    for wrong in [None, Some(first), Some(second.next())] {
        let swap = store
            .swap(grant(1), wrong, sign_in("alice", "third"))
            .await
            .unwrap();
        let Swap::Conflict(Some(current)) = swap else {
            panic!("{swap:?}");
        };
        assert_eq!(current.generation, second);
        assert_eq!(current.record.secret.expose(), "second");
    }
    let swap = store.swap(grant(2), Some(second), sign_in("bob", "token")).await;
    assert!(matches!(swap, Ok(Swap::Conflict(None))));
    assert_eq!(token(store, grant(1)).await, "second");
}

async fn generations_never_come_back<S: TokenStore>(store: &S) {
    assert!(!store.remove(grant(1)).await.unwrap());
    let first = put(store, grant(1), None, sign_in("alice", "first")).await;
    assert!(store.remove(grant(1)).await.unwrap());
    assert!(store.load(grant(1)).await.unwrap().is_none());
    assert!(!store.remove(grant(1)).await.unwrap());
    let second = put(store, grant(1), None, sign_in("alice", "second")).await;
    assert!(second > first, "{second} after {first}");
}

async fn lists_without_secrets<S: TokenStore>(store: &S) {
    let canary = "canary-of-a-refresh-token";
    put(store, grant(3), None, sign_in("carol", canary)).await;
    put(store, grant(2), None, verified("alice", canary)).await;
    put(store, grant(1), None, imported("bob", canary)).await;
    let list = store.list().await.unwrap();
    let accounts: Vec<_> = list.iter().map(|listed| &*listed.account).collect();
    assert_eq!(accounts, ["alice", "bob", "carol"]);
    assert!(list.iter().all(|listed| listed.condition == Condition::Whole));
    assert_eq!(list[2].content, Some(sign_in("carol", canary).content));
    let stored = store.load(grant(3)).await.unwrap();
    let swap = store
        .swap(grant(3), None, sign_in("carol", canary))
        .await
        .unwrap();
    for shown in [
        format!("{list:?}"),
        format!("{stored:?}"),
        format!("{swap:?}"),
        format!("{store:?}"),
    ] {
        assert!(!shown.contains("canary"), "{shown}");
    }
}

/// Sixteen tasks add their letter to one record until each has done so twenty times.
async fn many_changes_at_once_lose_none<S: TokenStore>(store: Arc<S>) {
    put(&*store, grant(1), None, sign_in("alice", "")).await;
    let mut tasks = JoinSet::new();
    for letter in 'a'..='p' {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let mut generations = Vec::new();
            for _ in 0..20 {
                generations.push(add(&*store, letter).await);
                yield_now().await;
            }
            assert!(generations.is_sorted(), "{generations:?}");
            generations
        });
    }
    let mut generations: Vec<_> = tasks.join_all().await.concat();
    generations.sort();
    generations.dedup();
    assert_eq!(generations.len(), 320, "two changes have one generation");
    let token = token(&*store, grant(1)).await;
    assert_eq!(token.len(), 320, "a change was lost");
    for letter in 'a'..='p' {
        assert_eq!(token.matches(letter).count(), 20);
    }
}

async fn add<S: TokenStore>(store: &S, letter: char) -> Generation {
    let mut current = store.load(grant(1)).await.unwrap();
    loop {
        let stored = current.take().unwrap();
        let longer = format!("{}{letter}", stored.record.secret.expose());
        let swap = store
            .swap(grant(1), Some(stored.generation), sign_in("alice", &longer))
            .await;
        match swap.unwrap() {
            Swap::Saved(generation) => return generation,
            Swap::Conflict(now) => current = now,
            Swap::Unsaved(_, error) => panic!("{error}"),
        }
    }
}

async fn leases_are_held_by_one<S: TokenStore>(store: Arc<S>) {
    let held = store.lease(grant(1)).await.unwrap();
    drop(store.lease(grant(2)).await.unwrap());
    let soon = Duration::from_millis(20);
    assert!(
        timeout(soon, store.lease(grant(1))).await.is_err(),
        "somebody has it"
    );
    let next = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.lease(grant(1)).await.map(drop) }
    });
    drop(held);
    next.await.unwrap().unwrap();
}

async fn closed_is_closed<S: TokenStore>(store: &S) {
    let generation = put(store, grant(1), None, sign_in("alice", "token")).await;
    store.close().await.unwrap();
    let troubles = [
        store.load(grant(1)).await.err(),
        store.list().await.err(),
        store
            .swap(grant(1), Some(generation), sign_in("alice", "new"))
            .await
            .err(),
        store.remove(grant(1)).await.err(),
        store.lease(grant(1)).await.err(),
    ];
    for error in troubles {
        assert_eq!(error.unwrap().trouble, Trouble::Closed);
    }
    assert!(store.unsaved().is_none());
}

#[tokio::test]
async fn a_store_in_memory_does_what_every_store_does() {
    conforms(async || MemoryStore::new()).await;
}
