//! `leveret consume`: follows a queue, to stdout or into files.

use super::args::object;
use super::messages::{MessageOutput, Messages};
use super::{DONE, Runs};
use crate::amqp::{self, AmqpOptions, CLOSE_TIME};
use crate::config::{Single, Span};
use crate::failure::{Failure, Outcome};
use clap::{Args, ValueEnum};
use leveret_client::{ConsumeOptions, Consumer, ConsumerOptions, Delivery};
use serde_json::Value;
use std::io::Write as _;
use std::time::Duration;

/// Messages that are written and settled together.
const BATCH_LEN_MAX: usize = 256;
/// How long a message may wait for others to be written with it.
const BATCH_TIME: Duration = Duration::from_millis(1);

/// What becomes of a message that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AckMode {
    /// It is taken from the queue once it is written
    Ack,
    /// It goes back into the queue at the end
    Requeue,
    /// It is rejected: dead-lettered where the queue says so, else dropped
    Reject,
    /// The broker forgets it when it sends it: lost when this command ends before it is written
    None,
}

/// Options of `leveret consume`.
#[derive(Args)]
pub(crate) struct Consume {
    /// The queue
    queue: String,
    /// Ends after this many messages [default: follows the queue]
    #[arg(long, short, value_name = "COUNT")]
    count: Option<u64>,
    /// Ends when nothing came for this long
    #[arg(long, value_name = "TIME", value_parser = Span::parse_one)]
    idle: Option<Span>,
    /// What becomes of a message that was written
    #[arg(long, short, value_enum, value_name = "MODE", default_value_t = AckMode::Ack)]
    ack: AckMode,
    /// Messages the broker may send ahead
    #[arg(long, value_name = "COUNT", default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..))]
    prefetch: u16,
    /// Refuses to share the queue with other consumers
    #[arg(long)]
    exclusive: bool,
    /// Argument such as x-stream-offset=first or x-priority=10; may be given several times
    #[arg(long = "argument", value_name = "KEY=VALUE")]
    arguments: Vec<String>,
    #[command(flatten)]
    output: MessageOutput,
    /// Says nothing at the end
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
    #[command(flatten)]
    amqp: AmqpOptions,
}

/// The end of its help.
pub(super) const EXAMPLES: &str = "\
A message is acknowledged once it is written. Ctrl-C stops: what was not written goes back into the queue.

Examples:
  leveret consume orders
        follows the queue, a body per line, also over a restart of the broker
  leveret consume orders --count 10 --json
  leveret consume orders --idle 2s --output-dir messages
        empties the queue into files
  leveret consume orders --count 5 --ack requeue --verbose
        looks and puts everything back
  leveret consume log --argument x-stream-offset=first --idle 1s
        a stream from its beginning";

impl Runs for Consume {
    fn run(self) -> Outcome {
        if self.ack == AckMode::Requeue && self.count.is_none() && self.idle.is_none() {
            return Err(Failure::usage(
                "--ack requeue needs an end, when messages go back: --count or --idle",
            ));
        }
        if self.ack == AckMode::None && self.count.is_some() {
            return Err(Failure::usage(
                "--ack none makes the broker send everything it has, and what comes after --count would be lost; use --ack ack",
            ));
        }
        amqp::run(self.consume())
    }
}

impl Consume {
    async fn consume(self) -> Outcome {
        let mut messages = Messages::new(&self.output)?;
        let connection = self.amqp.connect("consume", self.count.is_none() && self.idle.is_none()).await?;
        let mut consumer = self.subscribed(&connection).await?;
        let mut kept = Vec::new();
        let ended = tokio::select! {
            ended = self.follow(&mut consumer, &mut messages, &mut kept) => ended,
            () = amqp::interrupted() => Ok(()),
        };
        // They were kept until nothing more can come: put back earlier they would be delivered again.
        for delivery in kept {
            let _ = delivery.nack(true);
        }
        let drained = match self.ack {
            AckMode::None => Ok(()),
            _ => consumer.drain(CLOSE_TIME).await.map(drop),
        };
        let _ = connection.close(CLOSE_TIME).await;
        ended?;
        drained.map_err(|error| Failure::new(error.to_string()))?;
        if !self.quiet && self.output.is_into_files() {
            let _ = writeln!(std::io::stderr(), "{} messages", messages.written());
        }
        DONE
    }

    async fn subscribed(&self, connection: &leveret_client::Connection) -> Result<Consumer, Failure> {
        let failed = |error: leveret_client::Error| missing(&self.queue, &error);
        let arguments = amqp::field_table(&Value::Object(object(&self.arguments)?));
        if self.ack == AckMode::None {
            let channel = connection.channel().await.map_err(failed)?;
            let options = ConsumeOptions {
                no_ack: true,
                exclusive: self.exclusive,
                arguments,
                ..ConsumeOptions::default()
            };
            return channel.basic_consume(&self.queue, options).await.map_err(failed);
        }
        // What is sent ahead and not wanted would come back marked as delivered before.
        let count = u16::try_from(self.count.unwrap_or(u64::from(self.prefetch))).unwrap_or(u16::MAX);
        let prefetch = match self.ack {
            AckMode::Requeue => count.max(self.prefetch.min(count)),
            _ => self.prefetch.min(count),
        };
        let options =
            ConsumerOptions::new(&self.queue, prefetch).exclusive(self.exclusive).arguments(arguments);
        let options =
            if self.count.is_some() || self.idle.is_some() { options.resubscribes_max(0) } else { options };
        connection.consumer(options).await.map_err(failed)
    }

    async fn follow(
        &self,
        consumer: &mut Consumer,
        messages: &mut Messages,
        kept: &mut Vec<Delivery>,
    ) -> Result<(), Failure> {
        loop {
            let left = self.count.map_or(u64::MAX, |count| count - messages.written().min(count));
            if left == 0 {
                return Ok(());
            }
            let most = usize::try_from(left).unwrap_or(BATCH_LEN_MAX).min(BATCH_LEN_MAX);
            let batch = consumer.consume_batch(most, BATCH_TIME);
            let batch = match self.idle {
                None => batch.await,
                Some(idle) => match tokio::time::timeout(idle.0, batch).await {
                    Ok(batch) => batch,
                    Err(_) => return Ok(()),
                },
            };
            let batch = batch.map_err(|error| Failure::new(error.to_string()))?;
            if batch.is_empty() {
                return Ok(());
            }
            if !self.settle(batch, messages, kept)? {
                return Ok(());
            }
        }
    }

    /// Writes messages and settles those that were written; false when nobody reads any more.
    fn settle(
        &self,
        batch: Vec<Delivery>,
        messages: &mut Messages,
        kept: &mut Vec<Delivery>,
    ) -> Result<bool, Failure> {
        let mut is_read = true;
        for delivery in &batch {
            is_read = is_read && messages.write(delivery, None)?;
        }
        is_read = is_read && messages.flush()?;
        for delivery in batch {
            // A stale one comes again; nothing is to be done about it.
            let _ = match self.ack {
                _ if !is_read => delivery.nack(true),
                AckMode::Ack => delivery.ack(),
                AckMode::Reject => delivery.reject(false),
                AckMode::Requeue => {
                    kept.push(delivery);
                    Ok(())
                }
                AckMode::None => {
                    drop(delivery);
                    Ok(())
                }
            };
        }
        Ok(is_read)
    }
}

/// What to do about a queue that is not there.
pub(super) fn missing(queue: &str, error: &leveret_client::Error) -> Failure {
    match error.reply_code() {
        Some(404) => Failure::new(format!(
            "{error}\n  `leveret queues list` shows the queues, `leveret queues declare {queue}` makes it"
        )),
        _ => Failure::new(error.to_string()),
    }
}
