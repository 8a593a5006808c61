//! Every method of AMQP 0-9-1 and RabbitMQ's extensions: one module for a class, one struct for a method.
//!
//! Reserved fields (access tickets and the like) are not in the structs: they are written as zero or empty and ignored when read.

pub use crate::generated::method::Method;
pub use crate::generated::{access, basic, channel, confirm, connection, exchange, queue, tx};
