//! Oracle B2C Service: Web platform with the site's callback, a secret, one delegated permission of Microsoft Graph for POP3;
//! an administrator consents first, then each mailbox signs in.

use saslgate::sim::Demo;
use saslgate::sim::directory::Platform;

use crate::example::CLIENT_ID;
use crate::table::ORACLE_B2C_SERVICE;
use crate::walk::{SECRET, Walk};

const CALLBACK: &str = "https://contoso.custhelp.example/AgentWeb/Bookmark/Mailboxes/Auth";

fn registered() -> Walk {
    let mut walk = Walk::begin(ORACLE_B2C_SERVICE, "service@contoso.com");
    let app = Walk::app()
        .redirect(Platform::Web, CALLBACK)
        .redirect(Platform::Web, walk.redirect_uri())
        .secret(SECRET)
        .delegated(&["User.Read", "POP.AccessAsUser.All"]);
    // What the product's "Authenticate", or the portal, leaves behind when an administrator consents.
    let consented = [
        "User.Read",
        "POP.AccessAsUser.All",
        "offline_access",
        "openid",
        "profile",
    ];
    let directory = walk.sim.directory();
    directory.change_tenant(Demo::TENANT, |tenant| tenant.user_consent_off = true);
    directory.consent(&app.client_id, Demo::TENANT, None, &consented);
    walk.register(app);
    walk
}

#[tokio::test]
async fn is_walked() {
    let mut walk = registered();
    walk.serve().await;
    walk.sign_in_by_paste().await;
    walk.finish().await;
}

/// The guide has every mailbox authenticated again after a new secret; a refresh token is bound to the app, not to its secret.
#[tokio::test]
async fn another_secret_needs_no_other_sign_in() {
    const NEXT: &str = "hV9Q~the.Value_of-the-next~secret/it+has=";
    let mut walk = registered();
    walk.serve().await;
    walk.sign_in_by_paste().await;
    walk.sim.directory().change_app(CLIENT_ID, |app| {
        app.secrets.clear();
        *app = app.clone().secret(NEXT);
    });
    walk.program().place.write("oracle.secret", NEXT);
    walk.reload().await;
    walk.finish().await;
}
