//! Outages, refusals by the provider, defects: what logins see, and what they cost.

use super::*;
use crate::oauth::Kind;

#[tokio::test(start_paused = true)]
async fn an_outage_is_invisible_while_the_token_lives() {
    let rig = Rig::new();
    rig.tokens.renew_ahead();
    let alice = alice();
    rig.token(&alice).await;
    for _ in 0..1000 {
        rig.source.then(Act::after(5, Act::Fail(outage())));
    }
    let mut served = 0;
    while rig.clock.start.elapsed() <= Duration::from_secs(3300) {
        assert_eq!(rig.token(&alice).await, "token-1");
        served += 1;
        pass(15).await;
    }
    assert!(served > 150, "{served} logins");
    let error = rig.error(&alice).await;
    assert_eq!(error.kind, Kind::Temporary { retry_after: None });
    assert!(
        rig.source.requests() < 20,
        "{} requests in 40 minutes",
        rig.source.requests()
    );
}

#[tokio::test(start_paused = true)]
async fn logins_after_a_failure_get_the_remembered_error_and_pauses_grow() {
    let rig = Rig::new();
    for _ in 0..100 {
        rig.source.then(Act::Fail(outage()));
    }
    let mut asked = Vec::new();
    for second in 0..1800_u64 {
        let before = rig.source.requests();
        rig.error(&alice()).await;
        if rig.source.requests() > before {
            asked.push(second);
        }
        pass(1).await;
    }
    let pauses: Vec<u64> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let bounds = [(30, 38), (60, 76), (120, 151), (240, 301), (300, 376), (300, 376)];
    for (pause, (least, most)) in pauses.iter().zip(bounds) {
        assert!((least..=most).contains(pause), "{pauses:?}");
    }
    assert!(pauses.len() >= 5, "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed_but_never_more_than_four_requests_a_minute() {
    for (said, pause) in [(90, 90), (1, 15), (600, 600)] {
        let rig = Rig::new();
        let retry_after = Some(Duration::from_secs(said));
        rig.source.then(Act::Fail(TokenError {
            kind: Kind::Temporary { retry_after },
            ..outage()
        }));
        rig.error(&alice()).await;
        pass(pause - 1).await;
        rig.error(&alice()).await;
        pass(2).await;
        assert_eq!(rig.token(&alice()).await, "token-2", "Retry-After: {said}");
    }
}

/// What a mail client is told while its mail still comes.
#[tokio::test(start_paused = true)]
async fn a_sign_in_that_has_ended_is_known_while_the_token_is_good() {
    let rig = Rig::new();
    rig.tokens.renew_ahead();
    let alice = alice();
    rig.token(&alice).await;
    assert!(!rig.tokens.ended_sign_in(&alice));
    for _ in 0..100 {
        rig.source.then(Act::Fail(ended()));
    }
    pass(1300).await;
    while rig.clock.start.elapsed() < Duration::from_secs(3300) {
        assert_eq!(rig.token(&alice).await, "token-1");
        assert!(
            rig.tokens.ended_sign_in(&alice),
            "after {:?}",
            rig.clock.start.elapsed()
        );
        pass(60).await;
    }
    // Somebody has signed in.
    rig.source.acts.lock().unwrap().clear();
    rig.tokens.forget(alice.key.grant);
    assert_eq!(
        rig.token(&alice).await,
        format!("token-{}", rig.source.requests())
    );
    assert!(!rig.tokens.ended_sign_in(&alice));
}

/// Nobody is bothered for an outage.
#[tokio::test(start_paused = true)]
async fn an_outage_wants_no_sign_in() {
    let rig = Rig::new();
    rig.token(&alice()).await;
    rig.source.then(Act::Fail(outage()));
    pass(1300).await;
    assert_eq!(rig.token(&alice()).await, "token-1");
    assert_eq!(rig.source.requests(), 2);
    assert!(!rig.tokens.ended_sign_in(&alice()));
}

#[tokio::test(start_paused = true)]
async fn a_new_client_secret_heals_at_once_and_the_old_one_does_not() {
    let rig = Rig::new();
    rig.source.then(Act::Fail(wrong_secret()));
    let old = request(&app_only("old", "scope"), "alice@contoso.com");
    rig.error(&old).await;

    let reloaded = request(&app_only("old", "scope"), "alice@contoso.com");
    assert_eq!(rig.error(&reloaded).await.what, "the client secret is wrong");
    assert_eq!(rig.source.requests(), 1);

    let new = request(&app_only("new", "scope"), "alice@contoso.com");
    assert_eq!(rig.token(&new).await, "token-2");
}

#[tokio::test(start_paused = true)]
async fn a_login_with_the_new_secret_does_not_get_the_failure_of_the_old_one() {
    let rig = Rig::new();
    rig.source.then(Act::after(4, Act::Fail(wrong_secret())));
    let old = rig.login(&request(&app_only("old", "scope"), "alice@contoso.com"));
    let new = rig.login(&request(&app_only("new", "scope"), "alice@contoso.com"));
    let (old, new) = tokio::join!(old.token(), new.token());
    assert_eq!(old.unwrap_err().what, "the client secret is wrong");
    assert_eq!(said(&new.unwrap()), "token-2");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_scope_is_no_reason_to_refuse_another_but_an_outage_is() {
    let rig = Rig::new();
    let (imap, smtp) = (
        request(&app_only("secret", "imap"), "alice@contoso.com"),
        request(&app_only("secret", "smtp"), "alice@contoso.com"),
    );
    rig.source.then(Act::Fail(TokenError::misconfigured(
        "the scope is wrong",
        "a test",
        "another",
    )));
    rig.error(&imap).await;
    assert_eq!(rig.token(&smtp).await, "token-2");
    rig.error(&imap).await;
    assert_eq!(rig.source.requests(), 2);

    let down = Rig::new();
    down.source.then(Act::Fail(outage()));
    down.error(&imap).await;
    down.error(&smtp).await;
    assert_eq!(down.source.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_request_is_an_error_and_not_a_hang() {
    let rig = Rig::new();
    rig.source.then(Act::after(1, Act::Panic));
    let logins = [rig.login(&alice()), rig.login(&alice())];
    for login in &logins {
        assert!(login.token().await.unwrap_err().is_temporary());
    }
    rig.error(&alice()).await;
    assert_eq!(rig.source.requests(), 1, "a defect is remembered too");
    pass(40).await;
    assert_eq!(rig.token(&alice()).await, "token-2");
}

#[tokio::test(start_paused = true)]
async fn somebody_who_has_mended_something_need_not_wait() {
    let rig = Rig::new();
    rig.source.then(Act::Fail(wrong_secret()));
    rig.error(&alice()).await;
    rig.tokens.forget_failures();
    assert_eq!(rig.token(&alice()).await, "token-2");
}

#[tokio::test(start_paused = true)]
async fn what_failed_for_a_login_is_tried_again_before_the_next_one() {
    let rig = Rig::new();
    rig.tokens.renew_ahead();
    rig.source.then(Act::Fail(outage()));
    let login = alice();
    rig.error(&login).await;
    pass(60).await;
    assert_eq!(rig.source.requests(), 2);
    assert!(rig.login(&login).is_near());
}

#[tokio::test(start_paused = true)]
async fn every_request_is_counted_by_how_it_ended() {
    let rig = Rig::new();
    let sign_in = TokenError {
        kind: Kind::NeedsSignIn,
        ..outage()
    };
    let acts = [
        Act::Fail(outage()),
        Act::Fail(wrong_secret()),
        Act::Fail(sign_in),
        Act::Panic,
    ];
    for act in acts {
        rig.source.then(act);
        rig.error(&alice()).await;
        rig.tokens.forget_failures();
    }
    rig.token(&alice()).await;
    let counts = rig.tokens.counts();
    assert_eq!((counts.issued, counts.same), (1, 0));
    assert_eq!(
        (counts.temporary, counts.misconfigured, counts.needs_sign_in),
        (2, 1, 1)
    );
    assert_eq!(rig.source.requests(), 5);
}
