//! The composition root: puts the rooms together from a configuration, runs them, swaps them on reload, drains them at the end.

mod admin;
mod desk;
mod drain;
mod error;
mod expiry;
mod files;
mod health;
mod house;
mod keeping;
mod listeners;
mod offline;
mod ports;
mod process;
mod pulse;
mod reload;
mod renewing;
mod supervisor;
mod watch;
mod weekly;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use error::StartError;
pub use keeping::is_needed as needs_store;
pub use offline::{Offline, check_owner};
pub use process::{keep_memory_private, raise_open_files};
pub use reload::Why;
pub use supervisor::Inherited;

use crate::audit;
use crate::config::{self, Config, ReloadPlan, Snapshot};
use crate::control::{Control, ControlError, Operations};
use crate::hook;
use crate::log;
use crate::metrics::Metrics;
use crate::name::LoginName;
use crate::provider::Protocol;
use crate::sessions::{self, Admission};
use crate::transport::Overhear;
use health::Answering;
use house::{House, Parts, devices, limits, rooms, ways};
use listeners::{Ground, Listeners};
use reload::{Answer, Followed, Requests, Standing};

/// How often it is looked whether another saslgate has let the control socket go.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A running saslgate.
pub struct Server {
    house: House,
    snapshot: Snapshot,
    drain: Duration,
    listeners: Listeners,
    admission: Arc<Admission>,
    /// Where the configuration comes from, if it is followed.
    followed: Option<Followed>,
    standing: Arc<Standing>,
    asked: mpsc::Receiver<Answer>,
    stop_accepting: CancellationToken,
    /// What ends before the sessions do: listeners, and what looks after things.
    tasks: TaskTracker,
    sessions: TaskTracker,
    /// What commands have asked for and is not done yet.
    orders: TaskTracker,
    /// Alerts that are still to be told when saslgate stops.
    telling: TaskTracker,
    answering: Option<Answering>,
    page: Option<admin::Page>,
}

impl Server {
    /// Binds every listener, or takes its socket from `inherited`, and starts to accept. `ear` reads conversations along.
    pub fn start(
        mut config: Config,
        inherited: Inherited,
        ear: Option<Arc<dyn Overhear>>,
    ) -> Result<Self, StartError> {
        let certificates = house::certificates(&config);
        let page = admin::prepare(config.admin.take(), &config.state.store.path, None)?;
        let probed = config.health.as_ref().map(health::bind_all).transpose()?;
        // Before the store is opened: a command that found the one locked and not the other would be told to wait.
        let (path, file) = (config.state.control.clone(), config.state.file.take());
        let control = Control::bind(&path);
        let (requests, asked) = Requests::new();
        let standing = Standing::new();
        let parts = Parts {
            upstream: config.upstream,
            accounts: config.accounts,
            apps: config.apps,
            store: config.state.store,
            limits: limits(&config.limits),
            devices: devices(&config.listeners),
            certificates,
            alert: config.alert,
            account_names: config.health.is_some_and(|health| health.account_names),
            admin_url: page.as_ref().map(|page| page.url().clone()),
        };
        let house = House::furnish(
            parts,
            ear,
            Some((SystemTime::now(), requests, Arc::clone(&standing))),
        )?;
        let admission = Admission::new(admitted(&config.limits));
        let (stop_accepting, tasks) = (CancellationToken::new(), TaskTracker::new());
        let sessions = TaskTracker::new();
        let listeners = Listeners::new(Ground {
            admission: Arc::clone(&admission),
            context: Arc::clone(&house.context),
            pulse: Arc::clone(&house.pulse),
            inherited,
            stop: stop_accepting.clone(),
            tasks: tasks.clone(),
            sessions: sessions.clone(),
        });
        let vitals = Arc::clone(&house.desk);
        let mut server = Self {
            answering: probed.map(|probed| health::answer(probed, vitals)),
            house,
            snapshot: config.snapshot,
            drain: config.server.drain,
            listeners,
            admission,
            followed: None,
            standing,
            asked,
            stop_accepting,
            tasks,
            sessions,
            orders: TaskTracker::new(),
            telling: TaskTracker::new(),
            page: None,
        };
        server.listeners.open(config.listeners)?;
        server.house.desk.knows_doors(server.listeners.doors());
        server.answer_page(page, false)?;
        server.attend(control, path, file);
        server.look_after();
        server.house.pulse.ready();
        supervisor::tell_ready(&server.in_words());
        Ok(server)
    }

    /// Starts what nobody has to ask for: renewals of what is not used, words about what ends soon.
    fn look_after(&mut self) {
        let House {
            context,
            keeping,
            desk,
            alerts,
            inbox,
            ..
        } = &mut self.house;
        let (context, alerts, slot) = (Arc::clone(context), alerts.clone(), keeping.slot().clone());
        let stop = || self.stop_accepting.clone();
        if let Some(inbox) = inbox.take() {
            let telling = hook::run(alerts.clone(), inbox, Arc::clone(&context), stop());
            self.telling.spawn(telling);
        }
        let expiring = expiry::warn(Arc::clone(desk), alerts.clone(), stop());
        let renewing = weekly::run(Arc::clone(&context), slot.clone(), stop());
        self.keep("the weekly renewal of sign-ins", renewing);
        self.keep(
            "the watch over the token store",
            keeping::tell_trouble(slot, Arc::clone(&context), alerts, stop()),
        );
        self.keep("the watch over what ends", expiring);
        self.keep("the watch over accounts", watch::run(context, stop()));
        self.keep("the count of log lines left out", audit::tell_suppressed(stop()));
    }

    /// Answers at the admin page as was prepared; where nothing was, there is none any more.
    fn answer_page(
        &mut self,
        prepared: Option<admin::Prepared>,
        password_changed: bool,
    ) -> Result<(), StartError> {
        let running = self.page.take();
        self.house
            .desk
            .knows_page(prepared.as_ref().map(|prepared| prepared.url().clone()));
        let ground = admin::Ground {
            house: &self.house,
            orders: &self.orders,
            tasks: &self.tasks,
            stop: &self.stop_accepting,
        };
        let open = |prepared| ground.open(prepared, running, password_changed);
        self.page = prepared.map(open).transpose()?;
        Ok(())
    }

    /// Work that goes on until saslgate stops; if it ends before, health tells.
    fn keep(&self, what: &str, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop_accepting.clone();
        self.tasks.spawn(self.house.pulse.keep(what, stop, work));
    }

    /// Lets commands talk to this server. Where the socket can't be had, mail goes on without it; one that a saslgate that
    /// is just ending still has is waited for.
    fn attend(&self, control: Result<Control, ControlError>, path: PathBuf, file: Option<PathBuf>) {
        let stop = self.stop_accepting.clone();
        let desk: Arc<dyn Operations> = Arc::clone(&self.house.desk) as _;
        let orders = self.orders.clone();
        self.tasks.spawn(async move {
            let mut control = control;
            if let Err(ControlError::InUse(path)) = &control {
                tracing::info!(
                    path = %path.display(),
                    fix = "if it is to go on: give this one's file `control` in [server] and `path` in [store]",
                    "another saslgate has the socket that commands use; this one has it once that one has ended"
                );
            }
            while let Err(ControlError::InUse(_)) = control {
                tokio::select! {
                    () = sleep(LOOK_AGAIN) => control = Control::bind(&path),
                    () = stop.cancelled() => return,
                }
            }
            match control {
                Ok(control) => control.serve(file, desk, orders, stop).await,
                Err(error) => tracing::warn!(
                    what = %error,
                    fix = "name a place that only saslgate's user can write with `control` in [server]",
                    "commands such as `saslgate status` can't talk to this server"
                ),
            }
        });
    }

    /// Where probes and scrapes are answered, with the ports that the system chose.
    pub fn health_addresses(&self) -> &[SocketAddr] {
        self.answering
            .as_ref()
            .map_or(&[], |answering| &answering.addresses)
    }

    /// What is counted.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.house.context.metrics
    }

    /// Where it listens, in the configuration's order, with the ports that the system chose.
    pub fn addresses(&self) -> Vec<(Protocol, SocketAddr)> {
        self.listeners.addresses()
    }

    /// How many sessions are logged in.
    pub fn logged_in(&self) -> usize {
        self.house.context.registry.len()
    }

    /// How many requests for tokens there were.
    pub fn token_requests(&self) -> crate::token::Counts {
        self.house.context.tokens.counts()
    }

    /// Takes another configuration, or nothing of it. Sessions of what is gone end; all others go on.
    pub async fn reload(&mut self, config: Config) -> Result<ReloadPlan, StartError> {
        let plan = config::diff(&self.snapshot, &config.snapshot);
        let certificates = house::certificates(&config);
        // What can fail comes first.
        let (devices, limits) = (devices(&config.listeners), limits(&config.limits));
        let rooms =
            rooms(config.accounts, devices, &self.house.shared, limits).map_err(StartError::prepare)?;
        let ways = ways(&config.upstream)?;
        let password_changed = self.snapshot.admin_password() != config.snapshot.admin_password();
        let page = admin::prepare(config.admin, &config.state.store.path, self.page.as_ref());
        let page = page.map_err(|error| self.of_own_port(error))?;
        let prepared = self.listeners.prepare(config.listeners).await;
        let prepared = prepared.map_err(|error| self.of_own_port(error))?;
        // A device that is new at a listener has to be known when it comes there.
        self.house.take(ways, rooms);
        self.listeners.change_to(prepared).await;
        let ended = self.end_sessions_of_what_is_gone();
        self.admission.limit(admitted(&config.limits));
        let doors = self.listeners.doors();
        self.house.desk.reload(config.apps, doors, certificates);
        self.answer_page(page, password_changed)?;
        self.house.alerts.change(config.alert);
        if plan.tables.contains(&"[log]")
            && let Err(error) = log::change(&config.log)
        {
            tracing::error!(%error, "the log goes on as it was");
        }
        self.drain = config.server.drain;
        self.snapshot = config.snapshot;
        let generation = self.count_reload();
        self.metrics().reloaded();
        audit::reloaded(&plan.to_string(), generation, true);
        tracing::debug!(sessions = ended, "sessions of what is gone were ended");
        for what in plan.needs_restart() {
            tracing::warn!(
                what,
                fix = "restart saslgate",
                "this change takes effect with the next start"
            );
        }
        Ok(plan)
    }

    /// A login that was authorised before the rooms were swapped enters the registry before it looks at the rooms again: either
    /// it is ended here, or it sees the new rooms.
    fn end_sessions_of_what_is_gone(&self) -> usize {
        let context = &self.house.context;
        let rooms = context.rooms.load();
        context.states.retain(|account| {
            let name = LoginName::parse(account.as_bytes());
            name.is_ok_and(|name| rooms.accounts.meant_by(&name).is_some()) || account.starts_with("*@")
        });
        context.registry.end_where(|by| !rooms.accounts.still_lets_in(by))
    }

    /// One line for whoever asks the supervisor how saslgate is.
    fn in_words(&self) -> String {
        let accounts = self.house.context.rooms.load().accounts.all().len();
        let standing = self.standing.now();
        let refused = standing.refused.map_or(
            "",
            |_| "; the last change of the configuration was refused: see the log",
        );
        format!(
            "accounts: {accounts}, addresses: {}, configuration {}{refused}",
            self.listeners.addresses().len(),
            standing.generation
        )
    }
}

fn admitted(limits: &config::Limits) -> sessions::Limits {
    sessions::Limits {
        connections: limits.connections as usize,
        per_source: limits.connections_per_source as usize,
    }
}
