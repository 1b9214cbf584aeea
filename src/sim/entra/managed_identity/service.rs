//! The HTTP server of the machine's endpoints.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::SystemTime;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;

use super::{IdentityRequest, app_service, imds};
use crate::sim::World;
use crate::sim::entra::form::Form;
use crate::sim::entra::response::{self, Answer};

/// Serves one connection to its end.
pub(in crate::sim) async fn serve(world: Arc<World>, stream: TcpStream) {
    let service = service_fn(|request| {
        let world = Arc::clone(&world);
        async move { Ok::<_, Infallible>(answer(&world, request)) }
    });
    // An error here is the peer's hanging up.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn answer(world: &World, request: Request<Incoming>) -> Response<Answer> {
    let (head, _) = request.into_parts();
    let form = Form::parse(head.uri.query().unwrap_or_default().as_bytes()).ok();
    let (status, body) = match (world.machine.take_fault(), head.uri.path()) {
        (Some(status), _) => (
            status,
            json!({"error": "planned", "error_description": "Try again later"}),
        ),
        (None, imds::PATH) => imds::answer(world, &head, form.as_ref()),
        (None, app_service::PATH) => app_service::answer(world, &head, form.as_ref()),
        (None, _) => (StatusCode::NOT_FOUND, json!({"error": "not_found"})),
    };
    let text = |name| form.as_ref().and_then(|form| form.get(name)).map(str::to_owned);
    let note = IdentityRequest {
        at: SystemTime::now(),
        path: head.uri.path().to_owned(),
        resource: text("resource"),
        client_id: text("client_id"),
        status: status.as_u16(),
    };
    world.machine.requests.change(|all| all.push(note));
    response::json(status, body.to_string())
}
