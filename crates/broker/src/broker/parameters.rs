//! What is set for the broker as a whole: global parameters, and limits of users.

use super::{Broker, BrokerInner};
use crate::auth::{AuthError, UserLimits};
use crate::definitions::stored;
use crate::refusal::Refusal;
use leveret_store::Batch;
use serde_json::Value;

/// Bytes of a parameter's name.
const NAME_BYTES_MAX: usize = 255;

/// The parameter that is what the broker calls itself to clients, and in management tools.
const CLUSTER_NAME: &str = "cluster_name";

impl Broker {
    /// Sets a parameter of the whole broker. `cluster_name`, a text, is what connections that are opened from now on are told; others are
    /// kept for whoever asks.
    ///
    /// # Errors
    /// [`Refusal::Validation`]: a name longer than 255 bytes. The store has failed.
    pub fn set_global_parameter(&self, name: &str, value: Value) -> Result<(), Refusal> {
        self.0.check_store()?;
        let mut batch = Batch::new();
        self.0.put_global_parameter(name, value.clone(), &mut batch)?;
        self.0.changes().append(self.0.store(), &mut batch);
        self.0.announce_global_parameter(name, &value);
        self.0.check_store()
    }

    /// Takes a parameter away. Whether it was there.
    ///
    /// # Errors
    /// The store has failed.
    pub fn clear_global_parameter(&self, name: &str) -> Result<bool, Refusal> {
        self.0.check_store()?;
        let mut all = self.0.global_parameters.write();
        let there = all.remove(name).is_some();
        if there {
            let mut batch = Batch::new();
            stored::remove_global_parameter(&mut batch, name);
            self.0.changes().append(self.0.store(), &mut batch);
        }
        drop(all);
        if there {
            self.0.events().emit("parameter.cleared", |event| event.text("name", name));
        }
        self.0.check_store().map(|()| there)
    }

    /// The parameters of the whole broker, by name.
    #[must_use]
    pub fn global_parameters(&self) -> Vec<(String, Value)> {
        self.0.global_parameters()
    }

    /// Sets both limits of a user, for what it opens from now on.
    ///
    /// # Errors
    /// There is no such user.
    pub fn set_user_limits(&self, user: &str, limits: UserLimits) -> Result<(), AuthError> {
        self.0.auth().set_limits(user, limits)?;
        self.0.save_definitions();
        Ok(())
    }
}

impl BrokerInner {
    /// With no lock held.
    pub(crate) fn announce_global_parameter(&self, name: &str, value: &Value) {
        self.events().emit("parameter.set", |event| event.text("name", name).json("value", value));
    }

    pub(crate) fn global_parameters(&self) -> Vec<(String, Value)> {
        self.global_parameters.read().iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// What is for the store is left in the batch.
    pub(crate) fn put_global_parameter(
        &self,
        name: &str,
        value: Value,
        batch: &mut Batch,
    ) -> Result<(), Refusal> {
        if name.len() > NAME_BYTES_MAX {
            return Err(Refusal::validation(format!("a name is longer than {NAME_BYTES_MAX} bytes")));
        }
        let mut all = self.global_parameters.write();
        stored::put_global_parameter(batch, name, &value);
        all.insert(name.to_owned(), value);
        Ok(())
    }

    /// What the broker calls itself: the parameter, else the node's name.
    pub(crate) fn cluster_name(&self) -> String {
        let all = self.global_parameters.read();
        all.get(CLUSTER_NAME).and_then(Value::as_str).unwrap_or(&self.config().node_name).to_owned()
    }

    fn check_store(&self) -> Result<(), Refusal> {
        crate::vhost::check_store(self.store())
    }
}
