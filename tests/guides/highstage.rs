//! Highstage: one tenant, no redirect URI, a secret, application permissions of Office 365 Exchange Online with admin
//! consent, and the service principal made known to Exchange by PowerShell.

use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::directory::App;
use saslgate::sim::mailbox::Right;

use crate::example::CLIENT_ID;
use crate::support::mail_client::MailClient;
use crate::table::HIGHSTAGE;
use crate::walk::{SECRET, Walk};

const MAILBOX: &str = "documents@contoso.com";

fn registered() -> App {
    Walk::app()
        .secret(SECRET)
        .roles(&["IMAP.AccessAsApp", "POP.AccessAsApp"])
}

fn give_full_access(walk: &Walk) {
    let mailbox = walk.sim.directory().mailbox(MAILBOX).unwrap();
    mailbox.grant(CLIENT_ID, Right::FullAccess);
}

#[tokio::test]
async fn is_walked() {
    let mut walk = Walk::begin(HIGHSTAGE, MAILBOX);
    walk.register(registered());
    give_full_access(&walk);
    walk.serve().await;
    let nobody = walk.terminal().run(&["sign-in", MAILBOX]).await;
    assert!(nobody.complained.contains("nobody has to sign in"), "{nobody:?}");
    walk.finish().await;
}

/// The last two steps of the guide have no page in any portal, and are the ones that people miss.
#[tokio::test]
async fn a_missing_powershell_step_is_named_and_mended_while_it_runs() {
    let mut walk = Walk::begin(HIGHSTAGE, MAILBOX);
    let mut unknown = registered();
    unknown.known_to_exchange = false;
    walk.register(unknown);
    walk.serve().await;
    let at = walk.program().addresses.of(Protocol::Imap);
    let mut client = MailClient::greeted(Protocol::Imap, at).await;
    let reply = client.log_in(MAILBOX, &walk.password).await;
    assert_eq!(reply.refusal(), Some(Refusal::ContactAdmin), "{reply:?}");

    let status = walk.terminal().run(&["status", MAILBOX]).await;
    assert_eq!(status.code, Some(2), "{status:?}");
    assert!(status.said.contains("New-ServicePrincipal"), "{status:?}");

    walk.sim
        .directory()
        .change_app(CLIENT_ID, |app| app.known_to_exchange = true);
    give_full_access(&walk);
    walk.use_mail().await;
    walk.status_is_well().await;
}
