//! Policies in definitions: RabbitMQ has operators' among its parameters, as the component `operator_policy`.

use super::transfer::place;
use crate::broker::BrokerInner;
use crate::definitions::{Definitions, DefinitionsError, OtherKeys, ParameterDefinition, PolicyDefinition};
use crate::policy::{ApplyTo, Policy, PolicyScope};
use crate::vhost::VirtualHost;
use leveret_store::Batch;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const OPERATOR_POLICY: &str = "operator_policy";

pub(super) fn is_operator_policy(parameter: &ParameterDefinition) -> bool {
    parameter.component == OPERATOR_POLICY
}

/// Where in the document it stands, its virtual host, and the policy.
type Named = (String, String, PolicyScope, Policy);

impl BrokerInner {
    /// Sets the policies of a document; each virtual host's at once.
    ///
    /// # Errors
    /// The first that cannot be, or whose virtual host is not there. Nothing is set then.
    pub(super) fn import_policies(
        &self,
        definitions: &Definitions,
        batch: &mut Batch,
    ) -> Result<(), DefinitionsError> {
        let at = |path: &str, reason: String| DefinitionsError { path: path.to_owned(), reason };
        let mut by_vhost: BTreeMap<String, Vec<(PolicyScope, Policy)>> = BTreeMap::new();
        for (path, vhost, scope, policy) in named(definitions, &self.config().default_vhost)? {
            policy.check(scope).map_err(|refusal| at(&path, words(&refusal)))?;
            if self.vhost(&vhost).is_none() {
                return Err(at(&path, format!("there is no virtual host '{vhost}'")));
            }
            by_vhost.entry(vhost).or_default().push((scope, policy));
        }
        for (name, policies) in by_vhost {
            let Some(vhost) = self.vhost(&name) else { continue };
            vhost.put_policies(policies, Some(batch)).map_err(|refusal| at("policies", words(&refusal)))?;
        }
        Ok(())
    }

    /// Sets what a version before policies kept; what cannot be is named and left out, because the broker has to start.
    pub(super) fn take_over_kept_policies(&self, definitions: &mut Definitions, batch: &mut Batch) {
        let policies = std::mem::take(&mut definitions.policies);
        let (operators, others) =
            std::mem::take(&mut definitions.parameters).into_iter().partition(is_operator_policy);
        definitions.parameters = others;
        let one = |policies, parameters| Definitions { policies, parameters, ..Definitions::default() };
        let all = (policies.into_iter().map(|policy| one(vec![policy], Vec::new())))
            .chain(operators.into_iter().map(|policy| one(Vec::new(), vec![policy])));
        for document in all {
            if let Err(error) = self.import_policies(&document, batch) {
                tracing::error!(%error, "a policy that was kept cannot be used and is left out");
            }
        }
    }
}

/// The policies of a document that was imported, with their virtual hosts.
pub(super) fn all(definitions: &Definitions, default_vhost: &str) -> Vec<(String, Policy)> {
    let named = named(definitions, default_vhost).unwrap_or_default();
    named.into_iter().map(|(_, vhost, _, policy)| (vhost, policy)).collect()
}

/// The reason on one line.
pub(super) fn words(refusal: &crate::refusal::Refusal) -> String {
    match refusal {
        crate::refusal::Refusal::Validation { reason } => reason.clone(),
        other => other.to_string(),
    }
}

fn named(definitions: &Definitions, default_vhost: &str) -> Result<Vec<Named>, DefinitionsError> {
    let mut all = Vec::new();
    for (at, p) in definitions.policies.iter().enumerate() {
        let apply_to = ApplyTo::parse(&p.apply_to).map_err(|r| place("policies", at, words(&r)))?;
        let policy = Policy {
            name: (&*p.name).into(),
            pattern: p.pattern.clone(),
            apply_to,
            priority: p.priority,
            definition: p.definition.clone(),
        };
        let vhost = p.vhost.as_deref().unwrap_or(default_vhost).to_owned();
        all.push((format!("policies[{at}]"), vhost, PolicyScope::User, policy));
    }
    for (at, p) in definitions.parameters.iter().enumerate().filter(|(_, p)| is_operator_policy(p)) {
        let policy = from_parameter(p).map_err(|reason| place("parameters", at, reason))?;
        let vhost = p.vhost.as_deref().unwrap_or(default_vhost).to_owned();
        all.push((format!("parameters[{at}]"), vhost, PolicyScope::Operator, policy));
    }
    Ok(all)
}

fn from_parameter(parameter: &ParameterDefinition) -> Result<Policy, String> {
    let field = |name: &str| parameter.value.get(name);
    let missing = |name: &str| format!("the operator policy has no '{name}'");
    let apply_to = field("apply-to").and_then(Value::as_str).unwrap_or("all");
    Ok(Policy {
        name: (&*parameter.name).into(),
        pattern: field("pattern").and_then(Value::as_str).ok_or_else(|| missing("pattern"))?.to_owned(),
        apply_to: ApplyTo::parse(apply_to).map_err(|refusal| words(&refusal))?,
        priority: field("priority").and_then(Value::as_i64).unwrap_or(0),
        definition: field("definition")
            .and_then(Value::as_object)
            .ok_or_else(|| missing("definition"))?
            .clone(),
    })
}

/// Adds the policies of a virtual host to a document.
pub(super) fn export(vhost: &VirtualHost, all: &mut Definitions) {
    let name = || Some(vhost.name().to_string());
    all.policies.extend(vhost.policies(PolicyScope::User).into_iter().map(|policy| PolicyDefinition {
        vhost: name(),
        name: policy.name.to_string(),
        pattern: policy.pattern,
        apply_to: policy.apply_to.to_string(),
        definition: policy.definition,
        priority: policy.priority,
        other: OtherKeys::default(),
    }));
    let operators = vhost.policies(PolicyScope::Operator).into_iter();
    all.parameters.extend(operators.map(|policy| ParameterDefinition {
        value: value_of(&policy),
        vhost: name(),
        component: OPERATOR_POLICY.into(),
        name: policy.name.to_string(),
        other: OtherKeys::default(),
    }));
}

fn value_of(policy: &Policy) -> Value {
    let definition: &Map<String, Value> = &policy.definition;
    json!({
        "pattern": policy.pattern,
        "definition": definition,
        "priority": policy.priority,
        "apply-to": policy.apply_to.as_str(),
    })
}
