//! Streams: queues of type `stream`, in memory and on disk.

mod consume;
mod declare;
mod durable;
mod filter;
mod retention;

use crate::support::*;
use leveret_protocol::methods::{basic, queue};
use leveret_protocol::{FieldTable, FieldValue};

/// `queue.declare` of a stream with these arguments more.
fn stream<'a>(name: &'a str, more: &[(&str, FieldValue)]) -> queue::Declare<'a> {
    let mut arguments = arguments([("x-queue-type", "stream".into())]);
    for (argument, value) in more {
        arguments.insert(*argument, value.clone());
    }
    queue::Declare { durable: true, ..queue_with(name, arguments) }
}

/// `basic.consume` from an offset.
fn from<'a>(queue: &'a str, tag: &'a str, offset: impl Into<FieldValue>) -> basic::Consume<'a> {
    basic::Consume { arguments: arguments([("x-stream-offset", offset.into())]), ..consume(queue, tag) }
}

/// What a delivery of a stream says.
#[derive(Debug, Clone, PartialEq)]
struct Streamed {
    consumer: String,
    tag: u64,
    offset: u64,
    text: String,
}

fn streamed(got: Got) -> Streamed {
    let Got::Deliver { consumer, tag, redelivered, message, .. } = got else {
        panic!("expected a delivery, got {got:?}")
    };
    assert!(!redelivered, "a stream's deliveries are never redelivered");
    let offset = match message.headers().get("x-stream-offset") {
        Some(FieldValue::I64(offset)) => *offset as u64,
        other => panic!("x-stream-offset is {other:?}"),
    };
    Streamed { consumer, tag, offset, text: message.text().to_owned() }
}

/// The offsets that are on their way by now, in order.
async fn offsets(client: &mut Client) -> Vec<u64> {
    client.arrived().await.into_iter().map(|got| streamed(got).offset).collect()
}

/// The next `count` deliveries, waited for.
async fn take(client: &mut Client, count: usize) -> Vec<Streamed> {
    let mut all = Vec::new();
    while all.len() < count {
        match client.next().await {
            got @ Got::Deliver { .. } => all.push(streamed(got)),
            Got::Ack { .. } => {}
            other => panic!("expected a delivery, got {other:?}"),
        }
    }
    all
}

/// Publishes `m0`, `m1` and so on.
async fn fill(client: &mut Client, queue: &str, numbers: std::ops::Range<u64>) {
    for number in numbers {
        client.publish(Publishing::to(queue, &format!("m{number}"))).await;
    }
    client.settle().await;
}

async fn qos(client: &mut Client, count: u16) {
    assert_eq!(client.call(1, prefetch(count)).await, Got::Reply("basic.qos-ok"));
}

async fn closes(client: &mut Client, channel: u16, code: u16, text: &str) {
    match client.next().await {
        Got::Close { channel: closed, code: given, text: told } => {
            assert_eq!((closed, given, told.as_str()), (channel, code, text));
        }
        other => panic!("expected a close, got {other:?}"),
    }
}

fn headers(value: &str) -> FieldTable {
    arguments([("x-stream-filter-value", value.into())])
}
