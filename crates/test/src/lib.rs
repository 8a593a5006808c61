//! The real Leveret broker inside a test.
//!
//! [`TestBroker::start`] gives a broker of its own to each test, in the process and in memory, in well under a millisecond. It is the
//! broker that ships, not an imitation: what it refuses here it refuses there.
//!
//! | to | use |
//! |---|---|
//! | connect with `leveret-client` | [`TestBroker::client`], [`TestBroker::connector`] |
//! | connect with any other client | [`TestBroker::url`] |
//! | let time pass | [`TestBroker::advance`], [`TestBroker::advance_with_tokio`] |
//! | break things | [`TestBroker::faults`], [`TestBroker::restart`], [`TestBroker::kill`] |
//! | look inside | [`TestBroker::queues`], [`messages`](TestBroker::messages), [`consumers`](TestBroker::consumers), [`connections`](TestBroker::connections), [`published`](TestBroker::published) |
//! | say what must hold | [`TestBroker::expect_message`], [`expect_empty`](TestBroker::expect_empty), [`eventually`](TestBroker::eventually) |
//! | cut a conversation everywhere | [`Cuts`] |
//!
//! ```
//! use leveret_client::{PublisherOptions, QueueDeclare};
//! use leveret_test::TestBroker;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let broker = TestBroker::start().await;
//! let client = broker.client().await;
//! client.channel().await?.queue_declare("orders", QueueDeclare::default()).await?;
//! let publisher = client.publisher(PublisherOptions::to_queue("orders")).await?;
//! publisher.send("one coffee").await?;
//! broker.expect_message("orders").body("one coffee").await;
//! # Ok(()) }
//! ```
//!
//! # Time
//!
//! The broker's clock is virtual and stands until it is moved: times to live, delays, heartbeats and timeouts of the broker come
//! when the test says so. Clients keep their own time, which is tokio's. Because hours may pass in silence, the broker asks for no
//! heartbeats unless [`Builder::heartbeat`] says so.
//!
//! Works in the current-thread and in the multi-thread flavour of `#[tokio::test]`, also with `start_paused`.

mod broker;
mod builder;
mod client;
mod cuts;
mod example;
mod expect;
mod expect_empty;
mod faults;
mod look;
mod matcher;
mod relay;
mod restart;
mod state;
mod tap;
mod time;
mod transport;

pub use broker::TestBroker;
pub use builder::{Builder, StartError};
pub use cuts::{CutReport, Cuts};
#[doc(hidden)]
pub use example::run_example;
pub use expect::ExpectMessage;
pub use expect_empty::ExpectEmpty;
pub use faults::{Faults, OnConnections, Selection};
pub use look::{ConnectionView, ConsumerView, MessageView, QueueView};
pub use relay::{At, Cut, Direction, Ending};
pub use state::State;
pub use tap::Published;
pub use transport::{Connector, Transport};
