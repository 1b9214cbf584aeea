//! A listener for probes and scrapes: `/healthz`, `/readyz` and `/metrics`, without login.
//!
//! It is meant for a kubelet and a Prometheus that reach a pod by its address, so the `Host` header is not looked at, and
//! nothing secret and nothing that changes anything may ever be here. It has connections of its own: whoever floods it takes none
//! from mail clients.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::metrics;
use crate::peer::Peer;

/// How long a request line and its headers may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection may take in all: one answer of a megabyte at most, over a slow line.
const WHOLE: Duration = Duration::from_secs(30);

/// The longest request head.
const MAX_HEAD: usize = 16 * 1024;

/// Connections at one time: half of the descriptors that `[limits]` leaves for everything but mail.
const AT_ONCE: usize = 32;

/// How long accepting pauses when the system has nothing for another connection.
const OUT_OF_RESOURCES_PAUSE: Duration = Duration::from_millis(100);

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
    sockets: Vec<TcpListener>,
    allow_from: Vec<IpNet>,
}

impl Health {
    /// A listener on sockets that somebody has bound.
    pub fn new(sockets: Vec<TcpListener>, settings: &Settings) -> Self {
        Self {
            sockets,
            allow_from: settings.allow_from.clone(),
        }
    }

    /// Where it listens, with the ports that the system chose.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let addresses = self.sockets.iter().map(TcpListener::local_addr);
        addresses.filter_map(Result::ok).collect()
    }

    /// Answers until it is dropped, and its connections with it.
    pub async fn serve(self, vitals: Arc<dyn Vitals>) {
        let mut connections = JoinSet::new();
        let mut oldest_first: VecDeque<AbortHandle> = VecDeque::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                Some(_) = connections.join_next() => continue,
            };
            let Ok((stream, address)) = accepted else {
                sleep(OUT_OF_RESOURCES_PAUSE).await;
                continue;
            };
            if !self.lets_in(&stream, address) {
                continue;
            }
            oldest_first.retain(|connection| !connection.is_finished());
            // Whoever has said nothing for longest goes: an answer takes milliseconds, and a flood must not make a kubelet
            // believe that a restart would help.
            if oldest_first.len() >= AT_ONCE
                && let Some(oldest) = oldest_first.pop_front()
            {
                oldest.abort();
            }
            oldest_first.push_back(connections.spawn(attend(stream, Arc::clone(&vitals))));
        }
    }

    /// The next connection to any of the sockets.
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        poll_fn(|cx| {
            let mut accepting = self.sockets.iter().map(|socket| socket.poll_accept(cx));
            accepting.find(Poll::is_ready).unwrap_or(Poll::Pending)
        })
        .await
    }

    /// This machine always may: `saslgate health` asks from here, by whatever address the listener has.
    fn lets_in(&self, stream: &TcpStream, address: SocketAddr) -> bool {
        let peer = Peer::new(address);
        let is_own = || {
            stream
                .local_addr()
                .is_ok_and(|own| Peer::new(own).address() == peer.address())
        };
        self.allow_from.is_empty() || peer.is_in(&self.allow_from) || peer.is_loopback() || is_own()
    }
}

/// One connection, one request.
async fn attend(stream: TcpStream, vitals: Arc<dyn Vitals>) {
    let service = service_fn(|request| answer(request, &*vitals));
    let served = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(MAX_HEAD)
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    // Whoever asks badly or hangs up hears nothing more, and the log is not theirs to fill.
    let _ = timeout(WHOLE, served).await;
}

async fn answer(
    request: Request<Incoming>,
    vitals: &dyn Vitals,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = said(StatusCode::METHOD_NOT_ALLOWED, TEXT, "GET or HEAD\n".into());
        let allowed = HeaderValue::from_static("GET, HEAD");
        refused.headers_mut().insert(ALLOW, allowed);
        return Ok(refused);
    }
    Ok(match request.uri().path() {
        "/healthz" => judged(vitals.healthy().await),
        "/readyz" => judged(vitals.ready()),
        "/metrics" => said(StatusCode::OK, metrics::CONTENT_TYPE, vitals.metrics().await),
        _ => said(
            StatusCode::NOT_FOUND,
            TEXT,
            "/healthz, /readyz or /metrics\n".into(),
        ),
    })
}

fn judged(verdict: Verdict) -> Response<Full<Bytes>> {
    let status = if verdict.yes {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    said(status, TEXT, verdict.text + "\n")
}

fn said(status: StatusCode, content_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ];
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

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
