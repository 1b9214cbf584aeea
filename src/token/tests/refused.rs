//! When upstream refuses a token: whether another is asked for.

use tokio::task::JoinSet;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_thousand_logins_that_upstream_refuses_cost_two_requests() {
    let rig = Rig::new();
    for _ in 0..1000 {
        let login = rig.login(&alice());
        let token = login.token().await.unwrap();
        if let Some(retry) = login.another(&token) {
            let other = retry.token().await.unwrap();
            assert_ne!(other.fingerprint(), token.fingerprint());
            assert!(retry.another(&other).is_none(), "once for each login");
        }
    }
    assert_eq!(rig.source.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_refused_logins_at_once_cost_two_requests() {
    let rig = Rig::new();
    assert_eq!(rig.token(&alice()).await, "token-1");
    rig.source.then(Act::after(1, Act::Token(3600)));
    let mut logins = JoinSet::new();
    for _ in 0..1000 {
        let login = rig.login(&alice());
        logins.spawn(async move {
            let token = login.token().await.unwrap();
            match login.another(&token) {
                Some(retry) => said(&retry.token().await.unwrap()),
                None => said(&token),
            }
        });
    }
    let mut tokens = logins.join_all().await;
    tokens.sort();
    tokens.dedup();
    assert_eq!(rig.source.requests(), 2);
    assert_eq!(tokens, ["token-2"]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_minted_for_this_login_is_not_stale() {
    let rig = Rig::new();
    let login = rig.login(&alice());
    let token = login.token().await.unwrap();
    assert!(login.another(&token).is_none());
    assert_eq!(rig.source.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_newer_token_that_is_there_already_costs_nothing() {
    let rig = Rig::new();
    rig.token(&alice()).await;
    let slow = rig.login(&alice());
    let old = slow.token().await.unwrap();

    // Meanwhile the token is renewed for another login.
    pass(2000).await;
    assert_eq!(rig.token(&alice()).await, "token-2");

    let retry = slow.another(&old).unwrap();
    assert!(retry.is_near());
    let newer = retry.token().await.unwrap();
    assert_eq!(said(&newer), "token-2");
    assert!(retry.another(&newer).is_none(), "once for each login");
    assert_eq!(rig.source.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn another_token_is_forced_once_in_five_minutes() {
    let rig = Rig::new();
    rig.token(&alice()).await;
    let mut forced = Vec::new();
    for minute in 0..12 {
        let login = rig.login(&alice());
        let token = login.token().await.unwrap();
        if let Some(retry) = login.another(&token) {
            retry.token().await.unwrap();
            forced.push(minute);
        }
        pass(60).await;
    }
    assert_eq!(forced, [0, 5, 10]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_of_a_source_that_fails_or_has_no_other() {
    let failing = Rig::new();
    failing.token(&alice()).await;
    let login = failing.login(&alice());
    let token = login.token().await.unwrap();
    failing.source.then(Act::Fail(outage()));
    let error = login.another(&token).unwrap().token().await.unwrap_err();
    assert_eq!(error.what, "the endpoint is down");
    pass(5 * 60 - 1).await;
    let requests = failing.source.requests();
    assert!(failing.login(&alice()).another(&token).is_none());
    assert_eq!(failing.source.requests(), requests);

    let caching = Rig::new();
    for _ in 0..2 {
        caching.source.then(Act::Same("cached", 3600));
    }
    caching.token(&alice()).await;
    let login = caching.login(&alice());
    let token = login.token().await.unwrap();
    let error = login.another(&token).unwrap().token().await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
    assert!(caching.login(&alice()).another(&token).is_none());
    assert_eq!(caching.source.requests(), 2);
}

/// Somebody has withdrawn the sign-in: upstream refuses the tokens of it that seem to live on, and what mends that is a
/// sign-in, not a setting at the mail host.
#[tokio::test(start_paused = true)]
async fn that_a_sign_in_has_ended_is_told_with_every_refusal() {
    let rig = Rig::new();
    rig.token(&alice()).await;
    rig.source.then(Act::Fail(ended()));
    for seconds in [0, 1, 60, 200] {
        pass(seconds).await;
        let login = rig.login(&alice());
        let token = login.token().await.unwrap();
        let error = login.another(&token).unwrap().token().await.unwrap_err();
        assert_eq!(error.kind, Kind::NeedsSignIn);
    }
    assert_eq!(rig.source.requests(), 2);
}
