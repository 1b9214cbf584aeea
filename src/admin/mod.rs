//! The admin page: how accounts stand, and what an operator does about it, in a browser. Off unless `[admin]` is configured.
//!
//! It needs no script and nothing from elsewhere. What it shows and does goes through [`Operations`], as it does for commands: no
//! secret ever reaches it, except for the addresses and codes that a person who signs in has to be shown. Three kinds of visitors
//! come: operators, who log in; owners of mailboxes, who bring a link; and browsers on their way back from a provider, which are
//! known by a cookie of that one sign-in.

mod account;
pub mod bootstrap;
mod callback;
mod cookie;
mod form;
mod link;
mod login;
mod look;
mod origin;
mod overview;
mod page;
mod prose;
mod routes;
mod session;
mod sign_in;
mod sign_out;
mod signing_in;
mod table;
mod test;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::StatusCode;
use ipnet::IpNet;
use rustls::sign::CertifiedKey;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::account::{OnePassword, PasswordHash, Shared};
use crate::control::{News, Operations, Operator, Order, talk};
use crate::listener::{acceptor, identity};
use crate::peer::Peer;
use crate::web::{Answer, Asked, Bounds, Notice, Site};
use session::Sessions;
use signing_in::SignIns;

/// Where browsers come back to after a sign-in, below the page's own address.
pub const CALLBACK: &str = "/oauth/callback";

/// A form is short; a browser opens a handful of connections; whoever guesses at the password waits 20 seconds.
const BOUNDS: Bounds = Bounds {
    body: 64 * 1024,
    at_once: 64,
    whole: Duration::from_secs(60),
};

/// What `[admin]` resolved to.
#[derive(Debug)]
pub struct Settings {
    /// Where it listens.
    pub bind: Vec<SocketAddr>,
    /// By which address people reach it: without a path.
    pub url: Url,
    /// Certificate and key, where TLS is spoken here.
    pub identity: Option<Arc<CertifiedKey>>,
    /// The files that they were read from.
    pub files: Option<identity::Files>,
    /// The password; without one, whoever can read the token's file gets in.
    pub password: Option<PasswordHash>,
    /// Whether a proxy in front says where requests come from.
    pub behind_proxy: bool,
    /// Networks that may connect beside this machine; empty means anywhere.
    pub allow_from: Vec<IpNet>,
}

/// The page. It outlives a reload, with whoever is logged in.
pub struct Admin {
    ground: ArcSwap<Ground>,
    sessions: Sessions,
    gate: OnePassword,
    sign_ins: SignIns,
    operations: Arc<dyn Operations>,
    /// Orders are finished even when whoever gave them has gone, because a code that was redeemed is good for nothing else.
    orders: TaskTracker,
    stop: CancellationToken,
}

/// What follows from the configuration in use.
struct Ground {
    password: PasswordHash,
    /// Scheme, host and port: what `Origin` has to say.
    origin: String,
    authority: Arc<str>,
    secure: bool,
    tls: Option<TlsAcceptor>,
    behind_proxy: bool,
    allow_from: Vec<IpNet>,
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Admin")
    }
}

impl Ground {
    fn new(settings: &Settings, password: PasswordHash) -> Result<Self, rustls::Error> {
        let identity = settings.identity.as_ref();
        let tls = identity
            .map(|identity| acceptor(b"http/1.1", identity))
            .transpose()?;
        Ok(Self {
            password,
            origin: settings.url.origin().ascii_serialization(),
            authority: settings.url[url::Position::BeforeHost..url::Position::AfterPort].into(),
            secure: settings.url.scheme() == "https",
            tls,
            behind_proxy: settings.behind_proxy,
            allow_from: settings.allow_from.clone(),
        })
    }
}

impl Admin {
    /// The page of a configuration. `password` is the one that counts: that of the settings, or the token's.
    pub fn new(
        settings: &Settings,
        password: PasswordHash,
        shared: Shared,
        operations: Arc<dyn Operations>,
        orders: TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, rustls::Error> {
        Ok(Self {
            ground: ArcSwap::from_pointee(Ground::new(settings, password)?),
            sessions: Sessions::new(),
            gate: OnePassword::new(shared),
            sign_ins: SignIns::default(),
            operations,
            orders,
            stop,
        })
    }

    /// Takes another configuration, from the next request on. `password_changed`: then nobody is logged in any more.
    pub fn change(
        &self,
        settings: &Settings,
        password: PasswordHash,
        password_changed: bool,
    ) -> Result<(), rustls::Error> {
        self.ground.store(Arc::new(Ground::new(settings, password)?));
        if password_changed {
            self.sessions.end_all();
        }
        Ok(())
    }

    /// Gives an order, as a command does at the socket. It goes on by itself.
    fn give(&self, order: Order) -> (Operator, JoinHandle<()>) {
        let (mut here, there) = talk();
        let operations = Arc::clone(&self.operations);
        let carried_out = self.orders.spawn(async move {
            operations.carry_out(order, &mut here).await;
            here.tell(News::Done).await;
        });
        (there, carried_out)
    }

    /// Gives an order whose first news is all that there is to know.
    async fn ask(&self, order: Order) -> Option<News> {
        let (mut operator, _) = self.give(order);
        operator.hear().await
    }

    /// Where a request comes from, as limits and the log see it: behind a proxy, what that says last of it.
    fn source(&self, asked: &Asked) -> Peer {
        if !self.ground.load().behind_proxy {
            return asked.peer;
        }
        let named = asked.headers.get_all("x-forwarded-for").iter().next_back();
        let named = named.and_then(|named| named.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
        named.map_or(asked.peer, |address: IpAddr| {
            Peer::new(SocketAddr::new(address, 0))
        })
    }
}

impl Site for Admin {
    fn bounds(&self) -> Bounds {
        BOUNDS
    }

    fn lets_in(&self, peer: &Peer, _: &Peer) -> bool {
        let ground = self.ground.load();
        ground.allow_from.is_empty() || peer.is_loopback() || peer.is_in(&ground.allow_from)
    }

    fn tls(&self) -> Option<TlsAcceptor> {
        self.ground.load().tls.clone()
    }

    fn authority(&self) -> Option<Arc<str>> {
        Some(Arc::clone(&self.ground.load().authority))
    }

    fn misdirected(&self) -> Answer {
        let ours = &self.ground.load().origin;
        Notice::new(
            StatusCode::MISDIRECTED_REQUEST,
            "Not here",
            format!("The admin page of saslgate is at {ours}: `url` of [admin] says so. It answers to no other name."),
        )
        .answer()
    }

    async fn answer(&self, asked: Asked) -> Answer {
        self.route(asked).await
    }
}
