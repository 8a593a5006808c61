//! Which queues a message reaches.

mod basics;
mod consistent_hash;
mod copies;
mod headers;
mod modulus_hash;
mod random;
mod recent_history;
mod topic;

use leveret_dialogues::*;

fn headers<const LEN: usize>(fields: [(&str, FieldValue); LEN]) -> Properties {
    Properties { headers: Some(table(fields)), ..Properties::default() }
}

fn texts(values: &[&str]) -> FieldValue {
    FieldValue::Array(values.iter().map(|value| FieldValue::from(*value)).collect())
}
