//! Bodies and properties on the wire.

use leveret_dialogues::protocol::FrameKind;
use leveret_dialogues::protocol::field_table::Decimal;
use leveret_dialogues::*;

/// Bytes in which every position can be told.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(31) ^ (at >> 8)) as u8).collect()
}

fn to(queue: &str) -> basic::Publish<'_> {
    basic::Publish { routing_key: s(queue), ..Default::default() }
}

#[test]
fn bodies_of_every_size_around_a_frame_arrive_whole() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.consume_no_ack(&queue, "c");
    for length in [0, 1, 4088, 131_063, 131_064, 131_065, 262_128, 262_129, 1_000_000, 5_000_000] {
        let body = pattern(length);
        channel.publish_as(&to(&queue), &Properties::default(), &body, 131_072);
        let delivery = channel.deliver();
        assert!(delivery.body == body, "{length} bytes came back as {}", delivery.body.len());
        let whole = length / 131_064;
        assert!(delivery.frames.iter().take(whole).all(|frame| *frame == 131_064), "{:?}", delivery.frames);
        assert_eq!(delivery.frames.len(), length.div_ceil(131_064));
    }
}

#[test]
fn an_empty_body_has_no_body_frame() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.publish("", &queue, "");
    channel.publish("", &queue, "next");
    assert_eq!(channel.get(&queue, true).unwrap().frames, [0; 0]);
    assert_eq!(channel.drain(&queue), ["next"]);
}

#[test]
fn a_small_frame_max_splits_what_is_delivered() {
    let big = Connection::open();
    let small = Connection::open_with(&Options { frame_max: 4096, ..Options::default() });
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let (out, inbox) = (big.channel(), small.channel());
    out.shared_queue(&q);
    inbox.consume_no_ack(&q, "c");
    for (length, frames) in [(4088, vec![4088]), (4089, vec![4088, 1]), (10_000, vec![4088, 4088, 1824])] {
        out.publish_as(&to(&q), &Properties::default(), &pattern(length), 131_072);
        let delivery = inbox.deliver();
        assert_eq!(delivery.frames, frames);
        assert!(delivery.body == pattern(length));
    }
}

#[test]
fn a_body_may_come_in_frames_of_any_size() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    let body = pattern(10_000);
    channel.send(to(&queue));
    channel.send_header(60, body.len() as u64, &Properties::default());
    let mut rest = body.as_slice();
    for length in [1, 0, 2, 4000, 5, 5992] {
        let (piece, after) = rest.split_at(length);
        channel.send_frame(FrameKind::Body, piece);
        rest = after;
    }
    assert!(rest.is_empty());
    let delivery = channel.get(&queue, true).unwrap();
    assert!(delivery.body == body);
}

#[test]
fn messages_of_several_channels_may_be_interleaved() {
    let connection = Connection::open();
    let (a, b) = (connection.channel(), connection.channel());
    let (first, second) = (a.named_queue(), b.named_queue());
    a.send(to(&first));
    b.send(to(&second));
    b.send_header(60, 4, &Properties::default());
    a.send_header(60, 4, &Properties::default());
    for (channel, piece) in [(&a, b"aa"), (&b, b"bb"), (&b, b"BB"), (&a, b"AA")] {
        channel.send_frame(FrameKind::Body, piece);
    }
    assert_eq!(a.drain(&first), ["aaAA"]);
    assert_eq!(b.drain(&second), ["bbBB"]);
}

#[test]
fn a_message_sent_byte_by_byte_arrives() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    let mut bytes = Vec::new();
    to(&queue).write(1, &mut bytes);
    let header = [0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0];
    bytes.extend(
        [&[2, 0, 1, 0, 0, 0, 14][..], &header, &[0xCE], &[3, 0, 1, 0, 0, 0, 3], b"abc", &[0xCE]].concat(),
    );
    for byte in bytes {
        connection.send_bytes("one byte", &[byte]);
    }
    assert_eq!(channel.drain(&queue), ["abc"]);
}

#[test]
fn every_property_comes_back_as_sent() {
    let properties = Properties {
        content_type: Some("text/plain".into()),
        content_encoding: Some("utf-8".into()),
        headers: Some(every_field()),
        delivery_mode: Some(2),
        priority: Some(9),
        correlation_id: Some("correlation".into()),
        reply_to: Some("reply".into()),
        expiration: Some("600000".into()),
        message_id: Some("message".into()),
        timestamp: Some(1_700_000_000),
        kind: Some("type".into()),
        user_id: Some(target().user.clone()),
        app_id: Some("app".into()),
        cluster_id: Some("cluster".into()),
    };
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.publish_with("", &queue, &properties, "x");
    let delivery = channel.get(&queue, true).unwrap();
    assert_eq!(delivery.properties, properties);
    let mut raw = Vec::new();
    properties.encode(&mut raw);
    assert_eq!(delivery.raw_properties, raw);
}

fn every_field() -> FieldTable {
    table([
        ("bool", true.into()),
        ("i8", FieldValue::I8(-8)),
        ("u8", FieldValue::U8(200)),
        ("i16", FieldValue::I16(-300)),
        ("u16", FieldValue::U16(60_000)),
        ("i32", FieldValue::I32(-70_000)),
        ("u32", FieldValue::U32(4_000_000_000)),
        ("i64", FieldValue::I64(i64::MIN)),
        ("f32", FieldValue::F32(1.5)),
        ("f64", FieldValue::F64(-2.25)),
        ("decimal", Decimal { scale: 2, value: 314 }.into()),
        ("text", "täxt".into()),
        ("bytes", FieldValue::LongString(vec![0, 255, 128])),
        ("array", FieldValue::Array(vec![1.into(), "two".into(), FieldValue::Array(vec![])])),
        ("timestamp", FieldValue::Timestamp(1_700_000_000)),
        ("table", table([("inner", table([("most", FieldValue::Void)]).into())]).into()),
        ("void", FieldValue::Void),
        ("byte array", FieldValue::ByteArray(vec![1, 2, 3])),
        ("", "an empty name".into()),
    ])
}

#[test]
fn each_property_alone_comes_back_as_sent() {
    let all = [
        Properties { content_type: Some(String::new()), ..Properties::default() },
        Properties { content_encoding: Some("gzip".into()), ..Properties::default() },
        Properties { headers: Some(FieldTable::new()), ..Properties::default() },
        Properties { delivery_mode: Some(1), ..Properties::default() },
        Properties { delivery_mode: Some(2), ..Properties::default() },
        Properties { priority: Some(255), ..Properties::default() },
        Properties { correlation_id: Some("c".repeat(255)), ..Properties::default() },
        Properties { timestamp: Some(u64::MAX), ..Properties::default() },
        Properties { cluster_id: Some("old".into()), ..Properties::default() },
        Properties::default(),
    ];
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    for properties in &all {
        channel.publish_with("", &queue, properties, "x");
    }
    for properties in &all {
        assert_eq!(channel.get(&queue, true).unwrap().properties, *properties);
    }
}

#[test]
fn a_delivery_mode_that_is_none_is_406() {
    let connection = Connection::open();
    let channel = connection.channel();
    let properties = Properties { delivery_mode: Some(77), ..Properties::default() };
    channel.publish_with("", "no.such.queue", &properties, "x");
    let text = "PRECONDITION_FAILED - invalid message: {delivery_mode_unknown,77}";
    channel.expect_close(406, text, basic::Publish::ID);
}

#[test]
fn headers_may_be_large() {
    let text = "h".repeat(100_000);
    let properties =
        Properties { headers: Some(table([("large", text.as_str().into())])), ..Properties::default() };
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.publish_with("", &queue, &properties, "x");
    assert_eq!(channel.get(&queue, true).unwrap().properties, properties);
}

#[test]
fn a_message_above_16_mib() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.confirm_select();
    let body = vec![b'x'; 16 * 1024 * 1024 + 1];
    channel.publish_as(&to(&queue), &Properties::default(), &body, 131_072);
    if differs("the largest message is 16 MiB, as in RabbitMQ 4; 3.10 takes 128 MiB", true, false) {
        channel.expect_confirm(1);
    } else {
        let text = "PRECONDITION_FAILED - message size 16777217 is larger than configured max size 16777216";
        channel.expect_close(406, text, basic::Publish::ID);
        channel.open();
        channel.publish("", &queue, "smaller");
        assert_eq!(channel.drain(&queue), ["smaller"]);
    }
}

#[test]
fn a_message_of_16_mib_is_taken() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.confirm_select();
    let body = vec![b'x'; 16 * 1024 * 1024];
    channel.publish_as(&to(&queue), &Properties::default(), &body, 131_072);
    channel.expect_confirm(1);
}
