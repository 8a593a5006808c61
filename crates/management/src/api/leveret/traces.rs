//! Following messages: which, what happened to them so far, and what happens as it happens.

mod shape;

use super::condition;
use super::stream::{self, QUIET_MAX, Seat, Source, piece, quiet};
use crate::call::{Call, integer_of, text_of};
use crate::error::ApiError;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Holds, Route, Waiting};
use axum::http::StatusCode;
use bytes::Bytes;
use leveret_broker::trace::follow::{Follow, FollowBounds, FollowEvent, Subject};
use serde_json::{Map, Value, json};
use shape::{event, shape};
use std::collections::VecDeque;
use std::sync::Arc;

/// Events of an answer unless it is asked for otherwise.
const COUNT: usize = 1_000;
/// Events of an answer at most.
const COUNT_MAX: usize = 10_000;
/// Events that a stream takes at a time.
const STREAMED: usize = 64;

pub(super) const ROUTES: &[Route] = &[
    Route::get(
        "/api/leveret/traces/{vhost}",
        Access::VhostPolicymaker,
        "Messages that are followed, and what is over and still to be read",
        list,
    )
    .many("Trace"),
    Route::post(
        "/api/leveret/traces/{vhost}",
        Access::VhostPolicymaker,
        "Follows messages from now on, for a time",
        begin,
    )
    .one("Trace")
    .statuses(&[201])
    .body(&["queue", "trace_id", "filter", "events_max", "bytes_max", "ttl"]),
    Route::get(
        "/api/leveret/traces/{vhost}/{id}",
        Access::VhostPolicymaker,
        "What is followed, and how it stands",
        show,
    )
    .one("Trace"),
    Route::get(
        "/api/leveret/traces/{vhost}/{id}/events",
        Access::VhostPolicymaker,
        "What happened to these messages, in order",
        events,
    )
    .one("TraceEvents")
    .query(&["after", "count"]),
    Route::get(
        "/api/leveret/traces/{vhost}/{id}/follow",
        Access::VhostPolicymaker,
        "The same as it happens (text/event-stream), until it is over",
        |_| Ok(Reply::NoContent),
    )
    .holds(Holds::Text("text/event-stream"))
    .waiting(follow)
    .query(&["after"]),
    Route::delete(
        "/api/leveret/traces/{vhost}/{id}",
        Access::VhostPolicymaker,
        "Follows them no longer, and forgets what happened",
        end,
    ),
];

fn of_vhost(call: &Call) -> Result<Vec<Follow>, ApiError> {
    let vhost = call.vhost()?;
    let mut all = call.broker().follows();
    all.retain(|follow| follow.vhost() == vhost.name());
    Ok(all)
}

fn find(call: &Call) -> Result<Follow, ApiError> {
    let id = call.param("id").parse::<u64>().map_err(|_| ApiError::not_found())?;
    of_vhost(call)?.into_iter().find(|follow| follow.id() == id).ok_or_else(ApiError::not_found)
}

fn list(call: &Call) -> Answer {
    Ok(Reply::Json(of_vhost(call)?.iter().map(shape).collect()))
}

fn show(call: &Call) -> Answer {
    Ok(Reply::Json(shape(&find(call)?)))
}

fn begin(call: &Call) -> Answer {
    let object = call.object()?;
    let vhost = call.vhost()?;
    let subject = Subject {
        queue: text_of(&object, "queue")?.map(str::to_owned),
        trace_id: text_of(&object, "trace_id")?.map(trace_id).transpose()?,
        filter: condition::filter(object.get("filter"))?,
    };
    let default = FollowBounds::default();
    let bounds = FollowBounds {
        events_max: number(&object, "events_max", FollowBounds::MAX.events_max)?
            .unwrap_or(default.events_max),
        bytes_max: number(&object, "bytes_max", FollowBounds::MAX.bytes_max)?.unwrap_or(default.bytes_max),
        ttl_ms: number(&object, "ttl", FollowBounds::MAX.ttl_ms as usize)?
            .map_or(default.ttl_ms, |ttl_ms| ttl_ms as u64),
    };
    let begun = call.broker().follow(vhost.name(), subject, bounds);
    let follow = begun
        .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "too_many_traces", error.to_string()))?;
    Ok(Reply::Status(StatusCode::CREATED, shape(&follow)))
}

fn number(object: &Map<String, Value>, key: &str, max: usize) -> Result<Option<usize>, ApiError> {
    let Some(number) = integer_of(object, key)? else { return Ok(None) };
    let number = usize::try_from(number).ok().filter(|number| (1..=max).contains(number));
    number.map(Some).ok_or_else(|| ApiError::bad_request(format!("{key} is a number from 1 to {max}")))
}

/// A trace id, or a whole `traceparent`.
fn trace_id(text: &str) -> Result<[u8; 16], ApiError> {
    let digits = match text.split('-').collect::<Vec<_>>()[..] {
        [digits] | [_, digits, ..] => digits,
        [] => "",
    };
    let is_hex = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parsed = is_hex.then(|| u128::from_str_radix(digits, 16).ok()).flatten();
    let bad = || ApiError::bad_request("trace_id is 32 hexadecimal digits, or a traceparent");
    parsed.map(u128::to_be_bytes).ok_or_else(bad)
}

fn events(call: &Call) -> Answer {
    let follow = find(call)?;
    let after = call.number("after")?.unwrap_or(0);
    let count = call.number("count")?.map_or(COUNT, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let events = follow.events(after, count.clamp(1, COUNT_MAX));
    let state = follow.state();
    Ok(Reply::Json(json!({
        "events": events.iter().map(|one| event(one)).collect::<Vec<_>>(),
        "events_seen": state.seen,
        "state": if state.is_on { "running" } else { "over" },
    })))
}

fn end(call: &Call) -> Answer {
    call.broker().unfollow(find(call)?.id());
    Ok(Reply::NoContent)
}

fn follow(call: Call) -> Waiting {
    Box::pin(async move {
        let reader = Reader {
            after: call.number("after")?.unwrap_or(0),
            follow: find(&call)?,
            seat: Seat::take(&call.context)?,
            user: call.user()?.name().clone(),
            read: VecDeque::new(),
        };
        Ok(stream::reply(reader))
    })
}

/// Who reads as it happens.
struct Reader {
    follow: Follow,
    seat: Seat,
    user: Arc<str>,
    after: u64,
    read: VecDeque<Arc<FollowEvent>>,
}

impl Source for Reader {
    async fn next(&mut self) -> Option<Bytes> {
        if self.read.is_empty() {
            // Who was deleted meanwhile hears no more.
            self.seat.0.broker.auth().user(&self.user)?;
            // What was followed long enough ends when somebody looks.
            let _ = self.seat.0.broker.follows();
            self.read.extend(self.follow.events(self.after, STREAMED));
        }
        if self.read.is_empty() {
            if !self.follow.state().is_on {
                return None;
            }
            let changed = tokio::time::timeout(QUIET_MAX, self.follow.changed(self.after));
            if changed.await.is_err() {
                return Some(quiet());
            }
            self.read.extend(self.follow.events(self.after, STREAMED));
        }
        let Some(one) = self.read.pop_front() else { return Some(quiet()) };
        // The oldest are gone when more happened than is kept.
        let missed = one.number - self.after - 1;
        if missed > 0 {
            self.after = one.number - 1;
            self.read.push_front(one);
            return Some(piece("missed", &json!({ "events": missed })));
        }
        self.after = one.number;
        Some(piece(one.step.as_str(), &event(&one)))
    }
}
