//! Moving one queue: batch after batch, each published with the marker in one transaction at the target, then acknowledged in one at the
//! source.

use super::IDLE;
use super::batch::{Seen, resumed};
use super::ends::End;
use super::gather::{Batch, offset};
use super::marker::{self, Marker};
use super::plan::QueueMove;
use super::sums::{Sums, digest, own_properties};
use crate::http::path;
use crate::output::Progress;
use leveret_client::{
    Channel, Connection, Delivery, Error, PublishOptions, QueueDeclare, RawMessage, RawProperties,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::sleep;

/// Messages of the first batch, and of any.
const BATCH_FIRST: u16 = 16;
const BATCH_MAX: u16 = 1000;
/// Bytes of bodies a batch aims at. (The first holds 16 messages, whatever they weigh.)
const BATCH_BYTES: usize = 8 << 20;
/// How often, without anything moved in between, a queue is tried again, and the pause before.
const RETRIES: u32 = 5;
const RETRY_PAUSE: Duration = Duration::from_secs(2);
/// How long it is waited for another migration of the same queue to end: one that was killed is gone in a moment.
const LOCK_TIME: Duration = Duration::from_secs(20);
const LOCK_PAUSE: Duration = Duration::from_millis(200);
/// How old figures of unacknowledged messages may be.
const STATS_TIME: Duration = Duration::from_secs(7);
/// Bytes of bodies above which a queue is not read back.
const VERIFY_BYTES_MAX: usize = 1 << 30;
const CLOSE_TIME: Duration = Duration::from_secs(5);

/// Both brokers, and who looks on.
pub(super) struct Carrier {
    pub(super) from: End,
    pub(super) to: End,
    pub(super) progress: Arc<Progress>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) follows: bool,
}

/// What became of a queue.
#[derive(Debug, Clone, Default)]
pub(super) struct Moved {
    pub(super) vhost: String,
    pub(super) queue: String,
    /// What was read at the source, in all runs together.
    pub(super) read: Sums,
    /// What the target has said that it stored.
    pub(super) stored: Sums,
    /// Messages that were at the target already when a run went on, and were not published again.
    pub(super) recognised: u64,
    /// Messages that may have come twice.
    pub(super) unsure: u64,
    /// Messages that consumers of the source had and did not settle: they are still there.
    pub(super) unacked: u64,
    pub(super) problem: Option<String>,
    /// What was read back.
    pub(super) verified: Option<Result<Sums, String>>,
}

impl Carrier {
    /// Moves until the queue is empty, and tries again when a connection is lost.
    pub(super) async fn carry(&self, queue: &QueueMove) -> Moved {
        let mut moved = Moved { vhost: queue.vhost.clone(), queue: queue.name.clone(), ..Moved::default() };
        let mut failures = 0;
        while let Err(reason) = self.attempt(queue, &mut moved, &mut failures).await {
            failures += 1;
            if failures > RETRIES || self.stop.load(Ordering::Relaxed) {
                moved.problem = Some(reason);
                break;
            }
            sleep(RETRY_PAUSE).await;
        }
        if moved.problem.is_none() && self.stop.load(Ordering::Relaxed) && !self.follows {
            moved.problem = Some("interrupted: the same command goes on".into());
        }
        if !queue.is_stream && moved.problem.is_none() {
            moved.unacked = self.unacked(queue).await;
        }
        moved
    }

    async fn attempt(&self, queue: &QueueMove, moved: &mut Moved, failures: &mut u32) -> Result<(), String> {
        let source = self.from.connect(&queue.vhost).await?;
        let target = self.to.connect(&queue.vhost).await?;
        let ended = self.move_all(queue, (&source, &target), moved, failures).await;
        let _ = tokio::join!(source.close(CLOSE_TIME), target.close(CLOSE_TIME));
        ended
    }

    async fn move_all(
        &self,
        queue: &QueueMove,
        (source, target): (&Connection, &Connection),
        moved: &mut Moved,
        failures: &mut u32,
    ) -> Result<(), String> {
        let (at_from, at_to) =
            (|error: Error| format!("FROM: {error}"), |error: Error| format!("TO: {error}"));
        let lock = lock(source, &queue.name).await?;
        marker::make(target, &queue.name).await.map_err(at_to)?;
        let found = marker::read(target, &queue.name).await?;
        let incarnation = self.to.incarnation()?;
        let is_resumed = found.is_some();
        let mut marker = found.unwrap_or_default();
        // A transaction of Leveret's is stored as a whole or not at all; RabbitMQ promises that for one queue only.
        let is_certain = marker.incarnation == incarnation || queue.is_to_leveret;
        if is_resumed {
            // The source has the lock's end before it has put back what its owner held.
            sleep(IDLE).await;
        }
        marker.incarnation = incarnation;
        (moved.read, moved.stored, moved.unsure) = (marker.sums.clone(), marker.sums.clone(), marker.unsure);
        let publisher = target.channel().await.map_err(at_to)?;
        publisher.tx_select().await.map_err(at_to)?;
        // What the last run may have left unacknowledged.
        let mut came_back = marker.last.clone();
        let mut is_first = is_resumed;
        let mut size = if is_resumed { BATCH_FIRST.max(marker.last.len() as u16) } else { BATCH_FIRST };
        while !self.stop.load(Ordering::Relaxed) {
            let batch = match queue.is_stream {
                true => Batch::of_stream(source, &queue.name, size, marker.next_offset).await,
                false => Batch::of_queue(source, &queue.name, size, is_first).await,
            };
            let batch = batch.map_err(at_from)?;
            if batch.deliveries.is_empty() {
                batch.close().await.map_err(at_from)?;
                if self.follows {
                    continue;
                }
                break;
            }
            let bytes: usize = batch.deliveries.iter().map(|delivery| delivery.body().len()).sum();
            let fits = BATCH_BYTES * batch.deliveries.len() / bytes.max(1);
            let skip = if is_first && !queue.is_stream {
                let head: Vec<Seen> = batch.deliveries.iter().map(seen).collect();
                let resumed = resumed(&came_back, &head, is_certain);
                moved.recognised += resumed.stored as u64;
                marker.unsure += resumed.unsure as u64;
                came_back.drain(..came_back.len() - resumed.more);
                resumed.stored
            } else {
                0
            };
            is_first = !came_back.is_empty();
            self.store(queue, &publisher, &batch.deliveries[skip..], &mut marker, &mut moved.read)
                .await
                .map_err(at_to)?;
            (moved.stored, moved.unsure) = (marker.sums.clone(), marker.unsure);
            self.progress.add(batch.deliveries.len() as u64);
            batch.acknowledge().await.map_err(at_from)?;
            *failures = 0;
            let most = size.saturating_mul(4).min(BATCH_MAX);
            size = u16::try_from(fits).unwrap_or(u16::MAX).clamp(1, most);
        }
        drop(lock);
        Ok(())
    }

    /// Publishes a batch and the marker in one transaction.
    async fn store(
        &self,
        queue: &QueueMove,
        publisher: &Channel,
        deliveries: &[Delivery],
        marker: &mut Marker,
        read: &mut Sums,
    ) -> Result<(), Error> {
        if deliveries.is_empty() {
            return Ok(());
        }
        let exchange = marker::name_of(&queue.name);
        let mut next = Marker { last: Vec::with_capacity(deliveries.len()), ..marker.clone() };
        for delivery in deliveries {
            let (key, raw) = (delivery.routing_key_bytes(), delivery.raw_properties());
            let own = own_properties(raw, queue.counts_deliveries, delivery.is_redelivered());
            let digest = digest(key, raw, delivery.body());
            read.add(&digest);
            next.sums.add(&digest);
            if !queue.is_stream {
                next.last.push(digest);
            }
            next.next_offset = offset(delivery).map_or(next.next_offset, |offset| offset + 1);
            let properties = RawProperties::parse(&own).unwrap_or_default();
            let message = RawMessage {
                exchange: &exchange,
                routing_key: key,
                properties,
                body: delivery.body().clone(),
            };
            publisher.basic_publish_raw(message, PublishOptions::default()).await?;
        }
        marker::write(publisher, &queue.name, &next).await?;
        publisher.tx_commit().await?;
        *marker = next;
        Ok(())
    }

    /// Messages with consumers of the source. The figure may be old, so one above zero is looked at again.
    async fn unacked(&self, queue: &QueueMove) -> u64 {
        let place = path(&["queues", &queue.vhost, &queue.name]);
        let end = tokio::time::Instant::now() + STATS_TIME;
        loop {
            let found = self.from.api.get(&place).unwrap_or_default();
            let unacked = found["messages_unacknowledged"].as_u64().unwrap_or(0);
            if unacked == 0 || tokio::time::Instant::now() > end {
                return unacked;
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// Reads the target's queue from its beginning and gives everything back.
    pub(super) async fn verify(&self, queue: &QueueMove) -> Result<Sums, String> {
        let words = |error: Error| error.to_string();
        let target = self.to.connect(&queue.vhost).await?;
        let channel = target.channel().await.map_err(words)?;
        let (mut sums, mut held, mut bytes) = (Sums::default(), Vec::new(), 0);
        if queue.is_stream {
            let mut next = 0;
            loop {
                let batch = Batch::of_stream(&target, &queue.name, BATCH_MAX, next).await.map_err(words)?;
                let Some(last) = batch.deliveries.last().and_then(offset) else { break };
                batch.deliveries.iter().for_each(|delivery| sums.add(&seen(delivery).digest));
                next = last + 1;
                batch.acknowledge().await.map_err(words)?;
            }
        }
        while !queue.is_stream
            && let Some(got) = channel.basic_get(&queue.name, false).await.map_err(words)?
        {
            sums.add(&seen(&got.delivery).digest);
            bytes += got.delivery.body().len();
            held.push(got.delivery);
            if bytes > VERIFY_BYTES_MAX {
                let _ = target.close(CLOSE_TIME).await;
                return Err("more than 1 GiB: too large to be read back".into());
            }
        }
        // Now they are back where they were.
        let _ = target.close(CLOSE_TIME).await;
        drop(held);
        Ok(sums)
    }

    /// Takes away what the migration of a queue had at the target.
    pub(super) async fn clean(&self, queue: &QueueMove) {
        if let Ok(target) = self.to.connect(&queue.vhost).await {
            if let Err(error) = marker::remove(&target, &queue.name).await {
                tracing::warn!(queue = queue.name, %error, "what the migration made at TO stays");
            }
            let _ = target.close(CLOSE_TIME).await;
        }
    }
}

/// Keeps others away: a queue of this connection's, which the source deletes after it has put back what the connection held.
async fn lock(source: &Connection, queue: &str) -> Result<Channel, String> {
    let end = tokio::time::Instant::now() + LOCK_TIME;
    loop {
        let channel = source.channel().await.map_err(|error| error.to_string())?;
        let own = QueueDeclare { exclusive: true, ..QueueDeclare::default() };
        match channel.queue_declare(&format!("{}.lock", marker::name_of(queue)), own).await {
            Ok(_) => return Ok(channel),
            Err(Error::Closed { code: 405, .. }) if tokio::time::Instant::now() < end => {
                sleep(LOCK_PAUSE).await
            }
            Err(Error::Closed { code: 405, .. }) => {
                return Err("another migration of this queue is under way".into());
            }
            Err(error) => return Err(format!("FROM: {error}")),
        }
    }
}

fn seen(delivery: &Delivery) -> Seen {
    Seen {
        digest: digest(delivery.routing_key_bytes(), delivery.raw_properties(), delivery.body()),
        is_redelivered: delivery.is_redelivered(),
    }
}
