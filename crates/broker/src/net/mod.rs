//! The only folder that sees a socket.

mod buffers;
mod closing;
mod connection;
mod handshake;
mod input;
mod listener;
mod open;
mod order;
pub mod tls;

pub use handshake::RABBITMQ_VERSION;
