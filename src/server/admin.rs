//! The admin page: its sockets, its password, and the task that answers until saslgate stops. It follows a reload.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use super::StartError;
use super::house::House;
use super::listeners::is_missing_family;
use crate::account::PasswordHash;
use crate::admin::{Admin, Settings, bootstrap};
use crate::control::Operations;
use crate::listener::bind;
use crate::web;

/// An address of the configuration, and what is bound to it.
type Bound = (SocketAddr, Arc<TcpListener>);

/// What was had for the page of a configuration, and is not in use yet.
pub(super) struct Prepared {
    settings: Settings,
    password: PasswordHash,
    sockets: Vec<Bound>,
}

/// The page while it answers.
pub(super) struct Page {
    admin: Arc<Admin>,
    sockets: Vec<Bound>,
    /// Ends the answering at these sockets.
    answering: CancellationToken,
}

/// Has everything that can fail, if there is to be a page. What `running` has bound already is taken over; `store` is the token
/// store's path.
pub(super) fn prepare(
    settings: Option<Settings>,
    store: &Path,
    running: Option<&Page>,
) -> Result<Option<Prepared>, StartError> {
    let Some(settings) = settings else {
        return Ok(None);
    };
    let sockets = sockets(&settings, running)?;
    let password = match &settings.password {
        Some(password) => password.clone(),
        None => bootstrap::token(&bootstrap::path(store)).map_err(StartError::prepare)?,
    };
    Ok(Some(Prepared {
        settings,
        password,
        sockets,
    }))
}

fn sockets(settings: &Settings, running: Option<&Page>) -> Result<Vec<Bound>, StartError> {
    let mut sockets: Vec<Bound> = Vec::new();
    let mut missing = None;
    for &address in &settings.bind {
        let known = running.and_then(|page| page.sockets.iter().find(|(known, _)| *known == address));
        let socket = match known {
            Some((_, socket)) => Ok(Arc::clone(socket)),
            None => bind(address).map(Arc::new),
        };
        match socket {
            Ok(socket) => sockets.push((address, socket)),
            // `localhost` means both families, and a container often has only one of them.
            Err(error) if address.ip().is_loopback() && is_missing_family(&error) => {
                missing = Some(StartError::Admin { address, error });
            }
            Err(error) => return Err(StartError::Admin { address, error }),
        }
    }
    match missing.filter(|_| sockets.is_empty()) {
        Some(error) => Err(error),
        None => Ok(sockets),
    }
}

impl Prepared {
    /// By which address people will reach it.
    pub(super) const fn url(&self) -> &Url {
        &self.settings.url
    }
}

/// What the page needs to answer.
pub(super) struct Ground<'a> {
    pub(super) house: &'a House,
    /// What operators have asked for and is not done yet.
    pub(super) orders: &'a TaskTracker,
    pub(super) tasks: &'a TaskTracker,
    pub(super) stop: &'a CancellationToken,
}

impl Ground<'_> {
    /// Answers from now on as was prepared, by the page that runs if there is one.
    pub(super) fn open(
        &self,
        prepared: Prepared,
        running: Option<Page>,
        password_changed: bool,
    ) -> Result<Page, StartError> {
        let Prepared {
            settings,
            password,
            sockets,
        } = prepared;
        let admin = if let Some(page) = running {
            let changed = page.admin.change(&settings, password, password_changed);
            changed.map_err(StartError::prepare)?;
            if page.is_at(&sockets) {
                return Ok(page);
            }
            Arc::clone(&page.admin)
        } else {
            let desk: Arc<dyn Operations> = Arc::clone(&self.house.desk) as _;
            let shared = self.house.shared.clone();
            let (orders, stop) = (self.orders.clone(), self.stop.clone());
            let admin = Admin::new(&settings, password, shared, desk, orders, stop);
            Arc::new(admin.map_err(StartError::prepare)?)
        };
        Ok(self.answer(admin, sockets, &settings))
    }

    fn answer(&self, admin: Arc<Admin>, sockets: Vec<Bound>, settings: &Settings) -> Page {
        for (_, socket) in &sockets {
            if let Ok(address) = socket.local_addr() {
                tracing::info!(%address, url = %settings.url, "answering at the admin page");
            }
        }
        let answering = self.stop.child_token();
        let until = answering.clone();
        let at = sockets.iter().map(|(_, socket)| Arc::clone(socket)).collect();
        let site = Arc::clone(&admin);
        let work = async move {
            tokio::select! {
                () = web::serve(at, site) => {}
                () = until.cancelled() => {}
            }
        };
        self.tasks
            .spawn(self.house.pulse.keep("the admin page", answering.clone(), work));
        Page {
            admin,
            sockets,
            answering,
        }
    }
}

impl Page {
    /// Where it answers, with the ports that the system chose.
    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.sockets
            .iter()
            .filter_map(|(_, socket)| socket.local_addr().ok())
    }

    fn is_at(&self, sockets: &[Bound]) -> bool {
        let addresses = |sockets: &[Bound]| sockets.iter().map(|(address, _)| *address).collect::<Vec<_>>();
        addresses(&self.sockets) == addresses(sockets)
    }
}

/// Whoever goes takes the listening along.
impl Drop for Page {
    fn drop(&mut self) {
        self.answering.cancel();
    }
}
