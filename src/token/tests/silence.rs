//! No formatter shows a token or a client secret.

use super::*;
use crate::token::cache::Cache;

const SECRET: &str = "CANARYsecret";
const TOKEN: &str = "CANARYtoken";

#[tokio::test(start_paused = true)]
async fn nothing_here_prints_a_token_or_a_secret() {
    let rig = Rig::new();
    rig.source.then(Act::Same(TOKEN, 3600));
    let login = request(&app_only(SECRET, "scope"), "alice@contoso.com");
    let pending = rig.login(&login);
    let token = pending.token().await.unwrap();
    assert_eq!(said(&token), TOKEN);

    let mut cache = Cache::default();
    let now = rig.clock.now();
    let (claim, take_off) = cache.claim(&login, super::super::cache::Want::Fresh, now);
    let (outcome, report) = cache.land(
        &login,
        take_off.as_ref().unwrap().epoch,
        Ok(issued(TOKEN, 60)),
        now,
    );
    let _ = cache.claim(&login, super::super::cache::Want::Fresh, now);

    let shown = [
        format!("{:?} {:?} {:?}", rig.tokens, pending, token),
        format!("{:?} {:?}", login, issued(TOKEN, 60)),
        format!("{cache:#?} {claim:?} {outcome:?} {report:?}"),
        token.fingerprint().to_string(),
    ];
    for text in shown {
        assert!(!text.is_empty() && !text.contains("CANARY"), "{text}");
    }
}
