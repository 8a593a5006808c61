//! `leveret get`: a few messages at once, without waiting for more.

use super::consume::{AckMode, missing};
use super::messages::{MessageOutput, Messages};
use super::{DONE, Runs};
use crate::amqp::{self, AmqpOptions, CLOSE_TIME};
use crate::failure::{Failure, Outcome};
use clap::Args;
use std::io::Write as _;

/// Options of `leveret get`.
#[derive(Args)]
pub(crate) struct Get {
    /// The queue
    queue: String,
    /// Messages at most
    #[arg(long, short, value_name = "COUNT", default_value_t = 1)]
    count: usize,
    /// What becomes of them: they go back unless it is said otherwise
    #[arg(long, short, value_enum, value_name = "MODE", default_value_t = AckMode::Requeue)]
    ack: AckMode,
    #[command(flatten)]
    output: MessageOutput,
    /// Does not say that the queue is empty
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
    #[command(flatten)]
    amqp: AmqpOptions,
}

/// The end of its help.
pub(super) const EXAMPLES: &str = "\
Messages that go back are marked as delivered before. To look without touching there is `leveret browse` (Leveret only).

Examples:
  leveret get orders --verbose
        the first message, which stays where it is
  leveret get orders --count 100 --ack ack --json > taken.jsonl
        takes a hundred out
  leveret get orders --ack reject
        sends the first message to the dead letters";

impl Runs for Get {
    fn run(self) -> Outcome {
        amqp::run(self.get())
    }
}

impl Get {
    async fn get(self) -> Outcome {
        let failed = |error: leveret_client::Error| missing(&self.queue, &error);
        let mut messages = Messages::new(&self.output)?;
        let connection = self.amqp.connect("get", false).await?;
        let channel = connection.channel().await.map_err(failed)?;
        let mut taken = Vec::new();
        let mut is_read = true;
        while is_read && (messages.written() as usize) < self.count {
            let Some(got) =
                channel.basic_get(&self.queue, self.ack == AckMode::None).await.map_err(failed)?
            else {
                break;
            };
            is_read = messages.write(&got.delivery, Some(got.messages))?;
            if self.ack != AckMode::None {
                taken.push(got.delivery);
            }
        }
        is_read = messages.flush()? && is_read;
        for delivery in taken {
            let settled = match self.ack {
                AckMode::Ack if is_read => delivery.ack(),
                AckMode::Reject if is_read => delivery.reject(false),
                _ => delivery.nack(true),
            };
            settled.map_err(|error| Failure::new(error.to_string()))?;
        }
        channel.close().await.map_err(failed)?;
        let _ = connection.close(CLOSE_TIME).await;
        if messages.written() == 0 && is_read && !self.quiet {
            let _ = writeln!(std::io::stderr(), "queue '{}' is empty", self.queue);
        }
        DONE
    }
}
