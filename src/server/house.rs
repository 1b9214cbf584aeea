//! What the server and a command alike are made of: the rooms of a configuration, what all sessions share, the token
//! store's place and the operator's desk.

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rustix::system::uname;
use tokio_util::sync::CancellationToken;

use super::StartError;
use super::desk::{Desk, Furniture};
use super::keeping::Keeping;
use super::reload::{Requests, Standing};
use crate::account::state::States;
use crate::account::{Account, Accounts, AccountsError, Shared};
use crate::config::{self, ConfiguredApp};
use crate::oauth::Endpoint;
use crate::provider::{MailHost, Protocol};
use crate::session::{Context, Limits, Rooms};
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
}

/// Since when a server runs, how it is asked to read its configuration again, and how that stands.
pub(super) type Running = (SystemTime, Requests, Arc<Standing>);

/// All of it.
pub(super) struct House {
    pub(super) context: Arc<Context>,
    pub(super) shared: Shared,
    pub(super) keeping: Keeping,
    pub(super) desk: Arc<Desk>,
    endpoint: Endpoint,
}

impl House {
    /// Puts everything in its place. The token store is opened if an account needs it.
    pub(super) fn furnish(
        parts: Parts,
        ear: Option<Arc<dyn Overhear>>,
        running: Option<Running>,
    ) -> Result<Self, StartError> {
        let shared = Shared::new().map_err(StartError::prepare)?;
        let rooms = rooms(parts.accounts, &shared, parts.limits).map_err(StartError::prepare)?;
        let store_path = parts.store.path.display().to_string().into();
        let mut keeping = Keeping::new(parts.store);
        keeping.open_for(&rooms.accounts);
        let (context, endpoint) = compose(&parts.upstream, rooms, keeping.slot().clone(), ear)?;
        let context = Arc::new(context);
        let furniture = Furniture {
            endpoint: endpoint.clone(),
            store: keeping.slot().clone(),
            store_path,
            apps: parts.apps,
            running,
        };
        Ok(Self {
            desk: Arc::new(Desk::new(Arc::clone(&context), furniture)),
            endpoint,
            context,
            shared,
            keeping,
        })
    }

    /// Goes by other ways and with other rooms from now on.
    pub(super) fn take(&mut self, (upstream, endpoint): Ways, rooms: Rooms) {
        self.context.upstream.believe_like(&upstream);
        self.endpoint.ask_like(&endpoint);
        self.keeping.open_for(&rooms.accounts);
        self.context.rooms.store(Arc::new(rooms));
        // A new secret, or a right that was granted meanwhile: the next login may ask at once.
        self.context.tokens.forget_failures();
    }
}

/// The ways to the mail hosts and to the providers.
type Ways = (Upstream, Endpoint);

/// The ways out of this machine that `[upstream]` allows.
pub(super) fn ways(settings: &config::Upstream) -> Result<Ways, StartError> {
    let upstream = Upstream::new(&upstream::Settings {
        extra_roots: settings.extra_roots.clone(),
        post_quantum: settings.post_quantum,
    });
    let upstream = upstream.map_err(StartError::prepare)?;
    let endpoint = Endpoint::new(&upstream.tls(), &settings.proxy).map_err(StartError::prepare)?;
    Ok((upstream, endpoint))
}

/// What all sessions share, and the way to the providers.
fn compose(
    settings: &config::Upstream,
    rooms: Rooms,
    store: StoreSlot,
    ear: Option<Arc<dyn Overhear>>,
) -> Result<(Context, Endpoint), StartError> {
    let (upstream, endpoint) = ways(settings)?;
    let context = Context {
        rooms: ArcSwap::from_pointee(rooms),
        tokens: Tokens::new(endpoint.clone(), store),
        upstream,
        states: States::default(),
        registry: Arc::new(Registry::default()),
        host_name: uname().nodename().to_string_lossy().into(),
        ear,
        stopping: CancellationToken::new(),
    };
    Ok((context, endpoint))
}

/// The rooms of a configuration.
pub(super) fn rooms(accounts: Vec<Account>, shared: &Shared, limits: Limits) -> Result<Rooms, AccountsError> {
    let hosts = Protocol::ALL
        .map(|protocol| (protocol, hosts(&accounts, protocol)))
        .into();
    Ok(Rooms {
        accounts: Accounts::new(accounts, shared.clone())?,
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
    }
}
