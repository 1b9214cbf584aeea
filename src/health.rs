//! A listener for probes and scrapes: `/healthz`, `/readyz` and `/metrics`, without login.
//!
//! It is meant for a kubelet and a Prometheus that reach a pod by its address, so the `Host` header is not looked at, and
//! nothing secret and nothing that changes anything may ever be here. It has connections of its own: whoever floods it takes none
//! from mail clients.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::ALLOW;
use http::{HeaderValue, Method, StatusCode};
use ipnet::IpNet;
use tokio::net::TcpListener;

use crate::metrics;
use crate::peer::Peer;
use crate::web::{self, Answer, Asked, Bounds, Site};

/// A question has no body. Connections are half of the descriptors that `[limits]` leaves for everything but mail, and an answer
/// is a megabyte at most, over a slow line.
const BOUNDS: Bounds = Bounds {
    body: 0,
    at_once: 32,
    whole: Duration::from_secs(30),
};

/// Plain words.
const TEXT: &str = "text/plain; charset=utf-8";

/// What `[health]` resolved to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Where it listens.
    pub bind: Vec<SocketAddr>,
    /// Networks that may connect beside this machine; empty means anywhere.
    pub allow_from: Vec<IpNet>,
    /// Whether names of accounts may be shown.
    pub account_names: bool,
}

/// An answer to a question whose answer is yes or no.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// Whether it is yes.
    pub yes: bool,
    /// One line, and one more for everything that is wrong and survived.
    pub text: String,
}

/// What takes a moment to say.
pub type Saying<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who knows how saslgate is.
pub trait Vitals: Send + Sync + 'static {
    /// Whether it is as well as it can be: no means that a restart would help.
    fn healthy(&self) -> Saying<'_, Verdict>;

    /// Whether mail clients are served: no means that it starts or stops.
    fn ready(&self) -> Verdict;

    /// The page for Prometheus, of [`metrics::CONTENT_TYPE`].
    fn metrics(&self) -> Saying<'_, String>;
}

impl fmt::Debug for dyn Vitals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vitals")
    }
}

/// The listener.
#[derive(Debug)]
pub struct Health {
    sockets: Vec<Arc<TcpListener>>,
    allow_from: Vec<IpNet>,
}

/// What answers there.
struct Questions {
    allow_from: Vec<IpNet>,
    vitals: Arc<dyn Vitals>,
}

impl Health {
    /// A listener on sockets that somebody has bound.
    pub fn new(sockets: Vec<TcpListener>, settings: &Settings) -> Self {
        Self {
            sockets: sockets.into_iter().map(Arc::new).collect(),
            allow_from: settings.allow_from.clone(),
        }
    }

    /// Where it listens, with the ports that the system chose.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let addresses = self.sockets.iter().map(|socket| socket.local_addr());
        addresses.filter_map(Result::ok).collect()
    }

    /// Answers until it is dropped.
    pub async fn serve(self, vitals: Arc<dyn Vitals>) {
        let allow_from = self.allow_from;
        web::serve(self.sockets, Arc::new(Questions { allow_from, vitals })).await;
    }
}

impl Site for Questions {
    fn bounds(&self) -> Bounds {
        BOUNDS
    }

    /// This machine always may: `saslgate health` asks from here, by whatever address the listener has.
    fn lets_in(&self, peer: &Peer, own: &Peer) -> bool {
        let is_own = peer.is_loopback() || peer.address() == own.address();
        self.allow_from.is_empty() || peer.is_in(&self.allow_from) || is_own
    }

    fn authority(&self) -> Option<Arc<str>> {
        None
    }

    fn misdirected(&self) -> Answer {
        not_found()
    }

    async fn answer(&self, asked: Asked) -> Answer {
        if !matches!(asked.method, Method::GET | Method::HEAD) {
            let mut refused = web::answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, "GET or HEAD\n");
            let allowed = HeaderValue::from_static("GET, HEAD");
            refused.headers_mut().insert(ALLOW, allowed);
            return refused;
        }
        match asked.uri.path() {
            "/healthz" => judged(self.vitals.healthy().await),
            "/readyz" => judged(self.vitals.ready()),
            "/metrics" => web::answer(StatusCode::OK, metrics::CONTENT_TYPE, self.vitals.metrics().await),
            _ => not_found(),
        }
    }
}

fn not_found() -> Answer {
    web::answer(StatusCode::NOT_FOUND, TEXT, "/healthz, /readyz or /metrics\n")
}

fn judged(verdict: Verdict) -> Answer {
    let status = if verdict.yes {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    web::answer(status, TEXT, verdict.text + "\n")
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;
    use crate::listener::bind;

    /// A saslgate that a restart would help, and that is starting.
    struct Broken;

    impl Vitals for Broken {
        fn healthy(&self) -> Saying<'_, Verdict> {
            Box::pin(async {
                Verdict {
                    yes: false,
                    text: "a restart would help: ended by a defect: the imap listener".into(),
                }
            })
        }

        fn ready(&self) -> Verdict {
            Verdict {
                yes: false,
                text: "starting".into(),
            }
        }

        fn metrics(&self) -> Saying<'_, String> {
            Box::pin(async { "# EOF\n".to_owned() })
        }
    }

    async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn no_is_503_with_the_reason() {
        let sockets: Vec<_> = (0..2)
            .map(|_| bind("127.0.0.1:0".parse().unwrap()).unwrap())
            .collect();
        let settings = Settings {
            bind: Vec::new(),
            // This machine may always.
            allow_from: vec!["192.0.2.0/24".parse().unwrap()],
            account_names: false,
        };
        let health = Health::new(sockets, &settings);
        let addresses = health.addresses();
        assert_eq!(addresses.len(), 2);
        let serving = tokio::spawn(health.serve(Arc::new(Broken)));
        for address in addresses {
            let healthy = get(address, "/healthz").await;
            assert!(healthy.starts_with("HTTP/1.1 503 "), "{healthy}");
            assert!(healthy.ends_with("the imap listener\n"), "{healthy}");
            let ready = get(address, "/readyz").await;
            assert!(ready.starts_with("HTTP/1.1 503 ") && ready.ends_with("\r\n\r\nstarting\n"));
            let page = get(address, "/metrics").await;
            assert!(page.starts_with("HTTP/1.1 200 ") && page.ends_with("\r\n\r\n# EOF\n"));
        }
        serving.abort();
    }
}
