//! Comparison of a declaration with the entity that has the name already.
//!
//! A client may declare what exists, if it means the same thing; otherwise it is told the first difference, in RabbitMQ's words.

use leveret_protocol::{FieldTable, FieldValue};

use crate::erlang_term;
use crate::name::{Name, ResourceKind};
use crate::refusal::Refusal;

/// The entity that exists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entity<'a> {
    pub(crate) kind: ResourceKind,
    pub(crate) name: &'a Name,
    pub(crate) vhost: &'a Name,
}

impl Entity<'_> {
    fn inequivalent(&self, arg: &str, received: String, current: String) -> Refusal {
        Refusal::Inequivalent {
            arg: arg.into(),
            kind: self.kind,
            name: self.name.clone(),
            vhost: self.vhost.clone(),
            received,
            current,
        }
    }

    /// # Errors
    /// [`Refusal::Inequivalent`] when a property differs.
    pub(crate) fn check_property<T: PartialEq + ToString>(
        &self,
        property: &str,
        current: T,
        received: T,
    ) -> Result<(), Refusal> {
        if current == received {
            return Ok(());
        }
        let quoted = |value: T| format!("'{}'", value.to_string());
        Err(self.inequivalent(property, quoted(received), quoted(current)))
    }

    /// Compares one argument. A value is the same whatever its type: `5` of any integer width, a long string and a byte array; of a list
    /// each element.
    ///
    /// # Errors
    /// [`Refusal::Inequivalent`] when the argument differs.
    pub(crate) fn check_argument(
        &self,
        arg: &str,
        current: &FieldTable,
        received: &FieldTable,
    ) -> Result<(), Refusal> {
        let (received, current) = match (received.get(arg), current.get(arg)) {
            (None, None) => return Ok(()),
            (Some(received), Some(current)) if same_value(received, current) => return Ok(()),
            (Some(received), Some(current)) => (bare(received), bare(current)),
            (Some(received), None) => (typed(received), "none".into()),
            (None, Some(current)) => ("none".into(), typed(current)),
        };
        Err(self.inequivalent(arg, received, current))
    }
}

fn same_value(a: &FieldValue, b: &FieldValue) -> bool {
    match (a, b) {
        // RabbitMQ compares no argument that is a list; ours has some (`x-retry-delays`), and clients differ in the width they give small numbers.
        (FieldValue::Array(a), FieldValue::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b))
        }
        (FieldValue::Array(_) | FieldValue::Table(_) | FieldValue::Decimal(_) | FieldValue::Bool(_), _) => {
            a == b
        }
        (FieldValue::LongString(a) | FieldValue::ByteArray(a), _) => Some(a.as_slice()) == b.as_bytes(),
        _ => match (integer(a), integer(b), float(a), float(b)) {
            (Some(a), Some(b), ..) => a == b,
            (_, _, Some(a), Some(b)) => a == b,
            _ => a == b,
        },
    }
}

fn integer(value: &FieldValue) -> Option<i128> {
    match value {
        FieldValue::Timestamp(seconds) => Some((*seconds).into()),
        value => value.as_i64().map(i128::from),
    }
}

fn float(value: &FieldValue) -> Option<f64> {
    match *value {
        FieldValue::F32(value) => Some(value.into()),
        FieldValue::F64(value) => Some(value),
        _ => None,
    }
}

fn text(value: &FieldValue) -> String {
    match value.as_bytes() {
        Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        None => erlang_term::value(value),
    }
}

fn bare(value: &FieldValue) -> String {
    if *value == FieldValue::Void { "none".into() } else { format!("'{}'", text(value)) }
}

fn typed(value: &FieldValue) -> String {
    format!("the value '{}' of type '{}'", text(value), value.type_name())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue with a ladder that pika had declared could not be declared by the toolkit, nor imported from its own definitions.
    #[test]
    fn elements_of_a_list_are_the_same_in_every_width() {
        let entity = Entity { kind: ResourceKind::Queue, name: &"q".into(), vhost: &"/".into() };
        let list = |values: Vec<FieldValue>| FieldTable::from([("arg", FieldValue::Array(values))]);
        let narrow = || list(vec![5_i32.into(), 15_i32.into()]);
        for (received, is_same) in [
            (list(vec![5_i64.into(), 15_u16.into()]), true),
            (list(vec![5_i64.into(), 16_i64.into()]), false),
            (list(vec![5_i64.into()]), false),
            (list(vec![5_i64.into(), "15".into()]), false),
            ([("arg", 5_i32)].into_iter().collect(), false),
        ] {
            assert_eq!(entity.check_argument("arg", &narrow(), &received).is_ok(), is_same, "{received:?}");
            assert_eq!(entity.check_argument("arg", &received, &narrow()).is_ok(), is_same, "{received:?}");
        }
    }

    /// RabbitMQ's answers.
    #[test]
    fn differences_are_told_as_rabbitmq_does() {
        let table = |value: Option<FieldValue>| value.map(|value| ("arg", value)).into_iter().collect();
        let entity = Entity { kind: ResourceKind::Queue, name: &"q".into(), vhost: &"/".into() };
        let ten = || Some(FieldValue::I32(10));
        let array = FieldValue::Array(vec![1_i32.into(), "a".into()]);
        for (current, received, told) in [
            (None, None, None),
            (ten(), ten(), None),
            (ten(), Some(10_i64.into()), None),
            (ten(), Some(10_u8.into()), None),
            (ten(), Some(FieldValue::Timestamp(10)), None),
            (Some("a".into()), Some(FieldValue::ByteArray(b"a".into())), None),
            (ten(), None, Some("received none but current is the value '10' of type 'signedint'")),
            (None, ten(), Some("received the value '10' of type 'signedint' but current is none")),
            (ten(), Some(11_i64.into()), Some("received '11' but current is '10'")),
            (ten(), Some("10".into()), Some("received '10' but current is '10'")),
            (ten(), Some(true.into()), Some("received 'true' but current is '10'")),
            (ten(), Some(10.0_f64.into()), Some("received '10.0' but current is '10'")),
            (ten(), Some(FieldValue::Void), Some("received none but current is '10'")),
            (Some("é".into()), Some("".into()), Some("received '' but current is 'é'")),
            (
                None,
                Some(array),
                Some(
                    "received the value '[{signedint,1},{longstr,<<\"a\">>}]' of type 'array' but current is none",
                ),
            ),
            (
                None,
                Some(FieldValue::Void),
                Some("received the value 'undefined' of type 'void' but current is none"),
            ),
        ] {
            let answer = entity.check_argument("arg", &table(current), &table(received));
            let expected =
                told.map(|told| format!("inequivalent arg 'arg' for queue 'q' in vhost '/': {told}"));
            assert_eq!(answer.err().map(|refusal| refusal.to_string()), expected);
        }
    }
}
