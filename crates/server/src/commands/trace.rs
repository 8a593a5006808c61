//! `leveret trace`: follows messages through a virtual host. Which are meant is compared by the broker (`follow`); everything is shown by the
//! firehose, the exchange `amq.rabbitmq.trace`.
//!
//! Source: RabbitMQ, "Firehose Tracer". It is switched on while the command runs, and off again if it was off.

mod follow;

use super::{DONE, Runs};
use crate::amqp::{self, AmqpOptions, CLOSE_TIME};
use crate::config::{Single, Span};
use crate::failure::{Failure, Outcome};
use crate::http::{Api, HttpOptions, path};
use crate::output::{print, printable, time};
use clap::Args;
use leveret_client::{Bind, Channel, ConsumeOptions, Consumer, Delivery, QueueDeclare};
use serde_json::{Value, json};
use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

const EXCHANGE: &str = "amq.rabbitmq.trace";
/// Copies that wait for being printed; more are dropped from the front.
const WAITING_MAX: i64 = 10_000;
/// Characters of a body that are shown.
const BODY_CHARS_MAX: usize = 80;

/// Options of `leveret trace`.
#[derive(Args)]
pub(crate) struct Trace {
    /// Firehose: only what is published to this exchange; may be given several times
    #[arg(long, value_name = "EXCHANGE")]
    publish: Vec<String>,
    /// Firehose: only what is delivered from this queue; may be given several times
    #[arg(long, value_name = "QUEUE")]
    deliver: Vec<String>,
    /// Ends after this many
    #[arg(long, short, value_name = "COUNT")]
    count: Option<u64>,
    /// Ends when nothing passed for this long
    #[arg(long, value_name = "TIME", value_parser = Span::parse_one)]
    idle: Option<Span>,
    /// Prints each message as an object on one line
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Does not switch the firehose on: it is on already
    #[arg(long)]
    no_switch: bool,
    /// The broker's HTTP API, which switches it [env: LEVERET_HTTP] [default: http://guest:guest@127.0.0.1:15672]
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    http: Option<String>,
    #[command(flatten)]
    followed: follow::Followed,
    #[command(flatten)]
    amqp: AmqpOptions,
}

/// The end of its help.
pub(super) const EXAMPLES: &str = "\
With an option that says which messages, the broker itself follows these and tells every step: published and routed, delivered, rejected,
retried, dead-lettered, expired, acked. (Only of Leveret.) Without one it is the firehose: it copies every message of the virtual host while
it is on, which costs the broker time: for looking, not for leaving on.

Examples:
  leveret trace --message-id 4711
        every step of one message, also when it is in a queue already
  leveret trace --queue orders --header tenant=eu --idle 1m --json
        what happens to a customer's orders, an object per line
  leveret trace
        everything that is published and delivered in the virtual host
  leveret trace --publish events --deliver orders
        what goes in here and comes out there
  leveret trace --vhost shop --count 100 --json | jq .properties.headers";

impl Runs for Trace {
    fn run(self) -> Outcome {
        if let Some(wish) = self.followed()? {
            if !self.publish.is_empty() || !self.deliver.is_empty() {
                return Err(Failure::usage(
                    "--publish and --deliver are of the firehose; which messages are followed, --exchange and --queue say",
                ));
            }
            return self.follow_messages(&wish);
        }
        let switch =
            if self.no_switch { None } else { Some(Switch::on(self.api()?, self.amqp.vhost_name()?)?) };
        let outcome = amqp::run(self.trace());
        let off = switch.map_or(Ok(()), Switch::off);
        outcome.and_then(|code| off.map(|()| code))
    }
}

/// The firehose of a virtual host, switched on.
struct Switch {
    api: Api,
    vhost: String,
    was_on: bool,
}

impl Switch {
    fn on(api: Api, vhost: String) -> Result<Switch, Failure> {
        let was_on = api.get(&path(&["vhosts", &vhost]))?["tracing"] == true;
        let switch = Switch { api, vhost, was_on };
        if !was_on {
            switch.set(true)?;
        }
        Ok(switch)
    }

    fn off(self) -> Result<(), Failure> {
        if self.was_on { Ok(()) } else { self.set(false) }
    }

    fn set(&self, on: bool) -> Result<(), Failure> {
        self.api.send("PUT", &path(&["vhosts", &self.vhost]), Some(&json!({"tracing": on})))?;
        Ok(())
    }
}

impl Trace {
    fn api(&self) -> Result<Api, Failure> {
        HttpOptions { http: self.http.clone(), login: self.amqp.login.clone() }.api()
    }

    async fn trace(&self) -> Outcome {
        let failed = |error: leveret_client::Error| Failure::new(error.to_string());
        let connection = self.amqp.connect("trace", false).await?;
        let channel = connection.channel().await.map_err(failed)?;
        let mut consumer = self.subscribed(&channel).await.map_err(failed)?;
        if !self.json {
            let _ = writeln!(std::io::stderr(), "tracing; Ctrl-C ends it");
        }
        let outcome = tokio::select! {
            followed = self.follow(&mut consumer) => followed,
            () = amqp::interrupted() => Ok(()),
        };
        drop(consumer);
        let _ = connection.close(CLOSE_TIME).await;
        outcome?;
        DONE
    }

    async fn subscribed(&self, channel: &Channel) -> Result<Consumer, leveret_client::Error> {
        let bound = json!({"x-max-length": WAITING_MAX, "x-overflow": "drop-head"});
        let arguments = amqp::field_table(&bound);
        let how = QueueDeclare { exclusive: true, auto_delete: true, arguments, ..QueueDeclare::default() };
        let queue = channel.queue_declare("", how).await?.name;
        for routing_key in self.patterns() {
            channel.queue_bind(&queue, EXCHANGE, Bind { routing_key, ..Bind::default() }).await?;
        }
        channel.basic_consume(&queue, ConsumeOptions { no_ack: true, ..ConsumeOptions::default() }).await
    }

    fn patterns(&self) -> Vec<String> {
        let publish = self.publish.iter().map(|exchange| format!("publish.{exchange}"));
        let deliver = self.deliver.iter().map(|queue| format!("deliver.{queue}"));
        let patterns: Vec<String> = publish.chain(deliver).collect();
        if patterns.is_empty() { vec!["#".to_owned()] } else { patterns }
    }

    async fn follow(&self, consumer: &mut Consumer) -> Result<(), Failure> {
        for _ in 0..self.count.unwrap_or(u64::MAX) {
            let next = match self.idle {
                None => consumer.next().await,
                Some(idle) => match tokio::time::timeout(idle.0, consumer.next()).await {
                    Ok(next) => next,
                    Err(_) => return Ok(()),
                },
            };
            let Some(delivery) = next else { return Ok(()) };
            let event = event(&delivery.map_err(|error| Failure::new(error.to_string()))?);
            print(&if self.json { format!("{event}\n") } else { line(&event) })?;
        }
        Ok(())
    }
}

/// What a copy says: where the message passed, and the message.
fn event(copy: &Delivery) -> Value {
    let properties = copy.properties().unwrap_or_default();
    let shown = amqp::shown("", "", false, &properties, copy.body());
    let headers = &shown["properties"]["headers"];
    let (event, place) = copy.routing_key().split_once('.').unwrap_or((copy.routing_key(), ""));
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let mut said = json!({
        "event": event, "time": millis,
        "exchange": headers["exchange_name"], "routing_keys": headers["routing_keys"],
        "user": headers["user"], "connection": headers["connection"], "channel": headers["channel"],
        "properties": headers["properties"],
        "payload": shown["payload"], "payload_encoding": shown["payload_encoding"], "payload_bytes": shown["payload_bytes"],
    });
    if event == "deliver" {
        said["queue"] = place.into();
        said["redelivered"] = json!(headers["redelivered"] != 0);
    } else {
        said["queues"] = headers["routed_queues"].clone();
    }
    said
}

fn line(event: &Value) -> String {
    let texts = |value: &Value| {
        let texts = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        texts.collect::<Vec<_>>().join(", ")
    };
    let time = time(event["time"].as_f64().unwrap_or_default());
    let time = time.split(' ').next_back().unwrap_or_default();
    let exchange = match event["exchange"].as_str() {
        None | Some("") => "(default)",
        Some(exchange) => exchange,
    };
    let to = match event["queue"].as_str() {
        Some(queue) => format!("{queue} -> consumer"),
        None if texts(&event["queues"]).is_empty() => "no queue".into(),
        None => texts(&event["queues"]),
    };
    let payload = event["payload"].as_str().unwrap_or_default();
    let body: String = payload.chars().take(BODY_CHARS_MAX).collect();
    let more = if body.len() < payload.len() { "…" } else { "" };
    let line = format!(
        "{time}  {:<7}  {exchange}  [{}]  {to}  {} bytes  {body}{more}",
        event["event"].as_str().unwrap_or_default(),
        texts(&event["routing_keys"]),
        event["payload_bytes"],
    );
    printable(&line).replace(['\n', '\t'], " ") + "\n"
}
