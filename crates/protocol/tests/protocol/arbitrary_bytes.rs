//! Whatever bytes come, cut in whatever way: no panic, no standstill, no memory beyond the limits.

use leveret_protocol::methods::{basic, channel, queue};
use leveret_protocol::{FrameKind, Role};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::arbitrary::bytes_to;
use crate::driver::Connection;
use crate::inbound::{body, frame, header, method, publish};

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Server), Just(Role::Client)]
}

/// Frames that are mostly right on their own, in an order that is mostly wrong.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let channel = 0..4_u16;
    prop_oneof![
        bytes_to(30),
        (1..10_u8, channel.clone(), bytes_to(60)).prop_map(|(kind, channel, payload)| {
            let mut out = frame(FrameKind::Body, channel, &payload);
            out[0] = kind;
            out
        }),
        channel.clone().prop_map(|channel| method(channel, channel::Open)),
        channel.clone().prop_map(|channel| method(channel, channel::Close::default())),
        channel.clone().prop_map(|channel| method(channel, channel::CloseOk)),
        channel.clone().prop_map(|channel| method(channel, queue::Declare::default())),
        channel.clone().prop_map(|channel| method(channel, basic::Deliver::default())),
        channel.clone().prop_map(|channel| publish(channel, "k")),
        (channel.clone(), prop_oneof![0..20_u64, any::<u64>()])
            .prop_map(|(channel, size)| header(channel, size)),
        (channel, bytes_to(20)).prop_map(|(channel, payload)| body(channel, &payload)),
    ]
}

fn feed(connection: &mut Connection, bytes: &[u8], cuts: &[usize]) {
    let (mut rest, mut cuts) = (bytes, cuts.iter().cycle());
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
        rest = later;
        if !connection.receive(now) {
            return;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn on_a_new_connection(role in role(), bytes in bytes_to(400), cuts in vec(1..50_usize, 1..10)) {
        feed(&mut Connection::new(role), &bytes, &cuts);
        feed(&mut Connection::new(role), &[b"AMQP\0\0\x09\x01", &bytes[..]].concat(), &cuts);
    }

    #[test]
    fn on_an_open_connection(
        role in role(),
        frame_max in prop_oneof![Just(0), Just(4096), Just(131_072)],
        pieces in vec(piece(), 0..30),
        cuts in vec(1..200_usize, 1..10),
    ) {
        feed(&mut Connection::open(role, frame_max), &pieces.concat(), &cuts);
    }
}
