//! Server-Sent Events (HTML, "Server-sent events"): a body that goes on until its source ends or the reader goes. Only so many at a time.

use crate::context::Context;
use crate::error::ApiError;
use crate::reply::Reply;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use serde_json::Value;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Poll, ready};
use std::time::Duration;

/// After so long without an event a comment says that the connection lives.
pub(super) const QUIET_MAX: Duration = Duration::from_secs(15);

/// One of the streams that may be open.
pub(super) struct Seat(pub(super) Arc<Context>);

impl Seat {
    /// # Errors
    /// 503: all are taken.
    pub(super) fn take(context: &Arc<Context>) -> Result<Self, ApiError> {
        let max = context.options.event_streams_max;
        let one_more = |open: usize| (open < max).then_some(open + 1);
        match context.event_streams.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more) {
            Ok(_) => Ok(Self(context.clone())),
            Err(_) => {
                let reason = "As many event streams are open as may be";
                Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", reason))
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.event_streams.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What is streamed.
pub(super) trait Source: Send + 'static {
    /// The next piece; `None` at the end. It waits [`QUIET_MAX`] at most.
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;
}

/// A comment: nothing happened.
pub(super) fn quiet() -> Bytes {
    Bytes::from_static(b": quiet\n\n")
}

/// An event.
pub(super) fn piece(key: &str, data: &Value) -> Bytes {
    // JSON has no line breaks; neither have keys.
    Bytes::from(format!("event: {key}\ndata: {data}\n\n"))
}

/// The answer.
pub(super) fn reply(source: impl Source) -> Reply {
    let mut response = Response::new(Body::from_stream(Pieces::new(source)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Reply::Whole(Box::new(response))
}

type Next<S> = Pin<Box<dyn Future<Output = (S, Option<Bytes>)> + Send>>;

struct Pieces<S>(Option<Next<S>>);

impl<S: Source> Pieces<S> {
    fn new(source: S) -> Self {
        // Said at once, so that whoever asked knows that it hears from now on.
        Self(Some(Box::pin(async { (source, Some(Bytes::from_static(b": listening\n\n"))) })))
    }
}

impl<S: Source> Stream for Pieces<S> {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(next) = &mut self.0 else { return Poll::Ready(None) };
        let (mut source, piece) = ready!(next.as_mut().poll(cx));
        self.0 = piece.is_some().then(|| -> Next<S> {
            Box::pin(async move {
                let piece = source.next().await;
                (source, piece)
            })
        });
        Poll::Ready(piece.map(Ok))
    }
}
