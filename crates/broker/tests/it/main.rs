//! The whole broker in this process, on a virtual clock, as a client sees it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap in a test is a failed assertion with a place"
)]

mod dead_letter;
mod expiry;
mod heartbeat;
mod overflow;
mod stress;
mod support;
