//! Where somebody who followed docs/entra-setup.md was once stopped, or told something that was not so.

use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::directory::Platform;

use crate::support::mail_client::MailClient;
use crate::table::ORACLE_B2C_SERVICE;
use crate::walk::{SECRET, Walk};

const MAILBOX: &str = "service@contoso.com";

fn registered() -> Walk {
    let mut walk = Walk::begin(ORACLE_B2C_SERVICE, MAILBOX);
    let app = Walk::app()
        .redirect(Platform::Web, walk.redirect_uri())
        .secret(SECRET)
        .delegated(&["POP.AccessAsUser.All"]);
    walk.register(app);
    walk
}

/// The product goes on fetching while the administrator signs in.
#[tokio::test]
async fn status_forgets_at_the_sign_in_that_nobody_had_signed_in() {
    let mut walk = registered();
    walk.serve().await;
    let at = walk.program().addresses.of(Protocol::Pop3);
    let mut client = MailClient::greeted(Protocol::Pop3, at).await;
    let reply = client.log_in(MAILBOX, &walk.password).await;
    assert_eq!(reply.refusal(), Some(Refusal::ContactAdmin), "{reply:?}");
    let status = walk.terminal().run(&["status"]).await;
    assert_eq!(status.code, Some(2), "{status:?}");
    let fix = format!("fix:  saslgate sign-in {MAILBOX}");
    assert!(status.said.contains(&fix), "{status:?}");

    walk.sign_in_by_browser().await;
    walk.status_is_well().await;
}

/// A page, a password, a second factor, and then the token can't be kept.
#[tokio::test]
async fn nobody_signs_in_for_a_store_that_is_not_there() {
    let mut walk = registered();
    let text = walk.text().replace("\"tokens\"", "\"ca.pem/tokens\"");
    walk.serve_with(&text).await;
    let told = walk.terminal().run(&["sign-in", MAILBOX]).await;
    assert_eq!((told.code, told.said.as_str()), (Some(2), ""), "{told:?}");
    assert!(told.complained.contains("token store"), "{told:?}");
}

/// All addresses of a domain look much the same, and the next one is somebody else's mailbox.
#[tokio::test]
async fn another_mailbox_of_the_domain_is_no_misspelling() {
    let mut walk = registered();
    walk.serve().await;
    let cases = [
        ("servce@contoso.com", "did you mean service@contoso.com?"),
        ("sales@contoso.com", "use one of these names: service@contoso.com"),
    ];
    for (typed, fix) in cases {
        let told = walk.terminal().run(&["sign-in", typed]).await;
        assert!(told.complained.contains(fix), "{typed}: {told:?}");
    }
    assert_eq!(cases.len(), 2);
}
