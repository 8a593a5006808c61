//! Publishing with confirms: pipelined, bounded, in order, and sent again after a lost connection.

mod in_flight;
mod options;
mod outcome;
mod sink;

pub(crate) use in_flight::InFlight;
pub use options::PublisherOptions;
pub use sink::{PublisherSink, SinkError};

use std::cell::RefCell;
use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use leveret_protocol::{FieldTable, ShortStr};
use tokio::time::{Instant, timeout_at};

use crate::connection::Connection;
use crate::deadline;
use crate::error::{Error, Scope, SendError};
use crate::io::{ChannelShared, Linger};
use crate::message::Message;

/// The broker has the message: in every queue it was routed to, on disk where that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt;

#[derive(Debug)]
struct Inner {
    connection: Connection,
    channel: Arc<ChannelShared>,
    options: PublisherOptions,
    /// The beginning of generated message ids, not to be met again in another publisher.
    id_prefix: String,
    sequence: AtomicU64,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.channel.let_go();
    }
}

/// Sends messages; clones share one channel and its bounds. Messages of one publisher stay in order, also after recovery.
///
/// ```
/// # async fn example(connection: leveret_client::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret_client::{Message, PublisherOptions};
///
/// let publisher = connection.publisher(PublisherOptions::to("events", "order.created")).await?;
/// publisher.send(Message::new("{}")).await?;
/// let first = publisher.enqueue("a").await?; // on its way
/// let second = publisher.enqueue("b").await?;
/// (first.await?, second.await?);
/// # Ok(())
/// # }
/// # leveret_test::run_example(example);
/// ```
#[derive(Debug, Clone)]
pub struct Publisher(Arc<Inner>);

impl Publisher {
    pub(crate) async fn open(connection: &Connection, options: PublisherOptions) -> Result<Self, Error> {
        ShortStr::new(&options.exchange)?;
        ShortStr::new(&options.routing_key)?;
        let bounds = (options.in_flight_max, options.in_flight_bytes_max);
        let channel = connection.open(true, options.confirms, bounds, 0).await?;
        if !options.linger.is_zero() {
            let time = options.linger.min(options.deadline / 2);
            // It is a new channel: nobody has set it before.
            let _ = channel.linger.set(Linger::new(time, options.batch_bytes.max(1)));
        }
        let id_prefix = format!("{:016x}-", rand::random::<u64>());
        let connection = connection.clone();
        Ok(Self(Arc::new(Inner { connection, channel, options, id_prefix, sequence: AtomicU64::new(0) })))
    }

    /// Sends a message and waits until the broker has it.
    ///
    /// Cancel-safe in this sense: dropped while it waits for room, nothing is sent; dropped later, the message is sent and its
    /// outcome is not looked at.
    ///
    /// # Errors
    /// [`SendError`] says what is known of the message.
    pub async fn send(&self, message: impl Into<Message>) -> Result<Receipt, SendError> {
        self.begin(message.into(), true).await?.await
    }

    /// Puts a message on its way, after those enqueued before it, and gives the future of its confirm. Waits only while the
    /// bounds on what is in flight are reached. Dropping the confirm does not take the message back.
    ///
    /// # Errors
    /// Names too long, no room before the deadline, publisher closed. Nothing was sent then.
    pub async fn enqueue(&self, message: impl Into<Message>) -> Result<Confirm, SendError> {
        self.begin(message.into(), false).await
    }

    async fn begin(&self, message: Message, waits: bool) -> Result<Confirm, SendError> {
        let deadline = deadline::after(Instant::now(), self.0.options.deadline);
        let bytes = self.permit_bytes(&message);
        if !self.try_room(bytes) {
            self.room(bytes, deadline).await?;
        }
        self.admit(message, deadline, bytes, waits)
    }

    fn permit_bytes(&self, message: &Message) -> u32 {
        message.body.len().clamp(1, self.0.channel.bytes_max) as u32
    }

    /// Takes room for a message if there is.
    fn try_room(&self, bytes: u32) -> bool {
        let channel = &self.0.channel;
        match (channel.count.try_acquire(), channel.bytes.try_acquire_many(bytes)) {
            (Ok(one), Ok(many)) => {
                one.forget();
                many.forget();
                true
            }
            _ => false,
        }
    }

    /// Waits for room and takes it.
    async fn room(&self, bytes: u32, deadline: Instant) -> Result<(), SendError> {
        let channel = &self.0.channel;
        channel.hurry();
        let room = async {
            let one = channel.count.acquire().await?;
            let many = channel.bytes.acquire_many(bytes).await?;
            one.forget();
            many.forget();
            Ok(())
        };
        let closed = |_: tokio::sync::AcquireError| SendError::Closed(self.why_closed());
        timeout_at(deadline, room).await.map_err(|_| SendError::Deadline)?.map_err(closed)
    }

    /// Hands over a message that has its room.
    fn admit(
        &self,
        message: Message,
        deadline: Instant,
        bytes: u32,
        waits: bool,
    ) -> Result<Confirm, SendError> {
        let channel = &self.0.channel;
        match self.in_flight(message, deadline, bytes) {
            Ok(in_flight) => {
                channel.publish(in_flight.clone(), waits);
                if let Some(error) = channel.closed.get() {
                    in_flight.give_up(SendError::Closed(error.clone()));
                }
                Ok(Confirm(in_flight))
            }
            Err(error) => {
                channel.release(1, bytes as usize);
                Err(error)
            }
        }
    }

    /// Sends all, pipelined, and gives the outcomes in the same order.
    pub async fn send_all<M: Into<Message>>(
        &self,
        messages: impl IntoIterator<Item = M>,
    ) -> Vec<Result<Receipt, SendError>> {
        let mut confirms = Vec::new();
        for message in messages {
            confirms.push(self.enqueue(message).await);
        }
        self.0.channel.hurry();
        let mut outcomes = Vec::with_capacity(confirms.len());
        for confirm in confirms {
            outcomes.push(match confirm {
                Ok(confirm) => confirm.await,
                Err(error) => Err(error),
            });
        }
        outcomes
    }

    /// Waits until nothing is in flight, at most for [`deadline`](PublisherOptions::deadline): by then the outcome of everything that
    /// was enqueued before is known. Ends [`linger`](PublisherOptions::linger) of what is queued. What is enqueued meanwhile waits.
    /// Cancel-safe.
    ///
    /// # Errors
    /// The publisher is closed; a message that was written is not confirmed.
    pub async fn flush(&self) -> Result<(), SendError> {
        let channel = &self.0.channel;
        channel.hurry();
        let all = channel.count.acquire_many(channel.count_max as u32);
        match tokio::time::timeout(self.0.options.deadline, all).await {
            Ok(all) => all.map(drop).map_err(|_| SendError::Closed(self.why_closed())),
            Err(_) => Err(SendError::Unconfirmed { maybe_stored: true }),
        }
    }

    /// Whether it still sends: it does while its connection recovers, and no longer when that is closed for good.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.channel.closed.get().is_none()
    }

    /// Messages in flight now.
    #[must_use]
    pub fn in_flight_len(&self) -> usize {
        self.0.channel.count_max.saturating_sub(self.0.channel.count.available_permits())
    }

    fn why_closed(&self) -> Error {
        let closed = self.0.channel.closed.get().cloned();
        closed.unwrap_or_else(|| self.0.connection.why_closed())
    }

    fn in_flight(&self, message: Message, deadline: Instant, bytes: u32) -> Result<Arc<InFlight>, SendError> {
        thread_local! {
            /// Encoded properties and a generated id, kept so that a message costs one allocation.
            static SCRATCH: RefCell<(Vec<u8>, String)> = const { RefCell::new((Vec::new(), String::new())) };
        }
        let options = &self.0.options;
        let Message { body, mut properties, exchange, routing_key, mandatory } = message;
        if options.persistent {
            properties.delivery_mode.get_or_insert(2);
        }
        let exchange = ShortStr::new(exchange.as_ref().unwrap_or(&options.exchange))?;
        let routing_key = ShortStr::new(routing_key.as_ref().unwrap_or(&options.routing_key))?;
        let generate = options.message_ids && properties.message_id.is_none();
        let sequence = if generate || options.producer_id.is_some() {
            self.0.sequence.fetch_add(1, Ordering::Relaxed) + 1
        } else {
            0
        };
        if let Some(id) = &options.producer_id {
            let headers = properties.headers.get_or_insert_with(FieldTable::new);
            headers.insert("x-producer-id", id.as_str());
            headers.insert("x-producer-sequence", sequence as i64);
        }
        Ok(SCRATCH.with_borrow_mut(|(encoded, id)| {
            encoded.clear();
            if generate {
                id.clear();
                id.push_str(&self.0.id_prefix);
                let _ = write!(id, "{sequence}");
                properties.message_id = Some(std::mem::take(id));
            }
            properties.encode(encoded);
            if generate && let Some(used) = properties.message_id.take() {
                *id = used;
            }
            let mandatory = mandatory.unwrap_or(options.mandatory) && options.confirms;
            Arc::new(InFlight::new(exchange, routing_key, encoded, body, mandatory, Some(deadline), bytes))
        }))
    }

    /// A publisher is closed by dropping its last clone; this waits for what is in flight first, at most until `deadline`.
    ///
    /// # Errors
    /// Messages were still unconfirmed; their futures tell the outcome later.
    pub async fn close(self, deadline: Duration) -> Result<(), SendError> {
        if self.0.channel.closed.get().is_some() {
            return Err(SendError::Closed(Error::closed_by_application(Scope::Channel)));
        }
        match tokio::time::timeout(deadline, self.flush()).await {
            Ok(flushed) => flushed,
            Err(_) => Err(SendError::Unconfirmed { maybe_stored: true }),
        }
    }
}

/// The outcome of one message, to be awaited.
#[derive(Debug)]
#[must_use = "the outcome is known only to who awaits it"]
pub struct Confirm(Arc<InFlight>);

impl Confirm {
    /// What it is about.
    fn message(&self) -> Message {
        self.0.message()
    }
}

impl Future for Confirm {
    type Output = Result<Receipt, SendError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.outcome.poll(cx).map_ok(|()| Receipt)
    }
}
