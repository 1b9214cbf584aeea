//! What a sign-in is asked for, and what its tokens are for: one resource each, and nothing more.

use saslgate::sim::{Demo, Settings, Sim};

use crate::https::{IMAP_SCOPE, Pairs, asking, claims, code, redeeming, text, token, visit};

fn sim() -> Sim {
    Sim::start(Settings::default()).unwrap()
}

#[tokio::test]
async fn nothing_comes_that_was_not_asked_for() {
    let sim = sim();
    let code = code(&sim, &asking().with("scope", IMAP_SCOPE)).await;
    let json = token(&sim, Demo::TENANT, &redeeming(&code)).await.json();
    assert_eq!(
        (&json["refresh_token"], &json["id_token"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    assert_eq!(
        claims(&text(&json, "access_token"))["scp"],
        "IMAP.AccessAsUser.All"
    );
}

#[tokio::test]
async fn agrees_to_two_resources_at_once_but_gives_tokens_one_by_one() {
    let sim = sim();
    let both = format!("{IMAP_SCOPE} Mail.Send offline_access");
    let code = code(&sim, &asking().with("scope", &both)).await;
    let refused = token(&sim, Demo::TENANT, &redeeming(&code)).await;
    assert_eq!((refused.status, refused.code()), (400, 28_000));
    let one = redeeming(&code).with("scope", "https://graph.microsoft.com/Mail.Send");
    let json = token(&sim, Demo::TENANT, &one).await.json();
    assert_eq!(
        claims(&text(&json, "access_token"))["aud"],
        "https://graph.microsoft.com"
    );
    let refresh = Pairs::of(&[
        ("client_id", Demo::CLIENT_ID),
        ("client_secret", Demo::CLIENT_SECRET),
        ("grant_type", "refresh_token"),
        ("refresh_token", &text(&json, "refresh_token")),
        ("scope", IMAP_SCOPE),
    ]);
    let json = token(&sim, Demo::TENANT, &refresh).await.json();
    assert_eq!(
        claims(&text(&json, "access_token"))["aud"],
        "https://outlook.office.com"
    );
    // Copied from the portal without its prefix, the permission is one of Graph.
    let bare = visit(
        &sim,
        &format!("/{}/oauth2/v2.0/authorize", Demo::TENANT),
        &asking().with("scope", "IMAP.AccessAsUser.All"),
    )
    .await;
    let form = redeeming(&bare.back("code").unwrap());
    let json = token(&sim, Demo::TENANT, &form).await.json();
    assert_eq!(
        claims(&text(&json, "access_token"))["aud"],
        "https://graph.microsoft.com"
    );
}
