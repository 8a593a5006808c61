//! Outbox and idempotency stores: the same tests for each database. SQLite and what is in the process are always asked; PostgreSQL and Redis by
//! `conformance/stores/run`, which starts them and runs what is ignored otherwise.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod databases;
mod outbox;
mod outbox_failing;
mod outbox_relays;
