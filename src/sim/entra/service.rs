//! The HTTPS server in front of the endpoints.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::form::Form;
use super::grant::{self, Seen};
use super::path::{Endpoint, Place};
use super::record::{DeviceRequest, TokenOutcome, TokenRequest};
use super::response::{self, Answer, TokenFault};
use super::{EntraError, authorize, device, error, introspection};
use crate::sim::World;

/// A form of a few parameters is never longer; an assertion of 16 KiB still fits.
const LARGEST_REQUEST: usize = 65_536;

/// Where a person types the code of a device.
const DEVICE_LOGIN: &str = "/devicelogin";

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
    let query = || Form::parse(head.uri.query().unwrap_or_default().as_bytes());
    match (&head.method, head.uri.path()) {
        (&Method::POST, introspection::PATH) => {
            response::json(StatusCode::OK, introspection::answer(world, &body))
        }
        (&Method::GET, DEVICE_LOGIN) => match query() {
            Ok(form) => device::enter(world, &form),
            Err(error) => super::page::error(&error),
        },
        (method, path) => match Place::of(path) {
            Some(place) if place.endpoint == Endpoint::Token => token(world, place, &head, &body).await,
            Some(place) if place.endpoint == Endpoint::DeviceCode => {
                device_code(world, place, &head, &body).await
            }
            Some(_) if method != Method::GET => {
                response::whole(StatusCode::METHOD_NOT_ALLOWED, "text/html", "")
            }
            Some(place) if place.endpoint == Endpoint::Authorize => authorize::visit(world, place, &query()),
            Some(place) => authorize::visit_admin_consent(world, place, &query()),
            None => response::whole(
                StatusCode::NOT_FOUND,
                "text/html",
                "<html><body>404</body></html>",
            ),
        },
    }
}

/// The token endpoint of one tenant.
async fn token(world: &World, place: Place<'_>, head: &Parts, body: &[u8]) -> Response<Answer> {
    let (fault, processed) = trouble(world).await;
    let mut seen = Seen::default();
    let verdict = if head.method == Method::POST {
        grant::answer(world, place, &head.headers, body, &mut seen, processed)
    } else {
        Err(error::not_post(head.method.as_str()))
    };
    note(world, place, seen, fault.as_ref(), &verdict);
    respond(world, fault, verdict)
}

/// Takes the time that a test wants an answer to take. Then the fault that stands in the way of this one, and whether the
/// request is processed nevertheless.
async fn trouble(world: &World) -> (Option<TokenFault>, bool) {
    let latency = world.entra.latency.get();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let fault = world.entra.take_fault();
    let processed = fault.as_ref().is_none_or(TokenFault::spares_the_request);
    (fault, processed)
}

fn respond(
    world: &World,
    fault: Option<TokenFault>,
    verdict: Result<String, EntraError>,
) -> Response<Answer> {
    let shape = world.entra.errors.get();
    let (status, body, retry_after) = match verdict {
        Ok(body) => (StatusCode::OK, body, None),
        Err(error) => (
            error.status(shape),
            error.body(&world.random, shape),
            error.retry_after,
        ),
    };
    if let Some(fault) = fault {
        return response::faulty(fault, Bytes::from(body));
    }
    let mut response = response::json(status, body);
    if let Some(seconds) = retry_after {
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn outcome(fault: Option<&TokenFault>, verdict: &Result<String, EntraError>) -> TokenOutcome {
    match (fault, verdict) {
        (Some(_), _) => TokenOutcome::Faulted,
        (None, Ok(_)) => TokenOutcome::Issued,
        (None, Err(error)) => TokenOutcome::Refused(error.code),
    }
}

fn note(
    world: &World,
    place: Place<'_>,
    seen: Seen,
    fault: Option<&TokenFault>,
    verdict: &Result<String, EntraError>,
) {
    let error = verdict.as_ref().err().filter(|_| fault.is_none());
    world.entra.note(TokenRequest {
        at: SystemTime::now(),
        tenant: place.realm.to_owned(),
        version: place.version,
        grant: seen.grant,
        client_id: seen.client_id,
        scope: seen.scope,
        proof: seen.proof,
        person: seen.person,
        family: seen.family,
        outcome: outcome(fault, verdict),
        error: error.map(|error| error.error),
    });
}

/// The device authorization endpoint of one tenant.
async fn device_code(world: &World, place: Place<'_>, head: &Parts, body: &[u8]) -> Response<Answer> {
    let (fault, processed) = trouble(world).await;
    let form = grant::check_type(&head.headers, "client_id").and_then(|()| Form::parse(body));
    let text = |name| {
        form.as_ref()
            .ok()
            .and_then(|form| form.get(name))
            .map(str::to_owned)
    };
    let (client_id, scope) = (text("client_id"), text(place.version.scope_parameter()));
    let verdict = match form {
        _ if head.method != Method::POST => Err(error::not_post(head.method.as_str())),
        Ok(form) if processed => device::answer(world, place, &form),
        // Nobody reads what the fault replaces.
        Ok(_) => Ok(String::new()),
        Err(error) => Err(error),
    };
    world.entra.note_device(DeviceRequest {
        at: SystemTime::now(),
        tenant: place.realm.to_owned(),
        client_id,
        scope,
        outcome: outcome(fault.as_ref(), &verdict),
    });
    respond(world, fault, verdict)
}
