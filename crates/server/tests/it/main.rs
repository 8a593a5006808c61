//! The binary from the outside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap in a test is a failed assertion with a place"
)]

mod bench;
mod blocked;
mod client;
mod commands;
mod dependencies;
mod migrate;
mod mistakes;
mod peer;
mod serve;
mod store;
mod support;
mod telemetry;
mod tls;
