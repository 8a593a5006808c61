//! One message that arrived and has to be settled.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use leveret_protocol::properties::NotOwnable;
use leveret_protocol::{Body, Content, Properties, RawProperties, ShortStr};

use crate::acks::Settlement;
use crate::error::StaleDelivery;
use crate::io::{ChannelShared, Settle};

/// Where a part lies in the head: offset and length.
type Part = (u32, u32);

/// A message that arrived. Settle it with [`ack`](Self::ack), [`nack`](Self::nack) or [`reject`](Self::reject): one dropped
/// unsettled is requeued with a warning and counted in
/// [`Connection::dropped_unsettled`](crate::Connection::dropped_unsettled).
///
/// Body and names are slices of the buffer they were read into; keeping a small delivery for long keeps that buffer, up to
/// 256 KiB. Copy the body in that case.
///
/// ```
/// # async fn example(connection: leveret_client::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret_client::{ConsumerOptions, PublisherOptions};
///
/// connection.publisher(PublisherOptions::to_queue("orders")).await?.send("one coffee").await?;
/// let mut consumer = connection.consumer(ConsumerOptions::new("orders", 10)).await?;
/// if let Some(delivery) = consumer.next().await {
///     let delivery = delivery?;
///     match &delivery.body()[..] {
///         b"one coffee" => delivery.ack()?,
///         _ => delivery.reject(false)?, // to the dead letters
///     }
/// }
/// # Ok(()) }
/// # leveret_test::run_example(example);
/// ```
#[derive(Debug)]
#[must_use = "a delivery has to be settled"]
pub struct Delivery {
    channel: Arc<ChannelShared>,
    epoch: u32,
    tag: u64,
    redelivered: bool,
    settled: bool,
    /// By the application, of its consumer.
    taken: bool,
    head: Bytes,
    exchange: Part,
    routing_key: Part,
    properties: Part,
    body: Bytes,
}

impl Delivery {
    pub(crate) fn new(
        channel: &Arc<ChannelShared>,
        epoch: u32,
        (tag, redelivered, no_ack): (u64, bool, bool),
        (exchange, routing_key): (ShortStr<'_>, ShortStr<'_>),
        content: &Content<'_>,
        whole: &Bytes,
    ) -> Self {
        let properties = content.properties().as_bytes();
        let parts = [exchange.as_bytes(), routing_key.as_bytes(), properties];
        let (head, at) = match content.wire {
            Some(wire) => {
                // `wire` and the parts lie in `whole`; their places are told by their addresses.
                let start = wire.as_ptr() as usize;
                let at = parts.map(|part| ((part.as_ptr() as usize - start) as u32, part.len() as u32));
                (whole.slice_ref(wire), at)
            }
            None => {
                let mut head = Vec::new();
                let at = parts.map(|part| {
                    let at = head.len() as u32;
                    head.extend_from_slice(part);
                    (at, part.len() as u32)
                });
                (head.into(), at)
            }
        };
        let body = match &content.body {
            Body::Borrowed(slice) => whole.slice_ref(slice),
            Body::Owned(bytes) => Bytes::copy_from_slice(bytes),
        };
        let [exchange, routing_key, properties] = at;
        let channel = channel.clone();
        Self {
            channel,
            epoch,
            tag,
            redelivered,
            settled: no_ack,
            taken: false,
            head,
            exchange,
            routing_key,
            properties,
            body,
        }
    }

    /// What it takes of memory, about.
    pub(crate) fn bytes(&self) -> usize {
        self.body.len() + 256
    }

    fn part(&self, (at, length): Part) -> &[u8] {
        self.head.get(at as usize..(at + length) as usize).unwrap_or_default()
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The exchange it was published to; empty for the default exchange.
    #[must_use]
    pub fn exchange(&self) -> &str {
        std::str::from_utf8(self.part(self.exchange)).unwrap_or_default()
    }

    /// The routing key it was published with; empty when it is not UTF-8, see
    /// [`routing_key_bytes`](Self::routing_key_bytes).
    #[must_use]
    pub fn routing_key(&self) -> &str {
        std::str::from_utf8(self.routing_key_bytes()).unwrap_or_default()
    }

    /// The routing key as it was published.
    #[must_use]
    pub fn routing_key_bytes(&self) -> &[u8] {
        self.part(self.routing_key)
    }

    /// The properties, looked into without decoding all of them.
    #[must_use]
    pub fn raw_properties(&self) -> RawProperties<'_> {
        RawProperties::parse(self.part(self.properties)).unwrap_or_default()
    }

    /// The properties, owned.
    ///
    /// # Errors
    /// When a text in them is not UTF-8.
    pub fn properties(&self) -> Result<Properties, NotOwnable> {
        Properties::try_from(self.raw_properties())
    }

    /// The delivery tag on its channel.
    #[must_use]
    pub fn delivery_tag(&self) -> u64 {
        self.tag
    }

    /// Whether it may have been delivered before.
    #[must_use]
    pub fn is_redelivered(&self) -> bool {
        self.redelivered
    }

    /// Whether the channel it came on is gone: it can no longer be settled, and the broker delivers it again.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        !self.settled && (self.channel.closed.get().is_some() || !self.is_of_now())
    }

    /// Done: the broker may forget it. Does not wait; acks are gathered for at most 10 ms.
    ///
    /// # Errors
    /// The channel it came on is gone; the broker delivers it again.
    pub fn ack(self) -> Result<(), StaleDelivery> {
        self.settle(Settlement::Ack)
    }

    /// Not now: back to the queue, or away (dead-lettered if the queue says so). RabbitMQ does not count it as a failure.
    ///
    /// # Errors
    /// As [`ack`](Self::ack).
    pub fn nack(self, requeue: bool) -> Result<(), StaleDelivery> {
        self.settle(Settlement::Nack { requeue })
    }

    /// Failed: the same, counted against the queue's delivery limit.
    ///
    /// # Errors
    /// As [`ack`](Self::ack).
    pub fn reject(self, requeue: bool) -> Result<(), StaleDelivery> {
        self.settle(Settlement::Reject { requeue })
    }

    /// Neither: it stays with the broker as unsettled, and goes back to its queue with [`Channel::basic_recover`] or when its channel ends.
    /// For who reads a queue and takes nothing out of it; nothing of the message is kept here meanwhile.
    ///
    /// [`Channel::basic_recover`]: crate::Channel::basic_recover
    pub fn leave_unsettled(self) {
        self.forget();
    }

    fn settle(mut self, kind: Settlement) -> Result<(), StaleDelivery> {
        if std::mem::replace(&mut self.settled, true) {
            return Ok(()); // consumed with `no_ack`: there is nothing to tell
        }
        if self.channel.closed.get().is_some() {
            return Err(StaleDelivery::Closed(self.tag));
        }
        if self.channel.epoch.load(Ordering::Acquire) != self.epoch {
            return Err(StaleDelivery::Stale(self.tag));
        }
        self.channel.settle(Settle { epoch: self.epoch, tag: self.tag, kind });
        Ok(())
    }

    /// Of a channel that is gone and never seen by the application, or left with the broker.
    pub(crate) fn forget(mut self) {
        self.settled = true;
    }

    /// Goes to the application.
    pub(crate) fn taken(mut self) -> Self {
        if !std::mem::replace(&mut self.taken, true) {
            self.channel.taken.take();
        }
        self
    }

    /// Back from the application, if it is of this channel.
    pub(crate) fn untaken(mut self, channel: &Arc<ChannelShared>) -> Result<Self, Self> {
        if !Arc::ptr_eq(&self.channel, channel) {
            return Err(self);
        }
        if std::mem::replace(&mut self.taken, false) {
            self.channel.taken.put_back();
        }
        Ok(self)
    }

    pub(crate) fn is_of_now(&self) -> bool {
        self.settled || self.channel.epoch.load(Ordering::Acquire) == self.epoch
    }

    /// Back to the queue, because nobody will look at it.
    pub(crate) fn requeue(self) {
        let _ = self.nack(true);
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.requeue_unsettled();
        if self.taken {
            self.channel.taken.put_back();
        }
    }
}

impl Delivery {
    fn requeue_unsettled(&self) {
        if self.settled || self.channel.closed.get().is_some() {
            return;
        }
        self.channel.connection.dropped_unsettled.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            channel = self.channel.number,
            tag = self.tag,
            "a delivery was dropped without being settled and is requeued; call ack, nack or reject on every path"
        );
        let kind = Settlement::Nack { requeue: true };
        self.channel.settle(Settle { epoch: self.epoch, tag: self.tag, kind });
    }
}
