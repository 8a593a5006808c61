//! One migration of a queue at a time.

use super::marker;
use super::trouble::Trouble;
use leveret_client::{Channel, Connection, Error, QueueDeclare};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long it is waited for another migration of the same queue to end: one that was killed is gone in a moment.
const LOCK_TIME: Duration = Duration::from_secs(20);
const LOCK_PAUSE: Duration = Duration::from_millis(200);

/// Keeps others away: a queue of this connection's, which the source deletes after it has put back what the connection held.
pub(super) async fn lock(source: &Connection, queue: &str) -> Result<Channel, Trouble> {
    let end = Instant::now() + LOCK_TIME;
    loop {
        let channel = source.channel().await.map_err(|error| Trouble::at("FROM", &error))?;
        let own = QueueDeclare { exclusive: true, ..QueueDeclare::default() };
        match channel.queue_declare(&format!("{}.lock", marker::name_of(queue)), own).await {
            Ok(_) => return Ok(channel),
            Err(Error::Closed { code: 405, .. }) if Instant::now() < end => sleep(LOCK_PAUSE).await,
            Err(Error::Closed { code: 405, .. }) => {
                return Err(Trouble::lasting("another migration of this queue is under way"));
            }
            Err(error) => return Err(Trouble::at("FROM", &error)),
        }
    }
}
