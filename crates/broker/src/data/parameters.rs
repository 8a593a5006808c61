//! Virtual hosts and parameters in definitions.

use super::policies::is_operator_policy;
use super::transfer::place;
use crate::broker::BrokerInner;
use crate::definitions::{
    Definitions, DefinitionsError, GlobalParameterDefinition, OtherKeys, ParameterDefinition, VhostDefinition,
};
use crate::queue::arguments::QueueKind;
use crate::vhost::{Parameter, VhostMetadata, VirtualHost};
use leveret_store::Batch;
use serde_json::{Value, json};

impl BrokerInner {
    /// Makes the document's virtual hosts. What it says of one that is there already replaces what was said.
    pub(super) fn import_vhosts(&self, definitions: &Definitions, batch: &mut Batch) {
        for definition in &definitions.vhosts {
            let vhost = self.declare_vhost(&definition.name);
            let metadata = metadata(definition);
            if metadata != VhostMetadata::default() {
                vhost.put_metadata(metadata, batch);
            }
        }
    }

    /// # Errors
    /// The first that cannot be, or whose virtual host is not there. What came before it stays.
    pub(super) fn import_parameters(
        &self,
        definitions: &Definitions,
        batch: &mut Batch,
    ) -> Result<(), DefinitionsError> {
        for (at, p) in definitions.parameters.iter().enumerate().filter(|(_, p)| !is_operator_policy(p)) {
            let bad = |reason: String| place("parameters", at, reason);
            let vhost = self.named_vhost(p.vhost.as_deref()).map_err(bad)?;
            let (component, name, value) = (p.component.clone(), p.name.clone(), p.value.clone());
            let parameter = Parameter { component, name, value };
            vhost
                .check_parameter(None, &parameter)
                .and_then(|()| vhost.put_parameter(parameter, batch))
                .map_err(|refusal| bad(super::policies::words(&refusal)))?;
        }
        for (at, p) in definitions.global_parameters.iter().enumerate() {
            self.put_global_parameter(&p.name, p.value.clone(), batch)
                .map_err(|refusal| place("global_parameters", at, super::policies::words(&refusal)))?;
        }
        Ok(())
    }

    pub(super) fn export_global_parameters(&self, all: &mut Definitions) {
        let parameters = self.global_parameters().into_iter();
        all.global_parameters.extend(parameters.map(|(name, value)| GlobalParameterDefinition {
            name,
            value,
            other: OtherKeys::default(),
        }));
    }
}

/// RabbitMQ says it at the top and, from 3.11 on, once more under `metadata`.
fn metadata(definition: &VhostDefinition) -> VhostMetadata {
    let inner = definition.other.get("metadata");
    let field = |name: &str| definition.other.get(name).or_else(|| inner?.get(name));
    let description =
        definition.description.clone().or_else(|| field("description")?.as_str().map(str::to_owned));
    let words = |text: &str| -> Vec<String> {
        text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
    };
    let tags = match field("tags") {
        Some(Value::Array(tags)) => tags.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(tags)) => words(tags),
        _ => Vec::new(),
    };
    let kind = field("default_queue_type").and_then(Value::as_str);
    let default_queue_type = kind.and_then(|kind| QueueKind::parse(kind.as_bytes()));
    if let Some(kind) = kind.filter(|kind| default_queue_type.is_none() && *kind != "undefined") {
        tracing::warn!(vhost = definition.name, kind, "the default queue type is not known and is left out");
    }
    let description = description.filter(|text| !text.is_empty());
    let protected_from_deletion = field("protected_from_deletion").and_then(Value::as_bool).unwrap_or(false);
    VhostMetadata { description, tags, default_queue_type, protected_from_deletion }
}

/// Adds a virtual host, what is said of it and its parameters to a document.
pub(super) fn export(vhost: &VirtualHost, all: &mut Definitions) {
    let VhostMetadata { description, tags, default_queue_type, protected_from_deletion } = vhost.metadata();
    let mut other = OtherKeys::default();
    if !tags.is_empty() {
        other.insert("tags".into(), tags.clone().into());
    }
    if let Some(kind) = default_queue_type {
        other.insert("default_queue_type".into(), kind.as_str().into());
    }
    if protected_from_deletion {
        other.insert("protected_from_deletion".into(), true.into());
    }
    if description.is_some() || !other.is_empty() {
        let mut inner = json!({"description": description.as_deref().unwrap_or_default(), "tags": tags});
        if let (Some(kind), Some(inner)) = (default_queue_type, inner.as_object_mut()) {
            inner.insert("default_queue_type".into(), kind.as_str().into());
        }
        if let (true, Some(inner)) = (protected_from_deletion, inner.as_object_mut()) {
            inner.insert("protected_from_deletion".into(), true.into());
        }
        other.insert("metadata".into(), inner);
    }
    all.vhosts.push(VhostDefinition { name: vhost.name().to_string(), description, other });
    all.parameters.extend(vhost.parameters().into_iter().map(|parameter| ParameterDefinition {
        value: parameter.value,
        vhost: Some(vhost.name().to_string()),
        component: parameter.component,
        name: parameter.name,
        other: OtherKeys::default(),
    }));
}
