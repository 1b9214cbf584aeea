//! Whose sign-in it was, and where it is kept. The wrong person's token in an account is somebody else's mail.

use std::sync::Arc;

use super::happening::Happening;
use super::{Desk, Refused, refused, stored};
use crate::account::Authorized;
use crate::account::state::States;
use crate::audit;
use crate::control::{News, Talk};
use crate::name::Mailbox;
use crate::oauth::{Delegated, Granted};
use crate::secret::Secret;
use crate::token::links::{self, Link};
use crate::token::store::{Content, Record, SignIn, Swap, TokenStore};
use crate::transport::Tap;

impl Desk {
    /// Takes in what a sign-in has brought: whose is it, may it open the mailbox, and where is it kept.
    pub(super) async fn take_in(
        &self,
        login: Authorized,
        granted: Granted,
        accept_owner: bool,
        talk: &mut Talk,
    ) -> Result<(), Refused> {
        let login = self.still_wanted(&login)?;
        let Some(app) = login.route().app.grant.delegated() else {
            return Err(refused(
                "the app has no sign-in",
                "its grant needs none: it gets tokens by itself",
                "leave it: nothing has to be done for this account",
            ));
        };
        let mut remarks = Vec::new();
        remarks.extend(self.check_owner(&login, &granted, accept_owner, talk).await?);
        remarks.extend(not_granted(app, &granted));
        let account = login.account().name.to_string();
        let app = login.route().app.name.to_string();
        let owner = granted.owner.as_ref().and_then(|owner| owner.upn.as_deref());
        let owner = owner.map(ToOwned::to_owned);
        let (unsaved, links) = self.keep(login, granted).await?;
        remarks.extend(unsaved);
        audit::signed_in(&account, &app, owner.as_deref());
        let done = Happening::SignedIn {
            account: account.clone(),
            app: app.clone(),
            owner: owner.clone(),
            remarks: remarks.clone(),
        };
        self.links.end(&links, &done);
        talk.tell(News::SignedIn {
            account,
            app,
            owner,
            remarks,
        })
        .await;
        Ok(())
    }

    /// The login as it is configured now. A person may take ten minutes, and what they bring for an account that has gone meanwhile, or
    /// is another app's or another person's, must not be kept where nobody expects it.
    fn still_wanted(&self, login: &Authorized) -> Result<Authorized, Refused> {
        let begun = login.token_wanted();
        let now = self.login_to_sign_in(&begun.account, Some(&begun.app.name)).ok();
        let same = now.filter(|now| now.token_wanted().key.grant == begun.key.grant);
        same.ok_or_else(|| {
            refused(
                format!(
                    "{} is not configured any more as it was when the sign-in began",
                    begun.account
                ),
                "the configuration has changed meanwhile: nothing was kept",
                "look at the account with `saslgate status`, and sign in again if it is still there",
            )
        })
    }

    /// The owner is the one that the configuration expects, or one whom upstream lets open the mailbox; else the operator
    /// has to have said that this is meant.
    async fn check_owner(
        &self,
        login: &Authorized,
        granted: &Granted,
        accept_owner: bool,
        talk: &mut Talk,
    ) -> Result<Option<String>, Refused> {
        let expected = login.owner();
        let upn = granted.owner.as_ref().and_then(|owner| owner.upn.as_deref());
        if upn.is_some_and(|upn| Mailbox::parse(upn).is_ok_and(|upn| upn.same_as(expected))) {
            return Ok(None);
        }
        let who = upn.unwrap_or("somebody whom the provider does not name");
        talk.tell(News::Probing {
            mailbox: login.mailbox().to_string(),
            owner: who.to_owned(),
        })
        .await;
        let token = self.context.tokens.on_trial(&granted.issued);
        let opened = self
            .context
            .upstream
            .open_with(login, token, &Tap::new(None, ""))
            .await;
        match opened {
            Ok(_) => Ok(Some(format!(
                "{who} has signed in, not {expected}; upstream lets {who} open {}, so the sign-in is kept and belongs to {who} from now on. \
                 Where {who} is another person than the mailbox, set signs_in_as = \"{who}\" too: for sending upstream wants that name",
                login.mailbox()
            ))),
            Err(error) if accept_owner => Ok(Some(format!(
                "{who} has signed in, not {expected}, and upstream does not let them open {} ({error}); kept because you said so",
                login.mailbox()
            ))),
            Err(error) => Err(refused(
                format!(
                    "{who} has signed in, not {expected}, and can't open {}: nothing was kept",
                    login.mailbox()
                ),
                format!(
                    "upstream said no to them ({error}); most browsers are signed in already, as somebody else"
                ),
                format!(
                    "sign in as {expected}, in a private window if need be; if {who} is right, set `signs_in_as` of the account and give \
                     them Full Access to the mailbox; --accept-owner keeps it all the same"
                ),
            )),
        }
    }

    /// Keeps a sign-in, whoever has hung up meanwhile: a refresh token that is lost may have been the only good one. A word about
    /// it if it is in memory only, and the links that are of no more use: those for a sign-in that has come about.
    async fn keep(
        &self,
        login: Authorized,
        granted: Granted,
    ) -> Result<(Option<String>, Vec<Link>), Refused> {
        let (context, slot) = (Arc::clone(&self.context), self.store.clone());
        let keeping = tokio::spawn(async move {
            let store = slot
                .store()
                .await
                .map_err(|error| Refused::from(stored(&error)))?;
            let wanted = login.token_wanted();
            let unsaved = put(&*store, &login, &granted).await?;
            context.tokens.forget(wanted.key.grant);
            context.tokens.put(&login, granted.issued);
            mend(&context.states, &login);
            context.notices.signed_in(&wanted.account);
            let links = links::withdraw(&*store, &wanted.account, &wanted.app.name).await;
            let links = links.unwrap_or_else(|error| {
                tracing::warn!(%error, fix = %error.fix, "a link that was used can't be removed from the token store");
                Vec::new()
            });
            Ok((unsaved, links))
        });
        keeping.await.unwrap_or_else(|_| {
            Err(refused(
                "the sign-in could not be kept",
                "saslgate has a defect, or is ending",
                "sign in again; if it comes back, report it where you got saslgate from, with the log",
            ))
        })
    }
}

/// Whoever looks at the account now has not to read that nobody has signed in.
fn mend(states: &States, login: &Authorized) {
    let account = login.account().name.to_string();
    for (protocol, route) in &login.account().routes {
        if Arc::ptr_eq(&route.app, &login.route().app)
            && let Some(change) = states.signed_in(&account, *protocol)
        {
            change.log(&account, *protocol);
        }
    }
}

/// Puts the record in the place of whatever is there. A word about it if it is in memory only.
async fn put(
    store: &dyn TokenStore,
    login: &Authorized,
    granted: &Granted,
) -> Result<Option<String>, Refused> {
    let key = login.token_wanted().key.grant;
    // A renewal that is in the air would put its token in the place of this one, or the other way round.
    let lease = store.lease(key).await;
    let _lease = lease.map_err(|error| Refused::from(stored(&error)))?;
    loop {
        let before = match store.load(key).await {
            Ok(before) => before.map(|before| before.generation),
            // One that can't be read is replaced: that is what the operator signs in for.
            Err(_) => None,
        };
        match store.swap(key, before, record(login, granted)?).await {
            Ok(Swap::Saved(_)) => return Ok(None),
            Ok(Swap::Unsaved(_, error)) => {
                return Ok(Some(format!(
                    "it is in use, but not on the disk yet, and a restart would lose it: {} ({})",
                    error.what, error.fix
                )));
            }
            Ok(Swap::Conflict(_)) => {}
            Err(error) => return Err(stored(&error).into()),
        }
    }
}

fn record(login: &Authorized, granted: &Granted) -> Result<Record, Refused> {
    let wanted = login.token_wanted();
    let (Some(app), Some(token)) = (wanted.app.grant.delegated(), &granted.refresh_token) else {
        return Err(refused(
            "the provider gave an access token and no refresh token, so nobody could renew it: nothing was kept",
            "the scope offline_access is missing from `scope` of the app, or the provider wants to be asked for consent again",
            "remove `scope` from the app, or add offline_access to it; reload saslgate (`saslgate reload`), and sign in again",
        ));
    };
    Ok(Record {
        content: Content::SignIn(SignIn::begun(app, &wanted.owner, granted)),
        account: wanted.account,
        app: wanted.app.name.clone(),
        secret: Secret::new(token.expose().clone()),
    })
}

/// A word about permissions that the person, or the tenant, has not given.
fn not_granted(app: &Delegated, granted: &Granted) -> Option<String> {
    let scope = granted.scope.as_deref()?;
    let missing = app.scopes.missing_from(scope);
    (!missing.is_empty()).then(|| {
        format!(
            "not granted: {}; add the permission to the app registration (API permissions), consent, and sign in again, or \
             remove the protocol from the account",
            missing.join(", ")
        )
    })
}
