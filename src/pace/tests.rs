use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, advance};

use super::mailbox::MOST_WAITING;
use super::*;
use crate::sessions::{Registry, Why, Wish};

const LIMITS: Limits = Limits {
    smtp_per_mailbox: 3,
    imap_per_mailbox: 15,
    patience: Duration::from_secs(20),
    idle: Duration::from_secs(30),
};

fn wanted(mailbox: &str) -> Wanted {
    Wanted {
        protocol: Protocol::Smtp,
        host: "smtp.office365.com".into(),
        mailbox: mailbox.into(),
        account: "scanner".into(),
        session: SessionId::random(),
    }
}

async fn take(pace: &Arc<Pace>, mailbox: &str) -> Result<Place, NoPlace> {
    pace.take(&wanted(mailbox), &LIMITS)
        .await
        .map(|place| place.unwrap())
}

async fn three(pace: &Arc<Pace>) -> Vec<Place> {
    let mut places = Vec::new();
    for _ in 0..3 {
        places.push(take(pace, "a@x").await.unwrap());
    }
    places
}

/// The numbers of those who get a place, in the order in which they get it.
type Order = Arc<Mutex<Vec<usize>>>;

async fn crowd(pace: &Arc<Pace>, count: usize) -> (Order, Vec<tokio::task::JoinHandle<Result<(), NoPlace>>>) {
    let (order, mut tasks) = (Order::default(), Vec::new());
    for number in 0..count {
        let (pace, order) = (Arc::clone(pace), Arc::clone(&order));
        tasks.push(tokio::spawn(async move {
            let place = take(&pace, "a@x").await?;
            order.lock().unwrap().push(number);
            drop(place);
            Ok(())
        }));
        tokio::task::yield_now().await;
    }
    (order, tasks)
}

#[tokio::test(start_paused = true)]
async fn a_fourth_waits_and_another_mailbox_does_not() {
    let pace = Arc::new(Pace::default());
    let places = three(&pace).await;
    let other = take(&pace, "b@x").await.unwrap();
    let began = Instant::now();
    let missed = take(&pace, "A@X").await.unwrap_err();
    assert_eq!(began.elapsed(), LIMITS.patience);
    assert_eq!((missed.limit, missed.holders.len()), (3, 3));
    assert_eq!(missed.missed, Missed::Patience(LIMITS.patience));
    assert_eq!(missed.holders[0].since, LIMITS.patience);
    assert_eq!(pace.in_use(Protocol::Smtp), 4);
    drop((places, other));
    assert!(pace.mailboxes().is_empty(), "no mailbox is remembered for ever");
}

#[tokio::test(start_paused = true)]
async fn places_go_to_those_who_came_first() {
    let pace = Arc::new(Pace::default());
    let places = three(&pace).await;
    let (order, tasks) = crowd(&pace, 50).await;
    assert_eq!(pace.waiting(Protocol::Smtp), 50);
    drop(places);
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..50).collect::<Vec<_>>());
    assert_eq!(
        (pace.in_use(Protocol::Smtp), pace.waiting(Protocol::Smtp)),
        (0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn who_stops_waiting_is_passed_over_even_if_its_turn_has_just_come() {
    let pace = Arc::new(Pace::default());
    let mut places = three(&pace).await;
    let (order, tasks) = crowd(&pace, 3).await;
    tasks[0].abort();
    tokio::task::yield_now().await;
    assert_eq!(pace.waiting(Protocol::Smtp), 2);
    // Its turn comes, and it is gone before it can know.
    places.pop();
    tasks[1].abort();
    let mut tasks = tasks.into_iter();
    assert!(tasks.next().unwrap().await.is_err());
    assert!(tasks.next().unwrap().await.is_err());
    tasks.next().unwrap().await.unwrap().unwrap();
    assert_eq!(*order.lock().unwrap(), [2]);
    assert_eq!(pace.in_use(Protocol::Smtp), 2);
}

#[tokio::test(start_paused = true)]
async fn holders_are_asked_to_end_while_others_wait() {
    let (pace, registry) = (Arc::new(Pace::default()), Arc::new(Registry::default()));
    let places = three(&pace).await;
    let member = registry.enter(&SessionId::random(), ());
    places[0].held_by(member.wishes());
    assert_eq!(member.wishes().now(), Wish::GoOn);
    let (_, tasks) = crowd(&pace, 1).await;
    let pressed = Wish::EndAtRest(Why::PlaceWanted, LIMITS.idle);
    assert_eq!(member.wishes().now(), pressed);
    let late = registry.enter(&SessionId::random(), ());
    places[1].held_by(late.wishes());
    assert_eq!(late.wishes().now(), pressed, "who logs in meanwhile hears of it");
    // One ends for the one that waits, and no other.
    assert!(places[1].give_way());
    assert!(!places[0].give_way() && !places[2].give_way());
    advance(LIMITS.patience).await;
    for task in tasks {
        assert!(task.await.unwrap().is_err());
    }
    assert_eq!(member.wishes().now(), Wish::GoOn, "nobody waits any more");
}

#[tokio::test(start_paused = true)]
async fn no_more_wait_than_may_wait() {
    let pace = Arc::new(Pace::default());
    let places = three(&pace).await;
    let (_, tasks) = crowd(&pace, MOST_WAITING).await;
    let missed = take(&pace, "a@x").await.unwrap_err();
    assert_eq!(missed.missed, Missed::Crowd);
    drop(places);
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn pop3_has_no_limit_and_none_waits_with_no_patience() {
    let pace = Arc::new(Pace::default());
    let pop3 = Wanted {
        protocol: Protocol::Pop3,
        ..wanted("a@x")
    };
    assert!(pace.take(&pop3, &LIMITS).await.unwrap().is_none());
    let _places = three(&pace).await;
    let hasty = Limits {
        patience: Duration::ZERO,
        ..LIMITS
    };
    assert!(pace.take(&wanted("a@x"), &hasty).await.is_err());
    let more = Limits {
        smtp_per_mailbox: 4,
        ..hasty
    };
    assert!(pace.take(&wanted("a@x"), &more).await.unwrap().is_some());
}
