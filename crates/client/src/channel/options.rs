//! Options of the channel's methods, and what some of them answer.

use leveret_protocol::FieldTable;

use crate::consumer::Delivery;

/// How to declare an exchange.
///
/// ```
/// # async fn example(connection: leveret_client::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret_client::{Bind, ExchangeDeclare};
///
/// let channel = connection.channel().await?;
/// channel.exchange_declare("shipping", "topic", ExchangeDeclare { durable: true, ..Default::default() }).await?;
/// channel.queue_bind("orders", "shipping", Bind { routing_key: "parcel.*".into(), ..Default::default() }).await?;
/// # Ok(()) }
/// # leveret_test::run_example(example);
/// ```
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
///
/// ```
/// # async fn example(connection: leveret_client::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret_client::{FieldTable, QueueDeclare};
///
/// let channel = connection.channel().await?;
/// let arguments = FieldTable::from([("x-message-ttl", 60_000)]); // milliseconds
/// let how = QueueDeclare { durable: true, arguments, ..Default::default() };
/// channel.queue_declare("invoices", how).await?;
/// let looked = channel.queue_declare("invoices", QueueDeclare { passive: true, ..Default::default() }).await?;
/// assert_eq!((looked.messages, looked.consumers), (0, 0));
/// # Ok(()) }
/// # leveret_test::run_example(example);
/// ```
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

/// How to publish on a low-level channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PublishOptions {
    /// What no queue takes comes back.
    pub mandatory: bool,
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
