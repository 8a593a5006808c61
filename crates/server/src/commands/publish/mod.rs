//! `leveret publish`: messages from arguments, files or stdin, confirmed by the broker unless told otherwise.

mod blocked;
mod bodies;
mod sending;

use super::args::object;
use super::{DONE, Runs};
use crate::amqp::{self, AmqpOptions};
use crate::failure::{Failure, Outcome};
use crate::output::OutputOptions;
use blocked::Blocked;
use bodies::Bodies;
use clap::Args;
use leveret_client::{Message, PublisherOptions};
use sending::Sending;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Options of `leveret publish`.
#[derive(Args)]
pub(crate) struct Publish {
    /// The messages: one for each
    #[arg(value_name = "BODY", allow_hyphen_values = false, conflicts_with_all = ["files", "lines", "json_lines"])]
    bodies: Vec<String>,
    /// The queue they go to, through the default exchange
    #[arg(long, short = 'Q', value_name = "QUEUE", conflicts_with_all = ["exchange", "routing_key"])]
    queue: Option<String>,
    /// The exchange they go to
    #[arg(long, short = 'e', value_name = "EXCHANGE")]
    exchange: Option<String>,
    /// Routing key
    #[arg(long, short = 'k', value_name = "KEY")]
    routing_key: Option<String>,
    /// A file whose bytes are a message; may be given several times
    #[arg(long = "file", short, value_name = "FILE", conflicts_with_all = ["lines", "json_lines"], help_heading = "What")]
    files: Vec<PathBuf>,
    /// Every line of stdin is a message
    #[arg(long, short, help_heading = "What")]
    lines: bool,
    /// Every line of stdin is a message as `leveret consume --json` prints it, with properties and where it goes
    #[arg(long, conflicts_with = "lines", help_heading = "What")]
    json_lines: bool,
    /// Header; may be given several times
    #[arg(long = "header", short = 'H', value_name = "KEY=VALUE", help_heading = "What")]
    headers: Vec<String>,
    /// Property such as content_type=application/json or priority=5; may be given several times
    #[arg(long = "property", short, value_name = "KEY=VALUE", help_heading = "What")]
    properties: Vec<String>,
    /// Messages that need not survive a restart (delivery mode 1)
    #[arg(long, help_heading = "What")]
    transient: bool,
    /// Publishes everything this many times
    #[arg(long, short, value_name = "COUNT", default_value_t = 1, conflicts_with_all = ["lines", "json_lines"], help_heading = "How")]
    count: u64,
    /// Messages per second [default: as many as possible]
    #[arg(long, short, value_name = "RATE", help_heading = "How")]
    rate: Option<f64>,
    /// Does not wait for the broker's confirms: messages may be lost without a word
    #[arg(long, help_heading = "How")]
    no_confirm: bool,
    /// Messages that no queue takes are no error
    #[arg(long, help_heading = "How")]
    no_mandatory: bool,
    #[command(flatten)]
    amqp: AmqpOptions,
    #[command(flatten)]
    output: OutputOptions,
}

/// The end of its help.
pub(super) const EXAMPLES: &str = "\
A message that no queue takes, or that the broker does not confirm, is an error: exit code 1. Without BODY, --file or --lines
everything on stdin is one message.

Examples:
  leveret publish --queue orders 'one coffee'
  leveret publish -e events -k order.created -H attempt=1 -p content_type=application/json '{\"id\": 1}'
  leveret publish --queue orders --file a.pdf --file b.pdf
  tail -f app.log | leveret publish -e logs -k app --lines
  leveret consume old --count 100 --json | leveret publish --queue new --json-lines
        --queue wins over where the line says it goes
  leveret publish --queue orders x --count 10000 --rate 500";

impl Runs for Publish {
    fn run(self) -> Outcome {
        if self.queue.is_none() && self.exchange.is_none() && !self.json_lines {
            return Err(Failure::usage(
                "where to? --queue QUEUE, or --exchange EXCHANGE and --routing-key KEY",
            ));
        }
        if self.rate.is_some_and(|rate| !rate.is_finite() || rate <= 0.0) {
            return Err(Failure::usage("--rate is a number above 0"));
        }
        amqp::run(self.publish())
    }
}

impl Publish {
    async fn publish(self) -> Outcome {
        let template = self.template()?;
        let mut bodies = self.bodies_of()?;
        let connection = self.amqp.connect("publish", false).await?;
        let options = PublisherOptions::default()
            .confirms(!self.no_confirm)
            .mandatory(!self.no_mandatory && !self.no_confirm)
            .persistent(!self.transient)
            .deadline(self.amqp.login.timeout());
        let failed = |error: leveret_client::Error| Failure::new(error.to_string());
        let publisher = connection.publisher(options).await.map_err(failed)?;
        let mut sending = Sending::new(connection.clone(), publisher, !self.output.quiet);
        let mut pace = self.rate.map(|rate| {
            let mut pace = interval_at(Instant::now(), Duration::from_secs_f64(1.0 / rate));
            pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
            pace
        });
        let sent = async {
            while let Some(body) = bodies.next().await? {
                if let Some(pace) = &mut pace {
                    pace.tick().await;
                }
                sending.send(self.message(&template, body)?).await?;
            }
            Ok(())
        };
        let timeout = self.amqp.login.timeout();
        let mut blocked = Blocked::of(&connection, timeout);
        let sent: Result<(), Failure> = tokio::select! {
            sent = sent => sent,
            () = amqp::interrupted() => Err(Failure::new("interrupted")),
            never = blocked.tell() => match never {},
        };
        let rest = async {
            let all = sending.all_confirmed().await;
            let flushed = if self.no_confirm { sending.publisher.flush().await } else { Ok(()) };
            all.and(flushed.map_err(|error| Failure::new(error.to_string())))
        };
        let rest = tokio::select! {
            rest = rest => rest,
            never = blocked.tell() => match never {},
        };
        let done = sending.confirmed;
        drop(sending);
        let outcome = sent.and(rest);
        let closed = match self.no_confirm {
            true => blocked.close_read(&connection).await,
            false => {
                blocked.close(&connection).await;
                Ok(())
            }
        };
        let what = if self.no_confirm { "sent" } else { "confirmed" };
        let so_far =
            |failure: Failure| Failure { text: format!("{} ({done} {what})", failure.text), ..failure };
        outcome.and(closed).map_err(so_far)?;
        self.output.done(&format!("{done} {what}"), &json!({what: done}))?;
        DONE
    }

    fn bodies_of(&self) -> Result<Bodies, Failure> {
        match () {
            () if self.lines || self.json_lines => Ok(Bodies::lines(self.json_lines)),
            () if !self.files.is_empty() => Ok(Bodies::files(self.files.clone(), self.count)),
            () if !self.bodies.is_empty() => Ok(Bodies::given(&self.bodies, self.count)),
            () => Bodies::stdin(self.count),
        }
    }

    /// What every message has.
    fn template(&self) -> Result<Message, Failure> {
        let mut properties = object(&self.properties)?;
        if !self.headers.is_empty() {
            properties.insert("headers".into(), Value::Object(object(&self.headers)?));
        }
        let mut template =
            Message::new(Vec::new()).properties(amqp::properties_of(&Value::Object(properties))?);
        if let Some(queue) = &self.queue {
            template = template.exchange("").routing_key(queue.clone());
        }
        if let Some(exchange) = &self.exchange {
            template = template.exchange(exchange.clone());
        }
        if let Some(key) = &self.routing_key {
            template = template.routing_key(key.clone());
        }
        Ok(template)
    }

    fn message(&self, template: &Message, body: Vec<u8>) -> Result<Message, Failure> {
        if !self.json_lines {
            return Ok(Message { body: body.into(), ..template.clone() });
        }
        let line: Value = serde_json::from_slice(&body)
            .map_err(|error| Failure::usage(format!("a line of stdin is not JSON: {error}")))?;
        let mut message = amqp::message_of(&line)?;
        if template.routing_key.is_some() || template.exchange.is_some() {
            message.exchange = template.exchange.clone().or(message.exchange);
            message.routing_key = template.routing_key.clone().or(message.routing_key);
        }
        let given = template.properties.headers.iter().flat_map(|headers| headers.iter());
        for (name, value) in given {
            message = message.header(name.clone(), value.clone());
        }
        Ok(message)
    }
}
