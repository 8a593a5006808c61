//! Receiving: a stream of deliveries that survives lost connections, closed channels and cancelled subscriptions.

mod delivery;
mod options;

pub use delivery::Delivery;
pub use options::{ConsumerOptions, prefetch_for};

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use leveret_protocol::ShortStr;
use leveret_protocol::methods::{basic, channel};
use tokio::time::{Instant, timeout_at};

use crate::connection::Connection;
use crate::deadline;
use crate::error::{ConsumeError, Error};
use crate::io::{CallKind, ChannelShared, Command, Inbox, Reply, Subscription};

/// What a drain leaves the broker at least to answer `channel.close`.
const CLOSE_TIME: Duration = Duration::from_secs(1);

/// What became of the deliveries when a consumer was drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DrainReport {
    /// Delivered but never taken out of the consumer: requeued.
    pub requeued: usize,
    /// Taken out and still not settled when the deadline passed: requeued by the broker.
    pub abandoned: usize,
}

/// A consumer with a channel of its own: a [`Stream`] of deliveries. Dropping it closes the channel; the broker requeues what is
/// not settled.
///
/// ```
/// # async fn example(connection: leveret_client::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret_client::ConsumerOptions;
/// use std::time::Duration;
///
/// # let publisher = connection.publisher(leveret_client::PublisherOptions::to_queue("orders")).await?;
/// # publisher.send_all(["one coffee", "goodbye"]).await;
/// let mut consumer = connection.consumer(ConsumerOptions::new("orders", 100)).await?;
/// while let Some(delivery) = consumer.next().await {
///     let delivery = delivery?;
///     let is_last = delivery.body() == "goodbye";
///     delivery.ack()?;
///     if is_last {
///         break;
///     }
/// }
/// let report = consumer.drain(Duration::from_secs(5)).await?; // acks are with the broker
/// assert_eq!((report.requeued, report.abandoned), (0, 0));
/// # Ok(())
/// # }
/// # leveret_test::run_example(example);
/// ```
#[derive(Debug)]
pub struct Consumer {
    connection: Connection,
    channel: Arc<ChannelShared>,
    inbox: Arc<Inbox>,
    local: VecDeque<Delivery>,
    no_ack: bool,
    tag: String,
    ended: bool,
    /// The subscription is over; what is here is still given out.
    cancelled: bool,
}

impl Consumer {
    pub(crate) async fn open(connection: &Connection, options: ConsumerOptions) -> Result<Self, Error> {
        ShortStr::new(&options.queue)?;
        ShortStr::new(&options.tag)?;
        let channel = connection.open(true, false, (1, 1), options.prefetch).await?;
        Self::on(connection, channel, options, false).await
    }

    pub(crate) async fn on(
        connection: &Connection,
        channel: Arc<ChannelShared>,
        options: ConsumerOptions,
        no_ack: bool,
    ) -> Result<Self, Error> {
        let inbox = Arc::new(Inbox::new(channel.connection.clone()));
        let ConsumerOptions { queue, tag, exclusive, arguments, resubscribes_max, .. } = options;
        let mut consumer = Self {
            connection: connection.clone(),
            channel: channel.clone(),
            inbox: inbox.clone(),
            local: VecDeque::new(),
            no_ack,
            tag: String::new(),
            ended: false,
            cancelled: false,
        };
        let no_local = false;
        let subscription =
            Subscription { queue, tag, no_ack, exclusive, no_local, arguments, resubscribes_max, inbox };
        let subscription = Box::new(subscription);
        let (number, epoch) = (channel.number, channel.epoch.load(SeqCst));
        let consume = |reply| Command::Consume { channel: number, epoch, subscription, reply };
        match connection.ask("basic.consume", consume).await? {
            Reply::Consuming(tag) => consumer.tag = tag,
            _ => return Err(Error::Unexpected { what: "basic.consume" }),
        }
        Ok(consumer)
    }

    /// The consumer tag.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Why nothing is delivered at the moment: the broker cancelled it or refused to have it back, and it is tried again. `None` while it
    /// is subscribed. (That the connection is away says [`Connection::state`].)
    #[must_use]
    pub fn interrupted(&self) -> Option<Error> {
        self.inbox.interrupted.lock().clone()
    }

    /// The next delivery; `None` after the end was told. Cancel-safe: nothing is lost.
    pub async fn next(&mut self) -> Option<Result<Delivery, ConsumeError>> {
        std::future::poll_fn(|cx| self.poll_delivery(cx)).await
    }

    /// Takes back a delivery that nobody has begun to work on: it is the next one again, and a [`drain`](Self::drain) requeues it with those
    /// that were never taken out. One of another consumer is requeued at once.
    pub fn put_back(&mut self, delivery: Delivery) {
        match delivery.untaken(&self.channel) {
            Ok(delivery) => self.local.push_front(delivery),
            Err(others) => others.requeue(),
        }
    }

    /// Up to `max` deliveries: waits for the first, then for more at most `wait`. Empty at the end. Cancel-safe: what was
    /// gathered stays in the consumer.
    ///
    /// # Errors
    /// The consumer has ended.
    pub async fn consume_batch(&mut self, max: usize, wait: Duration) -> Result<Vec<Delivery>, ConsumeError> {
        match self.next().await {
            None => return Ok(Vec::new()),
            Some(first) => {
                let first = first?;
                if self.no_ack {
                    self.inbox.hold(first.bytes());
                }
                self.local.push_front(first);
            }
        }
        let until = deadline::after(Instant::now(), wait);
        let filled = std::future::poll_fn(|cx| {
            self.inbox.waker.register(cx.waker());
            self.local.append(&mut self.inbox.deliveries.lock());
            let full = self.local.len() >= max || self.inbox.ended.get().is_some();
            if full { Poll::Ready(()) } else { Poll::Pending }
        });
        let _ = timeout_at(until, filled).await;
        let count = self.local.len().min(max.max(1));
        let taken: Vec<_> = self.local.drain(..count).collect();
        self.took(taken.iter().map(Delivery::bytes).sum());
        Ok(taken.into_iter().filter_map(current).collect())
    }

    /// Without acks, what is taken makes room for more.
    fn took(&self, bytes: usize) {
        if self.no_ack {
            self.inbox.took(bytes);
        }
    }

    fn poll_delivery(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Delivery, ConsumeError>>> {
        loop {
            while let Some(delivery) = self.local.pop_front() {
                self.took(delivery.bytes());
                if let Some(delivery) = current(delivery) {
                    return Poll::Ready(Some(Ok(delivery)));
                }
            }
            std::mem::swap(&mut self.local, &mut *self.inbox.deliveries.lock());
            if !self.local.is_empty() {
                continue;
            }
            self.inbox.waker.register(cx.waker());
            std::mem::swap(&mut self.local, &mut *self.inbox.deliveries.lock());
            if !self.local.is_empty() {
                continue;
            }
            return match self.inbox.ended.get() {
                Some(_) if self.ended => Poll::Ready(None),
                Some(error) => {
                    self.ended = true;
                    if matches!(error, Error::Closed { origin: crate::Origin::Application, .. }) {
                        return Poll::Ready(None);
                    }
                    Poll::Ready(Some(Err(error.clone().into())))
                }
                None if self.cancelled => Poll::Ready(None),
                None => Poll::Pending,
            };
        }
    }

    /// Ends the subscription. What has come is still given out by [`next`](Self::next), and then the stream ends; everything can be settled
    /// until it is [drained](Self::drain) or dropped. To take another prefetch: start a consumer with that, cancel this one, and
    /// finish it.
    ///
    /// # Errors
    /// The channel or connection is lost, or no answer came in time: it may still be subscribed, and is again when the connection comes
    /// back.
    pub async fn cancel(&mut self) -> Result<(), Error> {
        let mut frame = Vec::new();
        basic::Cancel { consumer_tag: ShortStr::truncate(&self.tag), no_wait: false }
            .write(self.channel.number, &mut frame);
        self.call("basic.cancel", frame, CallKind::Cancel(self.tag.clone())).await?;
        self.cancelled = true;
        Ok(())
    }

    /// Stops: cancels the subscription, requeues what was not taken out, waits until everything that was is settled, flushes the
    /// acks and closes the channel. What is unsettled at the deadline is requeued by the broker, which has a second more to answer the
    /// close.
    ///
    /// # Errors
    /// The channel or connection is lost: the broker has requeued everything unsettled. No answer in time: it does so when the channel
    /// is closed, which goes on behind.
    pub async fn drain(mut self, deadline: Duration) -> Result<DrainReport, Error> {
        let until = deadline::after(Instant::now(), deadline);
        let late = Error::Timeout { what: "drain", after: deadline };
        let number = self.channel.number;
        if !self.cancelled {
            timeout_at(until, self.cancel()).await.map_err(|_| late.clone())??;
        }
        self.local.append(&mut self.inbox.deliveries.lock());
        self.took(self.local.iter().map(Delivery::bytes).sum());
        let requeued = self.local.len();
        self.local.drain(..).for_each(Delivery::requeue);
        let _ = timeout_at(until, self.channel.taken.none()).await;
        let abandoned = self.channel.taken.count();
        let mut frame = Vec::new();
        channel::Close { reply_code: 200, ..Default::default() }.write(number, &mut frame);
        let close = self.call("channel.close", frame, CallKind::Close);
        timeout_at(until.max(Instant::now() + CLOSE_TIME), close).await.map_err(|_| late)??;
        Ok(DrainReport { requeued, abandoned })
    }

    async fn call(&self, what: &'static str, frame: Vec<u8>, kind: CallKind) -> Result<Reply, Error> {
        let (channel, epoch) = (self.channel.number, self.channel.epoch.load(SeqCst));
        self.connection.ask(what, |reply| Command::Call { channel, epoch, frame, kind, reply }).await
    }
}

/// Deliveries of a channel that is gone come again; the application need not see them twice.
fn current(delivery: Delivery) -> Option<Delivery> {
    if delivery.is_of_now() {
        return Some(delivery.taken());
    }
    delivery.forget();
    None
}

impl Stream for Consumer {
    type Item = Result<Delivery, ConsumeError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_delivery(cx)
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // Never seen by the application: closing the channel requeues them, and nobody needs a warning.
        self.inbox.leave(&mut self.local);
        self.took(self.local.iter().map(Delivery::bytes).sum());
        self.local.drain(..).for_each(Delivery::forget);
        self.channel.let_go();
    }
}
