//! HTTP answers of the token endpoint, honest ones and those that a gateway in trouble gives.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{Response, StatusCode};
use tokio::sync::mpsc;

/// What goes wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenFault {
    /// The connection is reset as soon as it is accepted.
    Reset,
    /// The connection is accepted and nothing is ever said, not even TLS.
    Silence,
    /// `429` with the plain text `Too Many Requests` and, if given, this `Retry-After`.
    TooManyRequests(Option<String>),
    /// `500` with a gateway's HTML page.
    ServerError,
    /// `503` without a body.
    Unavailable,
    /// Headers, and then nothing.
    StallAfterHeaders,
    /// The right answer, one byte per interval.
    Drip(Duration),
    /// Half of the right answer, then the connection is cut.
    CloseMidBody,
    /// A `200` with a body of this many bytes.
    Huge(u64),
    /// `307` to this address.
    Redirect(String),
    /// `200` with this body instead of the token's JSON.
    Body(String),
}

impl TokenFault {
    /// Whether the request was processed and only its answer suffers. What it used up (a code, a refresh token) is used
    /// up then.
    pub(super) fn spares_the_request(&self) -> bool {
        matches!(self, Self::StallAfterHeaders | Self::Drip(_) | Self::CloseMidBody)
    }
}

/// A body that is either there at once or comes in pieces from a task.
pub(super) enum Answer {
    Whole(Option<Bytes>),
    Pieces(mpsc::Receiver<Bytes>),
    /// These bytes, then the connection is cut.
    Cut(Option<Bytes>, Flushed),
}

/// Whether hyper had the occasion to write what it was given: it gives up unwritten bytes when a body fails.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flushed {
    No,
    Yes,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Pieces(pieces) => pieces
                .poll_recv(context)
                .map(|piece| piece.map(|it| Ok(Frame::data(it)))),
            Self::Cut(half, flushed) => match (half.take(), *flushed) {
                (Some(half), _) => Poll::Ready(Some(Ok(Frame::data(half)))),
                (None, Flushed::No) => {
                    *flushed = Flushed::Yes;
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                (None, Flushed::Yes) => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(
                bytes
                    .as_ref()
                    .map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(0)),
            ),
            Self::Pieces(_) | Self::Cut(..) => SizeHint::default(),
        }
    }
}

/// A whole answer.
pub(super) fn whole(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Answer> {
    let mut response = Response::new(Answer::Whole(Some(body.into())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The JSON answer of the token endpoint.
pub(super) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Answer> {
    let mut response = whole(status, "application/json; charset=utf-8", body);
    response
        .headers_mut()
        .insert("cache-control", HeaderValue::from_static("no-store, no-cache"));
    response
}

/// What a fault makes of the honest answer `right`.
pub(super) fn faulty(fault: TokenFault, right: Bytes) -> Response<Answer> {
    const HTML: &str = "text/html; charset=us-ascii";
    match fault {
        TokenFault::TooManyRequests(retry_after) => {
            let response = whole(StatusCode::TOO_MANY_REQUESTS, "text/plain", "Too Many Requests");
            with_header(response, RETRY_AFTER.as_str(), retry_after)
        }
        TokenFault::ServerError => {
            let page = "<html><head><title>500 - Internal server error.</title></head><body></body></html>";
            whole(StatusCode::INTERNAL_SERVER_ERROR, HTML, page)
        }
        TokenFault::Unavailable => whole(StatusCode::SERVICE_UNAVAILABLE, HTML, ""),
        TokenFault::Redirect(to) => with_header(
            whole(StatusCode::TEMPORARY_REDIRECT, HTML, ""),
            LOCATION.as_str(),
            Some(to),
        ),
        TokenFault::Body(body) => json(StatusCode::OK, body),
        TokenFault::Huge(length) => promising(length, Answer::Pieces(huge(length))),
        TokenFault::StallAfterHeaders | TokenFault::Reset | TokenFault::Silence => {
            let (sender, receiver) = mpsc::channel(1);
            tokio::spawn(async move { sender.closed().await });
            promising(length_of(&right), Answer::Pieces(receiver))
        }
        TokenFault::Drip(interval) => promising(length_of(&right), Answer::Pieces(drip(right, interval))),
        TokenFault::CloseMidBody => {
            let half = right.slice(..right.len() / 2);
            promising(length_of(&right), Answer::Cut(Some(half), Flushed::No))
        }
    }
}

fn length_of(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn with_header(
    mut response: Response<Answer>,
    name: &'static str,
    value: Option<String>,
) -> Response<Answer> {
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// An answer whose length is announced, whatever comes.
fn promising(length: u64, body: Answer) -> Response<Answer> {
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(length));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn drip(right: Bytes, interval: Duration) -> mpsc::Receiver<Bytes> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for at in 0..right.len() {
            tokio::time::sleep(interval).await;
            if sender.send(right.slice(at..=at)).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// Spaces, which JSON allows before the value, so that only a limit on the body stops the reader.
fn huge(length: u64) -> mpsc::Receiver<Bytes> {
    const PIECE: u64 = 65_536;
    static SPACES: [u8; 65_536] = [b' '; 65_536];
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut left = length;
        while left > 0 {
            let size = usize::try_from(left.min(PIECE)).unwrap_or(SPACES.len());
            if sender
                .send(Bytes::from_static(&SPACES).slice(..size))
                .await
                .is_err()
            {
                return;
            }
            left = left.saturating_sub(PIECE);
        }
    });
    receiver
}
