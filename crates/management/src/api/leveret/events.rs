//! What happens, as it happens: Server-Sent Events (HTML, "Server-sent events"), each with RabbitMQ's key and a JSON object.
//!
//! Who monitors hears everything, others what happens in virtual hosts they may enter. Whoever does not keep up is told how much it missed.

use super::stream::{self, QUIET_MAX, Seat, Source, piece, quiet};
use crate::auth::is_monitor;
use crate::call::Call;
use crate::json::arguments;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Holds, Route, Waiting};
use bytes::Bytes;
use leveret_broker::Event;
use leveret_broker::auth::User;
use leveret_protocol::FieldValue;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

pub(super) const ROUTES: &[Route] = &[Route::get(
    "/api/leveret/events",
    Access::Management,
    "Events as they happen (text/event-stream)",
    |_| Ok(Reply::NoContent),
)
.holds(Holds::Text("text/event-stream"))
.waiting(events)
.query(&["keys"])];

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
    let seat = Seat::take(&call.context)?;
    let keys = call.query("keys").unwrap_or_default().split(',');
    Ok(stream::reply(Listener {
        seat,
        user: call.user()?.clone(),
        keys: keys.filter(|key| !key.is_empty()).map(str::to_owned).collect(),
        receiver: call.broker().watch_events(),
    }))
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
}

impl Source for Listener {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            match tokio::time::timeout(QUIET_MAX, self.receiver.recv()).await {
                Err(_) => return Some(quiet()),
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
