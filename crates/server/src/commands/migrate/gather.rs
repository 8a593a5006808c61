//! Reading a batch: a consumer of its own, on a channel of its own, that is cancelled before anything of it is acknowledged. So nothing
//! behind the batch was ever delivered to this program, and what comes back after its death is the batch and nothing else.

use super::IDLE;
use leveret_client::{
    Channel, Connection, ConsumeOptions, Consumer, Delivery, Error, FieldTable, FieldValue,
};
use std::time::Duration;
use tokio::time::timeout;

/// Messages of a batch, at most.
pub(super) const BATCH_MAX: u16 = 1000;
/// A batch is taken for whole when nothing came for this long.
const PAUSE: Duration = Duration::from_millis(40);
/// The same of the first batch of a run that goes on.
const RESUME_IDLE: Duration = Duration::from_secs(2);
/// Where a message is in its stream.
pub(super) fn offset(delivery: &Delivery) -> Option<u64> {
    let headers = delivery.raw_properties().headers()?.decode().ok()?;
    headers.get("x-stream-offset").and_then(FieldValue::as_i64).and_then(|offset| offset.try_into().ok())
}

/// Some deliveries, and nothing that comes after them.
pub(super) struct Batch {
    channel: Channel,
    /// Its channel lives as long.
    consumer: Consumer,
    pub(super) deliveries: Vec<Delivery>,
    is_stream: bool,
}

impl Batch {
    /// Of a queue: at most `size` from its head, in a transaction that only [`acknowledge`](Self::acknowledge) ends.
    pub(super) async fn of_queue(
        source: &Connection,
        queue: &str,
        size: u16,
        is_resumed: bool,
    ) -> Result<Batch, Error> {
        let channel = source.channel().await?;
        channel.tx_select().await?;
        let idle = if is_resumed { RESUME_IDLE } else { PAUSE };
        Self::gather(channel, queue, size, (IDLE.max(idle), idle), FieldTable::new(), false).await
    }

    /// Of a stream: at most `size` from that offset on.
    pub(super) async fn of_stream(
        source: &Connection,
        queue: &str,
        size: u16,
        next_offset: u64,
    ) -> Result<Batch, Error> {
        let channel = source.channel().await?;
        let mut arguments = FieldTable::new();
        match i64::try_from(next_offset) {
            Ok(0) | Err(_) => _ = arguments.insert("x-stream-offset", "first"),
            Ok(offset) => _ = arguments.insert("x-stream-offset", offset),
        }
        let mut batch = Self::gather(channel, queue, size, (IDLE, PAUSE), arguments, true).await?;
        // A broker may begin at the chunk in which the offset lies.
        let (before, from) =
            batch.deliveries.into_iter().partition(|delivery| offset(delivery) < Some(next_offset));
        batch.deliveries = from;
        let before: Vec<Delivery> = before;
        before.into_iter().for_each(|delivery| _ = delivery.ack());
        Ok(batch)
    }

    async fn gather(
        channel: Channel,
        queue: &str,
        size: u16,
        (first, idle): (Duration, Duration),
        arguments: FieldTable,
        is_stream: bool,
    ) -> Result<Batch, Error> {
        channel.basic_qos(size, false).await?;
        let how = ConsumeOptions { arguments, ..ConsumeOptions::default() };
        let mut consumer = channel.basic_consume(queue, how).await?;
        let mut deliveries = Vec::new();
        let mut wait = first;
        while deliveries.len() < usize::from(size) {
            match timeout(wait, consumer.next()).await {
                Err(_) => break,
                Ok(Some(Ok(delivery))) => deliveries.push(delivery),
                Ok(Some(Err(_)) | None) => {
                    return Err(channel.closed().unwrap_or(Error::Unexpected { what: "basic.consume" }));
                }
            }
            wait = idle;
        }
        channel.basic_cancel(consumer.tag()).await?;
        // What was under way when it was cancelled belongs to it.
        while let Ok(Some(Ok(delivery))) = timeout(Duration::ZERO, consumer.next()).await {
            deliveries.push(delivery);
        }
        Ok(Batch { channel, consumer, deliveries, is_stream })
    }

    /// All of it at once, or nothing.
    pub(super) async fn acknowledge(self) -> Result<(), Error> {
        let Batch { channel, consumer, deliveries, is_stream } = self;
        for delivery in deliveries {
            if delivery.ack().is_err() {
                return Err(channel.closed().unwrap_or(Error::Unexpected { what: "basic.ack" }));
            }
        }
        if !is_stream {
            channel.tx_commit().await?;
        }
        channel.close().await?;
        drop(consumer);
        Ok(())
    }

    /// It goes back to where it was. `is_counted`: the source counts that as it counts a lost consumer, and gets it by the channel's end, which
    /// RabbitMQ before 4 keeps the order of.
    pub(super) async fn give_back(self, is_counted: bool) -> Result<(), Error> {
        let Batch { channel, consumer, deliveries, .. } = self;
        deliveries.into_iter().for_each(Delivery::leave_unsettled);
        if !is_counted {
            channel.basic_recover(true).await?;
        }
        channel.close().await?;
        drop(consumer);
        Ok(())
    }

    /// There is nothing in it.
    pub(super) async fn close(self) -> Result<(), Error> {
        self.channel.close().await?;
        drop(self.consumer);
        Ok(())
    }
}
