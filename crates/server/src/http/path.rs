//! Paths of the HTTP API: names may hold anything, the default virtual host is `/`.

/// A name as one part of a path or query: everything but letters, digits and `-_.~` as `%` and two digits.
pub(crate) fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A path from its parts: `["queues", "/", "a b"]` is `queues/%2F/a%20b`.
pub(crate) fn path(parts: &[&str]) -> String {
    parts.iter().map(|part| encoded(part)).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_anything() {
        for (parts, expected) in [
            (&["queues", "/", "a b"][..], "queues/%2F/a%20b"),
            (&["queues", "größe", "?x=1&y#"], "queues/gr%C3%B6%C3%9Fe/%3Fx%3D1%26y%23"),
            (&["exchanges", "v", "a.b-c_d~"], "exchanges/v/a.b-c_d~"),
        ] {
            assert_eq!(path(parts), expected);
        }
    }
}
