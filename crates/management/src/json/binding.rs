//! A binding, and the key that names it in a path.

use super::arguments;
use leveret_broker::exchange::Destination;
use leveret_protocol::FieldTable;
use serde_json::{Value, json};

/// What of a binding is shown; taken out under the topology's lock.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) vhost: String,
    pub(crate) source: String,
    pub(crate) destination: Destination,
    pub(crate) key: Vec<u8>,
    pub(crate) arguments: FieldTable,
}

/// `queue` or `exchange`.
pub(crate) fn kind(destination: &Destination) -> &'static str {
    match destination {
        Destination::Queue(_) => "queue",
        Destination::Exchange(_) => "exchange",
    }
}

/// A binding.
pub(crate) fn binding(shown: &Shown) -> Value {
    json!({
        "source": shown.source,
        "vhost": shown.vhost,
        "destination": &**shown.destination.name(),
        "destination_type": kind(&shown.destination),
        "routing_key": String::from_utf8_lossy(&shown.key),
        "arguments": arguments(&shown.arguments),
        "properties_key": properties_key(shown),
    })
}

/// The key that names a binding among those of the same two ends: the binding key, encoded as in a form, and a hash of the arguments, if
/// there are any; `~` when there is nothing. The hash is not RabbitMQ's, which is one of Erlang's terms: nobody can compute it elsewhere,
/// so everybody reads it from a list.
pub(crate) fn properties_key(shown: &Shown) -> String {
    let key = encode(&shown.key);
    if shown.arguments.is_empty() {
        return if key.is_empty() { "~".into() } else { key };
    }
    format!("{key}~{}", hash(&shown.arguments))
}

fn hash(table: &FieldTable) -> String {
    use base64::Engine as _;
    // FNV-1a of the JSON, whose keys are in order.
    let text = arguments(table).to_string();
    let sum =
        text.bytes().fold(0x811c_9dc5_u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(sum.to_be_bytes())
}

/// Percent-encoded as in a form.
pub(crate) fn encode(key: &[u8]) -> String {
    let mut text = String::with_capacity(key.len());
    for byte in key {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => text.push(char::from(*byte)),
            b' ' => text.push('+'),
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_rabbitmqs_but_for_the_hash() {
        let shown = |key: &str, arguments: FieldTable| Shown {
            vhost: "/".into(),
            source: "e".into(),
            destination: Destination::Queue("q".into()),
            key: key.into(),
            arguments,
        };
        assert_eq!(properties_key(&shown("", FieldTable::new())), "~");
        assert_eq!(properties_key(&shown("b/ c", FieldTable::new())), "b%2F+c");
        let mut arguments = FieldTable::new();
        arguments.insert("x", 1_i64);
        let key = properties_key(&shown("a", arguments.clone()));
        assert!(key.starts_with("a~") && key.len() == 8, "{key}");
        arguments.insert("y", 1_i64);
        assert_ne!(properties_key(&shown("a", arguments)), key);
    }
}
