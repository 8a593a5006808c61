//! Messages that consumers of the source hold: they come back, or are acknowledged, or stay where they are.

use super::ends::End;
use super::plan::QueueMove;
use super::trouble::Trouble;
use crate::http::path;
use leveret_client::{Connection, Error, QueueDeclare};
use std::time::Duration;
use tokio::time::Instant;

/// How old RabbitMQ's figures may be.
const STATS_TIME: Duration = Duration::from_secs(7);

/// What is known of them since the queue gave its last message.
#[derive(Debug)]
pub(super) struct Unacked {
    /// When the last message came.
    since: Instant,
    /// As the source said last.
    pub(super) count: u64,
}

/// Whether a queue without ready messages is done with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nobody holds anything.
    Nothing,
    /// Somebody does, or may: it is looked again.
    MayCome,
    /// Somebody does, and has for too long.
    Stays,
}

impl Unacked {
    pub(super) fn new() -> Unacked {
        Unacked { since: Instant::now(), count: 0 }
    }

    /// Something was moved: the wait begins anew.
    pub(super) fn moved(&mut self) {
        self.since = Instant::now();
    }

    /// Asks the source; waits no longer than `wait` since the last message.
    pub(super) async fn look(
        &mut self,
        from: &End,
        source: &Connection,
        queue: &QueueMove,
        wait: Duration,
    ) -> Result<Rest, Trouble> {
        let place = path(&["queues", &queue.vhost, &queue.name]);
        // Not to be known is not to be none.
        let found = from.api.get(&place).map_err(|error| Trouble {
            text: format!("FROM: whether consumers hold messages is not known: {error}"),
            may_pass: true,
        })?;
        self.count = found["messages_unacknowledged"].as_u64().unwrap_or(0);
        let has_consumers =
            consumers(source, &queue.name).await.map_err(|error| Trouble::at("FROM", &error))? > 0;
        Ok(self.rest(self.since.elapsed(), has_consumers, wait))
    }

    fn rest(&self, quiet: Duration, has_consumers: bool, wait: Duration) -> Rest {
        // A figure may be of before the last batch, or of before a consumer took something: that one is still there then.
        let is_old = quiet < STATS_TIME;
        match self.count {
            0 if !has_consumers || !is_old => Rest::Nothing,
            _ if quiet < wait || is_old => Rest::MayCome,
            _ => Rest::Stays,
        }
    }
}

async fn consumers(source: &Connection, queue: &str) -> Result<u32, Error> {
    let channel = source.channel().await?;
    let passive = QueueDeclare { passive: true, ..QueueDeclare::default() };
    let consumers = channel.queue_declare(queue, passive).await?.consumers;
    channel.close().await?;
    Ok(consumers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_waited_for_what_consumers_hold_and_not_for_ever() {
        let second = Duration::from_secs;
        for (count, quiet, has_consumers, wait, rest) in [
            (0, 0, false, 30, Rest::Nothing),
            // The figure may be old, and whoever took something is there.
            (0, 1, true, 30, Rest::MayCome),
            (0, 8, true, 30, Rest::Nothing),
            (3, 1, false, 30, Rest::MayCome),
            (3, 29, true, 30, Rest::MayCome),
            (3, 30, true, 30, Rest::Stays),
            // Not waiting does not mean to believe what is old.
            (3, 1, true, 0, Rest::MayCome),
            (3, 8, true, 0, Rest::Stays),
        ] {
            let unacked = Unacked { count, ..Unacked::new() };
            let said = unacked.rest(second(quiet), has_consumers, second(wait));
            assert_eq!(said, rest, "{count} {quiet} {has_consumers} {wait}");
        }
    }
}
