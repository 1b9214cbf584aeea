//! The HTTPS server in front of the token endpoint.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::grant::{self, Seen};
use super::record::{TokenOutcome, TokenRequest};
use super::response::{self, Answer, TokenFault};
use super::{EntraError, error, introspection};
use crate::sim::World;

/// A form of a few parameters is never longer; an assertion of 16 KiB still fits.
const LARGEST_REQUEST: usize = 65_536;

/// Serves one connection to its end.
pub(in crate::sim) async fn serve(world: Arc<World>, stream: TcpStream) {
    world.entra.connections.fetch_add(1, Ordering::Relaxed);
    match world.entra.fault.get() {
        Some((TokenFault::Reset, _)) => {
            world.entra.take_fault();
            // Closing with data unsent or lingering off sends RST; there is nothing to do about a failure.
            let _ = socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO));
            return;
        }
        Some((TokenFault::Silence, _)) => {
            world.entra.take_fault();
            return std::future::pending().await;
        }
        _ => {}
    }
    let Ok(stream) = TlsAcceptor::from(world.entra.tls.config()).accept(stream).await else {
        return;
    };
    let service = service_fn(|request| {
        let world = Arc::clone(&world);
        async move { Ok::<_, Infallible>(answer(&world, request).await) }
    });
    // An error here is the peer's hanging up or a fault that was asked for.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(world: &World, request: Request<Incoming>) -> Response<Answer> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST_REQUEST).collect().await else {
        return response::whole(StatusCode::PAYLOAD_TOO_LARGE, "text/html", "");
    };
    let body = body.to_bytes();
    if head.method == Method::POST && head.uri.path() == introspection::PATH {
        return response::json(StatusCode::OK, introspection::answer(world, &body));
    }
    match token_path(head.uri.path()) {
        Some(tenant) => token(world, tenant, &head, &body).await,
        None => response::whole(
            StatusCode::NOT_FOUND,
            "text/html",
            "<html><body>404</body></html>",
        ),
    }
}

/// The token endpoint of one tenant.
async fn token(world: &World, tenant: &str, head: &Parts, body: &[u8]) -> Response<Answer> {
    let latency = world.entra.latency.get();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let mut seen = Seen::default();
    let lifetime = world.entra.tokens.change(|shape| shape.lifetime);
    let verdict = if head.method == Method::POST {
        grant::answer(&world.directory, tenant, &head.headers, body, lifetime, &mut seen)
    } else {
        Err(error::not_post(head.method.as_str()))
    };
    let verdict = verdict.and_then(|claims| match world.entra.refusal.get() {
        Some(refusal) => Err(refusal),
        None => Ok(world.entra.granted(&claims)),
    });
    respond(world, tenant, seen, verdict)
}

fn respond(world: &World, tenant: &str, seen: Seen, verdict: Result<String, EntraError>) -> Response<Answer> {
    let fault = world.entra.take_fault();
    let outcome = match (&fault, &verdict) {
        (Some(_), _) => TokenOutcome::Faulted,
        (None, Ok(_)) => TokenOutcome::Issued,
        (None, Err(error)) => TokenOutcome::Refused(error.code),
    };
    let Seen {
        client_id,
        scope,
        grant,
    } = seen;
    let at = SystemTime::now();
    world.entra.note(TokenRequest {
        at,
        tenant: tenant.to_owned(),
        grant,
        client_id,
        scope,
        outcome,
    });
    let (status, body) = match verdict {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => (error.status(), error.body(&world.entra.random)),
    };
    match fault {
        Some(fault) => response::faulty(fault, Bytes::from(body)),
        None => response::json(status, body),
    }
}

/// The tenant of `/{tenant}/oauth2/v2.0/token`.
fn token_path(path: &str) -> Option<&str> {
    path.strip_prefix('/')?
        .strip_suffix("/oauth2/v2.0/token")
        .filter(|tenant| !tenant.contains('/'))
}
