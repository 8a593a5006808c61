//! Moving one queue: batch after batch, each published with the marker in one transaction at the target, then acknowledged in one at the
//! source.

use super::IDLE;
use super::ends::End;
use super::gather::{BATCH_MAX, Batch};
use super::lock::lock;
use super::marker;
use super::missing::{Known, Returns};
use super::plan::QueueMove;
use super::sums::Sums;
use super::trouble::Trouble;
use super::unacked::{Rest, Unacked};
use crate::output::Progress;
use leveret_client::{Connection, Error};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Messages of the first batch.
const BATCH_FIRST: u16 = 16;
/// Bytes of bodies a batch aims at. (The first holds 16 messages, whatever they weigh.)
const BATCH_BYTES: usize = 8 << 20;
/// How often, without anything moved in between, a queue is tried again, and the pause before.
const RETRIES: u32 = 5;
const RETRY_PAUSE: Duration = Duration::from_secs(2);
const CLOSE_TIME: Duration = Duration::from_secs(5);

/// Both brokers, and who looks on.
pub(super) struct Carrier {
    pub(super) from: End,
    pub(super) from_is_leveret: bool,
    /// Whether the source counts what is given back to it as a delivery that failed.
    pub(super) is_counted: bool,
    pub(super) to: End,
    pub(super) progress: Arc<Progress>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) follows: bool,
    /// How long a node, or a queue without leader, may be away before a queue is given up.
    pub(super) away_max: Duration,
    /// How long it is waited for what consumers of the source hold.
    pub(super) wait_unacked: Duration,
    /// Whether messages are told which exchange they came through.
    pub(super) tells_exchange: bool,
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
    /// Messages that the source kept back: they wait for their next attempt, or another consumer is the only active one.
    pub(super) kept: u64,
    pub(super) problem: Option<String>,
    /// What was read back.
    pub(super) verified: Option<Result<Sums, String>>,
}

impl Carrier {
    /// Moves until the queue is empty, and tries again when a connection is lost.
    pub(super) async fn carry(&self, queue: &QueueMove) -> Moved {
        let mut moved = Moved { vhost: queue.vhost.clone(), queue: queue.name.clone(), ..Moved::default() };
        let mut failures = 0;
        let mut began = Instant::now();
        while let Err(trouble) = self.attempt(queue, &mut moved, &mut failures).await {
            if failures == 0 {
                began = Instant::now();
            }
            failures += 1;
            let may_pass = trouble.may_pass && began.elapsed() < self.away_max;
            let is_over = trouble.is_final || failures > RETRIES && !may_pass;
            if is_over || self.stop.load(Ordering::Relaxed) {
                moved.problem = Some(trouble.text);
                break;
            }
            tracing::info!(queue = queue.name, "{}; again in {RETRY_PAUSE:?}", trouble.text);
            sleep(RETRY_PAUSE).await;
        }
        if moved.problem.is_none() && self.stop.load(Ordering::Relaxed) && !self.follows {
            moved.problem = Some("interrupted: the same command goes on".into());
        }
        moved
    }

    async fn attempt(&self, queue: &QueueMove, moved: &mut Moved, failures: &mut u32) -> Result<(), Trouble> {
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
    ) -> Result<(), Trouble> {
        let at_from = |error: Error| Trouble::at("FROM", &error);
        let at_to = |error: Error| Trouble::at("TO", &error);
        let lock = lock(source, &queue.name).await?;
        let is_cluster = !queue.is_to_leveret && self.to.is_cluster()?;
        marker::make(target, &queue.name, is_cluster).await.map_err(at_to)?;
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
        let resumed_at = Instant::now();
        let mut returns = Returns::new(&marker.last, is_certain);
        let mut size = if is_resumed { BATCH_FIRST.max(marker.last.len() as u16) } else { BATCH_FIRST };
        let mut unacked = Unacked::new(self.from_is_leveret);
        while !self.stop.load(Ordering::Relaxed) {
            let is_weighed = returns.is_open(&marker.missing) && unacked.is_after(resumed_at);
            // (Asked while nothing of it is with this program.)
            let held = if is_weighed { unacked.held(&self.from, source, queue).await? } else { None };
            let batch = match queue.is_stream {
                true => Batch::of_stream(source, &queue.name, size, marker.next_offset).await,
                false => Batch::of_queue(source, &queue.name, size, returns.is_at_head()).await,
            };
            let batch = batch.map_err(at_from)?;
            if batch.deliveries.is_empty() {
                batch.close().await.map_err(at_from)?;
                marker.unsure += returns.is_missing(&mut marker.missing);
                let is_awaited = !marker.missing.is_empty();
                match self.rest(queue, source, &mut unacked, is_awaited).await? {
                    Rest::MayCome => continue,
                    Rest::Nothing => {}
                    Rest::Stays => {
                        // It is acknowledged, or missing: what comes back later and is equal to it is another message.
                        marker.last.clear();
                        marker::write(&publisher, &queue.name, &marker).await.map_err(at_to)?;
                        publisher.tx_commit().await.map_err(at_to)?;
                        moved.problem = Some(unacked.words(self.wait_unacked));
                    }
                }
                (moved.unacked, moved.kept) = (unacked.count, unacked.kept);
                break;
            }
            unacked.moved();
            let bytes: usize = batch.deliveries.iter().map(|delivery| delivery.body().len()).sum();
            let fits = BATCH_BYTES * batch.deliveries.len() / bytes.max(1);
            let known = self.known(queue, &batch.deliveries, (&mut returns, held), &mut marker);
            moved.recognised += known.iter().filter(|known| **known == Known::Stored).count() as u64;
            let stored =
                self.store(queue, &publisher, (&batch.deliveries, &known), &mut marker, &mut moved.read);
            if let Err(error) = stored.await {
                // A consumer that is lost with them would use up their attempts.
                let _ = batch.give_back(self.is_counted || queue.is_stream).await;
                return Err(Trouble::at_store(&error));
            }
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

    /// Whether anything may still come of a queue that has given everything.
    async fn rest(
        &self,
        queue: &QueueMove,
        source: &Connection,
        unacked: &mut Unacked,
        is_awaited: bool,
    ) -> Result<Rest, Trouble> {
        match (self.follows, queue.is_stream) {
            (true, _) => Ok(Rest::MayCome),
            (false, true) => Ok(Rest::Nothing),
            (false, false) => unacked.look(&self.from, source, queue, (self.wait_unacked, is_awaited)).await,
        }
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
