//! A sign-in is forgotten.

use super::{Desk, Refused, refused, stored};
use crate::account::Authorized;
use crate::audit;
use crate::control::{News, Talk};
use crate::name::LoginName;
use crate::token::links::Link;
use crate::token::store::{Content, TokenStore};

/// Whose sign-ins are forgotten.
struct Leaving {
    /// How the operator knows the account.
    shown: String,
    /// As records name it.
    names: Vec<Box<str>>,
    /// What its logins open.
    logins: Vec<Authorized>,
}

impl Desk {
    /// Deletes our copy of what a person's sign-in left, and ends the sessions that were opened with it. The consent stays
    /// with the provider, where nobody but the person or an administrator can withdraw it.
    pub(super) async fn sign_out(
        &self,
        account: &str,
        app: Option<&str>,
        talk: &mut Talk,
    ) -> Result<(), Refused> {
        let known = self
            .account(account)
            .map(|(name, found)| (name, found.name.to_string()));
        let leaving = match &known {
            Ok((name, shown)) => self.leaving(name, shown, app),
            // The sign-in of an account that was taken out of the configuration: who asks for it knows its name.
            Err(_) => Leaving {
                shown: account.to_owned(),
                names: vec![account.into()],
                logins: Vec::new(),
            },
        };
        let store = match (self.store.store().await, known) {
            (Ok(store), _) => store,
            (Err(error), Ok(_)) => return Err(stored(&error).into()),
            (Err(_), Err(unknown)) => return Err(unknown),
        };
        let (apps, links) = self.forget(&*store, &leaving, app).await?;
        let shown = leaving.shown;
        for link in &links {
            audit::link_withdrawn(&link.account, &link.app, &link.asked_by);
        }
        self.links.withdrawn(&links);
        if apps.is_empty() && links.is_empty() {
            self.account(account)?;
            return Err(refused(
                format!("nobody is signed in for {shown}"),
                "there is nothing of this account in the token store",
                "leave it: there is nothing to forget",
            ));
        }
        let sessions = self
            .context
            .registry
            .end_where(|by| by.account().to_string() == shown);
        if !apps.is_empty() {
            audit::signed_out(&shown, &apps.join(", "), sessions);
        }
        talk.tell(News::SignedOut {
            account: shown,
            sessions,
            apps,
        })
        .await;
        Ok(())
    }

    fn leaving(&self, name: &LoginName, shown: &str, app: Option<&str>) -> Leaving {
        let logins = self.logins(name);
        let mut names: Vec<_> = logins.iter().map(|login| login.token_wanted().account).collect();
        names.dedup();
        let is_meant = |login: &Authorized| {
            let of = &login.route().app;
            of.grant.delegated().is_some() && app.is_none_or(|app| &*of.name == app)
        };
        Leaving {
            shown: shown.to_owned(),
            names,
            logins: logins.into_iter().filter(is_meant).collect(),
        }
    }

    /// Takes everything of an account out of the store: what its logins use, and what they used before the configuration
    /// was changed, which the next login would take up again. The apps of which there was something, and the links by which
    /// somebody could have signed in again.
    async fn forget(
        &self,
        store: &dyn TokenStore,
        leaving: &Leaving,
        app: Option<&str>,
    ) -> Result<(Vec<String>, Vec<Link>), Refused> {
        let (mut apps, mut links) = (Vec::new(), Vec::new());
        for login in &leaving.logins {
            let key = login.token_wanted().key.grant;
            // A renewal that is in the air would put its token back.
            let lease = store.lease(key).await;
            let _lease = lease.map_err(|error| stored(&error))?;
            for key in [key, key.of_verified_password()] {
                if store.remove(key).await.map_err(|error| stored(&error))? {
                    apps.push(login.route().app.name.to_string());
                }
            }
            self.context.tokens.forget(key);
        }
        for left in store.list().await.map_err(|error| stored(&error))? {
            let is_of_app = app.is_none_or(|app| *left.app == *app);
            let mut names = leaving.names.iter();
            // By the local password the mail client logs in again, once somebody has signed in again.
            let is_sign_in = !matches!(left.content, Some(Content::LocalPassword { .. }));
            if is_of_app && is_sign_in && names.any(|name| name.eq_ignore_ascii_case(&left.account)) {
                store.remove(left.key).await.map_err(|error| stored(&error))?;
                match Link::listed(&left) {
                    Some(link) => links.push(link),
                    None => apps.push(left.app.to_string()),
                }
            }
        }
        apps.sort();
        apps.dedup();
        Ok((apps, links))
    }
}
