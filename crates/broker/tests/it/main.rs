//! The whole broker in this process, on a virtual clock, as a client sees it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap in a test is a failed assertion with a place"
)]

mod alarms;
mod confirms;
mod consumer_model;
mod consumer_timeout;
mod consumers;
mod dead_letter;
mod dedup;
mod dedup_exchanges;
mod deletions;
mod durable;
mod events;
mod exchanges;
mod exclusive;
mod expiry;
mod faults;
mod figures;
mod follow;
mod heartbeat;
mod inspect;
mod limits;
mod look;
mod overflow;
mod policies;
mod prefetch;
mod queue_model;
mod redelivery;
mod reply_to;
mod retry;
mod rules;
mod schedules;
mod shutdown;
mod spans;
mod stream;
mod stress;
mod support;
mod trace;
mod transactions;
mod vhosts;
