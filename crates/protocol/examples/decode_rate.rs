//! How long it takes to find a message in a read buffer, and to write one: `cargo run --release -p leveret-protocol --example
//! decode_rate`.
//!
//! The buffer holds messages as a peer sends them: method, header and body frame each, delivery mode 1. What is printed is the
//! best of several rounds, in nanoseconds for one message, beside the time that only parsing the three frames takes.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use std::hint::black_box;
use std::time::Instant;

use leveret_protocol::methods::basic;
use leveret_protocol::{
    ContentMethod, Inbound, InboundLimits, Incoming, RawProperties, Role, ShortStr, parse_frame, put_content,
};

const FRAME_MAX: u32 = 131_072;
const ROUNDS: usize = 200;

fn write(out: &mut Vec<u8>, role: Role, delivery_tag: u64, properties: RawProperties<'_>, body: &[u8]) {
    let (exchange, routing_key) = (ShortStr::EMPTY, ShortStr::truncate("bench-queue"));
    match role {
        Role::Server => basic::Publish { exchange, routing_key, ..Default::default() }.write(1, out),
        Role::Client => {
            let consumer_tag = ShortStr::truncate("ctag1.4711");
            basic::Deliver { consumer_tag, delivery_tag, exchange, routing_key, redelivered: false }
                .write(1, out);
        }
    }
    put_content(out, 1, properties, body, FRAME_MAX);
}

/// Fills the buffer with messages; gives their number.
fn encode(buf: &mut Vec<u8>, body: &[u8], role: Role) -> usize {
    let properties = RawProperties::parse(b"\x10\x00\x01").unwrap_or_default();
    buf.clear();
    let mut count = 0;
    while buf.len() < 256 * 1024 {
        count += 1;
        write(buf, role, count as u64, properties, body);
    }
    count
}

/// Best of the rounds, in nanoseconds for one message.
fn best(mut round: impl FnMut() -> usize) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let count = round();
        best = best.min(start.elapsed().as_nanos() as f64 / count as f64);
    }
    best
}

fn decode(buf: &[u8], role: Role) -> usize {
    let limits = InboundLimits { frame_max: FRAME_MAX, message_bytes_max: 16 << 20, channel_max: 2047 };
    let mut inbound = Inbound::new(role, limits);
    let (mut at, mut count, mut sum) = (0, 0, 0);
    while let Ok(Some((incoming, consumed))) = inbound.next(&buf[at..]) {
        if let Incoming::Content { channel, content } = incoming {
            // Every part is used, so that none is optimised away.
            sum += usize::from(channel) + content.body.len() + content.wire.map_or(0, <[u8]>::len);
            sum += usize::from(content.properties().delivery_mode().unwrap_or(0));
            sum += match content.method() {
                ContentMethod::Publish(publish) => {
                    publish.exchange.len() + publish.routing_key.len() + usize::from(publish.mandatory)
                }
                ContentMethod::Deliver(deliver) => deliver.consumer_tag.len() + deliver.delivery_tag as usize,
                _ => 0,
            };
            count += 1;
        }
        at += consumed;
    }
    black_box(sum);
    count
}

fn frames_only(buf: &[u8]) -> usize {
    let (mut at, mut count) = (0, 0);
    while let Ok(Some((frame, consumed))) = parse_frame(&buf[at..], FRAME_MAX) {
        black_box(frame);
        at += consumed;
        count += 1;
    }
    count / 3
}

fn main() {
    for body_size in [16, 1024] {
        for (role, what) in [(Role::Server, "publish"), (Role::Client, "deliver")] {
            let body = black_box(vec![7; body_size]);
            let mut buf = Vec::with_capacity(512 * 1024);
            println!(
                "{what} {body_size:>5} B: written in {:5.1} ns, read in {:5.1} ns, its frames alone in {:5.1} ns",
                best(|| encode(black_box(&mut buf), &body, role)),
                best(|| decode(black_box(&buf), role)),
                best(|| frames_only(black_box(&buf)))
            );
        }
    }
}
