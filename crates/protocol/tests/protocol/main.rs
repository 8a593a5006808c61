//! Tests of the protocol crate through its public face.
#![allow(unreachable_pub, missing_docs, reason = "a test has no users")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap is a failed assertion with a place"
)]

mod arbitrary;
mod arbitrary_bytes;
mod channel_state;
mod driver;
mod field_table;
mod frames;
mod generated_is_fresh;
mod golden_methods;
mod handshake_client;
mod handshake_pair;
mod handshake_server;
mod heartbeat;
mod hex;
mod inbound;
mod inbound_chunks;
mod inbound_errors;
mod properties;
mod round_trip;
