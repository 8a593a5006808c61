use super::*;
use crate::trace::TraceContext;
use leveret_protocol::Properties;

fn message(body: &[u8]) -> Message {
    let mut raw = Vec::new();
    Properties { delivery_mode: Some(2), priority: Some(7), ..Properties::default() }.encode(&mut raw);
    let properties = RawProperties::parse(&raw).unwrap();
    let parts = Parts { exchange: b"logs", routing_key: b"a.b", properties };
    Message::new(parts, Bytes::copy_from_slice(body), None, 1)
}

fn stored(message: &Message) -> Vec<u8> {
    let (head, tail) = message.stored_form();
    [head, &tail.unwrap_or_default()].concat()
}

#[test]
fn a_message_kept_as_it_arrived_is_read_back() {
    use leveret_protocol::methods::basic;
    use leveret_protocol::{BASIC_CLASS, ContentHeader, ShortStr, put_body};
    let mut wire = Vec::new();
    let (exchange, routing_key) = (ShortStr::new("logs").unwrap(), ShortStr::new("a.b").unwrap());
    basic::Publish { exchange, routing_key, mandatory: true, immediate: false }.write(3, &mut wire);
    let properties = RawProperties::EMPTY;
    ContentHeader { class_id: BASIC_CLASS, body_size: 4, properties }.write(3, &mut wire);
    put_body(&mut wire, 3, b"body", 4096);
    let parts = Parts { exchange: b"logs", routing_key: b"a.b", properties };
    let first = Message::from_wire(&wire, parts, None, 1);
    let second = Message::from_stored(&stored(&first), 1).unwrap();
    assert_eq!((second.body(), second.routing_key()), (&b"body"[..], &b"a.b"[..]));
    assert_eq!(second.content_frames(), first.content_frames());
}

#[test]
fn a_context_is_beside_the_message_and_in_the_store() {
    let context = |span| TraceContext { trace_id: [1; 16], span_id: [span; 8], published_ns: 3 };
    for body in [&b""[..], b"x", &[7; 100_000]] {
        let plain = message(body);
        assert_eq!(plain.trace_context(), None);
        let first = plain.in_trace(context(2)).in_trace(context(4));
        let second = Message::from_stored(&stored(&first), 1).unwrap();
        for sampled in [&first, &second] {
            assert_eq!(sampled.trace_context(), Some(context(4)));
            assert_eq!((sampled.strings(), sampled.body()), (plain.strings(), plain.body()));
            assert_eq!(sampled.header_frame(), plain.header_frame(), "clients see what they saw");
            assert_eq!(sampled.body_len(), plain.body_len());
            assert!(sampled.is_persistent());
        }
    }
}

#[test]
fn what_the_store_kept_is_the_message() {
    for body in [&b""[..], b"x", &[7; 100_000]] {
        let first = message(body);
        let bytes = stored(&first);
        let second = Message::from_stored(&bytes, 1).unwrap();
        assert_eq!((second.exchange(), second.routing_key()), (&b"logs"[..], &b"a.b"[..]));
        assert_eq!(second.body(), body);
        assert!(second.is_persistent());
        assert_eq!(second.priority(), 7);
        assert_eq!(second.properties().as_bytes(), first.properties().as_bytes());
        assert_eq!(stored(&second), bytes, "and is stored alike again");
        for cut in 0..bytes.len().min(60) {
            assert!(cut == bytes.len() || Message::from_stored(&bytes[..cut], 1).is_none(), "{cut}");
        }
    }
}
