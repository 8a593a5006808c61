//! The embeddable Leveret broker: AMQP 0-9-1 with RabbitMQ's extensions.
//!
//! Every decision about an entity is made here, once; doors (AMQP here, HTTP elsewhere) only translate.
//!
//! ```
//! use leveret_broker::{Broker, Config};
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let broker = Broker::start(Config::default())?; // in memory; `Config::data` names a folder
//! let address = broker.listen_amqp("127.0.0.1:0".parse()?).await?; // any AMQP 0-9-1 client connects here
//! println!("amqp://{address}");
//! let report = broker.shutdown(Duration::from_secs(5)).await; // in order, with a deadline
//! # let _ = report;
//! # Ok(()) }
//! ```

pub mod auth;
mod broker;
mod channel;
mod clock;
pub mod component;
pub mod config;
mod data;
pub mod definitions;
pub mod equivalence;
mod erlang_term;
mod events;
pub mod exchange;
mod inspect;
mod limiter;
mod mailbox;
mod memory;
mod message;
pub mod name;
pub mod net;
pub mod policy;
pub mod queue;
mod recorder;
pub mod refusal;
mod replies;
mod session;
pub mod stats;
mod timers;
pub mod topology;
pub mod trace;
pub mod vhost;

pub use broker::{Broker, NotStored, ShutdownReport, StartError};
pub use clock::{Clock, Timer};
pub use config::{Config, DataLocation, Limits, total_memory_bytes};
pub use events::{EVENTS_KEPT, Event};
pub use inspect::{
    ChannelInfo, ConnectionInfo, ConsumerInfo, Endpoints, QueuedMessage, UNACKED_MAX, Unacked, UnackedMessage,
};
pub use memory::{MemoryGauge, Resource};
pub use message::Message;
pub use net::RABBITMQ_VERSION;
