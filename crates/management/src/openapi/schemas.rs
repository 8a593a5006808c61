//! Shapes of answers and kinds of keys in requests, for the OpenAPI document. They name what programs count on; answers may hold more.
//!
//! A shape is a line of `key:kind`. Kinds are `string`, `integer`, `number`, `boolean`, `object`, `any`, or another shape by its name;
//! `[kind]` is a list, `kind?` may be null, `key!` is always there (where `columns` cannot take it away).

use serde_json::{Map, Value, json};

/// Shapes, in the order of their names. One that has no colon is of that kind itself.
const SHAPES: &[(&str, &str)] = &[
    ("Alarms", "alarms!:[object]"),
    (
        "Binding",
        "source:string vhost:string destination:string destination_type:string routing_key:string arguments:object properties_key:string",
    ),
    ("BrowsedMessages", "messages!:[Message] next!:string? looked!:integer"),
    (
        "Channel",
        "name:string number:integer node:string user:string vhost:string state:string confirm:boolean transactional:boolean \
         prefetch_count:integer global_prefetch_count:integer consumer_count:integer messages_unacknowledged:integer \
         messages_unconfirmed:integer messages_uncommitted:integer acks_uncommitted:integer connection_details:object idle_since:string \
         message_stats:object consumer_details:[Consumer] publishes:[Flow] deliveries:[Flow]",
    ),
    ("ClusterName", "name!:string"),
    (
        "Connection",
        "name:string node:string protocol:string type:string user:string? vhost:string? state:string channels:integer channel_max:integer \
         frame_max:integer timeout:integer auth_mechanism:string? connected_at:integer client_properties:object host:string? port:integer? \
         peer_host:string? peer_port:integer? ssl:boolean recv_oct:integer send_oct:integer recv_oct_details:Details send_oct_details:Details",
    ),
    (
        "Consumer",
        "arguments:object ack_required:boolean active:boolean activity_status:string channel_details:object consumer_tag:string \
         exclusive:boolean prefetch_count:integer queue:object",
    ),
    (
        "Deduplication",
        "published!:integer duplicates!:integer sequence_gaps!:integer ids!:integer producers!:integer",
    ),
    (
        "Definitions",
        "rabbitmq_version:string rabbit_version:string product_name:string product_version:string users:[object] vhosts:[object] \
         permissions:[object] topic_permissions:[object] parameters:[object] global_parameters:[object] policies:[object] queues:[object] \
         exchanges:[object] bindings:[object]",
    ),
    (
        "DeprecatedFeature",
        "name!:string desc!:string deprecation_phase!:string doc_url!:string provided_by!:string",
    ),
    ("Details", "rate:number samples:[object] avg:number avg_rate:number"),
    ("Document", "openapi!:string info!:object paths!:object"),
    ("Error", "error!:string reason!:any"),
    (
        "Exchange",
        "name:string vhost:string type:string durable:boolean auto_delete:boolean internal:boolean arguments:object policy:string \
         message_stats:object incoming:[Flow] outgoing:[Flow]",
    ),
    (
        "FeatureFlag",
        "name!:string state!:string stability!:string desc!:string doc_url!:string provided_by!:string",
    ),
    ("Flow", "stats:object exchange:object queue:object channel_details:object"),
    ("GlobalParameter", "name:string value:any"),
    ("Health", "status:string reason:any"),
    (
        "LoginAttempts",
        "protocol:string auth_attempts:integer auth_attempts_failed:integer auth_attempts_succeeded:integer",
    ),
    ("LoginOptions", "enable_uaa:boolean uaa_client_id:string uaa_location:string oauth_enabled:boolean"),
    (
        "Message",
        "exchange!:string routing_key!:string properties!:any payload!:string payload_bytes!:integer payload_encoding!:string \
         redelivered:boolean message_count:integer delivery_count:integer place:string id:string due_at:integer",
    ),
    (
        "Node",
        "name:string type:string running:boolean uptime:integer mem_used:integer mem_limit:integer mem_alarm:boolean disk_free:integer \
         disk_free_limit:integer disk_free_alarm:boolean fd_used:integer fd_total:integer sockets_used:integer proc_used:integer \
         run_queue:integer processors:integer partitions:[string] enabled_plugins:[string] applications:[object] exchange_types:[object] \
         auth_mechanisms:[object]",
    ),
    ("NodeMemory", "memory!:object"),
    (
        "Overview",
        "management_version:string rabbitmq_version:string product_name:string product_version:string leveret_version:string \
         cluster_name:string node:string rates_mode:string message_stats:object churn_rates:object queue_totals:object \
         object_totals:object listeners:[object] contexts:[object] exchange_types:[object]",
    ),
    ("Parameter", "value:any vhost:string component:string name:string"),
    ("Permissions", "user:string vhost:string configure:string write:string read:string"),
    ("Policy", "vhost:string name:string pattern:string apply-to:string definition:object priority:integer"),
    ("Published", "routed!:boolean"),
    (
        "Queue",
        "name:string vhost:string type:string durable:boolean auto_delete:boolean exclusive:boolean arguments:object node:string \
         state:string messages:integer messages_ready:integer messages_unacknowledged:integer message_bytes:integer consumers:integer \
         policy:string? operator_policy:string? effective_policy_definition:object message_stats:object messages_details:Details \
         messages_ready_details:Details messages_unacknowledged_details:Details consumer_details:[Consumer] incoming:[Flow] \
         deliveries:[Flow]",
    ),
    ("ScheduledMessages", "count!:integer bytes!:integer messages!:[Message]"),
    (
        "Shovel",
        "node:string timestamp:string name:string vhost:string type:string state:string reason:string src_uri:string dest_uri:string \
         src_protocol:string dest_protocol:string src_queue:string src_exchange:string src_exchange_key:string dest_queue:string \
         dest_exchange:string dest_exchange_key:string forwarded:integer pending:integer unroutable:integer remaining:any",
    ),
    (
        "Store",
        "state!:string problem:string files:integer disk_bytes:integer live_bytes:integer messages:integer syncs:integer",
    ),
    (
        "Sweep",
        "id!:integer queue!:string action!:string state!:string moved!:integer failed!:integer skipped!:integer remaining!:integer? \
         problem!:string?",
    ),
    ("TopicPermissions", "user:string vhost:string exchange:string write:string read:string"),
    (
        "Trace",
        "id!:integer vhost!:string queue!:string? trace_id!:string? filter!:[object] state!:string began_at!:integer ends_at!:integer \
         events_max!:integer bytes_max!:integer events_seen!:integer events!:integer bytes!:integer",
    ),
    (
        "TraceEvent",
        "number!:integer time!:number event!:string message_id:string exchange!:string routing_key!:string payload_bytes!:integer \
         queue:string position:string queues:[string] queue_count:integer connection:string channel:integer user:string \
         consumer_tag:string delivery_tag:integer attempt:integer requeue:boolean reason:string to:object",
    ),
    ("TraceEvents", "events!:[TraceEvent] events_seen!:integer state!:string"),
    ("UnackedMessages", "messages!:[Message] silent_connections!:integer"),
    ("User", "name:string password_hash:string hashing_algorithm:string tags:[string] limits:object"),
    ("UserLimits", "user:string value:object"),
    ("Version", "string"),
    (
        "VirtualHost",
        "name:string description:string tags:[string] default_queue_type:string tracing:boolean protected_from_deletion:boolean \
         metadata:object cluster_state:object messages:integer messages_ready:integer messages_unacknowledged:integer \
         message_stats:object",
    ),
    ("VirtualHostLimits", "vhost:string value:object"),
    ("WhoAmI", "name!:string tags!:[string]"),
];

/// Keys of requests, of whatever request; those that are not here may be of any kind.
const KEYS: &str = "ackmode:string action:string apply-to:string arguments:object auto_delete:boolean bytes:integer bytes_max:integer? \
    configure:string count:integer cursor:string? default_queue_type:string definition:object description:string durable:boolean \
    encoding:string events_max:integer? exchange:string filter:[object] hashing_algorithm:string internal:boolean limits:object \
    looked:integer name:string node:string password:string password_hash:string pattern:string payload:string \
    payload_encoding:string per_second:integer places:[string] priority:integer properties:object protected_from_deletion:boolean \
    queue:string? read:string routing_key:string to:string trace_id:string? tracing:boolean truncate:integer ttl:integer? \
    type:string users:[string] write:string";

/// A shape by its name.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// `components.schemas`.
pub(super) fn all() -> Map<String, Value> {
    SHAPES.iter().map(|(name, line)| ((*name).to_owned(), shape(line))).collect()
}

/// The kind of a key of a request.
pub(super) fn key(name: &str) -> Value {
    let found = KEYS.split_whitespace().find_map(|pair| pair.strip_prefix(name)?.strip_prefix(':'));
    found.map_or_else(|| json!({}), kind)
}

fn shape(line: &str) -> Value {
    if !line.contains(':') {
        return kind(line);
    }
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for (key, of) in line.split_whitespace().filter_map(|pair| pair.split_once(':')) {
        let name = key.trim_end_matches('!');
        if name.len() < key.len() {
            required.push(Value::from(name));
        }
        properties.insert(name.to_owned(), kind(of));
    }
    let mut schema = json!({ "type": "object", "properties": properties });
    if let (Value::Object(schema), false) = (&mut schema, required.is_empty()) {
        schema.insert("required".to_owned(), required.into());
    }
    schema
}

fn kind(word: &str) -> Value {
    if let Some(entry) = word.strip_prefix('[').and_then(|word| word.strip_suffix(']')) {
        return json!({ "type": "array", "items": kind(entry) });
    }
    match (word.strip_suffix('?'), word) {
        (Some(word), _) => json!({ "type": [word, "null"] }),
        (None, "any") => json!({}),
        (None, word) if word.starts_with(char::is_uppercase) => reference(word),
        (None, word) => json!({ "type": word }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::{self, Body, Holds};
    use std::collections::BTreeSet;

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                let name = object.get("$ref").and_then(|path| path.as_str()?.rsplit('/').next());
                found.extend(name.map(str::to_owned));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn shapes_are_there_once_and_all_are_used() {
        let there: BTreeSet<String> = all().keys().cloned().collect();
        assert_eq!(there.len(), SHAPES.len());
        let mut used = BTreeSet::from(["Error".to_owned()]);
        references(&Value::Object(all()), &mut used);
        for route in routes::all() {
            if let Holds::One(shape) | Holds::Many(shape) = route.holds {
                used.insert(shape.to_owned());
            }
        }
        assert_eq!(used, there);
    }

    #[test]
    fn kinds_are_those_of_json() {
        let known = ["string", "integer", "number", "boolean", "object", "any"];
        for line in SHAPES.iter().map(|(_, line)| *line).chain([KEYS]) {
            for pair in line.split_whitespace() {
                let word = pair.rsplit(':').next().unwrap().trim_matches(['[', ']', '?']);
                assert!(known.contains(&word) || word.starts_with(char::is_uppercase), "{pair}");
            }
        }
    }

    #[test]
    fn every_key_with_a_kind_is_one_of_a_request() {
        let all: BTreeSet<&str> = routes::all()
            .filter_map(|route| match route.body {
                Body::Object(keys) => Some(keys),
                _ => None,
            })
            .flatten()
            .copied()
            .collect();
        for pair in KEYS.split_whitespace() {
            assert!(all.contains(pair.split(':').next().unwrap()), "{pair}");
        }
    }
}
