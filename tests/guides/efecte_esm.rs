//! Efecte ESM: one tenant, no redirect URI, a public app ("Allow public client flows"), delegated permissions of Microsoft
//! Graph with admin consent; the mailbox's own password is typed.

use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::Demo;
use saslgate::sim::directory::Mfa;

use crate::support::mail_client::MailClient;
use crate::table::EFECTE_ESM;
use crate::walk::{AT_MICROSOFT, Walk};

const MAILBOX: &str = "esm@contoso.com";

const PERMISSIONS: [&str; 5] = [
    "IMAP.AccessAsUser.All",
    "SMTP.Send",
    "openid",
    "User.Read",
    "offline_access",
];

fn registered() -> Walk {
    let mut walk = Walk::begin(EFECTE_ESM, MAILBOX);
    let app = Walk::app().public_flows().delegated(&PERMISSIONS);
    let consented = [&PERMISSIONS[..], &["profile"]].concat();
    walk.sim
        .directory()
        .consent(&app.client_id, Demo::TENANT, None, &consented);
    walk.register(app);
    walk
}

#[tokio::test]
async fn is_walked() {
    let mut walk = registered();
    AT_MICROSOFT.clone_into(&mut walk.password);
    walk.serve().await;
    walk.finish().await;
}

/// The one that the guide's grant can't do. The same registration has a sign-in by code, which can.
#[tokio::test]
async fn a_second_factor_needs_a_sign_in_by_code() {
    let mut walk = registered();
    let directory = walk.sim.directory();
    directory.change_person(MAILBOX, |person| person.mfa = Mfa::Required);
    let with_code = by_code(&walk.text(), &walk.hash);
    walk.serve().await;
    let at = walk.program().addresses.of(Protocol::Imap);
    let mut client = MailClient::greeted(Protocol::Imap, at).await;
    let reply = client.log_in(MAILBOX, AT_MICROSOFT).await;
    assert_eq!(reply.refusal(), Some(Refusal::ContactAdmin), "{reply:?}");
    let status = walk.terminal().run(&["status"]).await;
    assert!(status.said.contains("AADSTS50076"), "{status:?}");

    walk.exchange_file(&with_code).await;
    walk.sim.entra().device.change(|device| device.interval = 1);
    let talking = walk.terminal().begin(&["sign-in", MAILBOX]);
    let code = talking.line_below("in any browser, type").await;
    assert!(walk.sim.entra().enter_user_code(&code, Some(MAILBOX)));
    let ended = talking.end().await;
    walk.signed_in(&ended);
    walk.use_mail().await;
    walk.status_is_well().await;
}

/// As docs/entra-setup.md writes it: another grant, and a local password for ESM.
fn by_code(text: &str, hash: &str) -> String {
    text.replace("\"password\"", "\"device_code\"")
        .replace("[[account]]\n", &format!("[[account]]\npassword = \"{hash}\"\n"))
}
