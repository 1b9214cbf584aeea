//! The composition root: puts the rooms together from a configuration, runs them, swaps them on reload, drains them at the end.

mod desk;
mod expiry;
mod house;
mod keeping;
mod offline;
mod process;
mod watch;
mod weekly;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use offline::Offline;
pub use process::{keep_memory_private, raise_open_files};

use crate::account::AccountsError;
use crate::config::{self, Config, ReloadPlan, Snapshot};
use crate::control::{Control, ControlError, Operations};
use crate::listener::{Listener, Settings, TlsMode, bind};
use crate::name::LoginName;
use crate::peer::Peer;
use crate::probe::{Door, DoorTls};
use crate::provider::Protocol;
use crate::session::Limits;
use crate::sessions::{self, Admission};
use crate::transport::Overhear;
use house::{House, Parts, limits, rooms};

/// How long sessions get to wind up once they were told to end: time for a last flush, not for a peer that won't read.
const LAST_FLUSH: Duration = Duration::from_secs(2);

/// How often it is looked whether another saslgate has let the control socket go.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Why saslgate could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener's address can't be had.
    #[error("can't listen on {address} for {protocol}: {error}; {}", bind_fix(error))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What was to be spoken there.
        protocol: Protocol,
        /// What the system said.
        error: io::Error,
    },
    /// A part can't be prepared.
    #[error("{0}")]
    Prepare(Box<dyn std::error::Error + Send + Sync>),
    /// A listener's certificate does not work.
    #[error("the certificate of the {0} listener can't be used: {1}; make one with `saslgate certs`")]
    Certificate(Protocol, rustls::Error),
}

impl StartError {
    fn prepare(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Prepare(Box::new(error))
    }
}

fn bind_fix(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program (or another saslgate) has it: stop that one, or choose another port"
        }
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: choose 1143, 1110 or 1587",
        io::ErrorKind::AddrNotAvailable => "this machine has no such address",
        _ => "check `bind` in the configuration",
    }
}

/// A running saslgate.
pub struct Server {
    house: House,
    snapshot: Snapshot,
    limits: Limits,
    drain: Duration,
    addresses: Vec<(Protocol, SocketAddr)>,
    stop_accepting: CancellationToken,
    listeners: TaskTracker,
    sessions: TaskTracker,
    /// What commands have asked for and is not done yet.
    orders: TaskTracker,
}

impl Server {
    /// Binds every listener and starts to accept. `ear` reads conversations along.
    pub fn start(config: Config, ear: Option<Arc<dyn Overhear>>) -> Result<Self, StartError> {
        let bound = bind_all(config.listeners)?;
        // Before the store is opened: a command that found the one locked and not the other would be told to wait.
        let path = config.state.control.clone();
        let control = Control::bind(&path);
        let parts = Parts {
            upstream: config.upstream,
            accounts: config.accounts,
            apps: config.apps,
            store: config.state.store,
            limits: limits(&config.limits),
            doors: bound
                .iter()
                .filter_map(|(socket, settings)| door(socket, settings))
                .collect(),
        };
        let house = House::furnish(parts, ear, Some(SystemTime::now()))?;
        let admission = Admission::new(sessions::Limits {
            connections: config.limits.connections as usize,
            per_source: config.limits.connections_per_source as usize,
        });
        let mut server = Self {
            house,
            snapshot: config.snapshot,
            limits: limits(&config.limits),
            drain: config.server.drain,
            addresses: Vec::new(),
            stop_accepting: CancellationToken::new(),
            listeners: TaskTracker::new(),
            sessions: TaskTracker::new(),
            orders: TaskTracker::new(),
        };
        for (socket, settings) in bound {
            server.listen(socket, settings, &admission)?;
        }
        server.attend(control, path);
        server.look_after();
        Ok(server)
    }

    /// Starts what nobody has to ask for: renewals of what is not used, words about what ends soon.
    fn look_after(&self) {
        let House {
            context,
            keeping,
            desk,
            ..
        } = &self.house;
        let stop = || self.stop_accepting.clone();
        let renewing = weekly::run(Arc::clone(context), keeping.slot().clone(), stop());
        self.listeners.spawn(renewing);
        self.listeners
            .spawn(keeping::tell_trouble(keeping.slot().clone(), stop()));
        self.listeners.spawn(expiry::warn(Arc::clone(desk), stop()));
        self.listeners.spawn(watch::run(Arc::clone(context), stop()));
    }

    /// Lets commands talk to this server. Where the socket can't be had, mail goes on without it; one that a saslgate that
    /// is just ending still has is waited for.
    fn attend(&self, control: Result<Control, ControlError>, path: PathBuf) {
        let stop = self.stop_accepting.clone();
        let desk: Arc<dyn Operations> = Arc::clone(&self.house.desk) as _;
        let orders = self.orders.clone();
        self.listeners.spawn(async move {
            let mut control = control;
            while let Err(ControlError::InUse(_)) = control {
                tokio::select! {
                    () = sleep(LOOK_AGAIN) => control = Control::bind(&path),
                    () = stop.cancelled() => return,
                }
            }
            match control {
                Ok(control) => control.serve(desk, orders, stop).await,
                Err(error) => tracing::warn!(
                    what = %error,
                    fix = "name a place that only saslgate's user can write with `control` in [server]",
                    "commands such as `saslgate status` can't talk to this server"
                ),
            }
        });
    }

    fn listen(
        &mut self,
        socket: TcpListener,
        settings: Arc<Settings>,
        admission: &Arc<Admission>,
    ) -> Result<(), StartError> {
        let (protocol, tls) = (settings.protocol, settings.tls);
        if let Ok(address) = socket.local_addr() {
            tracing::info!(%protocol, %address, ?tls, "listening");
            self.addresses.push((protocol, address));
        }
        let listener = Listener::new(
            socket,
            settings,
            Arc::clone(admission),
            Arc::clone(&self.house.context),
        )
        .map_err(|error| StartError::Certificate(protocol, error))?;
        self.listeners
            .spawn(listener.run(self.stop_accepting.clone(), self.sessions.clone()));
        Ok(())
    }

    /// Where it listens, in the configuration's order, with the ports that the system chose.
    pub fn addresses(&self) -> &[(Protocol, SocketAddr)] {
        &self.addresses
    }

    /// How many sessions are logged in.
    pub fn logged_in(&self) -> usize {
        self.house.context.registry.len()
    }

    /// How many requests for tokens there were.
    pub fn token_requests(&self) -> crate::token::Counts {
        self.house.context.tokens.counts()
    }

    /// Takes accounts and apps from another configuration. Sessions of what is gone end; all others go on.
    pub fn reload(&mut self, config: Config) -> Result<ReloadPlan, AccountsError> {
        let plan = config::diff(&self.snapshot, &config.snapshot);
        let rooms = rooms(config.accounts, &self.house.shared, self.limits)?;
        self.house.keeping.open_for(&rooms.accounts);
        self.house.context.rooms.store(Arc::new(rooms));
        // A login that was authorised before this moment enters the registry before it looks at the rooms again: either
        // it is ended here, or it sees the new rooms.
        let rooms = self.house.context.rooms.load();
        let ended = self
            .house
            .context
            .registry
            .end_where(|by| !rooms.accounts.still_lets_in(by));
        // A new secret, or a right that was granted meanwhile: the next login may ask at once.
        self.house.context.tokens.forget_failures();
        self.house.desk.reload(config.apps);
        self.house.context.states.retain(|account| {
            let name = LoginName::parse(account.as_bytes());
            name.is_ok_and(|name| rooms.accounts.meant_by(&name).is_some()) || account.starts_with("*@")
        });
        self.snapshot = config.snapshot;
        tracing::info!(%plan, sessions_ended = ended, "configuration reloaded");
        for what in plan.needs_restart() {
            tracing::warn!(
                what,
                fix = "restart saslgate",
                "this change takes effect with the next start"
            );
        }
        Ok(plan)
    }

    /// Stops accepting, tells waiting mail clients to come back, hands the token store on, lets relays finish within the
    /// grace, closes the rest.
    pub async fn stop(self) {
        self.stop_accepting.cancel();
        self.listeners.close();
        self.listeners.wait().await;
        self.house.context.stopping.cancel();
        self.sessions.close();
        self.orders.close();
        tracing::info!(
            logged_in = self.logged_in(),
            seconds = self.drain.as_secs(),
            "stopping"
        );
        let drained = async {
            let until = Instant::now() + self.drain;
            // The next saslgate waits for the store, and relays need none.
            let tokens = &self.house.context.tokens;
            self.house.keeping.hand_on(tokens, &self.orders).await;
            timeout_at(until, self.sessions.wait()).await
        };
        if drained.await.is_err() {
            let closed = self.house.context.registry.end_where(|_| true);
            tracing::info!(closed, "closing sessions that did not end by themselves");
            let _ = timeout(LAST_FLUSH, self.sessions.wait()).await;
        }
        tracing::info!("stopped");
    }
}

/// What is known of a listening socket, for whoever tries it.
fn door(socket: &TcpListener, settings: &Settings) -> Option<Door> {
    let identity = settings.identity.as_ref();
    let mut door = Door {
        protocol: settings.protocol,
        address: socket.local_addr().ok()?,
        tls: match settings.tls {
            TlsMode::Off => DoorTls::Never,
            TlsMode::StartTls | TlsMode::StartTlsOptional => DoorTls::StartTls,
            TlsMode::Implicit => DoorTls::Implicit,
        },
        chain: identity.map_or_else(Vec::new, |identity| identity.cert.clone()),
        lets_us_in: true,
    };
    let from_here = Peer::new(door.reached_at());
    door.lets_us_in = settings.allow_from.is_empty() || from_here.is_in(&settings.allow_from);
    Some(door)
}

/// All or nothing: a port that is taken must not leave half a server behind.
fn bind_all(listeners: Vec<Settings>) -> Result<Vec<(TcpListener, Arc<Settings>)>, StartError> {
    let mut bound = Vec::new();
    for settings in listeners.into_iter().map(Arc::new) {
        let before = bound.len();
        let mut missing = None;
        for &address in &settings.bind {
            match bind(address) {
                Ok(socket) => bound.push((socket, Arc::clone(&settings))),
                // `localhost` means both families, and a container often has only one of them.
                Err(error) if address.ip().is_loopback() && is_missing_family(&error) => {
                    tracing::warn!(%address, %error, "this machine has no such loopback address; the listener's others are used");
                    missing = Some((address, error));
                }
                Err(error) => return Err(cannot_bind(&settings, address, error)),
            }
        }
        if let Some((address, error)) = missing.filter(|_| bound.len() == before) {
            return Err(cannot_bind(&settings, address, error));
        }
    }
    Ok(bound)
}

fn is_missing_family(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

fn cannot_bind(settings: &Settings, address: SocketAddr, error: io::Error) -> StartError {
    StartError::Bind {
        address,
        protocol: settings.protocol,
        error,
    }
}
