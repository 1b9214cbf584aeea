//! The operator's desk: what commands ask for, done with the rooms of the moment.

mod alert;
mod happening;
mod health;
mod kept;
mod landing;
mod link;
mod log;
mod owner;
mod refused;
mod reread;
mod sign_in;
mod sign_out;
mod status;
mod test;
mod token;
mod trace;
mod waiting;

use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use url::Url;

use super::pulse::Pulse;
use crate::account::{Account, Authorized, Pattern};
use crate::config::ConfiguredApp;
use crate::control::{Carrying, Expiry, News, Operations, Order, Talk, TroubleTold};
use crate::failure::{self, Facts};
use crate::hook::Alerts;
use crate::listener::identity::Files;
use crate::name::LoginName;
use crate::oauth::{Endpoint, Grant, TokenError};
use crate::probe::Door;
use crate::provider::Protocol;
use crate::server::expiry;
use crate::server::house::Running;
use crate::session::Context;
use crate::token::StoreSlot;
use crate::token::store::StoreError;
use happening::Links;
use health::Looked;

/// Carries out orders: of the running server, or of a command where no server runs.
pub(super) struct Desk {
    context: Arc<Context>,
    endpoint: Endpoint,
    store: StoreSlot,
    store_path: Box<str>,
    apps: ArcSwap<Vec<ConfiguredApp>>,
    running: Option<Running>,
    /// Where mail clients are listened to; none where no server runs.
    doors: ArcSwap<Vec<Door>>,
    certificates: ArcSwap<Vec<Files>>,
    alerts: Alerts,
    pulse: Arc<Pulse>,
    account_names: bool,
    looked: Looked,
    /// Where the admin page is; none where there is none.
    admin_url: ArcSwapOption<Url>,
    links: Arc<Links>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}

/// What a desk needs beside the rooms.
pub(super) struct Furniture {
    pub(super) endpoint: Endpoint,
    pub(super) store: StoreSlot,
    pub(super) store_path: Box<str>,
    pub(super) apps: Vec<ConfiguredApp>,
    /// None where no server runs.
    pub(super) running: Option<Running>,
    /// The certificates that the listeners show.
    pub(super) certificates: Vec<Files>,
    pub(super) alerts: Alerts,
    /// How far the server is.
    pub(super) pulse: Arc<Pulse>,
    /// Whether probes and scrapes are told the names of accounts.
    pub(super) account_names: bool,
    /// Where people reach the admin page, if there is one.
    pub(super) admin_url: Option<Url>,
}

impl Operations for Desk {
    fn carry_out<'a>(&'a self, order: Order, talk: &'a mut Talk) -> Carrying<'a> {
        Box::pin(async move {
            let refused = match order {
                Order::Status => {
                    let status = self.status().await;
                    talk.tell(News::Status(Box::new(status))).await;
                    None
                }
                Order::Health => {
                    talk.tell(News::Health(self.health().await)).await;
                    None
                }
                Order::SignIn(order) => self.sign_in(order, talk).await.err(),
                Order::SignOut { account, app } => self.sign_out(&account, app.as_deref(), talk).await.err(),
                Order::Token { account, protocol } => self.token(&account, protocol, talk).await.err(),
                Order::Log { level } => self.log(level.as_deref(), talk).await.err(),
                Order::Trace { account } => self.trace(&account, talk).await.err(),
                Order::Test { account, protocol } => {
                    self.test(account.as_deref(), protocol, talk).await.err()
                }
                Order::Reload => self.reread(talk).await.err(),
                Order::AlertTest => self.test_alerts(talk).await.err(),
                Order::MakeLink {
                    account,
                    app,
                    asked_by,
                } => {
                    let made = self.make_link(account.as_deref(), app.as_deref(), &asked_by, talk);
                    made.await.err()
                }
                Order::LookAtLink { link } => self.look_at_link(&link, talk).await.err(),
                Order::SignInByLink { link } => self.sign_in_by_link(&link, talk).await.err(),
            };
            if let Some(trouble) = refused {
                talk.tell(News::Refused(*trouble.0)).await;
            }
        })
    }
}

/// Why an order was not carried out. Boxed, because it is rare and long.
struct Refused(Box<TroubleTold>);

impl From<TroubleTold> for Refused {
    fn from(trouble: TroubleTold) -> Self {
        Self(Box::new(trouble))
    }
}

impl Desk {
    pub(super) fn new(context: Arc<Context>, furniture: Furniture) -> Self {
        let Furniture {
            endpoint,
            store,
            store_path,
            apps,
            running,
            certificates,
            alerts,
            pulse,
            account_names,
            admin_url,
        } = furniture;
        context.tokens.offer_links(admin_url.is_some());
        Self {
            context,
            endpoint,
            store,
            store_path,
            apps: ArcSwap::from_pointee(apps),
            running,
            doors: ArcSwap::default(),
            certificates: ArcSwap::from_pointee(certificates),
            alerts,
            pulse,
            account_names,
            looked: Looked::default(),
            admin_url: ArcSwapOption::from_pointee(admin_url),
            links: Links::new(),
        }
    }

    /// Learns where mail clients are listened to.
    pub(super) fn knows_doors(&self, doors: Vec<Door>) {
        self.doors.store(Arc::new(doors));
    }

    /// Learns where the admin page is, if there is one.
    pub(super) fn knows_page(&self, url: Option<Url>) {
        self.context.tokens.offer_links(url.is_some());
        self.admin_url.store(url.map(Arc::new));
    }

    /// Takes the apps of another configuration, and learns of its listeners and of the certificates that they show.
    pub(super) fn reload(&self, apps: Vec<ConfiguredApp>, doors: Vec<Door>, certificates: Vec<Files>) {
        self.apps.store(Arc::new(apps));
        self.knows_doors(doors);
        self.certificates.store(Arc::new(certificates));
    }

    /// What is about a running server alone.
    fn needs_server(&self) -> Result<(), Refused> {
        if self.running.is_some() {
            return Ok(());
        }
        Err(refused(
            "no saslgate is running with this configuration",
            "this command is about one that serves mail clients now",
            "start it with `saslgate run`, or name its configuration with --config",
        ))
    }

    /// The account that a name means.
    fn account(&self, name: &str) -> Result<(LoginName, Arc<Account>), Refused> {
        let rooms = self.context.rooms.load();
        let login = LoginName::parse(name.as_bytes()).ok();
        let found = login.and_then(|login| {
            let account = rooms.accounts.meant_by(&login)?;
            Some((login, Arc::clone(account)))
        });
        found.ok_or_else(|| {
            let known = rooms.accounts.all();
            unknown(name, known.iter().map(|account| &account.name))
        })
    }

    /// What a right login of an account would open, once for each of its apps: where an app serves several protocols,
    /// by the first of IMAP, POP3 and SMTP.
    fn logins(&self, name: &LoginName) -> Vec<Authorized> {
        let rooms = self.context.rooms.load();
        let mut logins: Vec<Authorized> = Vec::new();
        for protocol in Protocol::ALL {
            let Some(login) = rooms.accounts.for_operator(name, protocol) else {
                continue;
            };
            if !logins
                .iter()
                .any(|known| Arc::ptr_eq(&known.route().app, &login.route().app))
            {
                logins.push(login);
            }
        }
        logins
    }

    /// The apps of the configuration in use.
    pub(super) fn apps(&self) -> Vec<ConfiguredApp> {
        self.apps.load().to_vec()
    }

    /// The certificates that the listeners of the configuration in use name.
    pub(super) fn certificates(&self) -> Vec<Files> {
        self.certificates.load().to_vec()
    }

    /// Everything that ends by itself, soonest first.
    pub(super) async fn expiries(&self) -> Vec<Expiry> {
        let listed = match self.store.now() {
            Some(store) => store.list().await.unwrap_or_default(),
            None => Vec::new(),
        };
        let rooms = self.context.rooms.load_full();
        expiry::of(&self.apps(), self.certificates(), &rooms.accounts, &listed).await
    }

    /// Those of them whose app people sign in to.
    fn sign_ins(&self, name: &LoginName) -> Vec<Authorized> {
        let mut logins = self.logins(name);
        logins.retain(|login| matches!(login.route().app.grant, Grant::SignIn(_)));
        logins
    }
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a Pattern>) -> Refused {
    let known: Vec<_> = known.map(ToString::to_string).collect();
    let shown = crate::name::shown(name.as_bytes(), crate::name::MAX_NAME);
    let nearest = crate::name::nearest(name, known.iter().map(String::as_str));
    let fix = match (nearest, known.len()) {
        (Some(nearest), _) => format!("did you mean {nearest}?"),
        (None, 0..=20) => format!("use one of these names: {}", known.join(", ")),
        (None, _) => "`saslgate status` lists the accounts".to_owned(),
    };
    Refused::from(TroubleTold {
        code: None,
        what: format!("no account answers to {shown}"),
        why: "the name is that of no [[account]] in the configuration that is in use".into(),
        fix,
    })
}

/// A trouble with a token, as it is told.
fn explained(error: &TokenError, login: &Authorized) -> TroubleTold {
    failure::explain_token(error, &Facts::of(login)).into()
}

/// A trouble with the store, as it is told.
fn stored(error: &StoreError) -> TroubleTold {
    TroubleTold {
        code: None,
        what: error.what.to_string(),
        why: error.why.to_string(),
        fix: error.fix.to_string(),
    }
}

fn refused(what: impl Into<String>, why: impl Into<String>, fix: impl Into<String>) -> Refused {
    Refused::from(TroubleTold {
        code: None,
        what: what.into(),
        why: why.into(),
        fix: fix.into(),
    })
}
