//! Links to the admin page by which the owners of mailboxes sign in: an operator sends them, and whoever has one needs no
//! password of ours.

use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep_until};
use url::Url;

use super::happening::Happening;
use super::sign_in::page;
use super::waiting::End;
use super::{Desk, Refused, refused, stored};
use crate::account::Authorized;
use crate::audit;
use crate::control::{LinkHappening, News, Talk, Told, seconds};
use crate::hook::clock;
use crate::name;
use crate::oauth::Delegated;
use crate::secret::Secret;
use crate::token::links::{self, Link};

/// The longest name of who asks for a sign-in: it stands in one line of a page and of a mail.
const LONGEST_NAME: usize = 100;

impl Desk {
    /// Where a browser comes back to the admin page, to the letter as it has to be registered.
    pub(super) fn callback(&self) -> Result<Box<str>, Refused> {
        let url = self.admin_url.load_full().ok_or_else(no_page)?;
        Ok(below(&url, "oauth/callback").into())
    }

    /// Whether the app's redirect URI is the admin page's, so that nobody can wait there for a browser but the page.
    pub(super) fn comes_back_to_the_page(&self, app: &Delegated) -> bool {
        let of_app = app.browser.as_ref().map(|browser| &browser.redirect_uri);
        let callback = self.callback().ok();
        callback.is_some() && callback.as_ref() == of_app
    }

    /// Makes a link for one account, or for each that needs a sign-in.
    pub(super) async fn make_link(
        &self,
        account: Option<&str>,
        app: Option<&str>,
        asked_by: &str,
        talk: &Talk,
    ) -> Result<(), Refused> {
        let url = self.page_for_links()?;
        let logins = match account {
            Some(account) => vec![self.login_to_sign_in(account, app)?],
            None => self.needing_link(app).await?,
        };
        for login in &logins {
            self.link_for(login, &url, asked_by, talk).await?;
        }
        Ok(())
    }

    async fn needing_link(&self, app: Option<&str>) -> Result<Vec<Authorized>, Refused> {
        let mut logins = self.needing_sign_in().await;
        logins.retain(|login| {
            let of = &login.route().app;
            // One that has no page can't be signed in to by a link, and keeps nobody else from theirs.
            app.is_none_or(|app| &*of.name == app)
                && of.grant.delegated().is_some_and(|app| page(app).is_ok())
        });
        if logins.is_empty() {
            return Err(refused(
                "no account needs a sign-in",
                "somebody has signed in for each that people sign in to",
                "leave it; `saslgate sign-in ACCOUNT --link` makes one all the same",
            ));
        }
        Ok(logins)
    }

    /// Where links lead, if a page is there to which they can.
    fn page_for_links(&self) -> Result<Url, Refused> {
        if self.running.is_none() {
            return Err(refused(
                "no saslgate is running with this configuration",
                "its admin page is where a link leads, and where the browser comes back to",
                "start it with `saslgate run`, or name its configuration with --config; without its page --device or --paste signs in",
            ));
        }
        let url = self.admin_url.load_full().ok_or_else(no_page)?;
        Ok(Url::clone(&url))
    }

    async fn link_for(
        &self,
        login: &Authorized,
        page_at: &Url,
        asked_by: &str,
        talk: &Talk,
    ) -> Result<Link, Refused> {
        let sign_in_page = sign_in_page(login)?;
        let store = self.store.store().await.map_err(|error| stored(&error))?;
        let wanted = login.token_wanted();
        let asked_by = match asked_by.trim() {
            "" => "an administrator".to_owned(),
            name => name::shown(name.as_bytes(), LONGEST_NAME),
        };
        let now = SystemTime::now();
        let made = links::make(&*store, &wanted.account, &wanted.app.name, &asked_by, now).await;
        let (token, link, gone) = made.map_err(|error| stored(&error))?;
        for link in &gone {
            audit::link_withdrawn(&link.account, &link.app, &link.asked_by);
        }
        self.links.withdrawn(&gone);
        let owner = login.owner().as_str();
        let expires = clock::rfc3339(link.expires);
        audit::link_made(&link.account, &link.app, owner, &asked_by, &expires);
        talk.tell(News::Link {
            account: link.account.to_string(),
            app: link.app.to_string(),
            mailbox: login.mailbox().to_string(),
            owner: owner.to_owned(),
            sign_in_page,
            url: Told(Secret::new(below(page_at, "sign-in/") + token.expose())),
            expires: seconds(link.expires),
        })
        .await;
        Ok(link)
    }

    /// What a link is for, for whoever has it.
    pub(super) async fn look_at_link(&self, token: &Told, talk: &Talk) -> Result<(), Refused> {
        let (link, login) = self.link(token).await?;
        if self.links.is_opened(&link) {
            audit::link_opened(&link.account, &link.app, &link.asked_by);
        }
        talk.tell(News::LinkIs {
            account: link.account.to_string(),
            mailbox: login.mailbox().to_string(),
            owner: login.owner().to_string(),
            sign_in_page: sign_in_page(&login)?,
            asked_by: link.asked_by.to_string(),
            expires: seconds(link.expires),
        })
        .await;
        Ok(())
    }

    /// The owner signs in by a link.
    pub(super) async fn sign_in_by_link(&self, token: &Told, talk: &mut Talk) -> Result<(), Refused> {
        let (link, login) = self.link(token).await?;
        let _going_on = self.links.begin(&link).ok_or_else(going_on)?;
        let signed_in = self.signed_in_by(&link, login, talk).await;
        match &signed_in {
            Ok(()) => audit::link_used(&link.account, &link.app, &link.asked_by),
            Err(refused) => self
                .links
                .happens(&link, LinkHappening::Failed(refused.0.as_ref().clone())),
        }
        signed_in
    }

    async fn signed_in_by(&self, link: &Link, login: Authorized, talk: &mut Talk) -> Result<(), Refused> {
        let Some(app) = login.route().app.grant.delegated() else {
            return Err(no_such_link());
        };
        let granted = self.by_browser(app, &login, End::Page, talk).await?;
        let store = self.store.store().await.map_err(|_| no_answer())?;
        // An operator has made another one meanwhile, or signed the account out: then this sign-in is not wanted any more.
        if !links::stands(&*store, link).await.map_err(|_| no_answer())? {
            return Err(no_such_link());
        }
        self.take_in(login, granted, false, talk).await
    }

    /// A link, and the login that it is for. Whoever asks may be anybody: they learn nothing but whether it is good.
    async fn link(&self, Told(token): &Told) -> Result<(Link, Authorized), Refused> {
        let store = self.store.store().await.map_err(|_| no_answer())?;
        let found = links::find(&*store, token, SystemTime::now()).await;
        let link = found.map_err(|_| no_answer())?.ok_or_else(no_such_link)?;
        // The configuration may have changed since.
        let login = self.login_to_sign_in(&link.account, Some(&link.app));
        let login = login.map_err(|_| no_such_link())?;
        Ok((link, login))
    }

    /// Signs in by a link where the browser can come back to nothing but the admin page, and waits until that is done.
    pub(super) async fn sign_in_by_own_link(&self, login: &Authorized, talk: &Talk) -> Result<(), Refused> {
        let url = self.page_for_links()?;
        let asked_by = format!("the administrator of {}", self.context.host_name);
        let mut happenings = self.links.hear();
        let link = self.link_for(login, &url, &asked_by, talk).await?;
        let left = link.expires.duration_since(SystemTime::now());
        let end = Instant::now() + left.unwrap_or(Duration::ZERO);
        loop {
            tokio::select! {
                happening = happenings.next(&link) => match happening {
                    Happening::OnTheWay(happening) => talk.tell(News::LinkHappens(happening)).await,
                    Happening::SignedIn { account, app, owner, remarks } => {
                        talk.tell(News::SignedIn { account, app, owner, remarks }).await;
                        return Ok(());
                    }
                    Happening::Withdrawn => return Err(withdrawn()),
                },
                // The link stays good: it may have been forwarded.
                () = talk.gone() => return Ok(()),
                () = sleep_until(end) => return Err(too_late()),
            }
        }
    }

    /// Forgets links that have ended.
    pub(in crate::server) async fn sweep_links(&self) {
        let Some(store) = self.store.now() else { return };
        match links::sweep(&*store, SystemTime::now()).await {
            Ok(gone) => self.links.withdrawn(&gone),
            Err(error) => {
                tracing::warn!(%error, fix = %error.fix, "links that have ended can't be removed from the token store");
            }
        }
    }
}

/// An address of the admin page.
fn below(page: &Url, path: &str) -> String {
    format!("{}/{path}", page.as_str().trim_end_matches('/'))
}

/// The host of the page at which a login's owner signs in.
fn sign_in_page(login: &Authorized) -> Result<String, Refused> {
    let app = login.route().app.grant.delegated().ok_or_else(no_such_link)?;
    let host = page(app)?.authorize_url.host_str();
    Ok(host.unwrap_or_default().to_owned())
}

fn no_page() -> Refused {
    refused(
        "there is no admin page to which a link could lead, or a browser could come back",
        "the configuration that is in use has no [admin] with a `url`",
        "add [admin] with `url`, the address by which people reach this saslgate; `saslgate sign-in ACCOUNT --device` needs no page",
    )
}

/// One sentence for all that is no link: whoever tries finds out nothing.
fn no_such_link() -> Refused {
    refused(
        "this link is not good, or not any more",
        "a link is for one sign-in and for one day, and a newer one takes its place",
        "ask whoever sent it for another",
    )
}

fn no_answer() -> Refused {
    refused(
        "nobody can sign in by a link at the moment",
        "saslgate can't read what it has kept of its links; its log says why",
        "try it again in a few minutes, and tell whoever sent the link if it stays so",
    )
}

fn going_on() -> Refused {
    refused(
        "a sign-in by this link is going on already",
        "it was begun in another browser, or in another window",
        "finish it there; where that window is closed, open the link again in ten minutes",
    )
}

fn withdrawn() -> Refused {
    refused(
        "the link is not good any more",
        "another one was made for the same account, or the account was signed out",
        "go on with the newer link, or run the same command again",
    )
}

fn too_late() -> Refused {
    refused(
        "nobody has signed in by the link",
        "it was good for a day",
        "run the same command again: it makes another link",
    )
}

#[cfg(test)]
mod tests;
