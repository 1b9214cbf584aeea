//! The plugin of `osTicket` for OAuth: one tenant, Web platform with the plugin's callback, a secret, five delegated
//! permissions of Microsoft Graph with admin consent.

use saslgate::sim::Demo;
use saslgate::sim::directory::{App, Platform};

use crate::example::CLIENT_ID;
use crate::table::OSTICKET;
use crate::walk::{CALLBACK, SECRET, Walk};

const PERMISSIONS: [&str; 5] = [
    "User.Read",
    "offline_access",
    "IMAP.AccessAsUser.All",
    "POP.AccessAsUser.All",
    "SMTP.Send",
];

#[tokio::test]
async fn is_walked() {
    let mut walk = Walk::begin(OSTICKET, "helpdesk@contoso.com");
    let app = registered().redirect(Platform::Web, walk.redirect_uri());
    consented(&walk);
    walk.register(app);
    walk.serve().await;
    walk.sign_in_by_browser().await;
    walk.finish().await;
}

/// Where nobody may change the registration, the browser ends at the product's own page, and its address is pasted.
#[tokio::test]
async fn the_registration_may_stay_as_it_is() {
    let mut walk = Walk::begin(OSTICKET, "helpdesk@contoso.com");
    consented(&walk);
    walk.register(registered());
    let text = walk.text().replace(&walk.redirect_uri(), CALLBACK);
    walk.serve_with(&text).await;
    // S: nobody can wait at that address here.
    let elsewhere = walk.terminal().run(&["sign-in", walk.mailbox]).await;
    assert!(elsewhere.complained.contains("--paste"), "{elsewhere:?}");
    walk.sign_in_by_paste().await;
    walk.finish().await;
}

fn registered() -> App {
    Walk::app()
        .redirect(Platform::Web, CALLBACK)
        .secret(SECRET)
        .delegated(&PERMISSIONS)
}

/// "Grant admin consent" in the portal, where nobody else may consent; openid and profile come with any sign-in.
fn consented(walk: &Walk) {
    let directory = walk.sim.directory();
    directory.change_tenant(Demo::TENANT, |tenant| tenant.user_consent_off = true);
    let consented = [&PERMISSIONS[..], &["openid", "profile"]].concat();
    directory.consent(CLIENT_ID, Demo::TENANT, None, &consented);
}
