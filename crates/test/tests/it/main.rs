//! What the test broker promises, each fault shown to happen, and only where it was asked for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap in a test is a failed assertion with a place"
)]

mod assertions;
mod clock;
mod cuts;
mod faults;
mod look;
mod nacks;
mod restart;
mod start;
mod support;
