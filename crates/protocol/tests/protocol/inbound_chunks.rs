//! However the bytes of a conversation are cut into reads, the same things come out.

use leveret_protocol::methods::{channel, tx};
use leveret_protocol::{FrameKind, Inbound, InboundLimits, Incoming, Role};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::inbound::{body, frame, header, method, publish};

const LIMITS: InboundLimits = InboundLimits { frame_max: 4096, message_bytes_max: 200_000, channel_max: 8 };

/// What a channel says next.
#[derive(Debug, Clone)]
enum Say {
    Method,
    Content { size: usize, piece: usize },
    Heartbeat,
}

fn say() -> impl Strategy<Value = Say> {
    let sizes = sizes();
    prop_oneof![
        1 => Just(Say::Method),
        1 => Just(Say::Heartbeat),
        6 => (sizes, 1..4096_usize).prop_map(|(size, piece)| Say::Content { size, piece }),
    ]
}

fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0..40_usize, 2 => 0..5000_usize, 1 => 30_000..70_000_usize]
}

/// The frames of each channel, and what should come out of them.
fn frames(channel: u16, index: usize, say: &Say) -> (Vec<Vec<u8>>, String) {
    match *say {
        Say::Method => (vec![method(channel, tx::Commit)], format!("{channel}: tx.commit")),
        Say::Heartbeat => (vec![frame(FrameKind::Heartbeat, 0, b"")], "heartbeat".to_owned()),
        Say::Content { size, piece } => {
            let key = format!("k{index}");
            let content: Vec<u8> = (0..size).map(|at| (at + index) as u8).collect();
            let mut frames = vec![publish(channel, &key), header(channel, size as u64)];
            frames.extend(content.chunks(piece).map(|piece| body(channel, piece)));
            (frames, format!("{channel}: {key} {size} {:x}", sum(&content)))
        }
    }
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(7, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
}

fn told(incoming: &Incoming<'_>) -> Option<String> {
    Some(match incoming {
        Incoming::Partial => return None,
        Incoming::Heartbeat => "heartbeat".to_owned(),
        Incoming::Method { channel, method } => format!("{channel}: {}", method.id()),
        Incoming::Content { channel, content } => {
            let leveret_protocol::ContentMethod::Publish(publish) = content.method() else { panic!() };
            assert_eq!(content.properties().content_type().unwrap(), "text/plain");
            let body = content.body.as_slice();
            format!("{channel}: {} {} {:x}", publish.routing_key, body.len(), sum(body))
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn cuts_do_not_matter(
        says in vec((1..4_u16, say()), 0..20),
        order in vec(0..3_usize, 0..200),
        cuts in vec(prop_oneof![1..30_usize, 1..70_000_usize], 1..40),
    ) {
        // Each channel speaks in its own order; their frames are shuffled into each other.
        let mut queues: Vec<std::collections::VecDeque<Vec<u8>>> = vec![Default::default(); 3];
        let mut expected: Vec<Vec<String>> = vec![Vec::new(); 3];
        let mut heartbeats = 0;
        for (index, (channel, say)) in says.iter().enumerate() {
            let (frames, line) = frames(*channel, index, say);
            queues[usize::from(*channel) - 1].extend(frames);
            if line == "heartbeat" { heartbeats += 1 } else { expected[usize::from(*channel) - 1].push(line) }
        }
        let mut bytes = Vec::new();
        for next in order {
            bytes.extend(queues[next].pop_front().unwrap_or_default());
        }
        bytes.extend(queues.into_iter().flatten().flatten());
        // The end, so that nothing small is waited for.
        bytes.extend(method(5, channel::CloseOk));

        let mut inbound = Inbound::new(Role::Server, LIMITS);
        let mut found: Vec<Vec<String>> = vec![Vec::new(); 3];
        let (mut at, mut end, mut seen, mut closed) = (0, 0, 0, false);
        let mut cuts = cuts.into_iter().cycle();
        while end < bytes.len() {
            end = (end + cuts.next().unwrap()).min(bytes.len());
            while let Some((incoming, consumed)) = inbound.next(&bytes[at..end]).unwrap() {
                prop_assert!(consumed > 0 && at + consumed <= end);
                at += consumed;
                match told(&incoming) {
                    None => {}
                    Some(line) if line == "heartbeat" => seen += 1,
                    Some(line) if line.starts_with('5') => closed = true,
                    Some(line) => found[line[..1].parse::<usize>().unwrap() - 1].push(line),
                }
            }
            prop_assert!(end - at < inbound.buffer_max(), "it waits for more than the buffer has to hold");
        }
        prop_assert!(closed);
        prop_assert_eq!(seen, heartbeats);
        prop_assert_eq!(found, expected);
        prop_assert_eq!(inbound.buffered_bytes(), 0);
    }
}
