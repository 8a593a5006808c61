//! The HTTP API in this process: requests and their answers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap in a test is a failed assertion with a place"
)]

mod support;

mod access;
mod console;
mod entities;
mod messages;
mod metrics;
mod queues;
mod tools;
mod users;
mod whole;
