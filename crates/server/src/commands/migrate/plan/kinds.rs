//! The kinds of things in a document of definitions: what names one, where it is made, and which are not carried.

use crate::http::path;
use serde_json::{Value, json};

/// A list of the document: its key, what one is called, the keys that name one, the keys that make a difference.
pub(super) struct Kind {
    pub(super) list: &'static str,
    pub(super) one: &'static str,
    pub(super) names: &'static [&'static str],
    pub(super) compared: &'static [&'static str],
}

/// All of them, in an order in which they can be made.
pub(super) const KINDS: &[Kind] = &[
    Kind { list: "vhosts", one: "vhost", names: &["name"], compared: &[] },
    // One that is there keeps its password.
    Kind { list: "users", one: "user", names: &["name"], compared: &[] },
    Kind {
        list: "permissions",
        one: "permissions",
        names: &["user", "vhost"],
        compared: &["configure", "write", "read"],
    },
    Kind {
        list: "topic_permissions",
        one: "topic permissions",
        names: &["user", "exchange", "vhost"],
        compared: &["write", "read"],
    },
    Kind { list: "global_parameters", one: "global parameter", names: &["name"], compared: &["value"] },
    Kind {
        list: "parameters",
        one: "parameter",
        names: &["component", "name", "vhost"],
        compared: &["value"],
    },
    Kind {
        list: "policies",
        one: "policy",
        names: &["name", "vhost"],
        compared: &["pattern", "apply-to", "definition", "priority"],
    },
    Kind {
        list: "exchanges",
        one: "exchange",
        names: &["name", "vhost"],
        compared: &["type", "durable", "auto_delete", "internal", "arguments"],
    },
    Kind {
        list: "queues",
        one: "queue",
        names: &["name", "vhost"],
        compared: &["durable", "auto_delete", "arguments"],
    },
    Kind {
        list: "bindings",
        one: "binding",
        names: &["source", "destination_type", "destination", "routing_key", "arguments", "vhost"],
        compared: &[],
    },
];

/// A text of a thing.
pub(super) fn text<'v>(thing: &'v Value, key: &str) -> &'v str {
    thing[key].as_str().unwrap_or_default()
}

/// What one is called: `queue orders in /`.
pub(super) fn words(kind: &Kind, thing: &Value) -> String {
    let parts = kind.names.iter().filter(|key| **key != "vhost").map(|key| match &thing[*key] {
        Value::String(text) if text.is_empty() => "''".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(arguments) if arguments.is_empty() => String::new(),
        other => other.to_string(),
    });
    let name = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    match thing["vhost"].as_str() {
        Some(vhost) => format!("{} {name} in {vhost}", kind.one),
        None => format!("{} {name}", kind.one),
    }
}

/// Why one is not made; empty where nobody needs to be told.
pub(super) fn left_out(kind: &Kind, thing: &Value) -> Option<&'static str> {
    let name = text(thing, "name");
    match kind.list {
        "exchanges" if name.is_empty() || name.starts_with("amq.") => Some(""),
        "bindings" if text(thing, "source").is_empty() => Some(""),
        "global_parameters" if matches!(name, "cluster_name" | "internal_cluster_id" | "cluster_tags") => {
            Some("")
        }
        "parameters" if text(thing, "component") == "shovel" => Some(
            "at both brokers it would carry everything twice: declare it at the target when the source is off",
        ),
        "parameters" if text(thing, "component").starts_with("federation") => {
            Some("both brokers would fetch the same messages: set it at the target when the source is off")
        }
        "queues" if thing["exclusive"] == true => Some("it is exclusive: it goes with its connection"),
        _ => None,
    }
}

/// Classic is what a queue is without a type.
pub(super) fn comparable(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(arguments) = value.as_object_mut()
        && arguments.get("x-queue-type").is_some_and(|kind| kind == "classic")
    {
        arguments.remove("x-queue-type");
    }
    value
}

/// Method and path that make one.
pub(super) fn place(kind: &Kind, thing: &Value) -> (&'static str, String) {
    let (vhost, name) = (text(thing, "vhost"), text(thing, "name"));
    let parts = match kind.list {
        "permissions" => vec!["permissions", vhost, text(thing, "user")],
        "topic_permissions" => vec!["topic-permissions", vhost, text(thing, "user")],
        "parameters" if text(thing, "component") == "operator_policy" => {
            vec!["operator-policies", vhost, name]
        }
        "parameters" => vec!["parameters", text(thing, "component"), vhost, name],
        "global_parameters" => vec!["global-parameters", name],
        "vhosts" | "users" => vec![kind.list, name],
        "bindings" => {
            let to = if text(thing, "destination_type") == "queue" { "q" } else { "e" };
            let parts = ["bindings", vhost, "e", text(thing, "source"), to, text(thing, "destination")];
            return ("POST", path(&parts));
        }
        list => vec![list, vhost, name],
    };
    ("PUT", path(&parts))
}

/// What is sent there.
pub(super) fn body(kind: &Kind, thing: &Value) -> Value {
    if kind.list == "parameters" && text(thing, "component") == "operator_policy" {
        return thing["value"].clone();
    }
    let mut body = thing.clone();
    if let Some(object) = body.as_object_mut() {
        let not_ours_to_say = ["vhost", "name", "user", "source", "destination", "destination_type"];
        object.retain(|key, _| kind.list == "users" || !not_ours_to_say.contains(&key.as_str()));
        if kind.list == "parameters" || kind.list == "global_parameters" {
            return json!({"value": object.get("value").cloned().unwrap_or_default()});
        }
        if let (true, Some(Value::Array(tags))) = (kind.list == "users", object.get("tags")) {
            let tags: Vec<&str> = tags.iter().filter_map(Value::as_str).collect();
            object.insert("tags".into(), tags.join(",").into());
        }
    }
    body
}
