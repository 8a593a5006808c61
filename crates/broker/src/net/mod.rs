//! The only folder that sees a socket.

mod buffers;
mod closing;
mod connection;
mod handshake;
mod input;
mod listener;
mod open;
mod order;
mod output;
mod phases;
pub mod tls;

pub use handshake::RABBITMQ_VERSION;
