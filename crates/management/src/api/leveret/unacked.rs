//! Messages that consumers hold, by whom and since when.

use crate::call::Call;
use crate::json::message::{self as shape, Encoding};
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route, Waiting};
use leveret_broker::UnackedMessage;
use serde_json::{Value, json};

/// Messages unless it is asked for otherwise.
const COUNT: usize = 100;
/// Messages at most.
const COUNT_MAX: usize = 1_000;

pub(super) const ROUTES: &[Route] = &[Route::get(
    "/api/leveret/queues/{vhost}/{name}/unacked",
    Access::Vhost,
    "Messages of a queue that consumers hold, the one held longest first",
    |_| Ok(Reply::NoContent),
)
.one("UnackedMessages")
.waiting(unacked)
.query(&["count", "truncate"])];

fn unacked(call: Call) -> Waiting {
    Box::pin(answer(call))
}

async fn answer(call: Call) -> Answer {
    let size =
        |number: Option<u64>, default| number.map_or(default, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let count = size(call.number("count")?, COUNT).clamp(1, COUNT_MAX);
    let truncate = size(call.number("truncate")?, usize::MAX);
    let (vhost, actor) = (call.vhost()?, call.actor()?);
    let held = call.broker().unacked(&vhost, &actor, call.param("name"), count).await?;
    let one = |one: &UnackedMessage| {
        let mut json = shape::message(&one.message, Encoding::Auto, truncate);
        let mut put = |name: &str, value: Value| _ = json.insert(name.to_owned(), value);
        put("redelivered", one.redelivered.into());
        put("delivery_count", one.delivery_count.into());
        put("connection", json!(call.broker().connection(one.connection).map(|connection| connection.name)));
        put("channel", one.channel.into());
        put("consumer_tag", json!(one.consumer_tag));
        put("delivery_tag", one.delivery_tag.into());
        put("since", one.since_unix_ms.into());
        Value::Object(json)
    };
    let messages: Vec<Value> = held.messages.iter().map(one).collect();
    Ok(Reply::Json(json!({ "messages": messages, "silent_connections": held.silent })))
}
