//! The elements of a definitions document, apart from users.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Arguments, OtherKeys};

/// A virtual host. Newer versions add description, tags and limits among the other keys.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct VhostDefinition {
    /// Its name.
    pub name: String,
    /// What it is for, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whatever else is said.
    #[serde(flatten)]
    pub other: OtherKeys,
}

/// What a user may do in a virtual host: three regular expressions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionDefinition {
    /// The user.
    pub user: String,
    /// The virtual host.
    pub vhost: String,
    /// Entities it may declare, delete and change.
    pub configure: String,
    /// Entities it may put messages into.
    pub write: String,
    /// Entities it may take messages from.
    pub read: String,
    /// Whatever else is said.
    #[serde(flatten)]
    pub other: OtherKeys,
}

/// Which routing keys a user may use on a topic exchange: two regular expressions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicPermissionDefinition {
    /// The user.
    pub user: String,
    /// The virtual host.
    pub vhost: String,
    /// The exchange.
    pub exchange: String,
    /// Routing keys it may publish with.
    pub write: String,
    /// Binding keys it may bind with.
    pub read: String,
    /// Whatever else is said.
    #[serde(flatten)]
    pub other: OtherKeys,
}

/// A runtime parameter of a virtual host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParameterDefinition {
    /// Its value, usually an object.
    pub value: Value,
    /// The virtual host; absent in the export of one virtual host by some versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vhost: Option<String>,
    /// Whom it is for: `vhost-limits`, `operator_policy`, `shovel`, `federation-upstream`.
    pub component: String,
    /// Its name.
    pub name: String,
    /// Whatever else is said.
    #[serde(flatten)]
    pub other: OtherKeys,
}

/// A runtime parameter of the whole broker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GlobalParameterDefinition {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// Whatever else is said.
    #[serde(flatten)]
    pub other: OtherKeys,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyDefinition {
    /// The virtual host; absent in the export of one virtual host by some versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vhost: Option<String>,
    /// Its name.
    pub name: String,
    /// Regular expression that names of entities must match.
    pub pattern: String,
    /// Kinds of entities: `all`, `exchanges`, `queues`, `classic_queues`, `quorum_queues`, `streams`.
    #[serde(rename = "apply-to", default = "everything")]
    pub apply_to: String,
    /// What applies to them.
    pub definition: Map<String, Value>,
    /// Of several policies that match, the one with the highest priority applies.
    #[serde(default)]
    pub priority: i64,
    /// Whatever else is said.
    #[serde(flatten)]
    pub other: OtherKeys,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueueDefinition {
    /// Its name.
    pub name: String,
    /// The virtual host; absent in the export of one virtual host by some versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vhost: Option<String>,
    /// `classic`, `quorum` or `stream`, since RabbitMQ 3.11; earlier versions say it in the arguments only.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether it survives a restart.
    #[serde(default = "yes")]
    pub durable: bool,
    /// Whether it goes with its last consumer.
    #[serde(default)]
    pub auto_delete: bool,
    /// Arguments of its declaration.
    #[serde(default)]
    pub arguments: Arguments,
    /// Whatever else is said.
    #[serde(flatten)]
    pub other: OtherKeys,
}

/// An exchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExchangeDefinition {
    /// Its name.
    pub name: String,
    /// The virtual host; absent in the export of one virtual host by some versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vhost: Option<String>,
    /// `direct`, `fanout`, `topic`, `headers`, or the type of an extension.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it survives a restart.
    #[serde(default = "yes")]
    pub durable: bool,
    /// Whether it goes with its last binding.
    #[serde(default)]
    pub auto_delete: bool,
    /// Whether only other exchanges can put messages into it.
    #[serde(default)]
    pub internal: bool,
    /// Arguments of its declaration.
    #[serde(default)]
    pub arguments: Arguments,
    /// Whatever else is said.
    #[serde(flatten)]
    pub other: OtherKeys,
}

/// A binding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BindingDefinition {
    /// The exchange messages come from.
    pub source: String,
    /// The virtual host; absent in the export of one virtual host by some versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vhost: Option<String>,
    /// Where they go.
    pub destination: String,
    /// What that is.
    pub destination_type: DestinationType,
    /// The binding key.
    #[serde(default)]
    pub routing_key: String,
    /// Arguments of the binding, such as those of a headers exchange.
    #[serde(default)]
    pub arguments: Arguments,
    /// Whatever else is said.
    #[serde(flatten)]
    pub other: OtherKeys,
}

/// What a binding leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DestinationType {
    /// A queue.
    Queue,
    /// Another exchange.
    Exchange,
}

fn yes() -> bool {
    true
}

fn everything() -> String {
    "all".into()
}
