//! The plugin of `osTicket` for OAuth: one tenant, Web platform with the plugin's callback, a secret, five delegated
//! permissions of Microsoft Graph with admin consent.

use saslgate::sim::Demo;
use saslgate::sim::directory::Platform;

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
    let app = Walk::app()
        .redirect(Platform::Web, CALLBACK)
        .redirect(Platform::Web, walk.redirect_uri())
        .secret(SECRET)
        .delegated(&PERMISSIONS);
    let id = app.client_id.clone();
    walk.register(app);
    // "Grant admin consent" in the portal; openid and profile come with any sign-in.
    let directory = walk.sim.directory();
    directory.change_tenant(Demo::TENANT, |tenant| tenant.user_consent_off = true);
    let consented = [&PERMISSIONS[..], &["openid", "profile"]].concat();
    directory.consent(&id, Demo::TENANT, None, &consented);
    walk.serve().await;
    walk.sign_in_by_browser().await;
    walk.finish().await;
}
