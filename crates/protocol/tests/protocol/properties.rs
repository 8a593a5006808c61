//! Properties and content headers, byte by byte.

use leveret_protocol::properties::NotOwnable;
use leveret_protocol::{
    BASIC_CLASS, ContentHeader, FieldTable, FieldValue, Properties, RawProperties, WireError,
};

use crate::hex::{hex, unhex};

/// All fourteen, each with a value that says which it is.
const ALL: &str = "fffc
    02 6374  02 6365  00000007 01 68 49 00000001  02 09
    02 6369  02 7274  04 39303030  02 6d69  000000006553f100
    02 7479  02 7569  02 6169  02 6c69";

#[test]
fn each_property_has_its_flag_and_place() {
    let bytes = unhex(ALL);
    let raw = RawProperties::parse(&bytes).unwrap();
    let text = |value: Option<leveret_protocol::ShortStr<'_>>| value.unwrap().to_string();
    assert_eq!(text(raw.content_type()), "ct");
    assert_eq!(text(raw.content_encoding()), "ce");
    assert_eq!(raw.headers().unwrap().get("h").unwrap().decode(), Ok(FieldValue::I32(1)));
    assert_eq!(raw.delivery_mode(), Some(2));
    assert_eq!(raw.priority(), Some(9));
    assert_eq!(text(raw.correlation_id()), "ci");
    assert_eq!(text(raw.reply_to()), "rt");
    assert_eq!(text(raw.expiration()), "9000");
    assert_eq!(text(raw.message_id()), "mi");
    assert_eq!(raw.timestamp(), Some(1_700_000_000));
    assert_eq!(text(raw.kind()), "ty");
    assert_eq!(text(raw.user_id()), "ui");
    assert_eq!(text(raw.app_id()), "ai");
    assert_eq!(text(raw.cluster_id()), "li");

    let mut out = Vec::new();
    Properties::try_from(raw).unwrap().encode(&mut out);
    assert_eq!(hex(&out), hex(&bytes));
}

#[test]
fn one_property_alone() {
    for (properties, expected) in [
        (Properties::default(), "0000"),
        (Properties { content_type: Some("a".into()), ..Default::default() }, "8000 01 61"),
        (Properties { content_encoding: Some("a".into()), ..Default::default() }, "4000 01 61"),
        (Properties { headers: Some(FieldTable::new()), ..Default::default() }, "2000 00000000"),
        (Properties { delivery_mode: Some(2), ..Default::default() }, "1000 02"),
        (Properties { priority: Some(3), ..Default::default() }, "0800 03"),
        (Properties { correlation_id: Some("a".into()), ..Default::default() }, "0400 01 61"),
        (Properties { reply_to: Some("a".into()), ..Default::default() }, "0200 01 61"),
        (Properties { expiration: Some("a".into()), ..Default::default() }, "0100 01 61"),
        (Properties { message_id: Some("a".into()), ..Default::default() }, "0080 01 61"),
        (Properties { timestamp: Some(5), ..Default::default() }, "0040 0000000000000005"),
        (Properties { kind: Some("a".into()), ..Default::default() }, "0020 01 61"),
        (Properties { user_id: Some("a".into()), ..Default::default() }, "0010 01 61"),
        (Properties { app_id: Some("a".into()), ..Default::default() }, "0008 01 61"),
        (Properties { cluster_id: Some("a".into()), ..Default::default() }, "0004 01 61"),
    ] {
        let mut out = Vec::new();
        properties.encode(&mut out);
        assert_eq!(hex(&out), hex(&unhex(expected)));
        assert_eq!(Properties::try_from(RawProperties::parse(&out).unwrap()), Ok(properties));
    }
}

#[test]
fn what_are_no_properties() {
    for (bytes, expected) in [
        ("00", WireError::UnexpectedEnd { missing: 1 }),
        ("0001", WireError::UnknownPropertyFlags(1)),
        ("0002", WireError::UnknownPropertyFlags(2)),
        ("0000 61", WireError::TrailingBytes(1)),
        ("1000", WireError::UnexpectedEnd { missing: 1 }),
        ("1000 0203", WireError::TrailingBytes(1)),
        ("8000 05 6162", WireError::UnexpectedEnd { missing: 3 }),
        ("2000 00000003 01 61 5a", WireError::UnknownFieldType(b'Z')),
        ("0040 0000", WireError::UnexpectedEnd { missing: 6 }),
    ] {
        assert_eq!(RawProperties::parse(&unhex(bytes)), Err(expected), "{bytes}");
    }
}

#[test]
fn text_that_is_not_utf8_passes_raw_but_is_not_owned() {
    let bytes = unhex("0400 02 fffe");
    let raw = RawProperties::parse(&bytes).unwrap();
    assert_eq!(raw.correlation_id().unwrap().as_bytes(), b"\xff\xfe");
    assert_eq!(Properties::try_from(raw), Err(NotOwnable::NotUtf8("correlation-id")));
    let mut out = Vec::new();
    raw.write_with_headers(Some(&FieldTable::from([("x", true)])), true, &mut out);
    assert_eq!(hex(&out), hex(&unhex("2400 00000004 01 78 74 01 02 fffe")), "and survives new headers");
}

#[test]
fn a_content_header() {
    let properties = unhex("1000 02");
    let header = ContentHeader {
        class_id: BASIC_CLASS,
        body_size: 16,
        properties: RawProperties::parse(&properties).unwrap(),
    };
    let mut out = Vec::new();
    header.write(1, &mut out);
    assert_eq!(hex(&out), hex(&unhex("02 0001 0000000f 003c 0000 0000000000000010 1000 02 ce")));
    assert_eq!(ContentHeader::decode(&out[7..out.len() - 1]), Ok(header));
    assert_eq!(ContentHeader::decode(&out[7..15]), Err(WireError::UnexpectedEnd { missing: 4 }));
}

#[test]
fn one_more_header_leaves_the_rest_as_it_was() {
    let own = FieldTable::from([("a", FieldValue::from(1)), ("n", "mine".into())]);
    for headers in [None, Some(FieldTable::from([("a", 1)])), Some(own)] {
        let properties = Properties {
            content_type: Some("t".into()),
            headers: headers.clone(),
            delivery_mode: Some(2),
            app_id: Some("x".into()),
            ..Properties::default()
        };
        let (mut before, mut after) = (Vec::new(), Vec::new());
        properties.encode(&mut before);
        RawProperties::parse(&before).unwrap().write_with_header("n", 5, &mut after);
        let mut expected = headers.unwrap_or_default();
        expected.insert("n", 5_i64);
        let found = Properties::try_from(RawProperties::parse(&after).unwrap()).unwrap();
        assert_eq!(found, Properties { headers: Some(expected), ..properties });
    }
}
