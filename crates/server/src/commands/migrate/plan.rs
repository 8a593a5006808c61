//! What is to be made at the target, what is there and differs, and what cannot be carried. Pure.

mod kinds;

use super::marker::PREFIX;
use kinds::{KINDS, Kind, body, comparable, left_out, place, text, words};
use regex::Regex;
use serde_json::Value;

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

impl Scope {
    fn is_all(&self) -> bool {
        self.vhost.is_none() && self.queues.is_none()
    }

    fn has_queue(&self, vhost: &str, name: &str) -> bool {
        self.vhost.as_ref().is_none_or(|wanted| wanted == vhost)
            && self.queues.as_ref().is_none_or(|pattern| pattern.is_match(name))
            && !name.starts_with(PREFIX)
    }

    /// What it names and the source does not have.
    pub(super) fn missing(&self, definitions: &Value, queues: &[Value]) -> Option<String> {
        let vhosts = definitions["vhosts"].as_array().into_iter().flatten();
        if let Some(vhost) = &self.vhost
            && !vhosts.into_iter().any(|one| text(one, "name") == vhost)
        {
            return Some(format!("FROM has no vhost '{vhost}'"));
        }
        let pattern = self.queues.as_ref()?;
        let has_one = queues.iter().any(|queue| self.has_queue(text(queue, "vhost"), text(queue, "name")));
        (!has_one).then(|| format!("FROM has no queue whose name matches '{pattern}'"))
    }

    /// Whether a thing belongs to it: of exchanges, those from which one of its queues is reached at once.
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

#[cfg(test)]
mod tests;
