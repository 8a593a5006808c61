//! Values as RabbitMQ prints them in its reply texts: Erlang terms, in the form of `io:format("~p")`.
//!
//! Clients show these texts to people and some compare them, so they are the same to the letter.

use std::fmt::Write as _;

use leveret_protocol::{FieldTable, FieldValue};

/// The value without its type: `5`, `<<"text">>`, `[{<<"name">>,signedint,1}]`, `undefined` for void.
pub(crate) fn value(value: &FieldValue) -> String {
    match value {
        FieldValue::Bool(value) => value.to_string(),
        FieldValue::F32(value) => float(f64::from(*value)),
        FieldValue::F64(value) => float(*value),
        FieldValue::Decimal(decimal) => format!("{{{},{}}}", decimal.scale, decimal.value),
        FieldValue::LongString(bytes) | FieldValue::ByteArray(bytes) => binary(bytes),
        FieldValue::Timestamp(seconds) => seconds.to_string(),
        FieldValue::Void => "undefined".into(),
        FieldValue::Array(values) => {
            let values: Vec<_> =
                values.iter().map(|item| format!("{{{},{}}}", item.type_name(), self::value(item))).collect();
            format!("[{}]", values.join(","))
        }
        FieldValue::Table(fields) => table(fields),
        integer => integer.as_i64().unwrap_or_default().to_string(),
    }
}

fn table(fields: &FieldTable) -> String {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, field)| {
            format!("{{{},{},{}}}", binary(name.as_bytes()), field.type_name(), value(field))
        })
        .collect();
    format!("[{}]", fields.join(","))
}

/// A value of JSON as RabbitMQ's decoder has it.
pub(crate) fn json(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(value) => float(value),
            None => number.to_string(),
        },
        Value::String(text) => binary(text.as_bytes()),
        Value::Array(values) => format!("[{}]", values.iter().map(json).collect::<Vec<_>>().join(",")),
        Value::Object(fields) => {
            let fields: Vec<_> = (fields.iter())
                .map(|(name, value)| format!("{} => {}", binary(name.as_bytes()), json(value)))
                .collect();
            format!("#{{{}}}", fields.join(","))
        }
    }
}

/// A binary: text when every byte is a printable Latin-1 character, else a list of numbers.
pub(crate) fn binary(bytes: &[u8]) -> String {
    let printable = |byte: &u8| matches!(byte, 8..=13 | 27 | 32..=126 | 160..=255);
    if bytes.is_empty() {
        return "<<>>".into();
    }
    if !bytes.iter().all(printable) {
        let numbers: Vec<_> = bytes.iter().map(u8::to_string).collect();
        return format!("<<{}>>", numbers.join(","));
    }
    let mut text = String::from("<<\"");
    for char in String::from_utf8_lossy(bytes).chars() {
        match char {
            '"' | '\\' => text.extend(['\\', char]),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{b}' => text.push_str("\\v"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            '\u{1b}' => text.push_str("\\e"),
            char => text.push(char),
        }
    }
    text.push_str("\">>");
    text
}

/// A string in quotes.
pub(crate) fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        if matches!(char, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(char);
    }
    quoted.push('"');
    quoted
}

/// The shortest digits that read back the same, with a decimal point, and with an exponent where that is shorter.
fn float(value: f64) -> String {
    let scientific = format!("{:e}", value.abs());
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return value.to_string().to_lowercase();
    };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let len = digits.len() as i32;
    let exponent = exponent.parse::<i32>().unwrap_or_default();
    // Where the decimal point stands, counted from before the first digit.
    let point = exponent + 1;
    let exponent_cost = exponent.to_string().len() as i32 + 1 + if len == 1 { 2 } else { 1 };
    let mut text = String::from(if value.is_sign_negative() { "-" } else { "" });
    let zeros = |count: i32| "0".repeat(count.max(0) as usize);
    if value == 0.0 {
        text.push_str("0.0");
    } else if point <= 0 && (point == 0 || 2 - point <= exponent_cost) {
        let _ = write!(text, "0.{}{digits}", zeros(-point));
    } else if point > 0 && point < len {
        let (whole, fraction) = digits.split_at(point as usize);
        let _ = write!(text, "{whole}.{fraction}");
    } else if point >= len && point - len + 2 <= exponent_cost {
        let _ = write!(text, "{digits}{}.0", zeros(point - len));
    } else {
        let (first, rest) = digits.split_at(1);
        let _ = write!(text, "{first}.{}e{exponent}", if rest.is_empty() { "0" } else { rest });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binaries_are_text_when_latin_1_could_print_them() {
        for (bytes, text) in [
            (&b""[..], "<<>>"),
            (b"abc", "<<\"abc\">>"),
            (b"a\"b\\\n", "<<\"a\\\"b\\\\\\n\">>"),
            ("é".as_bytes(), "<<\"é\">>"),
            ("€".as_bytes(), "<<226,130,172>>"),
            (b"\x00a", "<<0,97>>"),
        ] {
            assert_eq!(binary(bytes), text);
        }
    }

    #[test]
    fn floats_take_the_shorter_form() {
        for (number, text) in [
            (0.0, "0.0"),
            (1.5, "1.5"),
            (-1.5, "-1.5"),
            (100.0, "100.0"),
            (10000.0, "1.0e4"),
            (12345.0, "12345.0"),
            (0.5, "0.5"),
            (0.01, "0.01"),
            (0.0001, "0.0001"),
            (0.00001, "1.0e-5"),
            (1e300, "1.0e300"),
            (1.25e-9, "1.25e-9"),
        ] {
            assert_eq!(float(number), text);
        }
    }

    #[test]
    fn tables_and_arrays_show_types() {
        let table = FieldTable::from([("a", 1_i32)]);
        assert_eq!(value(&FieldValue::Table(table)), "[{<<\"a\">>,signedint,1}]");
        let array = FieldValue::Array(vec![1_i32.into(), "a".into(), FieldValue::Void]);
        assert_eq!(value(&array), "[{signedint,1},{longstr,<<\"a\">>},{void,undefined}]");
    }
}
