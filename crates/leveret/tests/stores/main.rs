//! Outbox and idempotency stores: the same tests for each database. SQLite and what is in the process are always asked; PostgreSQL and Redis by
//! `conformance/stores/run`, which starts them and runs what is ignored otherwise.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod app;
mod databases;
mod faults;
mod idempotency;
mod inbox;
mod outbox;
mod outbox_failing;
mod outbox_relays;
mod support;
