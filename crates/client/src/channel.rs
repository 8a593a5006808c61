//! The low-level channel: every method of AMQP 0-9-1 and RabbitMQ's extensions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use leveret_protocol::methods::{basic, channel, confirm, exchange, queue, tx};
use leveret_protocol::{FieldTable, Method, RawProperties, ShortStr, put_content};

use crate::connection::Connection;
use crate::consumer::{Consumer, ConsumerOptions, Delivery};
use crate::error::Error;
use crate::io::{CallKind, ChannelShared, Command, Reply};
use crate::message::Message;
use crate::topology::{self, Destination};

/// How to declare an exchange.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExchangeDeclare {
    /// Only ask whether it exists.
    pub passive: bool,
    /// Survives a restart of the broker.
    pub durable: bool,
    /// Deleted when the last binding from it goes.
    pub auto_delete: bool,
    /// Only exchanges publish to it.
    pub internal: bool,
    /// Arguments, for example `alternate-exchange`.
    pub arguments: FieldTable,
}

/// How to declare a queue.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueueDeclare {
    /// Only ask whether it exists.
    pub passive: bool,
    /// Survives a restart of the broker.
    pub durable: bool,
    /// For this connection only, and deleted with it.
    pub exclusive: bool,
    /// Deleted when the last consumer goes.
    pub auto_delete: bool,
    /// Arguments, for example `x-message-ttl`.
    pub arguments: FieldTable,
}

/// A queue that was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredQueue {
    /// Its name, also when the broker made it.
    pub name: String,
    /// Messages ready in it.
    pub messages: u32,
    /// Its consumers.
    pub consumers: u32,
}

/// What is bound how: queue or destination exchange to an exchange.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bind {
    /// The routing key or pattern.
    pub routing_key: String,
    /// Arguments, for example of a headers exchange.
    pub arguments: FieldTable,
}

/// How an exchange is bound to another.
pub type ExchangeBind = Bind;

/// When to delete a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeleteQueue {
    /// Only without consumers.
    pub if_unused: bool,
    /// Only without messages.
    pub if_empty: bool,
}

/// When to delete an exchange.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeleteExchange {
    /// Only without bindings.
    pub if_unused: bool,
}

/// How to consume on a low-level channel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConsumeOptions {
    /// The consumer tag; empty: the broker makes one.
    pub tag: String,
    /// Deliveries need no settling; what is lost on the way is lost.
    pub no_ack: bool,
    /// No other consumer on the queue.
    pub exclusive: bool,
    /// Arguments, for example `x-priority`.
    pub arguments: FieldTable,
}

/// A message taken by `basic.get`.
#[derive(Debug)]
pub struct Got {
    /// The message; settle it, unless it was taken with `no_ack`.
    pub delivery: Delivery,
    /// Messages left in the queue.
    pub messages: u32,
}

#[derive(Debug)]
struct Inner {
    connection: Connection,
    shared: Arc<ChannelShared>,
    /// A method left something behind: a mode, a prefetch, a consumer, deliveries.
    marked: AtomicBool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.released.store(true, SeqCst);
        self.shared.connection.set_ready(self.shared.number);
    }
}

/// A channel; clones are the same one, and it is closed when the last is dropped. It ends with its connection: publishers and
/// consumers come back by themselves, a channel does not.
///
/// Every method waits for the broker's answer, at most
/// [`operation_timeout`](crate::ConnectOptions::operation_timeout). Dropping a future does not take the method back.
///
/// ```no_run
/// # async fn example(connection: leveret_client::Connection) -> Result<(), leveret_client::Error> {
/// use leveret_client::QueueDeclare;
///
/// let channel = connection.channel().await?;
/// channel.queue_declare("orders", QueueDeclare { durable: true, ..Default::default() }).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Channel(Arc<Inner>);

fn short(text: &str) -> Result<ShortStr<'_>, Error> {
    Ok(ShortStr::new(text)?)
}

fn binding(
    destination: Destination,
    source: ShortStr<'_>,
    routing_key: ShortStr<'_>,
    arguments: FieldTable,
) -> topology::Binding {
    let (source, routing_key) = (source.to_lossy().into_owned(), routing_key.as_bytes().to_vec());
    topology::Binding { destination, source, routing_key, arguments }
}

impl Channel {
    /// What is declared again after a lost connection.
    fn topology(&self) -> parking_lot::MutexGuard<'_, topology::Topology> {
        self.0.shared.connection.topology.lock()
    }

    pub(crate) fn new(connection: Connection, shared: Arc<ChannelShared>) -> Self {
        Self(Arc::new(Inner { connection, shared, marked: AtomicBool::new(false) }))
    }

    /// Its number on the connection.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.0.shared.number
    }

    /// Whether it is as it was opened: no confirm or transaction mode, no prefetch, never a consumer or a `basic.get`.
    #[must_use]
    pub fn is_pristine(&self) -> bool {
        !self.0.marked.load(SeqCst)
    }

    async fn call<'m>(&self, method: impl Into<Method<'m>>, kind: CallKind) -> Result<Reply, Error> {
        if let Some(error) = self.0.shared.closed.get() {
            return Err(error.clone());
        }
        let method = method.into();
        if matches!(
            method,
            Method::BasicConsume(_) | Method::BasicGet(_) | Method::ConfirmSelect(_) | Method::TxSelect(_)
        ) || matches!(&method, Method::BasicQos(qos) if qos.prefetch_count > 0)
        {
            self.0.marked.store(true, SeqCst);
        }
        let what = method.id().name();
        let mut frame = Vec::new();
        method.write(self.number(), &mut frame);
        drop(method);
        let (channel, epoch) = (self.number(), self.0.shared.epoch.load(SeqCst));
        let answer =
            self.0.connection.ask(what, |reply| Command::Call { channel, epoch, frame, kind, reply }).await;
        match (answer, self.0.shared.closed.get()) {
            (Err(Error::Lost(_)), Some(error)) => Err(error.clone()),
            (answer, _) => answer,
        }
    }

    async fn done<'m>(&self, method: impl Into<Method<'m>>) -> Result<(), Error> {
        self.call(method, CallKind::Other).await.map(drop)
    }

    async fn count<'m>(&self, method: impl Into<Method<'m>>) -> Result<u32, Error> {
        match self.call(method, CallKind::Other).await? {
            Reply::Count(count) => Ok(count),
            _ => Err(Error::Unexpected { what: "queue.purge or queue.delete" }),
        }
    }

    /// `exchange.declare`.
    ///
    /// # Errors
    /// Those of the broker: 406 when it exists with other properties, 404 when `passive` and absent; connection lost.
    pub async fn exchange_declare(&self, name: &str, kind: &str, how: ExchangeDeclare) -> Result<(), Error> {
        let (exchange, kind) = (short(name)?, short(kind)?);
        let ExchangeDeclare { passive, durable, auto_delete, internal, arguments } = how;
        let no_wait = false;
        let declared = topology::Exchange {
            name: exchange.to_lossy().into_owned(),
            kind: kind.to_lossy().into_owned(),
            durable,
            auto_delete,
            internal,
            arguments: arguments.clone(),
        };
        self.done(exchange::Declare {
            exchange,
            kind,
            passive,
            durable,
            auto_delete,
            internal,
            no_wait,
            arguments,
        })
        .await?;
        if !passive {
            self.topology().exchange_declared(declared);
        }
        Ok(())
    }

    /// `exchange.delete`.
    ///
    /// # Errors
    /// Those of the broker; connection lost.
    pub async fn exchange_delete(&self, name: &str, when: DeleteExchange) -> Result<(), Error> {
        let if_unused = when.if_unused;
        self.done(exchange::Delete { exchange: short(name)?, if_unused, no_wait: false }).await?;
        self.topology().exchange_deleted(name);
        Ok(())
    }

    /// `exchange.bind`: messages of `source` go to `destination` too.
    ///
    /// # Errors
    /// 404 when one does not exist; connection lost.
    pub async fn exchange_bind(&self, destination: &str, source: &str, how: Bind) -> Result<(), Error> {
        let (destination, source, routing_key) =
            (short(destination)?, short(source)?, short(&how.routing_key)?);
        let arguments = how.arguments.clone();
        self.done(exchange::Bind { destination, source, routing_key, no_wait: false, arguments }).await?;
        let destination = Destination::Exchange(destination.to_lossy().into_owned());
        self.topology().bound(binding(destination, source, routing_key, how.arguments));
        Ok(())
    }

    /// `exchange.unbind`.
    ///
    /// # Errors
    /// Those of the broker; connection lost.
    pub async fn exchange_unbind(&self, destination: &str, source: &str, how: Bind) -> Result<(), Error> {
        let (destination, source, routing_key) =
            (short(destination)?, short(source)?, short(&how.routing_key)?);
        let arguments = how.arguments.clone();
        self.done(exchange::Unbind { destination, source, routing_key, no_wait: false, arguments }).await?;
        let destination = Destination::Exchange(destination.to_lossy().into_owned());
        self.topology().unbound(&destination, &source.to_lossy(), routing_key.as_bytes(), &how.arguments);
        Ok(())
    }

    /// `queue.declare`; an empty name has the broker make one.
    ///
    /// # Errors
    /// 406 when it exists with other properties, 405 when it is another connection's, 404 when `passive` and absent.
    pub async fn queue_declare(&self, name: &str, how: QueueDeclare) -> Result<DeclaredQueue, Error> {
        let QueueDeclare { passive, durable, exclusive, auto_delete, arguments } = how;
        let (queue, no_wait) = (short(name)?, false);
        let kept = arguments.clone();
        let declare = queue::Declare { queue, passive, durable, exclusive, auto_delete, no_wait, arguments };
        match self.call(declare, CallKind::Other).await? {
            Reply::Declared { queue: given, messages, consumers } => {
                if !passive {
                    self.topology().queue_declared(topology::Queue {
                        name: given.clone(),
                        server_named: name.is_empty(),
                        durable,
                        exclusive,
                        auto_delete,
                        arguments: kept,
                    });
                }
                Ok(DeclaredQueue { name: given, messages, consumers })
            }
            _ => Err(Error::Unexpected { what: "queue.declare" }),
        }
    }

    /// `queue.bind`.
    ///
    /// # Errors
    /// 404 when queue or exchange does not exist; connection lost.
    pub async fn queue_bind(&self, queue: &str, exchange: &str, how: Bind) -> Result<(), Error> {
        let (queue, exchange, routing_key) = (short(queue)?, short(exchange)?, short(&how.routing_key)?);
        let arguments = how.arguments.clone();
        self.done(queue::Bind { queue, exchange, routing_key, no_wait: false, arguments }).await?;
        let destination = Destination::Queue(queue.to_lossy().into_owned());
        self.topology().bound(binding(destination, exchange, routing_key, how.arguments));
        Ok(())
    }

    /// `queue.unbind`.
    ///
    /// # Errors
    /// Those of the broker; connection lost.
    pub async fn queue_unbind(&self, queue: &str, exchange: &str, how: Bind) -> Result<(), Error> {
        let (queue, exchange, routing_key) = (short(queue)?, short(exchange)?, short(&how.routing_key)?);
        let arguments = how.arguments.clone();
        self.done(queue::Unbind { queue, exchange, routing_key, arguments }).await?;
        let destination = Destination::Queue(queue.to_lossy().into_owned());
        self.topology().unbound(&destination, &exchange.to_lossy(), routing_key.as_bytes(), &how.arguments);
        Ok(())
    }

    /// `queue.purge`: throws ready messages away and says how many.
    ///
    /// # Errors
    /// 404 when it does not exist; connection lost.
    pub async fn queue_purge(&self, queue: &str) -> Result<u32, Error> {
        self.count(queue::Purge { queue: short(queue)?, no_wait: false }).await
    }

    /// `queue.delete`: says how many ready messages went with it.
    ///
    /// # Errors
    /// 406 when a condition does not hold; connection lost.
    pub async fn queue_delete(&self, queue: &str, when: DeleteQueue) -> Result<u32, Error> {
        let DeleteQueue { if_unused, if_empty } = when;
        let deleted = queue::Delete { queue: short(queue)?, if_unused, if_empty, no_wait: false };
        let messages = self.count(deleted).await?;
        self.topology().queue_deleted(queue);
        Ok(messages)
    }

    /// `basic.qos`: unsettled deliveries for each consumer made from now on, or with `global` for the channel; 0: no limit.
    ///
    /// # Errors
    /// Connection lost.
    pub async fn basic_qos(&self, prefetch_count: u16, global: bool) -> Result<(), Error> {
        let qos = basic::Qos { prefetch_size: 0, prefetch_count, global };
        self.call(qos, CallKind::Qos(prefetch_count)).await.map(drop)
    }

    /// `basic.consume`. Dropping the consumer closes the channel with it; set [`basic_qos`](Self::basic_qos) first, without it
    /// the broker sends everything it has.
    ///
    /// # Errors
    /// 404 when the queue does not exist, 403 when it is consumed exclusively; connection lost.
    pub async fn basic_consume(&self, queue: &str, how: ConsumeOptions) -> Result<Consumer, Error> {
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
        // A get that needs no ack is told from others by its kind.
        let kind = if no_ack { CallKind::Other } else { CallKind::Get };
        match self.call(basic::Get { queue: short(queue)?, no_ack }, kind).await? {
            Reply::Got(got) => Ok(got.map(|(delivery, messages)| Got { delivery: *delivery, messages })),
            _ => Err(Error::Unexpected { what: "basic.get" }),
        }
    }

    /// `basic.publish`, without waiting for anything: a message to an exchange that does not exist closes the channel. For
    /// confirms use a [`Publisher`](crate::Publisher).
    ///
    /// # Errors
    /// Names too long, connection closed, no room in the connection's queue within the operation's deadline.
    pub async fn basic_publish(&self, message: impl Into<Message>) -> Result<(), Error> {
        let Message { body, properties, exchange, routing_key } = message.into();
        let exchange = short(exchange.as_deref().unwrap_or_default())?;
        let routing_key = short(routing_key.as_deref().unwrap_or_default())?;
        let (mut encoded, mut frames) = (Vec::new(), Vec::new());
        properties.encode(&mut encoded);
        let properties = RawProperties::parse(&encoded).unwrap_or_default();
        basic::Publish { exchange, routing_key, mandatory: false, immediate: false }
            .write(self.number(), &mut frames);
        let frame_max = self.0.shared.connection.frame_max.load(SeqCst);
        put_content(&mut frames, self.number(), properties, &body, frame_max);
        self.cast(frames).await
    }

    async fn cast(&self, frames: Vec<u8>) -> Result<(), Error> {
        if let Some(error) = self.0.shared.closed.get() {
            return Err(error.clone());
        }
        let (channel, epoch) = (self.number(), self.0.shared.epoch.load(SeqCst));
        let handle = &self.0.connection.0;
        let after = handle.operation_timeout;
        let send = handle.commands.send(Command::Cast { channel, epoch, frames });
        match tokio::time::timeout(after, send).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.0.connection.why_closed()),
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

    /// `confirm.select`.
    ///
    /// # Errors
    /// 406 on a channel in transactions; connection lost.
    pub async fn confirm_select(&self) -> Result<(), Error> {
        self.call(confirm::Select { no_wait: false }, CallKind::Confirm).await.map(drop)
    }

    /// `tx.select`: what follows counts only once it is committed.
    ///
    /// # Errors
    /// 406 on a channel with confirms; connection lost.
    pub async fn tx_select(&self) -> Result<(), Error> {
        self.done(tx::Select).await
    }

    /// `tx.commit`.
    ///
    /// # Errors
    /// 406 without `tx.select`; connection lost, then the outcome is unknown.
    pub async fn tx_commit(&self) -> Result<(), Error> {
        self.done(tx::Commit).await
    }

    /// `tx.rollback`.
    ///
    /// # Errors
    /// 406 without `tx.select`; connection lost.
    pub async fn tx_rollback(&self) -> Result<(), Error> {
        self.done(tx::Rollback).await
    }

    /// Closes the channel and waits for the answer.
    ///
    /// # Errors
    /// It is closed already, and why; connection lost.
    pub async fn close(&self) -> Result<(), Error> {
        let close = channel::Close { reply_code: 200, ..Default::default() };
        self.call(close, CallKind::Close).await.map(drop)
    }

    /// Why it is closed, if it is.
    #[must_use]
    pub fn closed(&self) -> Option<Error> {
        self.0.shared.closed.get().cloned()
    }
}
