//! Definitions: users, virtual hosts, permissions, policies and topology as one JSON document, RabbitMQ's
//! (<https://www.rabbitmq.com/docs/definitions>), so that a broker's set-up moves there and back.
//!
//! This is data and conversion only: [`Definitions::parse`] reads a file, [`Definitions::to_json`] writes one, and
//! [`Definitions::apply_access`] hands users and permissions to [`Auth`](crate::auth::Auth). Keys that are not known
//! here are kept and written back, so a file made by another version survives the way through this broker.

mod access;
mod arguments;
mod entities;
pub(crate) mod stored;
mod users;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use arguments::Arguments;
pub use entities::{
    BindingDefinition, DestinationType, ExchangeDefinition, GlobalParameterDefinition, ParameterDefinition,
    PermissionDefinition, PolicyDefinition, QueueDefinition, TopicPermissionDefinition, VhostDefinition,
};
pub use users::{UserDefinition, UserTags};

/// Keys of the document that are not known here, as they came.
pub type OtherKeys = Map<String, Value>;

/// A definitions document. Every part may be missing, as in the export of a single virtual host.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Definitions {
    /// Version of the broker that wrote the file; decides the hashing algorithm of very old users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rabbit_version: Option<String>,
    /// The same, under its newer name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rabbitmq_version: Option<String>,
    /// Name of the product that wrote the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_name: Option<String>,
    /// Version of that product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_version: Option<String>,
    /// Users with hashed passwords.
    #[serde(default)]
    pub users: Vec<UserDefinition>,
    /// Virtual hosts.
    #[serde(default)]
    pub vhosts: Vec<VhostDefinition>,
    /// What users may do in virtual hosts.
    #[serde(default)]
    pub permissions: Vec<PermissionDefinition>,
    /// Which routing keys users may use on topic exchanges.
    #[serde(default)]
    pub topic_permissions: Vec<TopicPermissionDefinition>,
    /// Runtime parameters of virtual hosts: limits, shovels, federation, operator policies.
    #[serde(default)]
    pub parameters: Vec<ParameterDefinition>,
    /// Runtime parameters of the whole broker.
    #[serde(default)]
    pub global_parameters: Vec<GlobalParameterDefinition>,
    /// Policies.
    #[serde(default)]
    pub policies: Vec<PolicyDefinition>,
    /// Queues that are not exclusive.
    #[serde(default)]
    pub queues: Vec<QueueDefinition>,
    /// Exchanges that are not pre-declared.
    #[serde(default)]
    pub exchanges: Vec<ExchangeDefinition>,
    /// Bindings that are not those of the default exchange.
    #[serde(default)]
    pub bindings: Vec<BindingDefinition>,
    /// Whatever else the document says.
    #[serde(flatten)]
    pub other: OtherKeys,
}

impl Definitions {
    /// Reads a document.
    ///
    /// # Errors
    /// The text is not JSON, or an element has a wrong type or lacks its name; the error names the element.
    pub fn parse(json: &[u8]) -> Result<Self, DefinitionsError> {
        let reader = &mut serde_json::Deserializer::from_slice(json);
        let definitions = serde_path_to_error::deserialize(&mut *reader)
            .map_err(|error| DefinitionsError::new(error.path().to_string(), error.inner().to_string()))?;
        reader.end().map_err(|error| DefinitionsError::new("", error.to_string()))?;
        Ok(definitions)
    }

    /// Writes the document, on one line.
    pub fn to_json(&self) -> String {
        // Keys are strings and numbers finite, so there is nothing that could fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The version of the broker that wrote the file, if it says.
    fn version(&self) -> Option<&str> {
        self.rabbitmq_version.as_deref().or(self.rabbit_version.as_deref())
    }
}

/// A definitions document could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionsError {
    /// Which element is bad: `queues[3].arguments.x-max-length`. Empty for the document as a whole.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

impl DefinitionsError {
    fn new(path: impl Into<String>, reason: impl fmt::Display) -> Self {
        let path = path.into();
        // What serde calls the document itself.
        let path = if path == "." { String::new() } else { path };
        Self { path, reason: reason.to_string() }
    }
}

impl fmt::Display for DefinitionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "definitions: {}", self.reason),
            path => write!(f, "definitions: {path}: {}", self.reason),
        }
    }
}

impl std::error::Error for DefinitionsError {}

#[cfg(test)]
mod tests;
