//! Reading a queue of the target back, to compare: consumed in windows on one channel, nothing settled, and given back at the end.
//!
//! `readable` says whether that leaves the queue as it is, and how it is done. Before anything is read it is counted: a queue in which
//! other messages are than those that were stored, or that has consumers, is not touched.

use super::IDLE;
use super::carry::Carrier;
use super::gather::{BATCH_MAX, Batch, offset};
use super::marker::{self, Marker};
use super::plan::QueueMove;
use super::readable::{BYTES_MAX, Kind, Terms, terms};
use super::sums::{Digest, Sums, digest};
use crate::http::path;
use leveret_client::{
    Channel, Connection, ConsumeOptions, Consumer, DeclaredQueue, Delivery, Error, QueueDeclare,
};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long a queue is read at most: RabbitMQ closes the channel of who holds messages for half an hour (`consumer_timeout`), some
/// versions for a quarter.
const READ_TIME: Duration = Duration::from_secs(600);
/// How long it is waited for the queue to have as many messages as were stored, or as were given back.
const COUNT_TIME: Duration = Duration::from_secs(10);
const COUNT_PAUSE: Duration = Duration::from_millis(50);
/// Nothing comes for this long and the queue says that it has no more: there are fewer than there were.
const FEWER_TIME: Duration = Duration::from_secs(2);
const CLOSE_TIME: Duration = Duration::from_secs(5);

fn words(error: Error) -> String {
    error.to_string()
}

impl Carrier {
    /// Reads the target's queue from its beginning and leaves everything where it was.
    pub(super) async fn verify(&self, queue: &QueueMove) -> Result<Sums, String> {
        let target = self.to.connect(&queue.vhost).await.map_err(|trouble| trouble.text)?;
        let until = Instant::now() + READ_TIME;
        let read = match queue.is_stream {
            true => self.read_stream(&target, queue, until).await,
            false => self.read_queue(&target, queue, until).await,
        };
        // Whatever happened: now everything is given back.
        let _ = target.close(CLOSE_TIME).await;
        read
    }

    async fn read_stream(
        &self,
        target: &Connection,
        queue: &QueueMove,
        until: Instant,
    ) -> Result<Sums, String> {
        let (mut sums, mut next) = (Sums::default(), 0);
        loop {
            let batch = Batch::of_stream(target, &queue.name, BATCH_MAX, next).await.map_err(words)?;
            let Some(last) = batch.deliveries.last().and_then(offset) else { return Ok(sums) };
            batch.deliveries.iter().for_each(|delivery| sums.add(&as_it_is(delivery)));
            self.progress.add(batch.deliveries.len() as u64);
            next = last + 1;
            batch.acknowledge().await.map_err(words)?;
            self.may_go_on(until)?;
        }
    }

    async fn read_queue(
        &self,
        target: &Connection,
        queue: &QueueMove,
        until: Instant,
    ) -> Result<Sums, String> {
        let marker = marker::read(target, &queue.name).await.map_err(|trouble| trouble.text)?;
        let mut marker = marker.unwrap_or_default();
        let count = marker.sums.count;
        let looker = target.channel().await.map_err(words)?;
        let there = counted(&looker, queue, count, true).await?;
        if there.consumers > 0 {
            return Err(format!("it has consumers at TO ({}): nothing was read", there.consumers));
        }
        if u64::from(there.messages) != count {
            return Err(format!(
                "at TO there are {} messages, and {count} were stored: nothing was read",
                there.messages
            ));
        }
        if count == 0 {
            return Ok(Sums::default());
        }
        let shown = self.to.api.get(&path(&["queues", &queue.vhost, &queue.name]));
        let kind = if queue.is_to_leveret { Kind::Leveret } else { Kind::RabbitMq(self.to.major_version()?) };
        let terms = terms(&shown.map_err(|error| error.to_string())?, kind, count, marker.read_backs)?;
        marker.read_backs += 1;
        remember(target, queue, &marker).await.map_err(words)?;
        let channel = target.channel().await.map_err(words)?;
        let mut windows = Vec::new();
        let read = self.read_windows(queue, (&channel, &looker), &terms, count, &mut windows, until).await;
        // The last may still be subscribed, and would be given everything again.
        if let (Err(_), Some(last)) = (&read, windows.last()) {
            let _ = channel.basic_cancel(last.tag()).await;
        }
        if terms.gives_back {
            channel.basic_recover(true).await.map_err(words)?;
        }
        channel.close().await.map_err(words)?;
        let read = read?;
        let there = counted(&looker, queue, read.count, false).await?;
        if u64::from(there.messages) < read.count {
            return Err(format!(
                "{} messages were read, and {} of them are there again",
                read.count, there.messages
            ));
        }
        Ok(read)
    }

    /// Consumer after consumer on one channel, until `count` messages are read or there are no more.
    async fn read_windows(
        &self,
        queue: &QueueMove,
        (channel, looker): (&Channel, &Channel),
        terms: &Terms,
        count: u64,
        windows: &mut Vec<Consumer>,
        until: Instant,
    ) -> Result<Sums, String> {
        let (mut sums, mut bytes) = (Sums::default(), 0);
        while sums.count < count {
            let size = u16::try_from(count - sums.count).unwrap_or(u16::MAX).min(terms.window);
            channel.basic_qos(size, false).await.map_err(words)?;
            // The tags sort like the messages.
            let tag = format!("leveret.verify.{:03}", windows.len());
            let how = ConsumeOptions { tag, exclusive: terms.is_exclusive, ..ConsumeOptions::default() };
            windows.push(channel.basic_consume(&queue.name, how).await.map_err(words)?);
            let Some(consumer) = windows.last_mut() else { break };
            for _ in 0..size {
                let Some(delivery) = self.one(queue, (channel, looker), consumer, until).await? else {
                    channel.basic_cancel(consumer.tag()).await.map_err(words)?;
                    return Ok(sums);
                };
                sums.add(&as_it_is(&delivery));
                bytes += delivery.body().len() as u64;
                delivery.leave_unsettled();
                self.progress.add(1);
                if bytes > BYTES_MAX {
                    return Err("more than 1 GiB: too large to be read back".into());
                }
            }
            channel.basic_cancel(consumer.tag()).await.map_err(words)?;
        }
        Ok(sums)
    }

    /// The next message; `None` when there is none.
    async fn one(
        &self,
        queue: &QueueMove,
        (channel, looker): (&Channel, &Channel),
        consumer: &mut Consumer,
        until: Instant,
    ) -> Result<Option<Delivery>, String> {
        let since = Instant::now();
        loop {
            self.may_go_on(until)?;
            match timeout(IDLE, consumer.next()).await {
                Ok(Some(Ok(delivery))) => return Ok(Some(delivery)),
                Ok(Some(Err(_)) | None) => {
                    return Err(words(
                        channel.closed().unwrap_or(Error::Unexpected { what: "basic.consume" }),
                    ));
                }
                Err(_) if since.elapsed() < FEWER_TIME => {}
                Err(_) if declared(looker, queue).await?.messages == 0 => return Ok(None),
                Err(_) if since.elapsed() > self.away_max => {
                    return Err(format!("the queue gave nothing for {:?}", self.away_max));
                }
                Err(_) => {}
            }
        }
    }

    fn may_go_on(&self, until: Instant) -> Result<(), String> {
        if self.stop.load(Ordering::Relaxed) {
            return Err("interrupted".into());
        }
        if Instant::now() > until {
            return Err(format!("it took longer than {READ_TIME:?}"));
        }
        Ok(())
    }
}

async fn declared(looker: &Channel, queue: &QueueMove) -> Result<DeclaredQueue, String> {
    let passive = QueueDeclare { passive: true, ..QueueDeclare::default() };
    looker.queue_declare(&queue.name, passive).await.map_err(words)
}

/// What the queue has, when it has as much as this, or consumers that matter, or does not come to it.
async fn counted(
    looker: &Channel,
    queue: &QueueMove,
    count: u64,
    consumers_matter: bool,
) -> Result<DeclaredQueue, String> {
    let end = Instant::now() + COUNT_TIME;
    loop {
        let there = declared(looker, queue).await?;
        let is_taken = consumers_matter && there.consumers > 0;
        if is_taken || u64::from(there.messages) >= count || Instant::now() > end {
            return Ok(there);
        }
        sleep(COUNT_PAUSE).await;
    }
}

/// Keeps with the marker that the queue is going to be read.
async fn remember(target: &Connection, queue: &QueueMove, marker: &Marker) -> Result<(), Error> {
    let channel = target.channel().await?;
    channel.tx_select().await?;
    marker::write(&channel, &queue.name, marker).await?;
    channel.tx_commit().await?;
    channel.close().await
}

fn as_it_is(delivery: &Delivery) -> Digest {
    digest(delivery.routing_key_bytes(), delivery.raw_properties(), delivery.body())
}
