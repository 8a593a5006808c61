//! Method frames as the specification and RabbitMQ write them, byte by byte.

use leveret_protocol::methods::{access, basic, channel, confirm, connection, exchange, queue, tx};
use leveret_protocol::{FieldTable, FrameKind, Method, ShortStr, parse_frame, put_heartbeat};

use crate::hex::{hex, unhex};

fn s(text: &str) -> ShortStr<'_> {
    ShortStr::new(text).unwrap()
}

/// The frame is written like this, and read back as the same method.
#[track_caller]
fn check(method: impl Into<Method<'static>>, channel: u16, expected: &str) {
    let method = method.into();
    let mut out = Vec::new();
    method.write(channel, &mut out);
    assert_eq!(hex(&out), hex(&unhex(expected)), "{method:?}");
    let (frame, length) = parse_frame(&out, 4096).unwrap().unwrap();
    assert_eq!((frame.kind, frame.channel, length), (FrameKind::Method, channel, out.len()));
    assert_eq!(Method::decode(frame.payload), Ok(method));
}

#[test]
fn connection_methods() {
    check(
        connection::Tune { channel_max: 2047, frame_max: 131_072, heartbeat: 60 },
        0,
        "01 0000 0000000c 000a 001e 07ff 00020000 003c ce",
    );
    check(
        connection::TuneOk { channel_max: 2047, frame_max: 131_072, heartbeat: 60 },
        0,
        "01 0000 0000000c 000a 001f 07ff 00020000 003c ce",
    );
    check(connection::Secure { challenge: b"who?" }, 0, "01 0000 0000000c 000a 0014 00000004 77686f3f ce");
    check(connection::SecureOk { response: b"me" }, 0, "01 0000 0000000a 000a 0015 00000002 6d65 ce");
    check(connection::Open { virtual_host: s("/") }, 0, "01 0000 00000008 000a 0028 01 2f 00 00 ce");
    check(connection::OpenOk, 0, "01 0000 00000005 000a 0029 00 ce");
    check(
        connection::Close { reply_code: 320, reply_text: s("bye"), class_id: 0, method_id: 0 },
        0,
        "01 0000 0000000e 000a 0032 0140 03 627965 0000 0000 ce",
    );
    check(connection::CloseOk, 0, "01 0000 00000004 000a 0033 ce");
    check(
        connection::Blocked { reason: s("low on memory") },
        0,
        "01 0000 00000012 000a 003c 0d 6c6f77206f6e206d656d6f7279 ce",
    );
    check(connection::Unblocked, 0, "01 0000 00000004 000a 003d ce");
    check(
        connection::UpdateSecret { new_secret: b"abc", reason: s("r") },
        0,
        "01 0000 0000000d 000a 0046 00000003 616263 01 72 ce",
    );
    check(connection::UpdateSecretOk, 0, "01 0000 00000004 000a 0047 ce");
}

#[test]
fn start_ok() {
    let client_properties = FieldTable::from([("product", "x")]);
    check(
        connection::StartOk {
            client_properties,
            mechanism: s("PLAIN"),
            response: b"\0guest\0guest",
            locale: s("en_US"),
        },
        0,
        "01 0000 00000032 000a 000b
         0000000e 07 70726f64756374 53 00000001 78
         05 504c41494e 0000000c 00 6775657374 00 6775657374 05 656e5f5553 ce",
    );
}

/// The greeting of RabbitMQ 3.10.8, recorded.
#[test]
fn start_of_a_real_rabbitmq() {
    let recorded = unhex(include_str!("../fixtures/rabbitmq-3.10.8-start.hex"));
    let (frame, length) = parse_frame(&recorded, 8192).unwrap().unwrap();
    assert_eq!(length, recorded.len());
    let Ok(Method::ConnectionStart(start)) = Method::decode(frame.payload) else { panic!("{frame:?}") };
    assert_eq!((start.version_major, start.version_minor), (0, 9));
    assert_eq!(start.mechanisms, b"AMQPLAIN PLAIN");
    assert_eq!(start.locales, b"en_US");
    let text = |name| start.server_properties.get(name).and_then(|value| value.as_str());
    assert_eq!(text("product"), Some("RabbitMQ"));
    assert_eq!(text("version"), Some("3.10.8"));
    let capabilities =
        start.server_properties.get("capabilities").and_then(|value| value.as_table()).unwrap();
    assert_eq!(capabilities.len(), 9);
    assert!(capabilities.iter().all(|(_, value)| value.as_bool() == Some(true)));

    let mut out = Vec::new();
    start.write(0, &mut out);
    assert_eq!(hex(&out), hex(&recorded), "written anew it is the same");
}

#[test]
fn channel_methods() {
    check(channel::Open, 1, "01 0001 00000005 0014 000a 00 ce");
    check(channel::OpenOk, 1, "01 0001 00000008 0014 000b 00000000 ce");
    check(channel::Flow { active: true }, 1, "01 0001 00000005 0014 0014 01 ce");
    check(channel::FlowOk { active: false }, 1, "01 0001 00000005 0014 0015 00 ce");
    check(
        channel::Close { reply_code: 404, reply_text: s("NOT_FOUND"), class_id: 50, method_id: 10 },
        258,
        "01 0102 00000014 0014 0028 0194 09 4e4f545f464f554e44 0032 000a ce",
    );
    check(channel::CloseOk, 1, "01 0001 00000004 0014 0029 ce");
}

#[test]
fn access_confirm_tx_methods() {
    check(
        access::Request {
            realm: s("/data"),
            exclusive: true,
            passive: false,
            active: true,
            write: true,
            read: true,
        },
        1,
        "01 0001 0000000b 001e 000a 05 2f64617461 1d ce",
    );
    check(access::RequestOk { ticket: 1 }, 1, "01 0001 00000006 001e 000b 0001 ce");
    check(confirm::Select { no_wait: true }, 1, "01 0001 00000005 0055 000a 01 ce");
    check(confirm::SelectOk, 1, "01 0001 00000004 0055 000b ce");
    check(tx::Select, 1, "01 0001 00000004 005a 000a ce");
    check(tx::SelectOk, 1, "01 0001 00000004 005a 000b ce");
    check(tx::Commit, 1, "01 0001 00000004 005a 0014 ce");
    check(tx::CommitOk, 1, "01 0001 00000004 005a 0015 ce");
    check(tx::Rollback, 1, "01 0001 00000004 005a 001e ce");
    check(tx::RollbackOk, 1, "01 0001 00000004 005a 001f ce");
}

#[test]
fn exchange_methods() {
    check(
        exchange::Declare { exchange: s("ex"), kind: s("topic"), durable: true, ..Default::default() },
        1,
        "01 0001 00000014 0028 000a 0000 02 6578 05 746f706963 02 00000000 ce",
    );
    check(
        exchange::Declare {
            exchange: s(""),
            kind: s(""),
            passive: true,
            auto_delete: true,
            internal: true,
            no_wait: true,
            ..Default::default()
        },
        1,
        "01 0001 0000000d 0028 000a 0000 00 00 1d 00000000 ce",
    );
    check(
        exchange::Delete { exchange: s("ex"), if_unused: true, no_wait: true },
        1,
        "01 0001 0000000a 0028 0014 0000 02 6578 03 ce",
    );
    check(exchange::DeclareOk, 1, "01 0001 00000004 0028 000b ce");
    check(exchange::DeleteOk, 1, "01 0001 00000004 0028 0015 ce");
    check(
        exchange::Bind { destination: s("d"), source: s("s"), routing_key: s("k"), ..Default::default() },
        1,
        "01 0001 00000011 0028 001e 0000 01 64 01 73 01 6b 00 00000000 ce",
    );
    check(exchange::BindOk, 1, "01 0001 00000004 0028 001f ce");
    check(
        exchange::Unbind { destination: s("d"), source: s("s"), routing_key: s("k"), ..Default::default() },
        1,
        "01 0001 00000011 0028 0028 0000 01 64 01 73 01 6b 00 00000000 ce",
    );
    check(exchange::UnbindOk, 1, "01 0001 00000004 0028 0033 ce");
}

#[test]
fn queue_methods() {
    check(
        queue::Declare { queue: s("q"), durable: true, ..Default::default() },
        1,
        "01 0001 0000000d 0032 000a 0000 01 71 02 00000000 ce",
    );
    check(
        queue::Declare {
            queue: s("q"),
            passive: true,
            exclusive: true,
            auto_delete: true,
            no_wait: true,
            durable: false,
            arguments: FieldTable::from([("x-message-ttl", 1000_i32)]),
        },
        1,
        "01 0001 00000020 0032 000a 0000 01 71 1d 00000013 0d 782d6d6573736167652d74746c 49 000003e8 ce",
    );
    check(
        queue::DeclareOk { queue: s("q"), message_count: 5, consumer_count: 1 },
        1,
        "01 0001 0000000e 0032 000b 01 71 00000005 00000001 ce",
    );
    check(
        queue::Bind { queue: s("q"), exchange: s("e"), routing_key: s("k"), ..Default::default() },
        1,
        "01 0001 00000011 0032 0014 0000 01 71 01 65 01 6b 00 00000000 ce",
    );
    check(queue::BindOk, 1, "01 0001 00000004 0032 0015 ce");
    check(queue::Purge { queue: s("q"), no_wait: false }, 1, "01 0001 00000009 0032 001e 0000 01 71 00 ce");
    check(queue::PurgeOk { message_count: 7 }, 1, "01 0001 00000008 0032 001f 00000007 ce");
    check(
        queue::Delete { queue: s("q"), if_unused: true, if_empty: true, no_wait: true },
        1,
        "01 0001 00000009 0032 0028 0000 01 71 07 ce",
    );
    check(queue::DeleteOk { message_count: 7 }, 1, "01 0001 00000008 0032 0029 00000007 ce");
    check(
        queue::Unbind { queue: s("q"), exchange: s("e"), routing_key: s("k"), ..Default::default() },
        1,
        "01 0001 00000010 0032 0032 0000 01 71 01 65 01 6b 00000000 ce",
    );
    check(queue::UnbindOk, 1, "01 0001 00000004 0032 0033 ce");
}

#[test]
fn basic_methods() {
    check(
        basic::Qos { prefetch_size: 0, prefetch_count: 100, global: true },
        1,
        "01 0001 0000000b 003c 000a 00000000 0064 01 ce",
    );
    check(basic::QosOk, 1, "01 0001 00000004 003c 000b ce");
    check(
        basic::Consume {
            queue: s("q"),
            consumer_tag: s("c"),
            no_ack: true,
            exclusive: true,
            ..Default::default()
        },
        1,
        "01 0001 0000000f 003c 0014 0000 01 71 01 63 06 00000000 ce",
    );
    check(basic::ConsumeOk { consumer_tag: s("c") }, 1, "01 0001 00000006 003c 0015 01 63 ce");
    check(basic::Cancel { consumer_tag: s("c"), no_wait: true }, 1, "01 0001 00000007 003c 001e 01 63 01 ce");
    check(basic::CancelOk { consumer_tag: s("c") }, 1, "01 0001 00000006 003c 001f 01 63 ce");
    check(
        basic::Publish { exchange: s(""), routing_key: s("q"), mandatory: true, immediate: false },
        1,
        "01 0001 0000000a 003c 0028 0000 00 01 71 01 ce",
    );
    check(
        basic::Return { reply_code: 312, reply_text: s("NO_ROUTE"), exchange: s(""), routing_key: s("q") },
        1,
        "01 0001 00000012 003c 0032 0138 08 4e4f5f524f555445 00 01 71 ce",
    );
    check(
        basic::Deliver {
            consumer_tag: s("c"),
            delivery_tag: 1,
            redelivered: true,
            exchange: s(""),
            routing_key: s("q"),
        },
        1,
        "01 0001 00000012 003c 003c 01 63 0000000000000001 01 00 01 71 ce",
    );
    check(basic::Get { queue: s("q"), no_ack: true }, 1, "01 0001 00000009 003c 0046 0000 01 71 01 ce");
    check(
        basic::GetOk {
            delivery_tag: 1,
            redelivered: false,
            exchange: s(""),
            routing_key: s("q"),
            message_count: 3,
        },
        1,
        "01 0001 00000014 003c 0047 0000000000000001 00 00 01 71 00000003 ce",
    );
    check(basic::GetEmpty, 1, "01 0001 00000005 003c 0048 00 ce");
    check(
        basic::Ack { delivery_tag: 5, multiple: true },
        1,
        "01 0001 0000000d 003c 0050 0000000000000005 01 ce",
    );
    check(
        basic::Reject { delivery_tag: 5, requeue: true },
        1,
        "01 0001 0000000d 003c 005a 0000000000000005 01 ce",
    );
    check(basic::RecoverAsync { requeue: true }, 1, "01 0001 00000005 003c 0064 01 ce");
    check(basic::Recover { requeue: true }, 1, "01 0001 00000005 003c 006e 01 ce");
    check(basic::RecoverOk, 1, "01 0001 00000004 003c 006f ce");
    check(
        basic::Nack { delivery_tag: 7, multiple: true, requeue: true },
        1,
        "01 0001 0000000d 003c 0078 0000000000000007 03 ce",
    );
}

#[test]
fn a_heartbeat() {
    let mut out = Vec::new();
    put_heartbeat(&mut out);
    assert_eq!(hex(&out), "080000".to_owned() + "00000000" + "ce");
}

#[test]
fn reserved_fields_are_ignored_when_read() {
    // Ticket 99, a capability, a cluster id: whatever old clients and servers put there.
    for (payload, expected) in [
        ("003c 0046 0063 01 71 00", Method::from(basic::Get { queue: s("q"), no_ack: false })),
        ("000a 0028 01 2f 03 636170 01", connection::Open { virtual_host: s("/") }.into()),
        ("003c 0048 02 6162", basic::GetEmpty.into()),
        ("0014 000b 00000003 616263", channel::OpenOk.into()),
    ] {
        assert_eq!(Method::decode(&unhex(payload)), Ok(expected));
    }
}

#[test]
fn names_of_methods() {
    assert_eq!(queue::DeclareOk::ID.name(), "queue.declare-ok");
    assert_eq!(queue::DeclareOk::ID.erlang_name(), "'queue.declare_ok'");
    assert_eq!(queue::DeclareOk::ID.to_string(), "queue.declare-ok");
    assert_eq!(leveret_protocol::MethodId::new(60, 99).to_string(), "60.99");
}
