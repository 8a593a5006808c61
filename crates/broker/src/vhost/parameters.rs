//! Runtime parameters of a virtual host: values by component and name, kept for whoever acts on them.

use super::VirtualHost;
use super::limits::{VHOST_LIMITS, VhostLimits};
use crate::auth::User;
use crate::component::Component;
use crate::definitions::stored;
use crate::refusal::Refusal;
use leveret_store::Batch;
use serde_json::Value;
use std::collections::BTreeMap;

/// Components of RabbitMQ's plugins: kept, for a file that goes there, also where nothing acts on them.
const KEPT: [&str; 4] = ["federation", "federation-upstream", "federation-upstream-set", "shovel"];

/// Policies are parameters in RabbitMQ's files, yet set as policies.
const POLICIES: [&str; 2] = ["policy", "operator_policy"];

/// Bytes of a component's or parameter's name.
const NAME_BYTES_MAX: usize = 255;

/// Values by component and name.
pub(super) type Parameters = BTreeMap<(String, String), Value>;

/// A runtime parameter of a virtual host.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Whom it is for: `vhost-limits`, `shovel`.
    pub component: String,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
}

impl VirtualHost {
    /// Sets a parameter, or replaces it. Component `vhost-limits`, name `limits`, are the [limits](Self::limits).
    ///
    /// # Errors
    /// [`Refusal::Validation`]: an unknown component, a value that cannot be. The store has failed, or the virtual host is deleted.
    pub fn set_parameter(&self, component: &str, name: &str, value: Value) -> Result<(), Refusal> {
        self.set_parameter_by(None, component, name, value)
    }

    /// The same for a user, who has to have access to virtual hosts that the value names.
    ///
    /// # Errors
    /// As [`set_parameter`](Self::set_parameter).
    pub fn set_parameter_by(
        &self,
        user: Option<&User>,
        component: &str,
        name: &str,
        value: Value,
    ) -> Result<(), Refusal> {
        if POLICIES.contains(&component) {
            return Err(Refusal::validation("policies may not be set using this method"));
        }
        if component != VHOST_LIMITS.0 && !KEPT.contains(&component) && self.component(component).is_none() {
            return Err(Refusal::validation(format!("component {component} not found")));
        }
        self.check_store(true)?;
        let standing = self.stand()?;
        let parameter = Parameter { component: component.into(), name: name.into(), value };
        self.check_parameter(user, &parameter)?;
        let mut batch = Batch::new();
        self.put_parameter(parameter.clone(), &mut batch)?;
        self.shared.changes.append(self.store(), &mut batch);
        drop(standing);
        self.parameter_set(component, name, &parameter.value);
        self.check_store(true)
    }

    /// Takes a parameter away. Whether it was there.
    ///
    /// # Errors
    /// The store has failed, or the virtual host is deleted.
    pub fn clear_parameter(&self, component: &str, name: &str) -> Result<bool, Refusal> {
        self.check_store(true)?;
        let standing = self.stand()?;
        let mut parameters = self.parameters.write();
        let there = parameters.remove(&(component.to_owned(), name.to_owned())).is_some();
        if there {
            if (component, name) == VHOST_LIMITS {
                self.limits_in_force.set(VhostLimits::default());
            }
            let mut batch = Batch::new();
            stored::remove_parameter(&mut batch, self.name(), component, name);
            self.shared.changes.append(self.store(), &mut batch);
        }
        drop(parameters);
        drop(standing);
        if there {
            self.tell_component(component);
            self.parameter_cleared(component, name);
        }
        self.check_store(true).map(|()| there)
    }

    /// All parameters, by component and name; operator policies are not among them.
    pub fn parameters(&self) -> Vec<Parameter> {
        let all = self.parameters.read();
        let one = |((component, name), value): (&(String, String), &Value)| Parameter {
            component: component.clone(),
            name: name.clone(),
            value: value.clone(),
        };
        all.iter().map(one).collect()
    }

    fn component(&self, name: &str) -> Option<&Component> {
        self.shared.components.iter().find(|component| component.name == name)
    }

    fn tell_component(&self, name: &str) {
        self.component(name).into_iter().for_each(|component| component.acts.changed());
    }

    /// Asks who acts on it whether it can be.
    pub(crate) fn check_parameter(&self, user: Option<&User>, parameter: &Parameter) -> Result<(), Refusal> {
        let Some(component) = self.component(&parameter.component) else { return Ok(()) };
        let may_enter = |vhost: &str| {
            let user = user?;
            let refused = || format!("user \"{}\" may not connect to vhost \"{vhost}\"", user.name());
            self.auth().check_vhost_access(user, vhost).is_err().then(refused)
        };
        match component.acts.problems(&parameter.name, &parameter.value, &may_enter) {
            problems if problems.is_empty() => Ok(()),
            problems => Err(Refusal::validation(problems.join("\n"))),
        }
    }

    /// A parameter from definitions, of any component; what is for the store is left in the batch.
    pub(crate) fn put_parameter(&self, parameter: Parameter, batch: &mut Batch) -> Result<(), Refusal> {
        let Parameter { component, name, value } = parameter;
        if component.len().max(name.len()) > NAME_BYTES_MAX {
            return Err(Refusal::validation(format!("a name is longer than {NAME_BYTES_MAX} bytes")));
        }
        let limits = match (&*component, &*name) {
            VHOST_LIMITS => Some(VhostLimits::from_json(&value)?),
            (component, _) if component == VHOST_LIMITS.0 => {
                return Err(Refusal::validation("the name of limits is 'limits'"));
            }
            (component, _) if self.component(component).is_some() => None,
            _ => {
                tracing::warn!(vhost = %self.name(), component, name, "a parameter is kept, but nothing here acts on it");
                None
            }
        };
        stored::put_parameter(batch, self.name(), &component, &name, &value);
        let mut parameters = self.parameters.write();
        if let Some(limits) = limits {
            self.limits_in_force.set(limits);
        }
        parameters.insert((component.clone(), name), value);
        drop(parameters);
        self.tell_component(&component);
        Ok(())
    }
}
