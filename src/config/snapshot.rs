//! What a configuration was, in names and fingerprints: enough to compare it with the next one, nothing to steal.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::admin::AdminPrint;
use super::app::ConfiguredApp;
use super::fingerprint::{Fingerprint, Sum};
use super::limits::{Limits, Server, Upstream};
use super::password::PasswordPrint;
use crate::account::{Account, Route};
use crate::health;
use crate::listener::Settings;
use crate::log;
use crate::oauth::{App, Grant};
use crate::outgoing::Proxy;
use crate::provider::Protocol;
use crate::token::store::{self, KeySource};

/// A configuration as the next one is compared with it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(super) accounts: BTreeMap<String, AccountPrint>,
    pub(super) apps: BTreeMap<String, Fingerprint>,
    pub(super) listeners: BTreeMap<String, Fingerprint>,
    pub(super) limits: Limits,
    pub(super) upstream: Fingerprint,
    pub(super) log: log::Settings,
    pub(super) server: Server,
    pub(super) store: Fingerprint,
    pub(super) control: PathBuf,
    pub(super) alert: Fingerprint,
    pub(super) health: Option<health::Settings>,
    pub(super) admin: Option<AdminPrint>,
}

impl Snapshot {
    /// What tells the admin page's password from another; none where none is configured.
    pub fn admin_password(&self) -> Option<Fingerprint> {
        self.admin.as_ref()?.password
    }
}

/// One account: a fingerprint for each thing that somebody may want to know the change of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct AccountPrint {
    pub(super) name: String,
    /// One for each password, so that a removed one is seen.
    pub(super) passwords: Vec<PasswordPrint>,
    pub(super) parts: [(&'static str, Fingerprint); 8],
}

impl AccountPrint {
    pub(super) fn of(account: &Account, passwords: Vec<PasswordPrint>) -> Self {
        let logins = text(account.logins.iter());
        let mailboxes = text(
            [&account.mailbox, &account.signs_in_as]
                .into_iter()
                .flatten()
                .chain(&account.may_open),
        );
        let own = [account.mailbox.is_some(), account.signs_in_as.is_some()].map(u8::from);
        let networks = text(account.allow_from.iter());
        let upstream = account.upstream_password.as_ref();
        let upstream = upstream.map_or(&[][..], |password| password.expose().as_bytes());
        Self {
            name: account.name.to_string(),
            passwords,
            parts: [
                ("logins", Fingerprint::of(&[logins.as_bytes()])),
                ("mailbox", Fingerprint::of(&[&own, mailboxes.as_bytes()])),
                ("routes", routes(account)),
                ("networks", Fingerprint::of(&[networks.as_bytes()])),
                ("upstream password", Fingerprint::of(&[upstream])),
                (
                    "imported password",
                    Fingerprint::of(&[&[u8::from(account.imported)]]),
                ),
                ("watch", Fingerprint::of(&[&[u8::from(account.watch)]])),
                (
                    "notices",
                    Fingerprint::of(&[&[u8::from(account.notify_in_client)]]),
                ),
            ],
        }
    }
}

/// Things as text, each on a line of its own: none of them can have a line end in it.
fn text<T: ToString>(things: impl Iterator<Item = T>) -> String {
    things.map(|thing| thing.to_string() + "\n").collect()
}

/// The ways upstream without what is secret in them: an app's own change is seen at the app.
fn routes(account: &Account) -> Fingerprint {
    let mut sum = Sum::new();
    for protocol in Protocol::ALL {
        if let Some(Route {
            app,
            host,
            mechanism,
            identity,
        }) = account.routes.get(&protocol)
        {
            sum.add(protocol.name().as_bytes());
            sum.add(format!("{} {host} {:?} {mechanism:?} {identity:?}", app.name, host.tls).as_bytes());
            if let Some(registration) = app.grant.registration() {
                sum.add(registration.token_url.as_str().as_bytes());
            }
            // They depend on the account's protocols, and so are not seen at the app.
            if let Some(delegated) = app.grant.delegated() {
                sum.add(delegated.scopes.to_string().as_bytes());
            }
        }
    }
    sum.end()
}

/// A listener's name, `protocol address …`, and the fingerprint of all of it.
pub(super) type ListenerPrint = (String, Fingerprint);

pub(super) fn listener(settings: &Settings, identity: Option<Fingerprint>) -> ListenerPrint {
    let Settings {
        tls,
        plaintext_from,
        allow_from,
        proxy_from,
        passwords,
        devices,
        ..
    } = settings;
    let mut sum = Sum::new();
    sum.add(format!("{tls:?} {plaintext_from:?} {allow_from:?}").as_bytes());
    sum.add(format!("{proxy_from:?} {passwords:?} {devices:?}").as_bytes());
    sum.add(identity.as_ref().map_or(&[], Fingerprint::as_bytes));
    (settings.name(), sum.end())
}

/// An app as it is for one tenant.
pub(super) fn app(configured: &ConfiguredApp) -> (String, Fingerprint) {
    let mut sum = Sum::new();
    let App {
        token_export,
        secret_expires,
        ..
    } = &*configured.app;
    sum.add(format!("{token_export} {secret_expires:?}").as_bytes());
    match &configured.app.grant {
        Grant::ClientCredentials(grant) => {
            let app = &grant.registration;
            sum.add(app.token_url.as_str().as_bytes());
            sum.add(app.client_id.as_bytes());
            app.proof.distinguish(|part| sum.add(part));
            sum.add(grant.scope.as_bytes());
        }
        Grant::ManagedIdentity(identity) => {
            sum.add(identity.platform.to_string().as_bytes());
            sum.add(identity.client_id.as_deref().unwrap_or_default().as_bytes());
            sum.add(identity.resource.as_bytes());
        }
        Grant::ServiceAccount(service) => {
            sum.add(service.token_url().as_str().as_bytes());
            sum.add(service.address().as_bytes());
            sum.add(service.key_id().as_bytes());
            sum.add(service.scopes().to_string().as_bytes());
        }
        Grant::SignIn(app) | Grant::Password(app) => {
            app.registration.distinguish(|part| sum.add(part));
            sum.add(
                format!(
                    "{:?} {:?} {:?}",
                    app.registration.dialect, app.usual, app.device_url
                )
                .as_bytes(),
            );
            if let Some(browser) = &app.browser {
                let said = format!(
                    "{} {} {:?}",
                    browser.authorize_url, browser.redirect_uri, browser.extra
                );
                sum.add(said.as_bytes());
            }
        }
        Grant::Command(command) => {
            sum.add(&command.timeout.as_millis().to_le_bytes());
            for argument in &command.argv {
                sum.add(argument.as_bytes());
            }
        }
    }
    let name = match &configured.tenant {
        Some(tenant) => format!("{} ({tenant})", configured.app.name),
        None => configured.app.name.to_string(),
    };
    (name, sum.end())
}

/// Where the token store is, and its key.
pub(super) fn store(store: &store::Settings) -> Fingerprint {
    let mut sum = Sum::new();
    sum.add(store.path.as_os_str().as_encoded_bytes());
    match &store.key {
        KeySource::File(path) => sum.add(path.as_os_str().as_encoded_bytes()),
        KeySource::Value(key) => sum.add(key.expose().as_bytes()),
        KeySource::Found { credentials } => sum.add(format!("{credentials:?}").as_bytes()),
    }
    sum.end()
}

/// What holds for every upstream.
pub(super) fn upstream(upstream: &Upstream) -> Fingerprint {
    let mut sum = Sum::new();
    for root in &upstream.extra_roots {
        sum.add(root);
    }
    match &upstream.proxy {
        Proxy::At(url) => sum.add(url.as_str().as_bytes()),
        other => sum.add(format!("{other:?}").as_bytes()),
    }
    sum.add(&[u8::from(upstream.post_quantum)]);
    sum.end()
}
