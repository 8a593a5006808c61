//! Raw AMQP 0-9-1 dialogues, "send this, expect that", against this project's broker or any other.
//!
//! The tests in `tests/`, one file per AMQP feature, are written with the scripted peer of this crate: it sends any frame in any
//! order, right or wrong, and says what has to come back, reply codes and texts included. Nothing sleeps to see that nothing
//! comes: a synchronous round trip does. Every expectation has a deadline, and a failed one prints the dialogue so far.
//!
//! `cargo test -p leveret-dialogues` starts this project's broker inside the test process. With
//! `LEVERET_CONFORMANCE_URL=amqp://guest:guest@127.0.0.1:5672/` the same dialogues run against the broker there; it has to run
//! on this machine, with the user `guest`, and a RabbitMQ with its management plugin 10,000 ports above (5672 and 15672), where
//! users and permissions are made.
//!
//! Where this broker deliberately differs from RabbitMQ 3.10, a test says so with [`differs`] and `docs/compatibility.md` why.

mod admin;
mod channel;
mod connection;
mod event;
mod handshake;
mod in_process;
mod log;
mod scratch;
mod target;
mod verbs;
mod wire;

pub use admin::{set_memory_alarm, set_tracing, set_vhost_limit};
pub use channel::Channel;
pub use connection::Connection;
pub use event::{Delivery, Event, Message, Returned};
pub use handshake::{Options, Start};
pub use leveret_protocol as protocol;
pub use leveret_protocol::methods::{self, basic, confirm, connection as conn, exchange, queue, tx};
pub use leveret_protocol::{FieldTable, FieldValue, Method, MethodId, PROTOCOL_HEADER, Properties};
pub use scratch::Scratch;
pub use target::{Target, differs, is_rabbitmq, target};
pub use wire::DEADLINE;

use leveret_protocol::ShortStr;

/// A short string of a test's own text.
///
/// # Panics
/// Above 255 bytes.
#[must_use]
#[track_caller]
pub fn s(text: &str) -> ShortStr<'_> {
    match ShortStr::new(text) {
        Ok(text) => text,
        Err(error) => panic!("{text}: {error}"),
    }
}

/// A field table.
#[must_use]
pub fn table<const LEN: usize>(fields: [(&str, FieldValue); LEN]) -> FieldTable {
    FieldTable::from(fields)
}

/// Tries until it works, for what another process of the broker does in its own time.
///
/// # Panics
/// When it does not before the deadline.
#[track_caller]
pub fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let until = std::time::Instant::now() + DEADLINE;
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(std::time::Instant::now() < until, "not within {DEADLINE:?}: {what}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
