//! Where a browser lands after a sign-in: the redirect URI, listened to while somebody signs in.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use url::{Host, Url};

use crate::control::TroubleTold;
use crate::listener::bind;
use crate::web::{self, Answer, Asked, Bounds, Notice, Site};

/// A browser opens a few connections ahead of need. The one with the code waits until that is redeemed and the mailbox was tried.
const BOUNDS: Bounds = Bounds {
    body: 0,
    at_once: 16,
    whole: Duration::from_secs(3 * 60),
};

/// A request that a browser made here, and the way to answer it.
pub(super) struct Landed {
    /// Path and query. They hold the code.
    pub(super) target: String,
    /// Takes the page that the person will see.
    answer: oneshot::Sender<Notice>,
    /// Closed once the browser has it.
    connection: watch::Receiver<()>,
}

impl Landed {
    /// Shows a page, and waits until the browser has it or has gone.
    pub(super) async fn show(mut self, page: Notice) {
        let _ = self.answer.send(page);
        let _ = timeout(web::PATIENCE, self.connection.changed()).await;
    }
}

/// Listens at a redirect URI.
pub(super) struct Landing {
    sockets: Vec<Arc<TcpListener>>,
    /// What the `Host` header has to say: a page elsewhere whose name was made to point here says another.
    authority: Arc<str>,
}

impl Landing {
    /// Binds what the redirect URI names. `localhost` is what Entra ID's portal accepts without fuss, and both families
    /// of it are bound, because a browser may try either first.
    pub(super) fn bind(redirect_uri: &str) -> Result<Self, TroubleTold> {
        let url = Url::parse(redirect_uri).map_err(|_| not_here(redirect_uri))?;
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(not_here(redirect_uri));
        };
        let v4 = IpAddr::from(Ipv4Addr::LOCALHOST);
        let v6 = IpAddr::from(Ipv6Addr::LOCALHOST);
        let addresses = match host {
            Host::Domain("localhost") => vec![v4, v6],
            Host::Ipv4(address) if address.is_loopback() => vec![address.into()],
            Host::Ipv6(address) if address.is_loopback() => vec![v6],
            _ => return Err(not_here(redirect_uri)),
        };
        if url.scheme() != "http" {
            return Err(not_here(redirect_uri));
        }
        let bound: Vec<_> = addresses
            .into_iter()
            .map(|address| bind(SocketAddr::new(address, port)))
            .collect();
        let (sockets, errors): (Vec<_>, Vec<_>) = bound.into_iter().partition(Result::is_ok);
        let in_use = |error: &io::Error| error.kind() == io::ErrorKind::AddrInUse;
        let mut errors = errors.into_iter().filter_map(Result::err);
        // A machine without IPv6 has one of them; a port that somebody else has on the other would get the code.
        match errors.find(|error| in_use(error) || sockets.is_empty()) {
            Some(error) => Err(taken(port, &error)),
            None => Ok(Self {
                sockets: sockets.into_iter().filter_map(Result::ok).map(Arc::new).collect(),
                authority: url[url::Position::BeforeHost..url::Position::AfterPort].into(),
            }),
        }
    }

    /// Hands on what browsers ask for, until it is dropped.
    pub(super) async fn serve(self, landed: mpsc::Sender<Landed>) {
        let Self { sockets, authority } = self;
        web::serve(sockets, Arc::new(Ground { authority, landed })).await;
    }
}

/// What answers there.
struct Ground {
    authority: Arc<str>,
    landed: mpsc::Sender<Landed>,
}

impl Site for Ground {
    fn bounds(&self) -> Bounds {
        BOUNDS
    }

    fn authority(&self) -> Option<Arc<str>> {
        Some(Arc::clone(&self.authority))
    }

    fn misdirected(&self) -> Answer {
        Notice::new(
            StatusCode::MISDIRECTED_REQUEST,
            "Not here",
            "This address belongs to a sign-in of saslgate under another name.",
        )
        .answer()
    }

    async fn answer(&self, asked: Asked) -> Answer {
        let target = asked.uri.path_and_query().map(ToString::to_string);
        let page = match target {
            Some(target) if asked.method == Method::GET => self.hand_on(target, asked.sent).await,
            _ => Notice::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "Not this way",
                "A sign-in ends here with a plain page load.",
            ),
        };
        page.answer()
    }
}

impl Ground {
    async fn hand_on(&self, target: String, connection: watch::Receiver<()>) -> Notice {
        let (answer, answered) = oneshot::channel();
        let handed = self.landed.send(Landed {
            target,
            answer,
            connection,
        });
        let page = if handed.await.is_ok() {
            answered.await.ok()
        } else {
            None
        };
        page.unwrap_or_else(|| {
            Notice::new(
                StatusCode::GONE,
                "Nobody waits here any more",
                "The sign-in has ended. Begin it again with `saslgate sign-in`.",
            )
        })
    }
}

fn not_here(redirect_uri: &str) -> TroubleTold {
    TroubleTold {
        code: None,
        what: format!("saslgate can't wait at {redirect_uri} for the browser"),
        why: "it listens only at http:// addresses of this machine: localhost, 127.0.0.1 or [::1]".into(),
        fix: "run the same command with --paste: the browser ends at that address, and what its address line then shows is pasted here"
            .into(),
    }
}

fn taken(port: u16, error: &io::Error) -> TroubleTold {
    TroubleTold {
        code: None,
        what: format!("saslgate can't wait at port {port} of this machine for the browser: {error}"),
        why: "another sign-in is going on, or another program has the port".into(),
        fix: "end the other sign-in, or run the same command with --paste; if another program keeps the port, set `redirect_uri` of the app to another port, and register that \
              in the portal (App registrations > your app > Authentication)"
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_this_machine_is_listened_to() {
        let elsewhere = [
            "https://localhost:8425/",
            "http://192.0.2.1:8425/",
            "http://mail.example:8425/",
            "https://host.example/oauth/callback",
            "urn:ietf:wg:oauth:2.0:oob",
        ];
        for redirect_uri in elsewhere {
            let trouble = Landing::bind(redirect_uri).err().unwrap();
            assert!(trouble.fix.contains("--paste"), "{redirect_uri}");
        }
        assert_eq!(elsewhere.len(), 5);
    }

    /// O5, RFC 8252 8.3: whoever had the port on one of this machine's addresses would be sent the code.
    #[tokio::test]
    async fn a_port_that_somebody_has_is_told() {
        let holders = ["127.0.0.1", "0.0.0.0", "::1", "::"].map(|held| held.parse::<IpAddr>().unwrap());
        for held in holders {
            let holder = bind(SocketAddr::new(held, 0)).unwrap();
            let port = holder.local_addr().unwrap().port();
            let trouble = Landing::bind(&format!("http://localhost:{port}/")).err().unwrap();
            assert!(
                trouble.what.contains(&port.to_string()),
                "{held}: {}",
                trouble.what
            );
        }
    }

    /// O5: while a sign-in goes on nobody takes the port beside it, however politely they ask the system; and it is let go of then.
    #[tokio::test]
    async fn a_port_that_is_listened_to_is_nobody_elses() {
        // Of those that the system gives to nobody who asks for any port.
        let begin = 12_000 + u16::try_from(std::process::id() % 18_000).unwrap();
        let mut free = begin..32_000;
        let (free, landing) = free
            .find_map(|port| Some((port, Landing::bind(&format!("http://localhost:{port}/")).ok()?)))
            .unwrap();
        let addresses: Vec<_> = landing
            .sockets
            .iter()
            .map(|socket| socket.local_addr().unwrap())
            .collect();
        assert_eq!(addresses.len(), 2);
        for address in &addresses {
            assert!(address.ip().is_loopback() && address.port() == free, "{address}");
            assert!(sharing(*address).is_err(), "{address} is shared");
        }
        drop(landing);
        for address in addresses {
            assert!(sharing(address).is_ok(), "{address} is not let go of");
        }
    }

    /// A socket that would share its address with others.
    fn sharing(address: SocketAddr) -> io::Result<socket2::Socket> {
        let socket =
            socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
        socket.set_reuse_port(true)?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(1)?;
        Ok(socket)
    }
}
