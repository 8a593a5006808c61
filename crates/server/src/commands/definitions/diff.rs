//! What differs between two documents of definitions. Order means nothing, versions and the broker's own words neither.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Kinds of things, what they are called, and the keys that name one.
const KINDS: &[(&str, &str, &[&str])] = &[
    ("vhosts", "vhost", &["name"]),
    ("users", "user", &["name"]),
    ("permissions", "permission", &["vhost", "user"]),
    ("topic_permissions", "topic permission", &["vhost", "user", "exchange"]),
    ("global_parameters", "global parameter", &["name"]),
    ("parameters", "parameter", &["vhost", "component", "name"]),
    ("policies", "policy", &["vhost", "name"]),
    ("operator_policies", "operator policy", &["vhost", "name"]),
    ("exchanges", "exchange", &["vhost", "name"]),
    ("queues", "queue", &["vhost", "name"]),
    (
        "bindings",
        "binding",
        &["vhost", "source", "destination_type", "destination", "routing_key", "arguments"],
    ),
];

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Change {
    /// Only the second has it.
    Added {
        /// What it is.
        kind: &'static str,
        /// What names it.
        name: String,
    },
    /// Only the first has it.
    Removed {
        /// What it is.
        kind: &'static str,
        /// What names it.
        name: String,
    },
    /// Both have it, and it is not the same.
    Changed {
        /// What it is.
        kind: &'static str,
        /// What names it.
        name: String,
        /// Key, first value, second value.
        keys: Vec<(String, Value, Value)>,
    },
}

impl Change {
    /// A line without its mark.
    pub(super) fn words(&self) -> String {
        match self {
            Change::Added { kind, name } | Change::Removed { kind, name } => format!("{kind} {name}"),
            Change::Changed { kind, name, keys } => {
                let keys: Vec<String> = keys
                    .iter()
                    .map(|(key, first, second)| format!("{key}: {} -> {}", word(first), word(second)))
                    .collect();
                format!("{kind} {name}  {}", keys.join(", "))
            }
        }
    }

    /// The same as an object.
    pub(super) fn json(&self) -> Value {
        let (change, kind, name) = match self {
            Change::Added { kind, name } => ("added", kind, name),
            Change::Removed { kind, name } => ("removed", kind, name),
            Change::Changed { kind, name, .. } => ("changed", kind, name),
        };
        let mut said = json!({"change": change, "kind": kind, "name": name});
        if let Change::Changed { keys, .. } = self {
            let keys = keys.iter().map(|(key, first, second)| (key.clone(), json!([first, second])));
            said["keys"] = Value::Object(keys.collect());
        }
        said
    }
}

fn word(value: &Value) -> String {
    if value.is_null() { "nothing".into() } else { value.to_string() }
}

/// Everything that differs, in the order of [`KINDS`] and of names.
pub(super) fn changes(first: &Value, second: &Value, ignored: &[String]) -> Vec<Change> {
    let mut found = Vec::new();
    for (list, kind, names) in KINDS {
        let (first, second) = (named(&first[*list], names), named(&second[*list], names));
        for (name, was) in &first {
            let (kind, name) = (*kind, name.clone());
            match second.get(&name) {
                None => found.push(Change::Removed { kind, name }),
                Some(is) => {
                    let keys = keys(was, is, ignored);
                    if !keys.is_empty() {
                        found.push(Change::Changed { kind, name, keys });
                    }
                }
            }
        }
        let new = second.keys().filter(|name| !first.contains_key(*name));
        found.extend(new.map(|name| Change::Added { kind, name: name.clone() }));
    }
    found
}

/// Things by name: `orders in /`. The virtual host comes last, where people look for it.
fn named<'a>(list: &'a Value, names: &[&str]) -> BTreeMap<String, &'a Map<String, Value>> {
    let things = list.as_array().into_iter().flatten().filter_map(Value::as_object);
    let name = |thing: &Map<String, Value>| {
        let parts = names.iter().filter(|key| **key != "vhost").map(|key| match thing.get(*key) {
            Some(Value::String(text)) if text.is_empty() => "''".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Object(arguments)) if arguments.is_empty() => String::new(),
            Some(value) => value.to_string(),
            None => String::new(),
        });
        let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
        let vhost = thing.get("vhost").and_then(Value::as_str).filter(|_| names.contains(&"vhost"));
        parts.join(" ") + &vhost.map(|vhost| format!(" in {vhost}")).unwrap_or_default()
    };
    things.map(|thing| (name(thing), thing)).collect()
}

fn keys(
    was: &Map<String, Value>,
    is: &Map<String, Value>,
    ignored: &[String],
) -> Vec<(String, Value, Value)> {
    let mut all: Vec<&String> = was.keys().chain(is.keys()).collect();
    all.sort_unstable();
    all.dedup();
    let all = all.into_iter().filter(|key| !ignored.contains(key));
    let values = all.map(|key| (key, meant(key, was.get(key)), meant(key, is.get(key))));
    values.filter(|(_, was, is)| was != is).map(|(key, was, is)| (key.clone(), was, is)).collect()
}

/// A value as it is meant: tags were a text with commas before they were a list, and empty is the same as not there.
fn meant(key: &str, value: Option<&Value>) -> Value {
    match value {
        Some(Value::String(tags)) if key == "tags" => {
            let tags: Vec<&str> = tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect();
            if tags.is_empty() { Value::Null } else { json!(tags) }
        }
        Some(Value::Object(object)) if object.is_empty() => Value::Null,
        Some(Value::Array(list)) if list.is_empty() => Value::Null,
        Some(value) => value.clone(),
        None => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_spelling_mean_nothing() {
        let first = json!({
            "rabbit_version": "3.10.8",
            "users": [{"name": "a", "tags": "x, y"}, {"name": "b", "tags": "", "limits": {}}],
            "bindings": [{"vhost": "/", "source": "e", "destination": "q", "destination_type": "queue", "routing_key": "", "arguments": {}}],
        });
        let second = json!({
            "rabbit_version": "4.0", "users": [{"name": "b", "tags": []}, {"name": "a", "tags": ["x", "y"]}],
            "bindings": first["bindings"],
        });
        assert_eq!(changes(&first, &second, &[]), []);
    }

    #[test]
    fn each_kind_of_difference() {
        let queue = |name: &str, durable: bool| json!({"vhost": "/", "name": name, "durable": durable, "arguments": {}});
        let first = json!({"queues": [queue("gone", true), queue("same", true), queue("other", true)]});
        let second = json!({"queues": [queue("same", true), queue("other", false), queue("new", true)]});
        let found = changes(&first, &second, &[]);
        let words: Vec<String> = found.iter().map(Change::words).collect();
        assert_eq!(words, ["queue gone in /", "queue other in /  durable: true -> false", "queue new in /"]);
        assert_eq!(found[1].json()["keys"], json!({"durable": [true, false]}));
        assert_eq!(changes(&first, &second, &["durable".into()]).len(), 2);
    }
}
