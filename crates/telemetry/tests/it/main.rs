//! A broker and its telemetry against an OTLP collector that is part of the test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap in a test is a failed assertion with a place"
)]

mod collector;
mod pressure;
mod signals;
mod traces;
