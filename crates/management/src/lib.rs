//! RabbitMQ's HTTP API over a Leveret broker.
//!
//! What is asked for is translated into operations of [`leveret_broker`] and back; nothing about an entity is decided here. Every
//! resource is a row of one table ([`routes`]), from which the router and the OpenAPI document are made. Paths, keys and status codes are
//! RabbitMQ's; what RabbitMQ does not have stands below `/api/leveret/`.

mod api;
mod auth;
mod call;
mod console;
mod content;
mod context;
mod dispatch;
mod error;
mod guard;
mod json;
mod openapi;
mod options;
mod page;
mod prometheus;
mod reply;
pub mod routes;
mod server;
pub mod stats;
mod system;

pub use dispatch::Peer;
pub use options::{CertificateEnd, Listener, Options};
pub use server::Management;
