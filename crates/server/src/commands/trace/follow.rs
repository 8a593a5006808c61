//! `leveret trace` of single messages: what happens to them on their way, by the HTTP API of Leveret.

use super::Trace;
use crate::amqp;
use crate::commands::DONE;
use crate::commands::own::{Filter, ours};
use crate::config::{Single, Span};
use crate::failure::{Failure, Outcome};
use crate::http::{Api, path};
use crate::output::{print, printable, time};
use clap::Args;
use serde_json::{Value, json};
use std::io::Write as _;
use std::time::{Duration, Instant};

/// How often the broker is asked what happened.
const LOOK_TIME: Duration = Duration::from_millis(250);

/// Which messages are followed.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Followed {
    /// Follows the message with this id (its property message_id)
    #[arg(long, value_name = "ID", help_heading = "Which messages")]
    message_id: Option<String>,
    /// Follows the messages of this trace: its id, or a whole traceparent
    #[arg(long, value_name = "TRACE", help_heading = "Which messages")]
    trace_id: Option<String>,
    /// Follows what comes into this queue, is there, or died there
    #[arg(long, value_name = "QUEUE", help_heading = "Which messages")]
    queue: Option<String>,
    /// Longest time that messages are followed [default: 10m]
    #[arg(long, value_name = "TIME", value_parser = Span::parse_one, help_heading = "Which messages")]
    ttl: Option<Span>,
    #[command(flatten)]
    filter: Filter,
}

impl Followed {
    /// What the broker is asked to follow; `None` when no message was meant.
    fn wish(&self) -> Result<Option<Value>, Failure> {
        let mut filter = self.filter.conditions()?;
        if let (Some(id), Value::Array(filter)) = (&self.message_id, &mut filter) {
            filter.push(json!({"message_id": id}));
        }
        let is_meant = self.trace_id.is_some()
            || self.queue.is_some()
            || filter.as_array().is_some_and(|f| !f.is_empty());
        let ttl = self.ttl.map(|span| span.0.as_millis() as u64);
        let wish = json!({"queue": self.queue, "trace_id": self.trace_id, "filter": filter, "ttl": ttl});
        Ok(is_meant.then_some(wish))
    }
}

impl Trace {
    /// Whether single messages are meant, and not the firehose.
    pub(super) fn followed(&self) -> Result<Option<Value>, Failure> {
        self.followed.wish()
    }

    pub(super) fn follow_messages(self, wish: &Value) -> Outcome {
        let (api, vhost) = (self.api()?, self.amqp.vhost_name()?);
        ours(
            &api,
            "following single messages",
            "; without an option of which messages there is the firehose",
        )?;
        let begun = api.send("POST", &path(&["leveret", "traces", &vhost]), Some(wish))?;
        let place = path(&["leveret", "traces", &vhost, &begun["id"].to_string()]);
        if !self.json {
            let _ = writeln!(std::io::stderr(), "following; Ctrl-C ends it");
        }
        let outcome = amqp::run(async {
            let stop = amqp::interrupted();
            tokio::pin!(stop);
            let mut reader = Reader { after: 0, printed: 0, last: Instant::now() };
            loop {
                if !reader.read(&api, &place, &self)? {
                    return DONE;
                }
                tokio::select! {
                    () = &mut stop => return DONE,
                    () = tokio::time::sleep(LOOK_TIME) => {}
                }
            }
        });
        let ended = api.send("DELETE", &place, None);
        let code = outcome?;
        // It may have ended by itself.
        ended.or_else(|error| if error.status() == Some(404) { Ok(Value::Null) } else { Err(error) })?;
        Ok(code)
    }
}

struct Reader {
    after: u64,
    printed: u64,
    last: Instant,
}

impl Reader {
    /// Prints what is new; `false` at the end.
    fn read(&mut self, api: &Api, place: &str, trace: &Trace) -> Result<bool, Failure> {
        let page = api.get(&format!("{place}/events?after={}", self.after))?;
        for event in page["events"].as_array().into_iter().flatten() {
            let number = event["number"].as_u64().unwrap_or_default();
            if number > self.after + 1 {
                let missed = number - self.after - 1;
                let _ =
                    writeln!(std::io::stderr(), "{missed} events are missing: more happened than is kept");
            }
            self.after = number;
            self.last = Instant::now();
            print(&if trace.json { format!("{event}\n") } else { line(event) })?;
            self.printed += 1;
            if trace.count.is_some_and(|count| self.printed >= count) {
                return Ok(false);
            }
        }
        let is_idle = trace.idle.is_some_and(|idle| self.last.elapsed() >= idle.0);
        Ok(page["state"] == "running" && !is_idle)
    }
}

/// An event in a line: when, which message, what, where, and by whom.
fn line(event: &Value) -> String {
    let text = |key: &str| event[key].as_str().unwrap_or_default();
    let millis = event["time"].as_f64().unwrap_or_default();
    let time = time(millis);
    let time = time.split(' ').next_back().unwrap_or_default();
    let mut words =
        vec![format!("{time}.{:03}  {:<13}", millis as u64 % 1_000, text("event").replace('_', "-"))];
    words.extend(event["message_id"].as_str().map(|id| format!("{id} ")));
    words.extend(event["queue"].as_str().map(|queue| format!("in {queue}")));
    words.extend(
        event["attempt"].as_u64().filter(|attempt| *attempt > 0).map(|attempt| format!("delivery {attempt}")),
    );
    words.extend(event["reason"].as_str().map(|reason| format!("({reason})")));
    words.extend(event["requeue"].as_bool().map(|again| if again { "again" } else { "for good" }.to_owned()));
    if let Some(queues) = event["queues"].as_array() {
        let to = if event["to"].is_object() { &event["to"] } else { event };
        let exchange = to["exchange"].as_str().filter(|name| !name.is_empty()).unwrap_or("(default)");
        let names: Vec<&str> = queues.iter().filter_map(Value::as_str).collect();
        let names = if names.is_empty() { "no queue".to_owned() } else { names.join(", ") };
        words.push(format!("{exchange} [{}] -> {names}", to["routing_key"].as_str().unwrap_or_default()));
    }
    words.extend(event["consumer_tag"].as_str().map(|tag| format!("to {tag}")));
    words.extend(
        event["connection"]
            .as_str()
            .map(|name| format!("by {} on {name} ({})", text("user"), event["channel"])),
    );
    printable(&words.join(" ")).replace(['\n', '\t'], " ") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_by_people() {
        let published = json!({
            "number": 1, "time": 1_000.0, "event": "published", "message_id": "7", "exchange": "shop", "routing_key": "new",
            "queues": ["a", "b"], "user": "guest", "connection": "c", "channel": 1,
        });
        let dead = json!({
            "number": 2, "time": 1_000.0, "event": "dead_lettered", "message_id": "7", "exchange": "shop", "routing_key": "new",
            "queue": "a", "attempt": 2, "reason": "rejected", "to": {"exchange": "", "routing_key": "dead"}, "queues": [],
        });
        let rejected =
            json!({"time": 1_000.0, "event": "rejected", "queue": "a", "reason": "nack", "requeue": true});
        let end = |event: &Value| line(event).split_once("  ").map(|(_, end)| end.to_owned()).unwrap();
        assert_eq!(end(&published), "published     7  shop [new] -> a, b by guest on c (1)\n");
        assert_eq!(end(&dead), "dead-lettered 7  in a delivery 2 (rejected) (default) [dead] -> no queue\n");
        assert_eq!(end(&rejected), "rejected      in a (nack) again\n");
    }

    #[test]
    fn without_a_wish_it_is_the_firehose() {
        assert_eq!(Followed::default().wish().unwrap(), None);
        let one = Followed { message_id: Some("7".into()), ..Followed::default() };
        assert_eq!(one.wish().unwrap().unwrap()["filter"], json!([{"message_id": "7"}]));
    }
}
