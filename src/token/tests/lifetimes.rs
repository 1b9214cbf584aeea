//! How old a token a login takes, by which clock, and what is renewed ahead.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_login_takes_a_token_with_two_thirds_of_its_life_left() {
    let rig = Rig::new();
    rig.token(&alice()).await;
    pass(1199).await;
    assert_eq!(rig.token(&alice()).await, "token-1");
    pass(2).await;
    assert_eq!(rig.token(&alice()).await, "token-2");
}

#[tokio::test(start_paused = true)]
async fn a_slow_renewal_holds_a_login_up_for_three_seconds_at_most() {
    let rig = Rig::new();
    rig.token(&alice()).await;
    pass(2000).await;
    rig.source.then(Act::after(8, Act::Token(3600)));
    let started = Instant::now();
    assert_eq!(rig.token(&alice()).await, "token-1");
    assert_eq!(started.elapsed().as_secs(), 3);
    // Who comes later has waited already.
    assert_eq!(rig.token(&alice()).await, "token-1");
    assert_eq!(started.elapsed().as_secs(), 3);
    pass(6).await;
    assert_eq!(rig.token(&alice()).await, "token-2");
    assert_eq!(rig.source.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn with_less_than_five_minutes_left_a_login_waits_for_a_new_token() {
    let rig = Rig::new();
    rig.token(&alice()).await;
    pass(3301).await;
    rig.source.then(Act::after(8, Act::Token(3600)));
    assert_eq!(rig.token(&alice()).await, "token-2");
}

#[tokio::test(start_paused = true)]
async fn a_token_of_minutes_is_used_for_its_first_two_thirds() {
    let rig = Rig::new();
    rig.source.then(Act::Token(300));
    rig.token(&alice()).await;
    for (passed, token) in [(99, "token-1"), (100, "token-1")] {
        pass(passed).await;
        rig.source.then(Act::Fail(outage()));
        assert_eq!(rig.token(&alice()).await, token);
    }
    pass(2).await;
    rig.source.then(Act::Fail(outage()));
    rig.error(&alice()).await;
}

#[tokio::test(start_paused = true)]
async fn no_clock_can_make_a_token_younger() {
    // The wall clock is set, the machine sleeps: what a login gets then.
    let cases: [(&str, i64, u64, &str); 5] = [
        ("nothing happens", 0, 0, "token-1"),
        ("an hour forward", 3600, 0, "token-2"),
        ("ten years forward", 315_360_000, 0, "token-2"),
        ("an hour back", -3600, 0, "token-1"),
        ("a sleep of twelve hours", 0, 43_200, "token-2"),
    ];
    for (what, wall, asleep, token) in cases {
        let rig = Rig::new();
        rig.token(&alice()).await;
        rig.clock.set_wall(wall);
        rig.clock.sleep_machine(asleep);
        assert_eq!(rig.token(&alice()).await, token, "{what}");
    }
    let set_back = Rig::new();
    set_back.token(&alice()).await;
    set_back.clock.set_wall(-315_360_000);
    pass(3600).await;
    assert_eq!(
        set_back.token(&alice()).await,
        "token-2",
        "its hour is over all the same"
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_that_keeps_its_token_is_asked_once_a_minute() {
    let rig = Rig::new();
    for _ in 0..20 {
        rig.source.then(Act::Same("cached", 3600));
    }
    rig.token(&alice()).await;
    pass(1300).await;
    for _ in 0..30 {
        assert_eq!(rig.token(&alice()).await, "cached");
        pass(10).await;
    }
    assert_eq!(rig.source.requests(), 1 + 5);
    assert_eq!(rig.tokens.counts().same, 5);
}

#[tokio::test(start_paused = true)]
async fn a_token_in_use_is_renewed_before_a_login_has_to_wait_for_it() {
    let rig = Rig::new();
    rig.tokens.renew_ahead();
    let alice = alice();
    let mut tokens = vec![rig.token(&alice).await];
    for _ in 0..180 {
        rig.source.then(Act::after(9, Act::Token(3600)));
        pass(60).await;
        let login = rig.login(&alice);
        let started = Instant::now();
        tokens.push(said(&login.token().await.unwrap()));
        assert!(started.elapsed().is_zero(), "a login waited");
    }
    tokens.dedup();
    assert!(
        (9..=12).contains(&tokens.len()),
        "{} tokens in three hours",
        tokens.len()
    );
}

#[tokio::test(start_paused = true)]
async fn what_nobody_uses_is_not_renewed_and_forgotten_after_a_day() {
    let rig = Rig::new();
    rig.tokens.renew_ahead();
    let alice = alice();
    rig.token(&alice).await;
    pass(7200).await;
    let requests = rig.source.requests();
    assert!((3..=5).contains(&requests), "renewed for an hour: {requests}");
    pass(22 * 3600 + 10).await;
    assert_eq!(rig.source.requests(), requests);
    assert_eq!(rig.tokens.keys(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_app_that_a_reload_has_removed_is_not_asked_any_more() {
    let rig = Rig::new();
    rig.tokens.renew_ahead();
    let login = alice();
    rig.token(&login).await;
    drop(login);
    pass(3600).await;
    assert_eq!(rig.source.requests(), 1);
}
