//! Percent-encoding of RFC 3986. `+` is a plus: these are no HTML forms, and passwords have pluses.

use super::UriError;

pub(super) fn decode(text: &str, part: &'static str) -> Result<String, UriError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| (byte as char).to_digit(16));
        match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => bytes.push((high * 16 + low) as u8),
            _ => return Err(UriError::PercentEncoding(part)),
        }
    }
    String::from_utf8(bytes).map_err(|_| UriError::NotUtf8(part))
}

pub(super) fn encode(text: &str) -> String {
    encode_except(text, b"-._~")
}

/// The colons of an IPv6 address stand between brackets and stay.
pub(super) fn encode_host_v6(text: &str) -> String {
    encode_except(text, b"-._~:")
}

fn encode_except(text: &str, plain: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            out.push(byte as char);
        } else {
            out.push('%');
            out.extend(
                [byte >> 4, byte & 15].iter().filter_map(|nibble| char::from_digit((*nibble).into(), 16)),
            );
        }
    }
    out.replace("%2f", "%2F") // as everybody writes it
}
