//! Prints binaries as Erlang does, because RabbitMQ's reply texts contain them and clients match on those texts.

use std::fmt::Write as _;

/// As `~w` prints a binary: always numbers.
pub(crate) fn numbers(bytes: &[u8]) -> String {
    let mut text = String::from("<<");
    for (index, byte) in bytes.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a String does not fail.
        let _ = write!(text, "{comma}{byte}");
    }
    text + ">>"
}

/// As `~p` prints a binary: quoted when every byte is printable, else numbers. Two things differ: the upper half of Latin-1
/// counts as not printable, for our texts are UTF-8, and long lines are not broken.
pub(crate) fn quoted_or_numbers(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "<<>>".to_owned();
    }
    let mut text = String::from("<<\"");
    for &byte in bytes {
        match byte {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(byte)),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            8 => text.push_str("\\b"),
            11 => text.push_str("\\v"),
            12 => text.push_str("\\f"),
            27 => text.push_str("\\e"),
            _ => return numbers(bytes),
        }
    }
    text + "\">>"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What RabbitMQ 3.10.8 said for these payloads.
    #[test]
    fn binaries_print_as_rabbitmq_prints_them() {
        for (bytes, expected) in [
            (&b""[..], "<<>>"),
            (b"hello", "<<\"hello\">>"),
            (b"a\nb\tc", "<<\"a\\nb\\tc\">>"),
            (b"q\"\\", "<<\"q\\\"\\\\\">>"),
            (b"\x08\x0c\x0b\r", "<<\"\\b\\f\\v\\r\">>"),
            (b"\x1b\x7f", "<<27,127>>"),
            (b"dd\xff\x00\x01", "<<100,100,255,0,1>>"),
        ] {
            assert_eq!(quoted_or_numbers(bytes), expected);
        }
        assert_eq!(numbers(b"hi"), "<<104,105>>");
        assert_eq!(numbers(b""), "<<>>");
    }
}
