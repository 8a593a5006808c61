//! A broker on a virtual clock and a scripted client that talks to it frame by frame.
//!
//! Nothing here sleeps. Time passes only by [`pass`], and what the broker did by then is seen after a round trip of a
//! synchronous method ([`Client::settle`]).

mod client;
mod connect;
mod got;
mod publish;

pub(crate) use client::Client;
pub(crate) use connect::Connect;
pub(crate) use got::{Death, Got, Message};
pub(crate) use publish::Publishing;

use leveret_broker::{Broker, Clock, Config};
use leveret_protocol::methods::{basic, queue};
use leveret_protocol::{FieldTable, FieldValue, ShortStr};
use std::time::Duration;

/// Where the virtual clock starts, in milliseconds since 1970.
pub(crate) const START_UNIX_MS: u64 = 1_700_000_000_000;

/// A broker in memory on a virtual clock, without heartbeats, so that hours may pass in silence.
pub(crate) fn broker() -> Broker {
    broker_with(|_| ())
}

/// The same with other settings.
pub(crate) fn broker_with(change: impl FnOnce(&mut Config)) -> Broker {
    let mut config = Config::default();
    config.heartbeat = Duration::ZERO;
    change(&mut config);
    Broker::start_with_clock(config, Clock::virtual_at(START_UNIX_MS)).unwrap()
}

/// Time passes, and what became due then is done once this returns.
pub(crate) async fn pass(broker: &Broker, client: &mut Client, time: Duration) {
    broker.clock().advance(time);
    client.settle().await;
}

/// Waits until the broker has let go of all connections but `count`. The test fails by hanging, which its runner reports.
pub(crate) async fn connections_are(broker: &Broker, count: usize) {
    for _ in 0..1_000 {
        if broker.connection_count() == count {
            return;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(broker.connection_count(), count, "open connections");
}

pub(crate) fn short(text: &str) -> ShortStr<'_> {
    ShortStr::new(text).unwrap()
}

/// `queue.declare` with arguments.
pub(crate) fn queue_with(name: &str, arguments: FieldTable) -> queue::Declare<'_> {
    queue::Declare { queue: short(name), arguments, ..Default::default() }
}

/// Arguments of a queue.
pub(crate) fn arguments<const LEN: usize>(all: [(&str, FieldValue); LEN]) -> FieldTable {
    all.into_iter().collect()
}

/// `basic.consume` that acknowledges, with the tag given.
pub(crate) fn consume<'a>(queue: &'a str, tag: &'a str) -> basic::Consume<'a> {
    basic::Consume { queue: short(queue), consumer_tag: short(tag), ..Default::default() }
}

pub(crate) const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(crate) const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) fn ack(delivery_tag: u64) -> basic::Ack {
    basic::Ack { delivery_tag, multiple: false }
}

pub(crate) fn reject(delivery_tag: u64, requeue: bool) -> basic::Reject {
    basic::Reject { delivery_tag, requeue }
}

pub(crate) fn nack(delivery_tag: u64, multiple: bool, requeue: bool) -> basic::Nack {
    basic::Nack { delivery_tag, multiple, requeue }
}

pub(crate) fn prefetch(prefetch_count: u16) -> basic::Qos {
    basic::Qos { prefetch_size: 0, prefetch_count, global: false }
}
