//! What happens, as it happens: Server-Sent Events (HTML, "Server-sent events"), each with RabbitMQ's key and a JSON object.
//!
//! Who monitors hears everything, others what happens in virtual hosts they may enter. Whoever does not keep up is told how much it missed.

use crate::auth::is_monitor;
use crate::call::Call;
use crate::context::Context;
use crate::error::ApiError;
use crate::json::arguments;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Holds, Route, Waiting};
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use leveret_broker::Event;
use leveret_broker::auth::User;
use leveret_protocol::FieldValue;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Poll, ready};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// After so long without an event a comment says that the connection lives.
const QUIET_MAX: Duration = Duration::from_secs(15);

pub(super) const ROUTES: &[Route] = &[Route::get(
    "/api/leveret/events",
    Access::Management,
    "Events as they happen (text/event-stream)",
    |_| Ok(Reply::NoContent),
)
.holds(Holds::Text("text/event-stream"))
.waiting(events)
.query(&["keys"])];

/// One of the streams that may be open.
struct Seat(Arc<Context>);

impl Seat {
    fn take(context: &Arc<Context>) -> Option<Self> {
        let max = context.options.event_streams_max;
        let one_more = |open: usize| (open < max).then_some(open + 1);
        context.event_streams.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok()?;
        Some(Self(context.clone()))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.event_streams.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Who listens, and to what.
struct Listener {
    seat: Seat,
    user: User,
    /// Keys begin with one of these; all if there are none.
    keys: Vec<String>,
    receiver: Receiver<Arc<Event>>,
}

fn events(call: Call) -> Waiting {
    Box::pin(async move { answer(&call) })
}

fn answer(call: &Call) -> Answer {
    let Some(seat) = Seat::take(&call.context) else {
        let reason = "As many event streams are open as may be";
        return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", reason));
    };
    let keys = call.query("keys").unwrap_or_default().split(',');
    let listener = Listener {
        seat,
        user: call.user()?.clone(),
        keys: keys.filter(|key| !key.is_empty()).map(str::to_owned).collect(),
        receiver: call.broker().watch_events(),
    };
    let mut response = Response::new(Body::from_stream(Chunks::new(listener)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(Reply::Whole(Box::new(response)))
}

impl Listener {
    fn hears(&self, event: &Event) -> bool {
        if !self.keys.is_empty() && !self.keys.iter().any(|key| event.key.starts_with(key.as_str())) {
            return false;
        }
        if is_monitor(&self.user) {
            return true;
        }
        let vhost = event.fields.get("vhost").and_then(FieldValue::as_str);
        vhost.is_some_and(|vhost| self.seat.0.broker.auth().check_vhost_access(&self.user, vhost).is_ok())
    }

    /// The next piece of the stream; `None` at the broker's end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            match tokio::time::timeout(QUIET_MAX, self.receiver.recv()).await {
                Err(_) => return Some(Bytes::from_static(b": quiet\n\n")),
                Ok(Err(RecvError::Closed)) => return None,
                Ok(Err(RecvError::Lagged(missed))) => {
                    return Some(piece("missed", &json!({ "events": missed })));
                }
                // Who was deleted meanwhile hears no more.
                Ok(Ok(_)) if self.seat.0.broker.auth().user(self.user.name()).is_none() => return None,
                Ok(Ok(event)) if self.hears(&event) => {
                    let mut fields = arguments(&event.fields);
                    if let Value::Object(fields) = &mut fields {
                        fields.insert("timestamp_in_ms".to_owned(), event.unix_ms.into());
                    }
                    return Some(piece(&event.key, &fields));
                }
                Ok(Ok(_)) => {}
            }
        }
    }
}

fn piece(key: &str, data: &Value) -> Bytes {
    // JSON has no line breaks; neither have keys.
    Bytes::from(format!("event: {key}\ndata: {data}\n\n"))
}

type Next = Pin<Box<dyn Future<Output = (Listener, Option<Bytes>)> + Send>>;

/// The listener as a stream.
struct Chunks(Option<Next>);

impl Chunks {
    fn new(listener: Listener) -> Self {
        // Said at once, so that whoever asked knows that it hears from now on.
        Self(Some(Box::pin(async { (listener, Some(Bytes::from_static(b": listening\n\n"))) })))
    }
}

impl Stream for Chunks {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(next) = &mut self.0 else { return Poll::Ready(None) };
        let (mut listener, piece) = ready!(next.as_mut().poll(cx));
        self.0 = piece.is_some().then(|| -> Next {
            Box::pin(async move {
                let piece = listener.next().await;
                (listener, piece)
            })
        });
        Poll::Ready(piece.map(Ok))
    }
}
