//! The only folder that sees a socket.

pub mod tls;
