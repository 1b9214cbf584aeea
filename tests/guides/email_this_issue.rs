//! Email This Issue for Jira: one tenant, Web platform with the product's callback, a secret, delegated permissions of
//! Microsoft Graph; each person consents for themselves.

use saslgate::provider::Protocol;
use saslgate::sim::directory::{App, Audience, Platform, Tenant};
use saslgate::sim::entra::Does;

use crate::browser;
use crate::example::scope;
use crate::mail;
use crate::support::mail_client::MailClient;
use crate::table::EMAIL_THIS_ISSUE;
use crate::walk::{CALLBACK, SECRET, Walk};

const MAILBOX: &str = "jira@contoso.com";

fn registered(walk: &Walk, permissions: &[&str]) -> App {
    Walk::app()
        .redirect(Platform::Web, CALLBACK)
        .redirect(Platform::Web, walk.redirect_uri())
        .secret(SECRET)
        .delegated(permissions)
}

const PERMISSIONS: [&str; 5] = [
    "User.Read",
    "openid",
    "offline_access",
    "IMAP.AccessAsUser.All",
    "SMTP.Send",
];

#[tokio::test]
async fn is_walked() {
    let mut walk = Walk::begin(EMAIL_THIS_ISSUE, MAILBOX);
    walk.register(registered(&walk, &PERMISSIONS));
    walk.serve().await;
    walk.sign_in_by_browser().await;
    walk.finish().await;
}

/// A registration for several tenants, which the guide allows: each account names its mailbox's tenant.
#[tokio::test]
async fn one_registration_for_the_mailboxes_of_two_tenants() {
    const ELSEWHERE: &str = "jira@fabrikam.com";
    let mut walk = Walk::begin(EMAIL_THIS_ISSUE, MAILBOX);
    walk.register(registered(&walk, &PERMISSIONS).audience(Audience::Organizations));
    let directory = walk.sim.directory();
    directory.add_tenant(Tenant::new(
        "c0a7050c-0c0a-4b1e-8c0d-5a51aa7e0002",
        "fabrikam.com",
    ));
    directory.add_mailbox(ELSEWHERE).deliver(mail::MESSAGE);
    let (login, tenant) = (format!("login = \"{ELSEWHERE}\""), "tenant = \"fabrikam.com\"");
    let protocols = "protocols = [\"imap\", \"smtp\"]";
    let password = format!("password = \"{}\"", walk.hash);
    let account = format!("\n[[account]]\n{login}\n{tenant}\n{protocols}\n{password}\n");
    walk.serve_with(&(walk.text() + &account)).await;

    walk.sits(ELSEWHERE, Does::Agrees);
    let talking = walk.terminal().begin(&["sign-in", ELSEWHERE]);
    browser::open(&walk.sim, &talking.address().await).await;
    let ended = talking.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for protocol in [Protocol::Imap, Protocol::Smtp] {
        let at = walk.program().addresses.of(protocol);
        mail::is_used(&walk.sim, protocol, at, ELSEWHERE, &walk.password).await;
    }
    walk.sign_in_by_browser().await;
    walk.finish().await;
}

/// The guide allows one registration to read and another to send: two apps of one account, and two sign-ins.
#[tokio::test]
async fn one_registration_to_read_and_one_to_send() {
    const TO_SEND: &str = "66666666-7777-4888-9999-000000000000";
    let mut walk = Walk::begin(EMAIL_THIS_ISSUE, MAILBOX);
    walk.register(registered(&walk, &PERMISSIONS[..4]));
    let mut to_send = registered(&walk, &["User.Read", "offline_access", "SMTP.Send"]);
    TO_SEND.clone_into(&mut to_send.client_id);
    walk.register(to_send);
    walk.serve_with(&two_apps(&walk.text(), TO_SEND)).await;

    // S: which of the two is meant?
    let both = walk.terminal().run(&["sign-in", MAILBOX]).await;
    assert_eq!(both.code, Some(2), "{both:?}");
    assert!(both.complained.contains("--app"), "{both:?}");

    walk.sits(MAILBOX, Does::Agrees);
    let mut signed_in = 0;
    for app in ["read", "send"] {
        let talking = walk.terminal().begin(&["sign-in", MAILBOX, "--app", app]);
        browser::open(&walk.sim, &talking.address().await).await;
        let ended = talking.end().await;
        walk.signed_in(&ended);
        signed_in += 1;
        let mut smtp = MailClient::greeted(Protocol::Smtp, walk.program().addresses.of(Protocol::Smtp)).await;
        let sends = smtp.log_in(MAILBOX, &walk.password).await.is_yes();
        assert_eq!(sends, app == "send", "after the sign-in of the app \"{app}\"");
    }
    assert_eq!(signed_in, 2);
    walk.use_mail().await;
    walk.status_is_well().await;
}

/// As docs/entra-setup.md writes it: two tables, and two lines in the account.
fn two_apps(text: &str, to_send: &str) -> String {
    let (before, rest) = text.split_once("[app]\n").unwrap();
    let (app, after) = rest.split_once("\n\n").unwrap();
    let both = scope(text, &[Protocol::Imap, Protocol::Smtp]);
    let read = app.replace(&both, &scope(text, &[Protocol::Imap]));
    let send = app
        .replace(&both, &scope(text, &[Protocol::Smtp]))
        .replace(crate::example::CLIENT_ID, to_send);
    let after = after.replace(
        "[[account]]\n",
        "[[account]]\nimap.app = \"read\"\nsmtp.app = \"send\"\n",
    );
    format!("{before}[app.read]\n{read}\n\n[app.send]\n{send}\n\n{after}")
}
