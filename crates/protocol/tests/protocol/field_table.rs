//! Field tables: every type as RabbitMQ's clients write it, and what is no table.

use leveret_protocol::field_table::DEPTH_MAX;
use leveret_protocol::{Decimal, FieldTable, FieldValue, RawTable, Reader, WireError};

use crate::hex::{hex, unhex};

/// One value of every type: name of the type at RabbitMQ, value, bytes of type and value.
fn every_type() -> Vec<(&'static str, FieldValue, &'static str)> {
    vec![
        ("bool", true.into(), "74 01"),
        ("bool", false.into(), "74 00"),
        ("byte", FieldValue::I8(-2), "62 fe"),
        ("unsignedbyte", FieldValue::U8(254), "42 fe"),
        ("short", FieldValue::I16(-2), "73 fffe"),
        ("unsignedshort", FieldValue::U16(65_534), "75 fffe"),
        ("signedint", FieldValue::I32(-2), "49 fffffffe"),
        ("unsignedint", FieldValue::U32(4_294_967_294), "69 fffffffe"),
        ("long", FieldValue::I64(-2), "6c fffffffffffffffe"),
        ("float", FieldValue::F32(1.5), "66 3fc00000"),
        ("double", FieldValue::F64(-2.0), "64 c000000000000000"),
        ("decimal", FieldValue::Decimal(Decimal { scale: 2, value: 314 }), "44 02 0000013a"),
        ("longstr", "hi".into(), "53 00000002 6869"),
        ("binary", FieldValue::ByteArray(vec![0, 255]), "78 00000002 00ff"),
        ("timestamp", FieldValue::Timestamp(1_700_000_000), "54 000000006553f100"),
        ("array", vec![FieldValue::U8(1), FieldValue::Void].into(), "41 00000003 4201 56"),
        ("table", FieldTable::from([("k", true)]).into(), "46 00000004 01 6b 7401"),
        ("void", FieldValue::Void, "56"),
    ]
}

#[test]
fn every_type_has_its_bytes_and_name() {
    for (type_name, value, bytes) in every_type() {
        let fields = unhex(&format!("01 61 {bytes}"));
        let mut expected = (fields.len() as u32).to_be_bytes().to_vec();
        expected.extend_from_slice(&fields);

        let table = FieldTable::from([("a", value.clone())]);
        let mut out = Vec::new();
        table.encode(&mut out);
        assert_eq!(hex(&out), hex(&expected), "{value:?}");
        assert_eq!(FieldTable::decode(&mut Reader::new(&expected)), Ok(table));

        let raw = RawTable::new(&fields);
        assert_eq!(raw.validate(), Ok(()));
        assert_eq!(raw.get("a").unwrap().decode(), Ok(value.clone()));
        assert_eq!(value.type_name(), type_name);
    }
}

#[test]
fn what_others_write_differently_is_read() {
    let value =
        |bytes: &str| RawTable::new(&unhex(&format!("01 61 {bytes}"))).get("a").unwrap().decode().unwrap();
    assert_eq!(value("74 02"), FieldValue::Bool(true), "RabbitMQ: anything but 0");
    assert_eq!(value("4c 0000000000000005"), FieldValue::I64(5), "RabbitMQ: L like l");
}

#[test]
fn what_is_no_table() {
    for (bytes, expected) in [
        ("01", WireError::UnexpectedEnd { missing: 1 }),
        ("01 61", WireError::UnexpectedEnd { missing: 1 }),
        ("01 61 5a", WireError::UnknownFieldType(b'Z')),
        ("01 61 55 0000", WireError::UnknownFieldType(b'U')),
        ("01 61 49 0000", WireError::UnexpectedEnd { missing: 2 }),
        ("01 61 53 00000005 6162", WireError::UnexpectedEnd { missing: 3 }),
        ("01 61 53 ffffffff 6162", WireError::UnexpectedEnd { missing: 0xffff_fffd }),
        ("01 61 41 00000001 74", WireError::UnexpectedEnd { missing: 1 }),
        ("01 61 46 00000003 01 62 5a", WireError::UnknownFieldType(b'Z')),
        ("01 61 56 02 62", WireError::UnexpectedEnd { missing: 1 }),
    ] {
        let fields = unhex(bytes);
        let raw = RawTable::new(&fields);
        assert_eq!(raw.decode(), Err(expected), "{bytes}");
        assert_eq!(raw.validate(), Err(expected), "{bytes}");
    }
}

#[test]
fn depth_is_bounded() {
    fn nested(depth: usize, array: bool) -> Vec<u8> {
        let mut fields = Vec::new();
        for level in 0..depth {
            let mut outer = if array && level + 1 < depth { Vec::new() } else { b"\x01k".to_vec() };
            outer.push(if array { b'A' } else { b'F' });
            outer.extend_from_slice(&(fields.len() as u32).to_be_bytes());
            outer.extend_from_slice(&fields);
            fields = outer;
        }
        fields
    }
    for array in [false, true] {
        let deepest = nested(DEPTH_MAX, array);
        let table = RawTable::new(&deepest).decode().unwrap();
        assert_eq!(RawTable::new(&deepest).validate(), Ok(()));
        let mut out = Vec::new();
        table.encode(&mut out);
        assert_eq!(out[4..], deepest, "written as it was read");

        for depth in [DEPTH_MAX + 1, 20_000] {
            let fields = nested(depth, array);
            assert_eq!(RawTable::new(&fields).decode(), Err(WireError::TooDeep));
            assert_eq!(RawTable::new(&fields).validate(), Err(WireError::TooDeep));
        }
    }
}

#[test]
fn the_first_of_two_fields_of_one_name_counts() {
    let fields = unhex("01 61 42 01  01 62 56  01 61 42 02");
    let mut table = RawTable::new(&fields).decode().unwrap();
    assert_eq!(table.len(), 3);
    assert_eq!(table.get("a"), Some(&FieldValue::U8(1)));
    assert_eq!(RawTable::new(&fields).get("a").unwrap().decode(), Ok(FieldValue::U8(1)));
    let mut out = Vec::new();
    table.encode(&mut out);
    assert_eq!(out[4..], fields, "both are kept");
    assert_eq!(table.remove("a"), Some(FieldValue::U8(1)));
    assert_eq!(table.len(), 1, "and go together");
}

#[test]
fn a_name_that_is_not_text_is_kept() {
    let fields = unhex("02 fffe 56");
    let table = RawTable::new(&fields).decode().unwrap();
    let (name, _) = table.iter().next().unwrap();
    assert_eq!((name.as_bytes(), name.as_str()), (&b"\xff\xfe"[..], None));
    let mut out = Vec::new();
    table.encode(&mut out);
    assert_eq!(out[4..], fields);
}

#[test]
fn insert_replaces_in_place() {
    let mut table = FieldTable::from([("a", 1_i32), ("b", 2)]);
    assert_eq!(table.insert("a", "x"), Some(FieldValue::I32(1)));
    assert_eq!(table.insert("c", FieldValue::Void), None);
    let names: Vec<String> = table.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(table.contains_key("c") && !table.contains_key("d"));
}

#[test]
fn values_as_what_they_are() {
    for value in [
        FieldValue::I8(5),
        FieldValue::U8(5),
        FieldValue::I16(5),
        FieldValue::U16(5),
        FieldValue::I32(5),
        FieldValue::U32(5),
        FieldValue::I64(5),
    ] {
        assert_eq!(value.as_i64(), Some(5));
        assert_eq!((value.as_str(), value.as_bool()), (None, None));
    }
    assert_eq!(FieldValue::Timestamp(5).as_i64(), None);
    assert_eq!(FieldValue::from("x").as_str(), Some("x"));
    assert_eq!(FieldValue::LongString(vec![255]).as_str(), None);
    assert_eq!(FieldValue::ByteArray(vec![255]).as_bytes(), Some(&[255][..]));
}
