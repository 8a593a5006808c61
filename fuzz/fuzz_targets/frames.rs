//! One buffer of arbitrary bytes as a frame, a method, a content header, properties, a field table: nothing panics, and what
//! decodes can be written and decodes to the same again.
#![no_main]

use leveret_protocol::{
    ContentHeader, FrameKind, Method, Properties, RawProperties, RawTable, Reader, begin_frame, parse_frame,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&selector, data)) = data.split_first() else { return };
    match selector % 5 {
        0 => frames(data),
        1 => method(data),
        2 => header(data),
        3 => properties(data),
        _ => table(data),
    }
});

fn frames(mut data: &[u8]) {
    while let Ok(Some((frame, length))) = parse_frame(data, 65_536) {
        assert!(length == frame.payload.len() + 8 && length <= data.len());
        let mut out = Vec::new();
        let start = begin_frame(&mut out, frame.kind, frame.channel);
        out.extend_from_slice(frame.payload);
        start.end(&mut out);
        assert_eq!(out, data[..length]);
        match frame.kind {
            FrameKind::Method => method(frame.payload),
            FrameKind::Header => header(frame.payload),
            FrameKind::Body | FrameKind::Heartbeat => {}
        }
        data = &data[length..];
    }
}

/// What was written once decodes to what is written again: a truth value may have been any octet, a reserved field anything.
fn method(data: &[u8]) {
    let Ok(method) = Method::decode(data) else { return };
    let mut once = Vec::new();
    method.write(1, &mut once);
    let again = Method::decode(&once[7..once.len() - 1]).expect("own bytes");
    assert_eq!(again.id(), method.id());
    let mut twice = Vec::new();
    again.write(1, &mut twice);
    assert_eq!(once, twice);
}

fn header(data: &[u8]) {
    let Ok(header) = ContentHeader::decode(data) else { return };
    let mut out = Vec::new();
    header.write(1, &mut out);
    assert_eq!(ContentHeader::decode(&out[7..out.len() - 1]), Ok(header));
}

fn properties(data: &[u8]) {
    let Ok(raw) = RawProperties::parse(data) else { return };
    assert_eq!(raw.as_bytes(), data);
    let _ = (raw.delivery_mode(), raw.expiration(), raw.timestamp(), raw.cluster_id());
    let mut copied = Vec::new();
    let headers = raw.headers().map(|headers| headers.decode().expect("it was looked at"));
    raw.write_with_headers(headers.as_ref(), true, &mut copied);
    assert!(RawProperties::parse(&copied).is_ok());
    if let Ok(owned) = Properties::try_from(raw) {
        let mut out = Vec::new();
        owned.encode(&mut out);
        assert_eq!(out, copied);
    }
}

fn table(data: &[u8]) {
    let raw = RawTable::new(data);
    let decoded = raw.decode();
    assert_eq!(raw.validate().is_ok(), decoded.is_ok(), "a look and a decoding agree");
    let Ok(table) = decoded else { return };
    let mut once = Vec::new();
    table.encode(&mut once);
    let mut reader = Reader::new(&once);
    let again = reader.table().and_then(RawTable::decode).expect("own bytes");
    assert!(reader.finish().is_ok());
    let mut twice = Vec::new();
    again.encode(&mut twice);
    assert_eq!(once, twice);
}
