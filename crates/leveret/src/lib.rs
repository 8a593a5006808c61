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
//! | handle once what comes twice | [`Idempotency`], [`MemoryStore`] |
//!
//! Underneath is [`leveret_client`], here as [`client`]: everything that this crate has no word for can be done there.

// Their snippets are compiled and run.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../../docs/guides/getting-started.md")]
    struct GettingStarted;
    #[doc = include_str!("../../../docs/guides/retry-and-dead-letters.md")]
    struct RetryAndDeadLetters;
    #[doc = include_str!("../../../docs/guides/from-other-frameworks.md")]
    struct FromOtherFrameworks;
    // Those of testing.md are tests: tests/it/testing_guide.rs.
}

mod app;
pub mod batch;
mod broker;
pub mod codec;
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

pub use app::{App, AppReport};
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
pub use idempotency::{Idempotency, MemoryStore};
pub use layers::RateLimit;
pub use message::Incoming;
pub use mq::{Mq, MqOptions, connect};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use outbox::{
    FailingRow, Outbox, OutboxError, OutboxMessage, OutboxStats, Relay, RelayError, RelayReport,
};
pub use publisher::{Confirm, PublishError, Publisher, PublisherBuilder};
pub use retry::Retry;
pub use routes::{ByType, Routes};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use sql::SqlDatabase;
pub use topology::{Binding, Drift, Exchange, Queue, Topology, TopologyError};
pub use trace::TraceContext;
pub use worker::{CircuitBreaker, Concurrency, DrainReport, Worker, WorkerBuilder, WorkerError};
