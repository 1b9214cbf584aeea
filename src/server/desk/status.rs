//! How everything stands.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use super::kept::{Kept, closed};
use super::{Desk, explained, stored};
use crate::account::state::{State, Trouble};
use crate::account::{Account, Authorized, Pattern};
use crate::config::ConfiguredApp;
use crate::control::{
    AccountStatus, AppStatus, LinkStatus, Orphan, ProtocolStatus, SignedIn, Status, StoreStatus, TroubleTold,
    seconds,
};
use crate::failure;
use crate::name::{LoginName, MAX_NAME, shown};
use crate::oauth::{Grant, GrantKey};
use crate::provider::Protocol;
use crate::server::keeping::is_needed;
use crate::token::links::Link;
use crate::token::store::{Content, Listed, StoreError, TokenStore};

impl Desk {
    pub(super) async fn status(&self) -> Status {
        let rooms = self.context.rooms.load_full();
        let accounts = rooms.accounts.all();
        let kept = self.kept(&accounts, self.store.store()).await;
        let mut used = Vec::new();
        let mut links = self.links(&kept.records);
        let mut of_account = |account: &Account| AccountStatus {
            links: links.remove(&account.name.to_string()).unwrap_or_default(),
            ..self.of_account(account, &kept, &mut used)
        };
        let accounts: Vec<_> = accounts.into_iter().map(|account| of_account(account)).collect();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            running_since: self.running.as_ref().map(|(since, ..)| seconds(*since)),
            configuration: self.running.as_ref().map(|(.., standing)| standing.now()),
            accounts,
            apps: self.apps().iter().map(app_status).collect(),
            store: kept.store,
            orphans: orphans(&kept.records, &used),
            expiries: self.expiries().await,
            unknown_logins: self.unknown_logins(),
        }
    }

    /// The logins that need a sign-in, one for each account and app.
    pub(super) async fn needing_sign_in(&self) -> Vec<Authorized> {
        let rooms = self.context.rooms.load_full();
        let accounts = rooms.accounts.all();
        let kept = self.kept(&accounts, self.store.store()).await;
        let mut needing: Vec<Authorized> = Vec::new();
        for account in accounts {
            for login in self.all_logins(account, &kept.records) {
                let (state, _) = self.of_protocol(account, &login, self.needs(account, &login, &kept));
                let grant = login.token_wanted().key.grant;
                let is_new = needing
                    .iter()
                    .all(|known| known.token_wanted().key.grant != grant);
                if state == State::NeedsSignIn
                    && is_new
                    && matches!(login.route().app.grant, Grant::SignIn(_))
                {
                    needing.push(login);
                }
            }
        }
        needing
    }

    /// What is in the token store. It is asked for only if any account needs it: where none does, none is ever opened.
    pub(super) async fn kept(
        &self,
        accounts: &[&Arc<Account>],
        store: impl Future<Output = Result<Arc<dyn TokenStore>, StoreError>>,
    ) -> Kept {
        if !is_needed(accounts.iter().map(AsRef::as_ref)) {
            return Kept::default();
        }
        let mut status = StoreStatus {
            path: self.store_path.to_string(),
            trouble: None,
            unsaved: Vec::new(),
        };
        let listed = match store.await {
            Ok(store) => {
                if let Some(unsaved) = store.unsaved() {
                    status.unsaved = unsaved.accounts.iter().map(ToString::to_string).collect();
                    status.trouble = Some(stored(&unsaved.error));
                }
                store.list().await
            }
            Err(error) => Err(error),
        };
        let unread = listed.as_ref().err().map(closed);
        let records = listed.unwrap_or_else(|error| {
            status.trouble = Some(stored(&error));
            Vec::new()
        });
        Kept {
            unread,
            store: Some(status),
            records: records.into_iter().map(|listed| (listed.key, listed)).collect(),
        }
    }

    /// The same, if the token store does not answer in time.
    pub(super) fn unanswered(&self) -> Kept {
        let trouble = TroubleTold {
            code: None,
            what: "the token store does not answer".into(),
            why: "the disk under it hangs, or the network to it".into(),
            fix: format!("see to the file system of {}", self.store_path),
        };
        Kept {
            store: Some(StoreStatus {
                path: self.store_path.to_string(),
                trouble: Some(trouble.clone()),
                unsaved: Vec::new(),
            }),
            unread: Some((State::Waiting, trouble)),
            ..Kept::default()
        }
    }

    fn of_account(&self, account: &Account, kept: &Kept, used: &mut Vec<GrantKey>) -> AccountStatus {
        let records = &kept.records;
        let logins = self.all_logins(account, records);
        let mut sign_ins: Vec<SignedIn> = Vec::new();
        if account.imported {
            used.push(GrantKey::of_local_password(&account.name.to_string()));
        }
        for login in &logins {
            let wanted = login.token_wanted();
            used.extend([wanted.key.grant, wanted.key.grant.of_verified_password()]);
            let app = &login.route().app;
            let is_known =
                |known: &SignedIn| known.app == *app.name && known.expected == login.owner().as_str();
            if matches!(app.grant, Grant::SignIn(_)) && !sign_ins.iter().any(is_known) {
                sign_ins.push(signed_in(login, records.get(&wanted.key.grant)));
            }
        }
        let protocols: Vec<_> = logins
            .iter()
            .map(|login| self.of_protocol(account, login, self.needs(account, login, kept)))
            .collect();
        AccountStatus {
            account: account.name.to_string(),
            state: worst(account, &protocols),
            protocols: protocols.into_iter().map(|(_, status)| status).collect(),
            sign_ins,
            links: Vec::new(),
            sessions: self
                .context
                .registry
                .count_where(|by| *by.account() == account.name),
            wrong_passwords: self.wrong_passwords(account),
        }
    }

    /// The links by which somebody may still sign in, by the names of their accounts, each account's next to end first.
    fn links(&self, records: &HashMap<GrantKey, Listed>) -> HashMap<String, Vec<LinkStatus>> {
        let (rooms, now) = (self.context.rooms.load(), SystemTime::now());
        let mut links: Vec<_> = records.values().filter_map(Link::listed).collect();
        links.retain(|link| now < link.expires);
        links.sort_by_key(|link| link.expires);
        let mut of_accounts = HashMap::<String, Vec<LinkStatus>>::new();
        for link in links {
            let login = LoginName::parse(link.account.as_bytes()).ok();
            if let Some(account) = login.and_then(|login| rooms.accounts.meant_by(&login)) {
                let of_account = of_accounts.entry(account.name.to_string()).or_default();
                of_account.push(link.into());
            }
        }
        of_accounts
    }

    /// The worst of an account's states, and how many seconds its first access token is still good. Where the token store can't be
    /// read, nobody is said to have to sign in.
    pub(super) fn standing(&self, account: &Account, kept: &Kept) -> (State, Option<u64>) {
        let needs = |login| {
            kept.is_whole()
                .then(|| self.needs(account, login, kept))
                .flatten()
        };
        let logins = self.all_logins(account, &kept.records);
        let protocols: Vec<_> = logins
            .iter()
            .map(|login| self.of_protocol(account, login, needs(login)))
            .collect();
        let tokens = protocols.iter().filter_map(|(_, status)| status.token_seconds);
        (worst(account, &protocols), tokens.min())
    }

    /// Every login of an account: of a name that stands for many, those that somebody has signed in for.
    fn all_logins(&self, account: &Account, records: &HashMap<GrantKey, Listed>) -> Vec<Authorized> {
        let rooms = self.context.rooms.load();
        let names: Vec<LoginName> = match &account.name {
            Pattern::Login(name) => vec![name.clone()],
            Pattern::Domain(domain) => {
                let of_domain = |listed: &&Listed| {
                    let is_link = matches!(listed.content, Some(Content::SignInLink { .. }));
                    let at = listed.account.rsplit_once('@');
                    !is_link && at.is_some_and(|(_, of)| of.eq_ignore_ascii_case(domain))
                };
                let listed = records.values().filter(of_domain);
                let mut names: Vec<_> = listed
                    .filter_map(|listed| LoginName::parse(listed.account.as_bytes()).ok())
                    .collect();
                names.sort();
                names.dedup();
                names
            }
        };
        let logins = names
            .iter()
            .flat_map(|name| Protocol::ALL.map(|protocol| rooms.accounts.for_operator(name, protocol)));
        let of_account = |login: &Authorized| login.account().name == account.name;
        logins.flatten().filter(of_account).collect()
    }

    fn of_protocol(
        &self,
        account: &Account,
        login: &Authorized,
        needs: Option<(State, TroubleTold)>,
    ) -> (State, ProtocolStatus) {
        let wanted = login.token_wanted();
        let standing = self
            .context
            .states
            .of(&account.name.to_string(), login.protocol());
        let token = self.context.tokens.standing(&wanted.key);
        let of_token = token
            .failure
            .as_deref()
            .and_then(|error| Some((failure::of_token_error(error)?, explained(error, login))));
        let known = standing
            .trouble
            .as_ref()
            .map(|trouble: &Trouble| (trouble.state, TroubleTold::from(trouble)));
        let worst = [needs, of_token, known]
            .into_iter()
            .flatten()
            .max_by_key(|(state, _)| *state);
        let (state, trouble) = worst.map_or((State::Ready, None), |(state, trouble)| (state, Some(trouble)));
        let status = ProtocolStatus {
            protocol: login.protocol(),
            app: wanted.app.name.to_string(),
            host: login.route().host.to_string(),
            state,
            trouble,
            since: standing.since.map(seconds),
            last_login: standing.last_login.map(seconds),
            token_seconds: token.left.map(|left| left.as_secs()),
        };
        (state, status)
    }
}

impl From<Link> for LinkStatus {
    fn from(link: Link) -> Self {
        Self {
            account: link.account.into(),
            app: link.app.into(),
            asked_by: shown(link.asked_by.as_bytes(), MAX_NAME),
            expires: seconds(link.expires),
        }
    }
}

/// The worst of an account's states.
fn worst(account: &Account, protocols: &[(State, ProtocolStatus)]) -> State {
    if account.lets_nobody_in() {
        return State::Off;
    }
    let worst = protocols.iter().map(|(state, _)| *state).max();
    worst.unwrap_or(State::Ready)
}

fn signed_in(login: &Authorized, listed: Option<&Listed>) -> SignedIn {
    let sign_in = listed.and_then(|listed| match &listed.content {
        Some(Content::SignIn(sign_in)) => Some(sign_in),
        _ => None,
    });
    let owner = sign_in.and_then(|sign_in| sign_in.owner.as_ref()?.upn.as_deref());
    let permissions = sign_in.map(|sign_in| sign_in.scopes.split(' ').map(Into::into).collect());
    SignedIn {
        app: login.route().app.name.to_string(),
        expected: login.owner().to_string(),
        owner: owner.map(Into::into),
        signed_in: sign_in.map(|sign_in| seconds(sign_in.signed_in)),
        refreshed: sign_in.map(|sign_in| seconds(sign_in.refreshed)),
        permissions: permissions.unwrap_or_default(),
    }
}

/// Records that no account uses.
fn orphans(records: &HashMap<GrantKey, Listed>, used: &[GrantKey]) -> Vec<Orphan> {
    let mut orphans: Vec<_> = records
        .values()
        .filter(|listed| !used.contains(&listed.key))
        .filter_map(|listed| {
            let (owner, since) = match &listed.content {
                Some(Content::SignInLink { .. }) => return None,
                Some(Content::SignIn(sign_in)) => {
                    let owner = sign_in.owner.as_ref().and_then(|owner| owner.upn.as_deref());
                    (owner, Some(sign_in.signed_in))
                }
                Some(Content::VerifiedPassword { verified }) => (None, Some(*verified)),
                Some(Content::Imported { imported }) => (None, Some(*imported)),
                Some(Content::LocalPassword { since }) => (None, Some(*since)),
                None => (None, None),
            };
            Some(Orphan {
                account: listed.account.to_string(),
                app: listed.app.to_string(),
                owner: owner.map(Into::into),
                since: since.map(seconds),
            })
        })
        .collect();
    orphans.sort_by(|one, other| (&one.account, &one.app).cmp(&(&other.account, &other.app)));
    orphans
}

fn app_status(configured: &ConfiguredApp) -> AppStatus {
    let app = &configured.app;
    let registration = app.grant.registration();
    let delegated = app.grant.delegated();
    let ways = [
        ("browser", delegated.is_some_and(|app| app.browser.is_some())),
        ("device", delegated.is_some_and(|app| app.device_url.is_some())),
    ];
    AppStatus {
        app: app.name.to_string(),
        client_id: registration.map(|app| app.client_id.to_string()),
        token_url: registration.map(|app| app.token_url.to_string()),
        grant: app.grant.name().to_owned(),
        sign_in_ways: ways
            .into_iter()
            .filter(|(_, is_one)| *is_one)
            .map(|(way, _)| way.to_owned())
            .collect(),
    }
}
