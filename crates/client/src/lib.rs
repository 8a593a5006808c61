//! A client for Leveret, RabbitMQ and whatever else speaks AMQP 0-9-1.

pub mod acks;
pub mod backoff;
pub mod confirms;
pub mod options;
pub mod topology;
pub mod uri;

pub use options::{ConnectOptions, OptionsError};
pub use uri::{Address, AmqpUri, UriError};
