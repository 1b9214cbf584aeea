//! The listeners that run: one for each bound address. Another configuration changes what they do, adds and removes some, and
//! never touches the socket of one that stays.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::StartError;
use super::pulse::Pulse;
use super::supervisor::Inherited;
use crate::config::collide;
use crate::listener::{Entry, Listener, Settings, TlsMode, bind, take_over};
use crate::peer::Peer;
use crate::probe::{Door, DoorTls};
use crate::provider::Protocol;
use crate::session::Context;
use crate::sessions::Admission;

/// What every listener needs.
pub(super) struct Ground {
    pub(super) admission: Arc<Admission>,
    pub(super) context: Arc<Context>,
    /// Tells when one has ended that should go on.
    pub(super) pulse: Arc<Pulse>,
    /// Sockets that a supervisor holds.
    pub(super) inherited: Inherited,
    /// Ends all of them.
    pub(super) stop: CancellationToken,
    /// Their tasks.
    pub(super) tasks: TaskTracker,
    /// The sessions that they begin.
    pub(super) sessions: TaskTracker,
}

/// The listeners that run, in the configuration's order.
pub(super) struct Listeners {
    ground: Ground,
    running: Vec<Running>,
}

struct Running {
    /// As the configuration has it: the port may be 0.
    address: SocketAddr,
    /// As the system has it.
    bound: SocketAddr,
    entry: Arc<ArcSwap<Entry>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// An address of the next configuration.
struct Wanted {
    address: SocketAddr,
    settings: Arc<Settings>,
    place: Option<Place>,
}

/// Listeners of another configuration, bound and not yet in use.
pub(super) struct Prepared {
    wanted: Vec<Wanted>,
    entries: Vec<Arc<Entry>>,
}

/// How it will be listened to.
enum Place {
    /// By what runs already.
    Running(usize),
    /// By a socket that was bound for it.
    Bound(TcpListener),
}

impl Listeners {
    pub(super) fn new(ground: Ground) -> Self {
        Self {
            ground,
            running: Vec::new(),
        }
    }

    /// Listens where these settings say, for the first time.
    pub(super) fn open(&mut self, settings: Vec<Settings>) -> Result<(), StartError> {
        let mut wanted = wanted(settings);
        let entries = self.entries(&wanted)?;
        self.bind(&mut wanted)?;
        self.settle(Prepared { wanted, entries });
        self.ground.inherited.tell_unwanted();
        Ok(())
    }

    /// Prepares to listen where these settings say. If that can't be had, all is as before.
    pub(super) async fn prepare(&mut self, settings: Vec<Settings>) -> Result<Prepared, StartError> {
        let mut wanted = wanted(settings);
        let entries = self.entries(&wanted)?;
        self.keep(&mut wanted);
        let given_up = self.make_way(&wanted).await;
        if let Err(error) = self.bind(&mut wanted) {
            // With the sockets that were bound already, which would be in the way now.
            drop(wanted);
            self.take_back(given_up);
            return Err(error);
        }
        Ok(Prepared { wanted, entries })
    }

    /// Listens as was prepared, and nowhere else any more.
    pub(super) async fn change_to(&mut self, prepared: Prepared) {
        for mut gone in self.settle(prepared) {
            gone.end().await;
        }
    }

    /// Puts everything in its place, and hands back what has none any more.
    fn settle(&mut self, prepared: Prepared) -> Vec<Running> {
        let Prepared { wanted, entries } = prepared;
        let mut before: Vec<_> = self.running.drain(..).map(Some).collect();
        for (wanted, entry) in wanted.into_iter().zip(entries) {
            let running = match wanted.place {
                Some(Place::Running(at)) => before[at].take().inspect(|running| running.serve(entry)),
                Some(Place::Bound(socket)) => self.start(wanted.address, socket, entry),
                // An address of a family that this machine does not have.
                None => None,
            };
            self.running.extend(running);
        }
        before.into_iter().flatten().collect()
    }

    /// Where it is listened, with the ports that the system chose.
    pub(super) fn addresses(&self) -> Vec<(Protocol, SocketAddr)> {
        let address = |running: &Running| (running.entry.load().settings().protocol, running.bound);
        self.running.iter().map(address).collect()
    }

    /// The supervisor's socket that is in the way of one at that address, if there is one.
    pub(super) fn inherited(&self, address: SocketAddr) -> Option<SocketAddr> {
        self.ground.inherited.in_the_way_of(address)
    }

    /// What whoever tries the listeners has to know of them.
    pub(super) fn doors(&self) -> Vec<Door> {
        self.running.iter().map(Running::door).collect()
    }

    fn entries(&self, wanted: &[Wanted]) -> Result<Vec<Arc<Entry>>, StartError> {
        let Ground {
            admission, context, ..
        } = &self.ground;
        let entry = |wanted: &Wanted| {
            let settings = Arc::clone(&wanted.settings);
            Entry::prepare(settings, Arc::clone(admission), Arc::clone(context))
                .map(Arc::new)
                .map_err(|error| StartError::Certificate(wanted.settings.protocol, error))
        };
        wanted.iter().map(entry).collect()
    }

    /// Gives each wanted address the socket that is bound to it, rather one that speaks the same protocol: of several with
    /// port 0, nothing else tells them apart, and another protocol there is another port.
    fn keep(&self, wanted: &mut [Wanted]) {
        let mut taken = vec![false; self.running.len()];
        for same_protocol in [true, false] {
            for wanted in wanted.iter_mut().filter(|wanted| wanted.place.is_none()) {
                let fits = |(at, running): &(usize, &Running)| {
                    let protocol = running.entry.load().settings().protocol;
                    !taken[*at]
                        && running.address == wanted.address
                        && (same_protocol || wanted.address.port() != 0)
                        && (protocol == wanted.settings.protocol) == same_protocol
                };
                let found = self.running.iter().enumerate().find(fits).map(|(at, _)| at);
                if let Some(at) = found {
                    taken[at] = true;
                    wanted.place = Some(Place::Running(at));
                }
            }
        }
    }

    /// Stops what goes and has a port that is wanted: the system would not let both have it.
    async fn make_way(&mut self, wanted: &[Wanted]) -> Vec<usize> {
        let mut given_up = Vec::new();
        let is_staying = |at| wanted.iter().any(|wanted| wanted.is_served_by(at));
        let fresh = || wanted.iter().filter(|wanted| wanted.place.is_none());
        for (at, running) in self.running.iter_mut().enumerate() {
            let in_the_way = fresh().any(|wanted| collide(wanted.address, running.address));
            if in_the_way && !is_staying(at) {
                running.end().await;
                given_up.push(at);
            }
        }
        given_up
    }

    /// Binds what is not bound yet.
    fn bind(&self, wanted: &mut [Wanted]) -> Result<(), StartError> {
        for wanted in wanted.iter_mut().filter(|wanted| wanted.place.is_none()) {
            let address = wanted.address;
            match self.socket(address) {
                Ok(socket) => wanted.place = Some(Place::Bound(socket)),
                // `localhost` and every address mean both families, and a container often has only one of them.
                Err(error) if wanted.may_lack_address() && is_missing_family(&error) => {
                    tracing::warn!(%address, %error, "this machine has no such address; the listener's others are used");
                }
                Err(error) => return Err(cannot_bind(wanted, error)),
            }
        }
        no_listener_is_without_address(wanted)
    }

    fn socket(&self, address: SocketAddr) -> io::Result<TcpListener> {
        match self.ground.inherited.socket(address) {
            Some(socket) => take_over(socket?),
            None => bind(address),
        }
    }

    fn start(&self, address: SocketAddr, socket: TcpListener, entry: Arc<Entry>) -> Option<Running> {
        let bound = socket.local_addr().ok()?;
        let Settings { protocol, tls, .. } = entry.settings();
        tracing::info!(%protocol, address = %bound, ?tls, "listening");
        tell_devices(entry.settings());
        let what = format!("the {protocol} listener {bound}");
        let entry = Arc::new(ArcSwap::new(entry));
        let Ground {
            pulse,
            stop,
            tasks,
            sessions,
            ..
        } = &self.ground;
        let listener = Listener::new(socket, Arc::clone(&entry));
        let stop = stop.child_token();
        let listening = listener.run(stop.clone(), sessions.clone());
        Some(Running {
            address,
            bound,
            entry,
            task: tasks.spawn(pulse.keep(&what, stop.clone(), listening)),
            stop,
        })
    }

    /// Listens again where it was given up for something that could not be had.
    fn take_back(&mut self, given_up: Vec<usize>) {
        for at in given_up {
            let (address, entry) = (self.running[at].bound, self.running[at].entry.load_full());
            let again = self.socket(address).ok();
            match again.and_then(|socket| self.start(address, socket, entry)) {
                Some(running) => self.running[at] = running,
                None => {
                    tracing::error!(%address, "a listener that was stopped for another one can't be had again; restart saslgate");
                }
            }
        }
    }
}

impl Running {
    /// Serves by another configuration from the next connection on.
    fn serve(&self, entry: Arc<Entry>) {
        let before = self.entry.swap(entry);
        let now = self.entry.load();
        if now.settings().devices != before.settings().devices {
            tell_devices(now.settings());
        }
    }

    /// Ends it, until its socket is closed; the sessions that it began go on.
    async fn end(&mut self) {
        if self.task.is_finished() {
            return;
        }
        self.stop.cancel();
        let _ = (&mut self.task).await;
        let protocol = self.entry.load().settings().protocol;
        tracing::info!(%protocol, address = %self.bound, "no longer listening");
    }

    fn door(&self) -> Door {
        let entry = self.entry.load();
        let settings = entry.settings();
        let identity = settings.identity.as_ref();
        let mut door = Door {
            protocol: settings.protocol,
            address: self.bound,
            tls: match settings.tls {
                TlsMode::Off => DoorTls::Never,
                TlsMode::StartTls | TlsMode::StartTlsOptional => DoorTls::StartTls,
                TlsMode::Implicit => DoorTls::Implicit,
            },
            own: identity.and_then(|identity| identity.cert.first().cloned()),
            certificate: settings.files.as_ref().map(|files| files.certificate.clone()),
            lets_us_in: true,
        };
        let from_here = Peer::new(door.reached_at());
        let is_allowed = settings.allow_from.is_empty() || from_here.is_in(&settings.allow_from);
        door.lets_us_in = is_allowed && settings.proxy_from.is_empty();
        door
    }
}

impl Wanted {
    fn is_served_by(&self, at: usize) -> bool {
        matches!(self.place, Some(Place::Running(running)) if running == at)
    }

    fn may_lack_address(&self) -> bool {
        let ip = self.address.ip();
        (ip.is_loopback() || ip.is_unspecified()) && self.settings.bind.len() > 1
    }
}

/// Who may send without a password is nothing that anybody should have to find out.
fn tell_devices(settings: &Settings) {
    for (network, login) in settings.devices.entries() {
        tracing::info!(%network, %login, "{network} may send as {login} without a password");
    }
}

fn wanted(settings: Vec<Settings>) -> Vec<Wanted> {
    let each = |settings: Settings| {
        let settings = Arc::new(settings);
        let addresses = settings.bind.clone();
        addresses.into_iter().map(move |address| Wanted {
            address,
            settings: Arc::clone(&settings),
            place: None,
        })
    };
    settings.into_iter().flat_map(each).collect()
}

/// All or nothing: of a listener's addresses, at least one has to be there.
fn no_listener_is_without_address(wanted: &[Wanted]) -> Result<(), StartError> {
    let settled = |settings: &Arc<Settings>| {
        let mut own = wanted
            .iter()
            .filter(|other| Arc::ptr_eq(&other.settings, settings));
        own.any(|other| other.place.is_some())
    };
    match wanted.iter().find(|wanted| !settled(&wanted.settings)) {
        Some(nowhere) => Err(cannot_bind(nowhere, io::ErrorKind::AddrNotAvailable.into())),
        None => Ok(()),
    }
}

pub(super) fn is_missing_family(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

fn cannot_bind(wanted: &Wanted, error: io::Error) -> StartError {
    StartError::Bind {
        address: wanted.address,
        protocol: wanted.settings.protocol,
        error,
    }
}
