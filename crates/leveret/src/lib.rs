//! Reliable messaging in a few lines, over Leveret or any RabbitMQ.
//!
//! | to | use |
//! |---|---|
//! | connect | [`connect`], [`Mq`] |
//! | say which queues there are | [`Queue`], [`Exchange`], [`Binding`], [`Topology`]; [`Mq::declare`], [`Mq::verify`], [`Mq::plan`] |
//! | send | [`Mq::publisher`], [`Publisher`] |
//! | send later | [`Publisher::send_after`], [`Publisher::send_at`], [`Publisher::cancellable_after`], [`schedule`] |
//! | ask and answer | [`Mq::requester`], [`rpc::Requester`], [`WorkerBuilder::responder`] |
//! | handle messages | [`Mq::worker`], [`WorkerBuilder`], [`App`], [`Routes`], [`Handler`], [`extract`] |
//! | say what is tried again | [`Retry`], [`Failure`] |
//! | be gentle to what handlers depend on | [`CircuitBreaker`], [`RateLimit`], any layer of `tower`: [`WorkerBuilder::layer`] |
//! | follow a message | [`trace`], [`TraceContext`] |
//! | send what a database transaction decided | [`Outbox`], [`Relay`] (features `sqlite`, `postgres`) |
//! | watch it | [`metrics`], [`Mq::health`], `endpoint` (feature `prometheus`) |
//! | handle once what comes twice | [`Idempotency`], [`MemoryStore`], [`idempotency`] |
//! | test it | `test` (feature `test`): the real broker in the test's process, on a clock that the test moves |
//!
//! ```
//! use leveret::{App, Attempt, Failure, Json, Queue};
//! use std::time::Duration;
//! use tokio_util::sync::CancellationToken;
//!
//! /// Called with each message; its arguments are made of the message, in any order and number.
//! async fn handle(Json(cups): Json<u32>, Attempt(attempt): Attempt) -> Result<(), Failure> {
//!     println!("{cups} cups, attempt {attempt}");
//!     if cups == 0 { Err(Failure::permanent("nothing to brew")) } else { Ok(()) }
//! }
//!
//! # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
//! // let mq = leveret::connect("amqp://guest:guest@localhost/").await?;
//! mq.declare(Queue::durable("orders").retry([5, 15, 30].map(Duration::from_secs)).dead_letter()).await?;
//! let orders = mq.publisher("orders").build::<Json<u32>>().await?;
//! orders.send(&2).await?; // stored by the broker, or an error
//!
//! let stop = CancellationToken::new();
//! let app = App::new().worker(mq.worker("orders").concurrency(8).handler(handle));
//! let app = tokio::spawn(app.run(stop.clone()));
//! stop.cancel(); // a server does that when it is told to end: what was begun may finish
//! app.await??;
//! # Ok(()) }
//! # leveret::test::run_example(example);
//! ```
//!
//! The guides, from the first message to moving to a cluster, are in the repository's `docs/guides`; getting started takes ten minutes.
//!
//! Underneath is [`leveret_client`], here as [`client`]: everything that this crate has no word for can be done there.

// Their snippets are compiled and run.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/guides/getting-started.md")]
    struct GettingStarted;
    #[doc = include_str!("../../../docs/guides/retry-and-dead-letters.md")]
    struct RetryAndDeadLetters;
    #[cfg(feature = "sqlite")]
    #[doc = include_str!("../../../docs/guides/idempotency-and-outbox.md")]
    struct IdempotencyAndOutbox;
    #[doc = include_str!("../../../docs/guides/from-other-frameworks.md")]
    struct FromOtherFrameworks;
    // Those of testing.md are tests: tests/it/testing_guide.rs.
}

mod app;
pub mod batch;
mod broker;
pub mod codec;
mod deadline;
#[cfg(feature = "prometheus")]
pub mod endpoint;
pub mod extract;
mod failure;
mod handler;
mod health;
pub mod idempotency;
pub mod layers;
mod message;
pub mod metrics;
mod mq;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod outbox;
mod publisher;
mod relayed;
pub mod retry;
mod routes;
pub mod rpc;
pub mod schedule;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "test")]
pub mod test;
pub mod topology;
pub mod trace;
mod worker;

pub use leveret_client as client;
pub use leveret_client::{ConnectOptions, FieldTable, FieldValue, Message, Properties, Receipt, SendError};

pub use app::{App, AppError, AppHealth, AppReport};
pub use broker::BrokerInfo;
#[cfg(feature = "cbor")]
pub use codec::Cbor;
#[cfg(feature = "msgpack")]
pub use codec::MsgPack;
pub use codec::{Codec, CodecError, Decode, Encode, Json, Raw, Text};
pub use extract::{
    Attempt, Cancelled, Deadline, FromMessage, Given, Headers, MessageId, QueueName, Redelivered, RoutingKey,
    State,
};
pub use failure::{BoxError, Class, Classify, Failure};
pub use handler::{Handler, Outcome};
pub use health::{Health, Link};
#[cfg(feature = "redb")]
pub use idempotency::RedbStore;
#[cfg(feature = "redis")]
pub use idempotency::RedisStore;
pub use idempotency::{Idempotency, MemoryStore};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use idempotency::{InboxError, SqlStore};
pub use layers::RateLimit;
pub use message::Incoming;
pub use mq::{Mq, MqOptions, connect};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use outbox::{FailingRow, Outbox, OutboxError, OutboxMessage, OutboxStats, Relay};
pub use publisher::{Confirm, PublishError, Publisher, PublisherBuilder};
pub use relayed::{RelayError, RelayReport};
pub use retry::Retry;
pub use routes::{ByType, Routes};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use sql::SqlDatabase;
pub use topology::{Binding, Drift, Exchange, Queue, Topology, TopologyError};
pub use trace::TraceContext;
pub use worker::{CircuitBreaker, Concurrency, DrainReport, Worker, WorkerBuilder, WorkerError};
