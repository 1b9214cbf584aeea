//! One request for many logins.

use tokio::task::JoinSet;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_thousand_first_logins_share_one_request() {
    let rig = Rig::new();
    rig.source.then(Act::after(1, Act::Token(3600)));
    let mut logins = JoinSet::new();
    for _ in 0..1000 {
        let pending = rig.login(&alice());
        logins.spawn(async move { said(&pending.token().await.unwrap()) });
    }
    let tokens = logins.join_all().await;
    assert_eq!(tokens.len(), 1000);
    assert!(tokens.iter().all(|token| token == "token-1"));
    assert_eq!(rig.source.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_comes_for_the_next_login_when_all_who_waited_have_hung_up() {
    let rig = Rig::new();
    rig.source.then(Act::after(5, Act::Token(3600)));
    let mut waiters = JoinSet::new();
    for _ in 0..100 {
        let pending = rig.login(&alice());
        waiters.spawn(async move { pending.token().await.is_ok() });
    }
    pass(1).await;
    waiters.shutdown().await;
    rig.tokens.shutdown().await;
    assert_eq!(rig.source.requests(), 1);

    assert_eq!(rig.token(&alice()).await, "token-1");
    assert_eq!(rig.source.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn every_mailbox_of_an_app_has_the_same_token_and_a_command_is_asked_for_each() {
    let rig = Rig::new();
    let app = app_only("secret", "scope");
    assert_eq!(rig.token(&request(&app, "alice@contoso.com")).await, "token-1");
    assert_eq!(rig.token(&request(&app, "bob@contoso.com")).await, "token-1");

    let printer = command();
    assert_eq!(
        rig.token(&request(&printer, "alice@contoso.com")).await,
        "token-2"
    );
    assert_eq!(rig.token(&request(&printer, "bob@contoso.com")).await, "token-3");
    assert_eq!(
        rig.token(&request(&printer, "alice@contoso.com")).await,
        "token-2"
    );
}

#[tokio::test(start_paused = true)]
async fn requests_of_one_grant_follow_each_other_whatever_their_scopes() {
    let rig = Rig::new();
    for _ in 0..2 {
        rig.source.then(Act::after(2, Act::Token(3600)));
    }
    let imap = rig.login(&request(&app_only("secret", "imap"), "alice@contoso.com"));
    let smtp = rig.login(&request(&app_only("secret", "smtp"), "alice@contoso.com"));
    let (imap, smtp) = tokio::join!(imap.token(), smtp.token());
    assert_eq!(
        (said(&imap.unwrap()), said(&smtp.unwrap())),
        ("token-1".into(), "token-2".into())
    );
    assert_eq!(rig.source.most_at_once(), 1);
}

#[tokio::test(start_paused = true)]
async fn dialling_upstream_is_worth_it_only_while_the_token_is_near() {
    let rig = Rig::new();
    rig.source.then(Act::after(9, Act::Token(3600)));
    let pending = rig.login(&alice());
    assert!(pending.is_near(), "the request is young");
    pass(3).await;
    assert!(
        !pending.is_near() && !rig.login(&alice()).is_near(),
        "the request is slow"
    );
    pending.token().await.unwrap();
    assert!(rig.login(&alice()).is_near(), "the token is at hand");

    let failing = Rig::new();
    failing.source.then(Act::Fail(outage()));
    failing.error(&alice()).await;
    assert!(!failing.login(&alice()).is_near(), "there will be none");
}

#[tokio::test(start_paused = true)]
async fn shutdown_waits_for_requests_in_the_air() {
    let rig = Rig::new();
    rig.source.then(Act::after(7, Act::Token(3600)));
    drop(rig.login(&alice()));
    let started = Instant::now();
    rig.tokens.shutdown().await;
    assert_eq!(started.elapsed().as_secs(), 7);
    assert_eq!(rig.tokens.counts().issued, 1);
}
