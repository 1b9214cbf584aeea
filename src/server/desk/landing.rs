//! Where a browser lands after a sign-in: the redirect URI, listened to while somebody signs in.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use url::{Host, Url};

use crate::control::TroubleTold;
use crate::listener::bind;

/// How long a browser may take over its request line and headers.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest request head: Entra ID's codes have a kilobyte or two.
const MAX_HEAD: usize = 32 * 1024;

/// Connections at one time: a browser opens a few ahead of need.
const AT_ONCE: usize = 16;

/// A request that a browser made here, and the way to answer it.
pub(super) struct Landed {
    /// Path and query. They hold the code.
    pub(super) target: String,
    /// Takes the page that the person will see.
    answer: oneshot::Sender<Page>,
    /// Closed once the browser has it.
    connection: watch::Receiver<()>,
}

impl Landed {
    /// Shows a page, and waits until the browser has it or has gone.
    pub(super) async fn show(mut self, page: Page) {
        let _ = self.answer.send(page);
        let _ = timeout(PATIENCE, self.connection.changed()).await;
    }
}

/// What the person sees in the browser.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    pub(super) text: String,
}

/// Listens at a redirect URI.
pub(super) struct Landing {
    sockets: Vec<TcpListener>,
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
                sockets: sockets.into_iter().filter_map(Result::ok).collect(),
                authority: url[url::Position::BeforeHost..url::Position::AfterPort].into(),
            }),
        }
    }

    /// Hands on what browsers ask for, until it is dropped.
    pub(super) async fn serve(self, landed: mpsc::Sender<Landed>) {
        let mut tasks = JoinSet::new();
        let places = Arc::new(Semaphore::new(AT_ONCE));
        for socket in self.sockets {
            let (landed, authority) = (landed.clone(), Arc::clone(&self.authority));
            tasks.spawn(accept(socket, authority, landed, Arc::clone(&places)));
        }
        while tasks.join_next().await.is_some() {}
    }
}

async fn accept(
    socket: TcpListener,
    authority: Arc<str>,
    landed: mpsc::Sender<Landed>,
    places: Arc<Semaphore>,
) {
    loop {
        let Ok((stream, _)) = socket.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let (landed, authority) = (landed.clone(), Arc::clone(&authority));
        // Not ended with the landing: the last page is still on its way then. The timeouts end it.
        tokio::spawn(async move {
            let _place = place;
            let (_open, connection) = watch::channel(());
            let service = service_fn(|request| answer(request, &authority, &landed, &connection));
            let served = http1::Builder::new()
                .keep_alive(false)
                .max_buf_size(MAX_HEAD)
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(stream), service);
            // A browser that hangs up is none of our business.
            let _ = served.await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    authority: &str,
    landed: &mpsc::Sender<Landed>,
    connection: &watch::Receiver<()>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let target = request.uri().path_and_query().map(ToString::to_string);
    let page = match target {
        _ if host != Some(authority) => Page {
            status: StatusCode::MISDIRECTED_REQUEST,
            title: "Not here",
            text: "This address belongs to a sign-in of saslgate under another name.".into(),
        },
        Some(target) if request.method() == Method::GET => hand_on(target, landed, connection).await,
        _ => Page {
            status: StatusCode::METHOD_NOT_ALLOWED,
            title: "Not this way",
            text: "A sign-in ends here with a plain page load.".into(),
        },
    };
    Ok(page.response())
}

async fn hand_on(target: String, landed: &mpsc::Sender<Landed>, connection: &watch::Receiver<()>) -> Page {
    let (answer, answered) = oneshot::channel();
    let handed = landed.send(Landed {
        target,
        answer,
        connection: connection.clone(),
    });
    let page = if handed.await.is_ok() {
        answered.await.ok()
    } else {
        None
    };
    page.unwrap_or_else(|| Page {
        status: StatusCode::GONE,
        title: "Nobody waits here any more",
        text: "The sign-in has ended. Begin it again with `saslgate sign-in`.".into(),
    })
}

impl Page {
    fn response(&self) -> Response<Full<Bytes>> {
        let body = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>{title} - saslgate</title><style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;\
             margin:15vh auto;padding:0 1rem;color-scheme:light dark}}</style><h1>{title}</h1><p>{text}</p></html>",
            title = self.title,
            text = escaped(&self.text),
        );
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = self.status;
        let headers = [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CACHE_CONTROL, "no-store"),
            // The address of the page holds the code.
            (REFERRER_POLICY, "no-referrer"),
            (
                CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
            ),
        ];
        for (name, value) in headers {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
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

    #[tokio::test]
    async fn a_port_that_somebody_has_is_told() {
        let holder = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = holder.local_addr().unwrap().port();
        let trouble = Landing::bind(&format!("http://localhost:{port}/")).err().unwrap();
        assert!(trouble.what.contains(&port.to_string()), "{}", trouble.what);
    }

    #[test]
    fn a_page_shows_text_as_text() {
        assert_eq!(escaped("<b>'&\""), "&lt;b&gt;&#39;&amp;&quot;");
    }
}
