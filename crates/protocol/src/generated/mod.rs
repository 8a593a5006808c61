//! Everything that follows from the protocol's table.
//!
//! Generated from `spec/amqp-0-9-1.toml` by `cargo run -p xtask -- generate`; change the table, not this file.

pub(crate) mod method;
pub(crate) mod method_id;
pub(crate) mod properties;
pub(crate) mod reply_code;

pub mod access;
pub mod basic;
pub mod channel;
pub mod confirm;
pub mod connection;
pub mod exchange;
pub mod queue;
pub mod tx;
