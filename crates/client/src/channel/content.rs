//! Messages on a channel: prefetch, consuming, getting, publishing.

use std::sync::atomic::Ordering::SeqCst;

use leveret_protocol::methods::basic;
use leveret_protocol::{RawProperties, ShortStr, put_content};

use super::{Channel, ConsumeOptions, Got, PublishOptions, short};
use crate::consumer::{Consumer, ConsumerOptions};
use crate::error::Error;
use crate::io::{CallKind, Command, Reply};
use crate::message::{Message, RawMessage};

impl Channel {
    /// `basic.qos`: unsettled deliveries for each consumer made from now on, or with `global` for the channel; 0: no limit.
    ///
    /// # Errors
    /// Connection lost.
    pub async fn basic_qos(&self, prefetch_count: u16, global: bool) -> Result<(), Error> {
        if prefetch_count > 0 {
            self.mark();
        }
        let qos = basic::Qos { prefetch_size: 0, prefetch_count, global };
        self.call(qos, CallKind::Qos(prefetch_count)).await.map(drop)
    }

    /// `basic.consume`. Dropping the consumer closes the channel with it; set [`basic_qos`](Self::basic_qos) first, without it
    /// the broker sends everything it has.
    ///
    /// # Errors
    /// 404 when the queue does not exist, 403 when it is consumed exclusively; connection lost.
    pub async fn basic_consume(&self, queue: &str, how: ConsumeOptions) -> Result<Consumer, Error> {
        self.mark();
        let ConsumeOptions { tag, no_ack, exclusive, arguments } = how;
        short(queue)?;
        short(&tag)?;
        let options = ConsumerOptions::new(queue, 1).tag(tag).exclusive(exclusive).arguments(arguments);
        Consumer::on(&self.0.connection, self.0.shared.clone(), options, no_ack).await
    }

    /// `basic.cancel`: no more deliveries; those that are here can still be settled.
    ///
    /// # Errors
    /// Connection lost.
    pub async fn basic_cancel(&self, consumer_tag: &str) -> Result<(), Error> {
        let cancel = basic::Cancel { consumer_tag: short(consumer_tag)?, no_wait: false };
        self.call(cancel, CallKind::Cancel(consumer_tag.to_owned())).await.map(drop)
    }

    /// `basic.get`: one message, or `None` when the queue is empty.
    ///
    /// # Errors
    /// 404 when the queue does not exist; connection lost.
    pub async fn basic_get(&self, queue: &str, no_ack: bool) -> Result<Option<Got>, Error> {
        self.mark();
        // A get that needs no ack is told from others by its kind.
        let kind = if no_ack { CallKind::Other } else { CallKind::Get };
        match self.call(basic::Get { queue: short(queue)?, no_ack }, kind).await? {
            Reply::Got(got) => Ok(got.map(|(delivery, messages)| Got { delivery: *delivery, messages })),
            _ => Err(Error::Unexpected { what: "basic.get" }),
        }
    }

    /// `basic.publish`, without waiting for anything: a message to an exchange that does not exist closes the channel. With confirms,
    /// [`wait_for_confirms`](Self::wait_for_confirms) knows of it; for the confirm of this one there is
    /// [`basic_publish_confirmed`](Self::basic_publish_confirmed).
    ///
    /// # Errors
    /// Names too long, connection closed, no room in the connection's queue within the operation's deadline.
    pub async fn basic_publish(&self, message: impl Into<Message>) -> Result<(), Error> {
        self.basic_publish_with(message, PublishOptions::default()).await
    }

    /// The same with options; what is `mandatory` and comes back is told by [`returns`](Self::returns).
    ///
    /// # Errors
    /// As [`basic_publish`](Self::basic_publish).
    pub async fn basic_publish_with(
        &self,
        message: impl Into<Message>,
        how: PublishOptions,
    ) -> Result<(), Error> {
        if self.is_confirming() {
            return self.basic_publish_confirmed(message, how).await.map(drop);
        }
        let Message { body, properties, exchange, routing_key, mandatory } = message.into();
        let how = PublishOptions { mandatory: mandatory.unwrap_or(how.mandatory) };
        let exchange = short(exchange.as_deref().unwrap_or_default())?;
        let routing_key = short(routing_key.as_deref().unwrap_or_default())?;
        let mut encoded = Vec::new();
        properties.encode(&mut encoded);
        let properties = RawProperties::parse(&encoded).unwrap_or_default();
        self.publish(exchange, routing_key, properties, &body, how).await
    }

    /// The same of a message as it came from a broker, whose bytes stay what they are.
    ///
    /// # Errors
    /// As [`basic_publish`](Self::basic_publish).
    pub async fn basic_publish_raw(&self, message: RawMessage<'_>, how: PublishOptions) -> Result<(), Error> {
        if self.is_confirming() {
            return self.basic_publish_raw_confirmed(message, how).await.map(drop);
        }
        let RawMessage { exchange, routing_key, properties, body } = message;
        let (exchange, key) = (short(exchange)?, ShortStr::from_bytes(routing_key)?);
        self.publish(exchange, key, properties, &body, how).await
    }

    async fn publish(
        &self,
        exchange: ShortStr<'_>,
        routing_key: ShortStr<'_>,
        properties: RawProperties<'_>,
        body: &[u8],
        how: PublishOptions,
    ) -> Result<(), Error> {
        let mut frames = Vec::new();
        basic::Publish { exchange, routing_key, mandatory: how.mandatory, immediate: false }
            .write(self.number(), &mut frames);
        let frame_max = self.0.shared.connection.frame_max.load(SeqCst);
        put_content(&mut frames, self.number(), properties, body, frame_max);
        self.cast(frames).await
    }

    async fn cast(&self, frames: Vec<u8>) -> Result<(), Error> {
        if let Some(error) = self.0.shared.closed.get() {
            return Err(error.clone());
        }
        let (channel, epoch) = (self.number(), self.0.shared.epoch.load(SeqCst));
        let handle = &self.0.connection.0;
        let after = handle.operation_timeout;
        let shared = &self.0.shared.connection;
        // One that is larger than all the room has it alone.
        let bytes = frames.len().min(shared.cast_bytes_max) as u32;
        let send = async {
            let room = shared.cast_room.clone().acquire_many_owned(bytes).await;
            let room = room.map_err(|_| self.0.connection.why_closed())?;
            let sent = handle.commands.send(Command::Cast { channel, epoch, frames, room }).await;
            sent.map_err(|_| self.0.connection.why_closed())
        };
        match tokio::time::timeout(after, send).await {
            Ok(sent) => sent,
            Err(_) => Err(Error::Timeout { what: "basic.publish", after }),
        }
    }

    /// `basic.recover`: the broker delivers everything unsettled again. RabbitMQ knows `requeue` only as true.
    ///
    /// # Errors
    /// 540 for `requeue` false on some brokers; connection lost.
    pub async fn basic_recover(&self, requeue: bool) -> Result<(), Error> {
        self.done(basic::Recover { requeue }).await
    }
}
