//! Another client secret, and somebody who wants to know whether it is right.

use super::*;

fn alice_with(secret: &str) -> TokenRequest {
    request(&app_only(secret, "scope"), "alice@contoso.com")
}

impl Rig {
    /// What whoever tests is told, by name, or why there is none.
    async fn tested(&self) -> Result<String, Arc<TokenError>> {
        let now = self.tokens.from_now_on();
        let pending = self.tokens.request_since(alice(), now);
        pending.token().await.map(|token| said(&token))
    }

    fn failure(&self, request: &TokenRequest) -> Option<Arc<TokenError>> {
        self.tokens.standing(&request.key).failure
    }
}

/// Whoever deletes the old secret in the portal before a wrong new one shows has no mail within the hour.
#[tokio::test(start_paused = true)]
async fn a_new_secret_is_tried_at_once_and_a_wrong_one_costs_nobody_a_login() {
    let rig = Rig::new();
    let (old, new) = (alice_with("old"), alice_with("new"));
    assert_eq!(rig.token(&old).await, "token-1");
    rig.source.then(Act::Fail(wrong_secret()));
    assert_eq!(rig.token(&new).await, "token-1");
    assert_eq!(rig.failure(&new).unwrap().what, "the client secret is wrong");
    // Not with each login.
    assert_eq!(rig.token(&new).await, "token-1");
    assert_eq!(rig.source.requests(), 2);
    pass(60).await;
    assert_eq!(rig.token(&new).await, "token-3");
    assert!(rig.failure(&new).is_none());
    assert_eq!(rig.token(&new).await, "token-3");
    assert_eq!(rig.source.requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_reload_that_changes_nothing_asks_for_nothing() {
    let rig = Rig::new();
    rig.token(&alice_with("same")).await;
    for _ in 0..3 {
        assert_eq!(rig.token(&alice_with("same")).await, "token-1");
    }
    assert_eq!(rig.source.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_test_asks_anew_whatever_is_at_hand_and_once_for_all_protocols() {
    let rig = Rig::new();
    rig.token(&alice()).await;
    pass(1).await;
    let now = rig.tokens.from_now_on();
    for _ in 0..3 {
        let pending = rig.tokens.request_since(alice(), now);
        assert_eq!(said(&pending.token().await.unwrap()), "token-2");
    }
    pass(1).await;
    rig.source.then(Act::Fail(wrong_secret()));
    assert_eq!(rig.tested().await.unwrap_err().what, "the client secret is wrong");
    // Logins go on, and it is known.
    assert_eq!(rig.token(&alice()).await, "token-2");
    assert!(rig.failure(&alice()).is_some());
    // Somebody has mended it, and does not wait for a pause to end.
    pass(1).await;
    assert_eq!(rig.tested().await.unwrap(), "token-4");
}

#[tokio::test(start_paused = true)]
async fn a_test_does_not_break_the_pause_that_the_provider_asked_for() {
    let rig = Rig::new();
    rig.source.then(Act::Fail(TokenError {
        kind: Kind::Temporary {
            retry_after: Some(Duration::from_secs(90)),
        },
        ..outage()
    }));
    rig.error(&alice()).await;
    pass(1).await;
    assert!(rig.tested().await.unwrap_err().is_temporary());
    assert_eq!(rig.source.requests(), 1);
    pass(120).await;
    assert_eq!(rig.tested().await.unwrap(), "token-2");
}

/// Managed identities and many commands keep a token of their own: that they give it again is an answer.
#[tokio::test(start_paused = true)]
async fn a_test_is_content_with_the_token_that_the_source_gives_again() {
    let rig = Rig::new();
    rig.source.then(Act::Same("kept", 3600));
    rig.token(&alice()).await;
    pass(1).await;
    rig.source.then(Act::Same("kept", 3600));
    assert_eq!(rig.tested().await.unwrap(), "kept");
    assert_eq!(rig.source.requests(), 2);
}
