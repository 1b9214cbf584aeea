//! HTTP on a listener of its own: what every page and probe of saslgate is served by.
//!
//! A [`Site`] says who may connect, by which name it is called, and what it answers. Here is what none of them may forget: bounds
//! on heads, bodies, times and connections, the `Host` allow-list, and headers that a browser obeys. A connection has one request,
//! and goes on when the listener has ended: its last page is on the way then.

mod crowd;
pub mod html;
mod notice;

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::header::{self, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::peer::Peer;
use crate::secret::Secret;
use crowd::{Crowd, Place};
pub use notice::Notice;

/// How long each may take: TLS, a request line with its headers, a body.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The longest request head: codes of Entra ID have a kilobyte or two.
const MAX_HEAD: usize = 16 * 1024;

/// How long accepting pauses when the system has nothing for another connection.
const OUT_OF_RESOURCES_PAUSE: Duration = Duration::from_millis(100);

/// What every browser is told about every page, unless the page itself says more: nobody keeps it, frames it, learns from where
/// somebody came, or takes it for anything but what it says it is.
const HEADERS: [(HeaderName, &str); 8] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
];

/// What a site allows.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The longest body, in bytes; 0 where none is read.
    pub body: usize,
    /// Connections at one time.
    pub at_once: usize,
    /// How long a connection may take in all.
    pub whole: Duration,
}

/// An answer, whole.
pub type Answer = Response<Full<Bytes>>;

/// A request, whole.
#[derive(Debug)]
pub struct Asked {
    /// What is to be done.
    pub method: Method,
    /// With what.
    pub uri: Uri,
    /// What else was said.
    pub headers: HeaderMap,
    /// What came with it: it may hold a password.
    pub body: Secret<Vec<u8>>,
    /// Where it comes from.
    pub peer: Peer,
    /// Closed once whoever asked has the answer, or has gone.
    pub sent: watch::Receiver<()>,
}

/// Who answers at a listener.
pub trait Site: Send + Sync + 'static {
    /// What it allows.
    fn bounds(&self) -> Bounds;

    /// Whether whoever connects may ask at all. `own` is the address that they have reached.
    fn lets_in(&self, peer: &Peer, own: &Peer) -> bool {
        let _ = (peer, own);
        true
    }

    /// TLS, where it is spoken.
    fn tls(&self) -> Option<TlsAcceptor> {
        None
    }

    /// The one name, with its port, by which a browser may call it; none where any will do. A page elsewhere whose name was made
    /// to point here (DNS rebinding) calls it by another.
    fn authority(&self) -> Option<Arc<str>>;

    /// What is told to whoever calls it by another name.
    fn misdirected(&self) -> Answer;

    /// Answers. It is called by its name then.
    fn answer(&self, asked: Asked) -> impl Future<Output = Answer> + Send;
}

/// Answers at these sockets until it is dropped. Where all places are taken, the oldest connection that is not being answered
/// makes room.
pub async fn serve<S: Site>(sockets: Vec<Arc<TcpListener>>, site: Arc<S>) {
    let mut crowd = Crowd::default();
    loop {
        let Ok((stream, address)) = accept(&sockets).await else {
            sleep(OUT_OF_RESOURCES_PAUSE).await;
            continue;
        };
        let peer = Peer::new(address);
        let Ok(own) = stream.local_addr() else { continue };
        if !site.lets_in(&peer, &Peer::new(own)) {
            continue;
        }
        if let Some(place) = crowd.place(site.bounds().at_once) {
            let attended = attend(stream, peer, Arc::clone(&site), place.clone());
            crowd.enter(place, tokio::spawn(attended).abort_handle());
        }
    }
}

/// The next connection to any of the sockets.
async fn accept(sockets: &[Arc<TcpListener>]) -> io::Result<(TcpStream, SocketAddr)> {
    poll_fn(|cx| {
        let mut accepting = sockets.iter().map(|socket| socket.poll_accept(cx));
        accepting.find(Poll::is_ready).unwrap_or(Poll::Pending)
    })
    .await
}

/// One connection. Whoever asks badly or hangs up hears nothing more, and the log is not theirs to fill.
async fn attend<S: Site>(stream: TcpStream, peer: Peer, site: Arc<S>, place: Place) {
    let whole = site.bounds().whole;
    let attended = async {
        match site.tls() {
            None => converse(TokioIo::new(stream), peer, &*site, &place).await,
            Some(tls) => {
                if let Ok(Ok(stream)) = timeout(PATIENCE, tls.accept(stream)).await {
                    converse(TokioIo::new(stream), peer, &*site, &place).await;
                }
            }
        }
    };
    let _ = timeout(whole, attended).await;
}

/// One request.
async fn converse<S: Site>(stream: impl Read + Write + Unpin, peer: Peer, site: &S, place: &Place) {
    let (_open, sent) = watch::channel(());
    let service = service_fn(|request: http::Request<Incoming>| {
        let sent = sent.clone();
        async move {
            let (parts, body) = request.into_parts();
            let mut answer = hear(parts, body, peer, sent, site, place).await;
            for (name, value) in HEADERS {
                answer
                    .headers_mut()
                    .entry(name)
                    .or_insert(HeaderValue::from_static(value));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let served = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(MAX_HEAD)
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(stream, service);
    let _ = served.await;
}

/// Nothing is read, and nothing of the site is asked, before it is known that the site is meant.
async fn hear<S: Site>(
    parts: Parts,
    body: Incoming,
    peer: Peer,
    sent: watch::Receiver<()>,
    site: &S,
    place: &Place,
) -> Answer {
    let Parts {
        method, uri, headers, ..
    } = parts;
    if site
        .authority()
        .is_some_and(|ours| !is_called(&ours, &uri, &headers))
    {
        return site.misdirected();
    }
    let body = match read(body, site.bounds().body).await {
        Ok(body) => body,
        Err(notice) => return notice.answer(),
    };
    let _busy = place.is_answered();
    let asked = Asked {
        method,
        uri,
        headers,
        body,
        peer,
        sent,
    };
    site.answer(asked).await
}

/// Whether a request names this authority and no other. RFC 9112 3.2: there is one `Host`, and a target in absolute form, such as
/// a proxy is sent, would be believed before it.
fn is_called(ours: &str, uri: &Uri, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let is_ours = hosts
        .next()
        .is_some_and(|host| host.as_bytes() == ours.as_bytes());
    is_ours && hosts.next().is_none() && uri.authority().is_none_or(|named| named.as_str() == ours)
}

async fn read(body: Incoming, most: usize) -> Result<Secret<Vec<u8>>, Notice> {
    if most == 0 {
        return Ok(Secret::new(Vec::new()));
    }
    match timeout(PATIENCE, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(Secret::new(body.to_bytes().to_vec())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Notice::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "Too much",
            "No form of saslgate is as long as that.",
        )),
        Ok(Err(_)) => Err(Notice::new(
            StatusCode::BAD_REQUEST,
            "Not understood",
            "The request was cut, or is no HTTP.",
        )),
        Err(_) => Err(Notice::new(
            StatusCode::REQUEST_TIMEOUT,
            "Too slow",
            "The request did not come in time.",
        )),
    }
}

/// An answer with a body of a type.
pub fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    answer.headers_mut().insert(header::CONTENT_TYPE, content_type);
    answer
}

#[cfg(test)]
mod tests;
