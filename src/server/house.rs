//! What the server and a command alike are made of: the rooms of a configuration, what all sessions share, the token
//! store's place and the operator's desk.

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rustix::system::uname;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::StartError;
use super::desk::{Desk, Furniture};
use super::keeping::Keeping;
use super::pulse::Pulse;
use super::reload::{Requests, Standing};
use crate::account::state::States;
use crate::account::{Account, Accounts, AccountsError, Shared};
use crate::config::{self, ConfiguredApp};
use crate::devices::Devices;
use crate::hook::{self, Alerts, Inbox};
use crate::listener::{self, identity::Files};
use crate::metrics::Metrics;
use crate::oauth::Endpoint;
use crate::outgoing::Outgoing;
use crate::pace::Pace;
use crate::provider::{MailHost, Protocol};
use crate::session::{Context, Limits, Notices, Rooms};
use crate::sessions::Registry;
use crate::token::store::Settings;
use crate::token::{StoreSlot, Tokens};
use crate::transport::Overhear;
use crate::upstream::{self, Upstream};

/// What of a configuration it takes.
pub(super) struct Parts {
    pub(super) upstream: config::Upstream,
    pub(super) accounts: Vec<Account>,
    pub(super) apps: Vec<ConfiguredApp>,
    pub(super) store: Settings,
    pub(super) limits: Limits,
    /// The certificates that mail clients are shown there.
    pub(super) certificates: Vec<Files>,
    pub(super) alert: hook::Settings,
    /// Each listener's devices that need no password.
    pub(super) devices: Vec<Arc<Devices>>,
    /// Whether probes and scrapes are told the names of accounts.
    pub(super) account_names: bool,
    /// Where people reach the admin page, if there is one.
    pub(super) admin_url: Option<Url>,
}

/// Since when a server runs, how it is asked to read its configuration again, and how that stands.
pub(super) type Running = (SystemTime, Requests, Arc<Standing>);

/// All of it.
pub(super) struct House {
    pub(super) context: Arc<Context>,
    pub(super) shared: Shared,
    pub(super) keeping: Keeping,
    pub(super) desk: Arc<Desk>,
    /// The way of token requests and webhooks.
    outgoing: Outgoing,
    pub(super) alerts: Alerts,
    /// What was said to `alerts`, until somebody hears it.
    pub(super) inbox: Option<Inbox>,
    pub(super) pulse: Arc<Pulse>,
}

impl House {
    /// Puts everything in its place. The token store is opened if an account needs it.
    pub(super) fn furnish(
        parts: Parts,
        ear: Option<Arc<dyn Overhear>>,
        running: Option<Running>,
    ) -> Result<Self, StartError> {
        let shared = Shared::new().map_err(StartError::prepare)?;
        let rooms =
            rooms(parts.accounts, parts.devices, &shared, parts.limits).map_err(StartError::prepare)?;
        let store_path = parts.store.path.display().to_string().into();
        let mut keeping = Keeping::new(parts.store);
        keeping.open_for(&rooms.accounts);
        let composed = compose(&parts.upstream, parts.alert, rooms, keeping.slot().clone(), ear)?;
        let Composed {
            context,
            outgoing,
            alerts,
            inbox,
        } = composed;
        let context = Arc::new(context);
        let pulse = Arc::new(Pulse::default());
        let furniture = Furniture {
            endpoint: Endpoint::new(outgoing.clone()),
            store: keeping.slot().clone(),
            store_path,
            apps: parts.apps,
            running,
            certificates: parts.certificates,
            alerts: alerts.clone(),
            pulse: Arc::clone(&pulse),
            account_names: parts.account_names,
            admin_url: parts.admin_url,
        };
        Ok(Self {
            desk: Arc::new(Desk::new(Arc::clone(&context), furniture)),
            outgoing,
            context,
            shared,
            keeping,
            alerts,
            inbox: Some(inbox),
            pulse,
        })
    }

    /// Goes by other ways and with other rooms from now on.
    pub(super) fn take(&mut self, (upstream, outgoing): Ways, rooms: Rooms) {
        self.context.upstream.believe_like(&upstream);
        self.outgoing.go_like(&outgoing);
        self.keeping.open_for(&rooms.accounts);
        self.context.rooms.store(Arc::new(rooms));
        // A new secret, or a right that was granted meanwhile: the next login may ask at once.
        self.context.tokens.forget_failures();
    }
}

/// The ways to the mail hosts, and to the providers and webhooks.
type Ways = (Upstream, Outgoing);

/// The ways out of this machine that `[upstream]` allows.
pub(super) fn ways(settings: &config::Upstream) -> Result<Ways, StartError> {
    let upstream = Upstream::new(&upstream::Settings {
        extra_roots: settings.extra_roots.clone(),
        post_quantum: settings.post_quantum,
    });
    let upstream = upstream.map_err(StartError::prepare)?;
    let outgoing = Outgoing::new(&upstream.tls(), &settings.proxy).map_err(StartError::prepare)?;
    Ok((upstream, outgoing))
}

struct Composed {
    context: Context,
    outgoing: Outgoing,
    alerts: Alerts,
    inbox: Inbox,
}

/// What all sessions share, the way to the providers, and the way to whoever is told of trouble.
fn compose(
    settings: &config::Upstream,
    alert: hook::Settings,
    rooms: Rooms,
    store: StoreSlot,
    ear: Option<Arc<dyn Overhear>>,
) -> Result<Composed, StartError> {
    let (upstream, outgoing) = ways(settings)?;
    let host_name: Box<str> = uname().nodename().to_string_lossy().into();
    let (alerts, inbox) = Alerts::new(alert, outgoing.clone(), host_name.clone());
    let context = Context {
        rooms: ArcSwap::from_pointee(rooms),
        tokens: Tokens::new(Endpoint::new(outgoing.clone()), store),
        upstream,
        states: States::heard_by(alerts.ear()),
        registry: Arc::new(Registry::default()),
        metrics: Arc::new(Metrics::new()),
        pace: Arc::new(Pace::heard_by(alerts.hear_rushing())),
        host_name,
        ear,
        notices: Notices::default(),
        traces: Arc::default(),
        stopping: CancellationToken::new(),
    };
    Ok(Composed {
        context,
        outgoing,
        alerts,
        inbox,
    })
}

/// The rooms of a configuration.
pub(super) fn rooms(
    accounts: Vec<Account>,
    devices: Vec<Arc<Devices>>,
    shared: &Shared,
    limits: Limits,
) -> Result<Rooms, AccountsError> {
    let hosts = Protocol::ALL
        .map(|protocol| (protocol, hosts(&accounts, protocol)))
        .into();
    Ok(Rooms {
        accounts: Accounts::new(accounts, shared.clone())?.with_devices(devices),
        hosts,
        limits,
    })
}

/// The mail hosts that accounts lead to by one protocol.
fn hosts(accounts: &[Account], protocol: Protocol) -> Vec<MailHost> {
    let mut hosts: Vec<MailHost> = Vec::new();
    for host in accounts
        .iter()
        .filter_map(|account| account.routes.get(&protocol))
        .map(|route| &route.host)
    {
        if !hosts.contains(host) {
            hosts.push(host.clone());
        }
    }
    hosts
}

/// The bounds of sessions.
pub(super) fn limits(limits: &config::Limits) -> Limits {
    Limits {
        login: limits.login,
        idle: limits.idle,
        attempts: limits.attempts,
        places: limits.places,
    }
}

/// The certificates that listeners and the admin page show, each once.
pub(super) fn certificates(config: &config::Config) -> Vec<Files> {
    let mut certificates: Vec<Files> = Vec::new();
    let of_page = config.admin.iter().filter_map(|admin| admin.files.as_ref());
    let of_listeners = config
        .listeners
        .iter()
        .filter_map(|listener| listener.files.as_ref());
    for files in of_listeners.chain(of_page) {
        if !certificates
            .iter()
            .any(|known| known.certificate == files.certificate)
        {
            certificates.push(files.clone());
        }
    }
    certificates
}

/// The devices of each listener.
pub(super) fn devices(listeners: &[listener::Settings]) -> Vec<Arc<Devices>> {
    let maps = listeners.iter().map(|settings| Arc::clone(&settings.devices));
    maps.collect()
}
