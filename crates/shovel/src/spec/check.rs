//! What is wrong with a parameter: RabbitMQ's checks, in its order and its words (`rabbit_shovel_parameters`), and where it would crash on
//! a value, words of ours.

use super::erlang::{pairs, term};
use super::uri;
use leveret_broker::component::MayEnter;
use serde_json::{Map, Value};

/// What a value has to be.
#[derive(Clone, Copy)]
enum Kind {
    Uri,
    Text,
    Flag,
    Number,
    /// A number that fits 16 bits.
    Prefetch,
    Delay,
    Count,
    Table,
    Properties,
    OneOf(&'static [&'static str]),
}

/// Keys that have to be there.
const MANDATORY: [&str; 2] = ["src-uri", "dest-uri"];

const KEYS: &[(&str, Kind)] = &[
    ("reconnect-delay", Kind::Delay),
    ("ack-mode", Kind::OneOf(&["no-ack", "on-publish", "on-confirm"])),
    ("src-protocol", Kind::OneOf(&["amqp091"])),
    ("dest-protocol", Kind::OneOf(&["amqp091"])),
    ("src-uri", Kind::Uri),
    ("src-exchange", Kind::Text),
    ("src-exchange-key", Kind::Text),
    ("src-queue", Kind::Text),
    ("src-queue-args", Kind::Table),
    ("src-consumer-args", Kind::Table),
    ("prefetch-count", Kind::Prefetch),
    ("src-prefetch-count", Kind::Prefetch),
    ("delete-after", Kind::Count),
    ("src-delete-after", Kind::Count),
    ("src-predeclared", Kind::Flag),
    ("dest-uri", Kind::Uri),
    ("dest-exchange", Kind::Text),
    ("dest-exchange-key", Kind::Text),
    ("dest-queue", Kind::Text),
    ("dest-queue-args", Kind::Table),
    ("add-forward-headers", Kind::Flag),
    ("add-timestamp-header", Kind::Flag),
    ("dest-add-forward-headers", Kind::Flag),
    ("dest-add-timestamp-header", Kind::Flag),
    ("publish-properties", Kind::Properties),
    ("dest-publish-properties", Kind::Properties),
    ("dest-predeclared", Kind::Flag),
];

const PROPERTIES: &[(&str, Kind)] = &[
    ("content_type", Kind::Text),
    ("content_encoding", Kind::Text),
    ("delivery_mode", Kind::Number),
    ("priority", Kind::Number),
    ("correlation_id", Kind::Text),
    ("reply_to", Kind::Text),
    ("expiration", Kind::Text),
    ("message_id", Kind::Text),
    ("timestamp", Kind::Number),
    ("type", Kind::Text),
    ("user_id", Kind::Text),
    ("app_id", Kind::Text),
    ("cluster_id", Kind::Text),
];

/// What is wrong with the parameter of this name, a sentence each.
#[must_use]
pub fn problems(name: &str, value: &Value, may_enter: MayEnter<'_>) -> Vec<String> {
    let empty = Map::new();
    let object = match value {
        Value::Object(object) => object,
        // An empty list and an empty object are the same to Erlang.
        Value::Array(values) if values.is_empty() => &empty,
        other => return vec![format!("a shovel is an object, actually was {}", term(other))],
    };
    let mut all = Vec::new();
    let both = |one: &str, other: &str| object.contains_key(one) && object.contains_key(other);
    if both("src-exchange", "src-queue") {
        all.push("Cannot specify 'src-exchange' and 'src-queue'".to_owned());
    } else if !object.contains_key("src-exchange") && !object.contains_key("src-queue") {
        all.push("Must specify 'src-exchange' or 'src-queue'".to_owned());
    }
    if both("dest-exchange", "dest-queue") {
        all.push("Cannot specify 'dest-exchange' and 'dest-queue'".to_owned());
    }
    all.extend(keys(name, KEYS, object, &MANDATORY, may_enter));
    all
}

/// The last first, as a list that grows at its front.
fn keys(
    name: &str,
    known: &[(&str, Kind)],
    object: &Map<String, Value>,
    mandatory: &[&str],
    may_enter: MayEnter<'_>,
) -> Vec<String> {
    let mut all = Vec::new();
    let mut unknown =
        object.iter().filter(|(key, _)| !known.iter().any(|(known, _)| known == key)).peekable();
    if unknown.peek().is_some() {
        all.push(format!("Unrecognised terms {} in {name}", pairs(unknown)));
    }
    for (key, kind) in known.iter().rev() {
        match object.get(*key) {
            Some(value) => all.extend(one(key, *kind, value, may_enter)),
            None if mandatory.contains(key) => all.push(format!("Key \"{key}\" not found in {name}")),
            None => {}
        }
    }
    all
}

fn one(key: &str, kind: Kind, value: &Value, may_enter: MayEnter<'_>) -> Vec<String> {
    let be = |what: &str| vec![format!("{key} should be {what}, actually was {}", term(value))];
    let number = value.as_f64();
    let is_text = value.is_string();
    match kind {
        Kind::Uri => uris(key, value, may_enter),
        Kind::Text if !is_text => be("binary"),
        Kind::Flag if !value.is_boolean() => be("boolean"),
        Kind::Number | Kind::Prefetch | Kind::Delay if number.is_none() => be("a number"),
        Kind::Prefetch if number.is_some_and(|n| !(0.0..=65535.0).contains(&n)) => {
            be("a number from 0 to 65535")
        }
        Kind::Delay if number.is_some_and(|n| !(0.0..=86400.0).contains(&n)) => {
            be("a number of seconds from 0 to 86400")
        }
        Kind::Count => match value {
            Value::String(word) if word == "never" || word == "queue-length" => Vec::new(),
            _ if number.is_some_and(|n| n >= 0.0) => Vec::new(),
            _ => be("a number greater than or equal to 0, \"never\" or \"queue-length\""),
        },
        Kind::Table if !value.is_object() && value.as_array().is_none_or(|values| !values.is_empty()) => {
            be("an object")
        }
        Kind::Properties => match value {
            Value::Object(object) => keys(key, PROPERTIES, object, &[], may_enter),
            Value::Array(values) if values.is_empty() => Vec::new(),
            _ => vec![format!("{key} not a list {}", term(value))],
        },
        Kind::OneOf(_) if !is_text => be("binary"),
        Kind::OneOf(["amqp091"]) if value == "amqp10" => {
            vec![format!("{key} amqp10 is not supported: use amqp091, which every RabbitMQ speaks")]
        }
        Kind::OneOf(words) if !words.contains(&value.as_str().unwrap_or_default()) => {
            let words = words.iter().map(|word| format!("<<\"{word}\">>")).collect::<Vec<_>>().join(",");
            be(&format!("one of [{words}]"))
        }
        _ => Vec::new(),
    }
}

fn uris(key: &str, value: &Value, may_enter: MayEnter<'_>) -> Vec<String> {
    let not_a_list = |value: &Value| vec![format!("{key} should be list, actually was {}", term(value))];
    match value {
        Value::String(uri) => uri::problem(uri, may_enter).into_iter().collect(),
        Value::Array(values) if values.is_empty() => {
            vec![format!("{key} is an empty list: it names no broker")]
        }
        Value::Array(values) => {
            let one = |value: &Value| match value.as_str() {
                Some(uri) => uri::problem(uri, may_enter).into_iter().collect(),
                None => not_a_list(value),
            };
            // RabbitMQ tells the first.
            values.iter().map(one).find(|found: &Vec<String>| !found.is_empty()).unwrap_or_default()
        }
        other => not_a_list(other),
    }
}
