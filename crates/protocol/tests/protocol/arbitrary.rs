//! Arbitrary values for properties that have to hold for all of them.

use leveret_protocol::{Decimal, FieldTable, FieldValue, Properties};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub fn bytes_to(max: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..=max)
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z-]{1,12}", 1 => "\\PC{0,40}"]
}

/// No float that is not equal to itself.
fn value() -> impl Strategy<Value = FieldValue> {
    let plain = prop_oneof![
        any::<bool>().prop_map(FieldValue::Bool),
        any::<i8>().prop_map(FieldValue::I8),
        any::<u8>().prop_map(FieldValue::U8),
        any::<i16>().prop_map(FieldValue::I16),
        any::<u16>().prop_map(FieldValue::U16),
        any::<i32>().prop_map(FieldValue::I32),
        any::<u32>().prop_map(FieldValue::U32),
        any::<i64>().prop_map(FieldValue::I64),
        any::<f32>().prop_map(FieldValue::F32),
        any::<f64>().prop_map(FieldValue::F64),
        (any::<u8>(), any::<u32>()).prop_map(|(scale, value)| FieldValue::Decimal(Decimal { scale, value })),
        bytes_to(40).prop_map(FieldValue::LongString),
        bytes_to(40).prop_map(FieldValue::ByteArray),
        any::<u64>().prop_map(FieldValue::Timestamp),
        Just(FieldValue::Void),
    ];
    plain.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(FieldValue::Array),
            vec((name(), inner), 0..5).prop_map(|fields| FieldValue::Table(fields.into_iter().collect())),
        ]
    })
}

pub fn table() -> impl Strategy<Value = FieldTable> {
    vec((name(), value()), 0..6).prop_map(|fields| fields.into_iter().collect())
}

fn text() -> impl Strategy<Value = Option<String>> {
    option::of("\\PC{0,60}")
}

pub fn properties() -> impl Strategy<Value = Properties> {
    let texts = (text(), text(), text(), text(), text(), text(), text(), text(), text(), text());
    let others =
        (option::of(table()), option::of(any::<u8>()), option::of(any::<u8>()), option::of(any::<u64>()));
    (texts, others).prop_map(|(texts, (headers, delivery_mode, priority, timestamp))| Properties {
        content_type: texts.0,
        content_encoding: texts.1,
        headers,
        delivery_mode,
        priority,
        correlation_id: texts.2,
        reply_to: texts.3,
        expiration: texts.4,
        message_id: texts.5,
        timestamp,
        kind: texts.6,
        user_id: texts.7,
        app_id: texts.8,
        cluster_id: texts.9,
    })
}
