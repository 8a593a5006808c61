//! A client for Leveret, RabbitMQ and whatever else speaks AMQP 0-9-1.
//!
//! [`Connection::connect`] gives a connection that recovers by itself; [`Publisher`] sends with confirms, [`Consumer`] receives,
//! [`Channel`] has every method of AMQP. One task per connection owns the socket.
//!
//! ```
//! use leveret_client::{Connection, ConsumerOptions, PublisherOptions, QueueDeclare};
//!
//! # async fn example(connection: Connection) -> Result<(), Box<dyn std::error::Error>> {
//! // let connection = Connection::connect("amqp://guest:guest@localhost").await?; // comes back by itself
//! let durable = QueueDeclare { durable: true, ..Default::default() };
//! connection.channel().await?.queue_declare("coffee", durable).await?;
//!
//! let publisher = connection.publisher(PublisherOptions::to_queue("coffee")).await?;
//! publisher.send("one coffee").await?; // confirmed by the broker, or a typed error
//!
//! let mut consumer = connection.consumer(ConsumerOptions::new("coffee", 50)).await?; // fifty unacknowledged at most
//! if let Some(delivery) = consumer.next().await {
//!     let delivery = delivery?;
//!     assert_eq!(&delivery.body()[..], b"one coffee");
//!     delivery.ack()?;
//! }
//! # Ok(()) }
//! # leveret_test::run_example(example);
//! ```
//!
//! Whole programs are in `examples/`: `cargo run -p leveret-client --example publisher`.

// Its snippets are compiled as a reader finds them; tests/it/from_lapin.rs runs them.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guides/from-lapin.md")]
struct FromLapin;

pub mod acks;
pub mod backoff;
mod channel;
pub mod confirms;
mod connection;
mod consumer;
#[doc(hidden)] // for the toolkit: what `Duration::MAX` means is decided once
pub mod deadline;
mod error;
mod io;
mod message;
pub mod options;
pub mod pool;
mod publisher;
mod rpc;
mod sync;
pub mod topology;
mod transport;
pub mod uri;

pub use channel::{
    Bind, Channel, Confirmation, ConsumeOptions, DeclaredQueue, DeleteExchange, DeleteQueue, ExchangeBind,
    ExchangeDeclare, Got, PublishConfirm, PublishOptions, QueueDeclare,
};
pub use connection::{Connection, ConnectionState};
pub use consumer::{Consumer, ConsumerOptions, Delivery, DrainReport, prefetch_for};
pub use error::{
    ConnectError, ConsumeError, Error, Origin, Returned, Scope, SendError, StaleDelivery, Tried,
};
pub use io::Returns;
pub use leveret_protocol::{FieldName, FieldTable, FieldValue, Properties, RawProperties};
pub use message::{Message, RawMessage};
pub use options::{ConnectOptions, OptionsError};
pub use publisher::{Confirm, Publisher, PublisherOptions, PublisherSink, Receipt, SinkError};
pub use rpc::{RpcClient, RpcError};
pub use transport::{BoxStream, Connector, Stream};
pub use uri::{Address, AmqpUri, UriError};
