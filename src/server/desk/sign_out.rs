//! A sign-in is forgotten.

use super::{Desk, Refused, refused, stored};
use crate::account::Authorized;
use crate::control::{News, Talk};

impl Desk {
    /// Deletes our copy of what a person's sign-in left, and ends the sessions that were opened with it. The consent stays
    /// with the provider, where nobody but the person or an administrator can withdraw it.
    pub(super) async fn sign_out(
        &self,
        account: &str,
        app: Option<&str>,
        talk: &mut Talk,
    ) -> Result<(), Refused> {
        let (name, found) = self.account(account)?;
        let store = self
            .store
            .store()
            .await
            .map_err(|error| Refused::from(stored(&error)))?;
        let mut apps = Vec::new();
        for login in self.logins(&name).iter().filter(|login| is_meant(login, app)) {
            let key = login.token_wanted().key.grant;
            let lease = store.lease(key).await;
            let _lease = lease.map_err(|error| Refused::from(stored(&error)))?;
            let had = store
                .remove(key)
                .await
                .map_err(|error| Refused::from(stored(&error)))?;
            let verified = store.remove(key.of_verified_password()).await;
            if had || verified.map_err(|error| Refused::from(stored(&error)))? {
                apps.push(login.route().app.name.to_string());
            }
            self.context.tokens.forget(key);
        }
        if apps.is_empty() {
            return Err(refused(
                format!("nobody is signed in for {}", found.name),
                "there is nothing of this account in the token store",
                "leave it: there is nothing to forget",
            ));
        }
        let sessions = self.context.registry.end_where(|by| *by.account() == found.name);
        tracing::info!(account = %found.name, apps = apps.join(", "), sessions, "signed out");
        talk.tell(News::SignedOut {
            account: found.name.to_string(),
            sessions,
            apps,
        })
        .await;
        Ok(())
    }
}

fn is_meant(login: &Authorized, app: Option<&str>) -> bool {
    let of = &login.route().app;
    of.grant.delegated().is_some() && app.is_none_or(|app| &*of.name == app)
}
