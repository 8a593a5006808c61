//! What is to be made at the target, what is there and differs, and what cannot be carried. Pure.

use super::marker::PREFIX;
use crate::http::path;
use regex::Regex;
use serde_json::{Value, json};

/// What of a broker is meant.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) vhost: Option<String>,
    pub(super) queues: Option<Regex>,
}

/// One thing to be made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    /// `queue orders in /`.
    pub(super) words: String,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Value,
    /// The queue it is, if it is one: without it no messages are moved.
    pub(super) queue: Option<(String, String)>,
}

/// A queue whose messages are moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QueueMove {
    pub(super) vhost: String,
    pub(super) name: String,
    pub(super) is_stream: bool,
    /// It says in headers how often a message was delivered.
    pub(super) counts_deliveries: bool,
    pub(super) is_to_leveret: bool,
    /// As the source counted them last.
    pub(super) messages: u64,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) items: Vec<Item>,
    /// Things that the target has as they are.
    pub(super) same: usize,
    /// Sentences.
    pub(super) conflicts: Vec<String>,
    /// What is not carried, or carried differently, and why.
    pub(super) notes: Vec<(String, String)>,
    pub(super) queues: Vec<QueueMove>,
    /// Things that the target did not take.
    pub(super) refused: usize,
}

/// A list of the document: its key, what one is called, the keys that name one, the keys that make a difference.
struct Kind {
    list: &'static str,
    one: &'static str,
    names: &'static [&'static str],
    compared: &'static [&'static str],
}

const KINDS: &[Kind] = &[
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

/// Arguments of queues that mean something to Leveret alone.
const OURS: [&str; 9] = [
    "x-retry-delays",
    "x-retry-jitter",
    "x-durability",
    "x-message-deduplication",
    "x-deduplication-header",
    "x-cache-size",
    "x-cache-ttl",
    "x-cache-persistence",
    "x-delayed-retry-type",
];

fn text<'v>(thing: &'v Value, key: &str) -> &'v str {
    thing[key].as_str().unwrap_or_default()
}

impl Scope {
    fn is_all(&self) -> bool {
        self.vhost.is_none() && self.queues.is_none()
    }

    fn has_queue(&self, vhost: &str, name: &str) -> bool {
        self.vhost.as_ref().is_none_or(|wanted| wanted == vhost)
            && self.queues.as_ref().is_none_or(|pattern| pattern.is_match(name))
            && !name.starts_with(PREFIX)
    }

    /// Exchanges from which a queue of the scope is reached at once.
    fn has(&self, kind: &Kind, thing: &Value, document: &Value) -> bool {
        let vhost = if kind.list == "vhosts" { text(thing, "name") } else { text(thing, "vhost") };
        if self.vhost.as_ref().is_some_and(|wanted| wanted != vhost) {
            return false;
        }
        match kind.list {
            "users" | "global_parameters" => self.is_all(),
            "permissions" | "topic_permissions" | "parameters" | "policies" => self.queues.is_none(),
            "queues" => self.has_queue(vhost, text(thing, "name")),
            "bindings" if text(thing, "destination_type") == "queue" => {
                self.has_queue(vhost, text(thing, "destination"))
            }
            "bindings" => self.queues.is_none() && !text(thing, "source").starts_with(PREFIX),
            "exchanges" if text(thing, "name").starts_with(PREFIX) => false,
            "exchanges" => {
                let binds = |binding: &Value| {
                    text(binding, "vhost") == vhost
                        && text(binding, "source") == text(thing, "name")
                        && text(binding, "destination_type") == "queue"
                        && self.has_queue(vhost, text(binding, "destination"))
                };
                self.queues.is_none() || document["bindings"].as_array().into_iter().flatten().any(binds)
            }
            _ => true,
        }
    }
}

impl Plan {
    pub(super) fn new(from: &Value, to: &Value, scope: &Scope) -> Plan {
        let mut plan = Plan::default();
        for kind in KINDS {
            let there = to[kind.list].as_array().map_or(&[][..], Vec::as_slice);
            for thing in from[kind.list].as_array().into_iter().flatten() {
                if scope.has(kind, thing, from) {
                    plan.one(kind, thing, there);
                }
            }
        }
        plan
    }

    fn one(&mut self, kind: &Kind, thing: &Value, there: &[Value]) {
        let words = words(kind, thing);
        if let Some(why) = left_out(kind, thing) {
            self.notes.extend((!why.is_empty()).then(|| (words, why.to_owned())));
            return;
        }
        let is_it = |other: &&Value| kind.names.iter().all(|key| thing[*key] == other[*key]);
        if let Some(other) = there.iter().find(is_it) {
            let differs = |key: &&&str| comparable(&thing[**key]) != comparable(&other[**key]);
            let keys: Vec<String> = (kind.compared.iter().filter(differs))
                .map(|key| format!("{key} is {} and not {}", other[*key], thing[*key]))
                .collect();
            match keys.is_empty() {
                true => self.same += 1,
                false => self.conflicts.push(format!("{words}: {}", keys.join(", "))),
            }
            return;
        }
        let (method, path) = place(kind, thing);
        let queue = (kind.list == "queues")
            .then(|| (text(thing, "vhost").to_owned(), text(thing, "name").to_owned()));
        self.items.push(Item { words, method, path, body: body(kind, thing), queue });
    }

    /// Which queues have messages to be moved, and what to know of them.
    pub(super) fn look(&mut self, queues: &[Value], scope: &Scope, is_to_leveret: bool) {
        for queue in queues {
            let (vhost, name) = (text(queue, "vhost").to_owned(), text(queue, "name").to_owned());
            if !scope.has_queue(&vhost, &name) {
                continue;
            }
            let words = format!("queue {name} in {vhost}");
            if queue["exclusive"] == true || queue["owner_pid_details"].is_object() {
                self.notes.push((words, "it is exclusive: it goes with its connection".into()));
                continue;
            }
            let arguments = queue["arguments"].as_object();
            let ours: Vec<&str> =
                OURS.into_iter().filter(|key| arguments.is_some_and(|has| has.contains_key(*key))).collect();
            if !is_to_leveret && !ours.is_empty() {
                let why = format!(
                    "{} mean nothing to RabbitMQ: it keeps them and does not act on them",
                    ours.join(", ")
                );
                self.notes.push((words.clone(), why));
            }
            let kind = arguments.and_then(|arguments| arguments.get("x-queue-type")).and_then(Value::as_str);
            let is_stream = kind == Some("stream") || queue["type"] == "stream";
            if is_stream {
                self.notes
                    .push((words, "a stream is read and stays; offsets at the target begin at 0".into()));
            }
            let messages = queue["messages"].as_u64().unwrap_or(0);
            let has_retries =
                |key: &String| key.starts_with("x-retry-") || key.starts_with("x-delayed-retry-");
            let counts_deliveries = kind == Some("quorum")
                || queue["type"] == "quorum"
                || arguments.is_some_and(|arguments| arguments.keys().any(has_retries));
            self.queues.push(QueueMove {
                vhost,
                name,
                is_stream,
                counts_deliveries,
                is_to_leveret,
                messages,
            });
        }
        self.queues.sort_by(|one, other| (&one.vhost, &one.name).cmp(&(&other.vhost, &other.name)));
    }
}

fn words(kind: &Kind, thing: &Value) -> String {
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
fn left_out(kind: &Kind, thing: &Value) -> Option<&'static str> {
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
fn comparable(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(arguments) = value.as_object_mut()
        && arguments.get("x-queue-type").is_some_and(|kind| kind == "classic")
    {
        arguments.remove("x-queue-type");
    }
    value
}

fn place(kind: &Kind, thing: &Value) -> (&'static str, String) {
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

fn body(kind: &Kind, thing: &Value) -> Value {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        json!({
            "vhosts": [{"name": "/"}, {"name": "v"}],
            "users": [{"name": "app", "password_hash": "x", "hashing_algorithm": "h", "tags": ["a", "b"]}],
            "permissions": [{"user": "app", "vhost": "/", "configure": "", "write": ".*", "read": ".*"}],
            "global_parameters": [{"name": "internal_cluster_id", "value": "i"}, {"name": "owner", "value": "me"}],
            "parameters": [
                {"component": "shovel", "name": "s", "vhost": "/", "value": {}},
                {"component": "operator_policy", "name": "o", "vhost": "/", "value": {"pattern": "^a"}}
            ],
            "exchanges": [{"name": "e", "vhost": "/", "type": "topic", "durable": true, "auto_delete": false, "internal": false, "arguments": {}}],
            "queues": [
                {"name": "a", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {"x-queue-type": "classic"}},
                {"name": "b c", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {}},
                {"name": "x", "vhost": "v", "durable": true, "auto_delete": false, "arguments": {}}
            ],
            "bindings": [{"source": "e", "vhost": "/", "destination": "a", "destination_type": "queue", "routing_key": "k", "arguments": {}}]
        })
    }

    fn places(plan: &Plan) -> Vec<&str> {
        plan.items.iter().map(|item| item.path.as_str()).collect()
    }

    #[test]
    fn everything_is_made_in_an_order_that_works() {
        let plan = Plan::new(&document(), &json!({"vhosts": [{"name": "/"}]}), &Scope::default());
        let expected = [
            "vhosts/v",
            "users/app",
            "permissions/%2F/app",
            "global-parameters/owner",
            "operator-policies/%2F/o",
            "exchanges/%2F/e",
            "queues/%2F/a",
            "queues/%2F/b%20c",
            "queues/v/x",
            "bindings/%2F/e/e/q/a",
        ];
        assert_eq!(places(&plan), expected);
        assert_eq!((plan.same, plan.conflicts.len(), plan.notes.len()), (1, 0, 1));
        assert!(plan.notes[0].0.contains("shovel s"), "{:?}", plan.notes);
        let user = &plan.items[1].body;
        assert_eq!((&user["tags"], &user["password_hash"]), (&json!("a,b"), &json!("x")));
        assert_eq!(plan.items[4].body, json!({"pattern": "^a"}));
        assert_eq!(plan.items[9].body, json!({"routing_key": "k", "arguments": {}}));
    }

    #[test]
    fn what_is_there_and_differs_is_a_conflict_and_what_is_the_same_is_not() {
        let mut there = document();
        there["queues"][0]["arguments"] = json!({});
        there["queues"][1]["arguments"] = json!({"x-max-length": 5});
        let plan = Plan::new(&document(), &there, &Scope::default());
        assert!(plan.items.is_empty());
        assert_eq!(plan.conflicts, [r#"queue b c in /: arguments is {"x-max-length":5} and not {}"#]);
    }

    #[test]
    fn a_scope_takes_what_belongs_to_its_queues() {
        let scope = Scope { vhost: None, queues: Some(Regex::new("^a$").unwrap()) };
        let mut plan = Plan::new(&document(), &json!({"vhosts": [{"name": "/"}, {"name": "v"}]}), &scope);
        assert_eq!(places(&plan), ["exchanges/%2F/e", "queues/%2F/a", "bindings/%2F/e/e/q/a"]);
        let queues = [
            json!({"name": "a", "vhost": "/", "messages": 3, "arguments": {"x-retry-delays": [1]}}),
            json!({"name": "b c", "vhost": "/", "messages": 3, "arguments": {}}),
        ];
        plan.look(&queues, &scope, false);
        assert_eq!((plan.queues.len(), plan.queues[0].messages), (1, 3));
        assert!(plan.notes[0].1.contains("x-retry-delays mean nothing"));
        let scope = Scope { vhost: Some("v".into()), queues: None };
        let plan = Plan::new(&document(), &json!({}), &scope);
        assert_eq!(places(&plan), ["vhosts/v", "queues/v/x"]);
    }
}
