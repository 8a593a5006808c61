//! What events say of entities.

use super::{Actor, VirtualHost};
use crate::events::Fields;
use crate::exchange::{Destination, ExchangeSpec};
use crate::name::Name;
use crate::policy::{Policy, PolicyScope};
use crate::queue::Queue;
use crate::stats::Happening;
use crate::topology::{Binding, Removed};
use serde_json::Value;

impl VirtualHost {
    pub(crate) fn emit(&self, key: &str, fields: impl FnOnce(Fields) -> Fields) {
        self.shared.events.emit(key, |event| fields(event.text("vhost", self.name())));
    }

    /// `by`: who asked for it; nobody is named of what is imported.
    pub(crate) fn queue_created(&self, queue: &Queue, by: Option<&Actor>) {
        let spec = queue.spec();
        self.emit("queue.created", |event| {
            let event = event
                .text("name", &spec.name)
                .flag("durable", spec.durable)
                .flag("auto_delete", spec.auto_delete)
                .flag("exclusive", spec.exclusive_owner.is_some())
                .table("arguments", spec.arguments.clone());
            asked_by(event, by)
        });
    }

    pub(crate) fn exchange_created(&self, spec: &ExchangeSpec, by: Option<&Actor>) {
        self.emit("exchange.created", |event| {
            let event = event
                .text("name", &spec.name)
                .text("type", spec.kind.as_str())
                .flag("durable", spec.durable)
                .flag("auto_delete", spec.auto_delete)
                .flag("internal", spec.internal)
                .table("arguments", spec.arguments.clone());
            asked_by(event, by)
        });
    }

    pub(crate) fn binding_created(&self, binding: &Binding, by: Option<&Actor>) {
        self.emit("binding.created", |event| asked_by(binding_fields(event, binding), by));
    }

    /// Exchanges, then bindings: RabbitMQ's order.
    pub(super) fn removed(&self, removed: &Removed) {
        for exchange in &removed.exchanges {
            self.emit("exchange.deleted", |event| event.text("name", exchange));
        }
        for binding in &removed.bindings {
            self.emit("binding.deleted", |event| binding_fields(event, binding));
        }
    }

    pub(super) fn queue_deleted(&self, queue: &Name) {
        self.churn().count(Happening::QueueDeleted);
        self.emit("queue.deleted", |event| event.text("name", queue));
    }

    pub(crate) fn announce_policy_set(&self, policy: &Policy) {
        self.emit("policy.set", |event| {
            event
                .text("name", &policy.name)
                .text("pattern", &policy.pattern)
                .text("apply-to", policy.apply_to.as_str())
                .number("priority", policy.priority)
                .json("definition", &Value::Object(policy.definition.clone()))
        });
    }

    pub(super) fn announce_policy_cleared(&self, scope: PolicyScope, name: &str) {
        let key = match scope {
            PolicyScope::User => "policy.cleared",
            PolicyScope::Operator => "operator.policy.cleared",
        };
        self.emit(key, |event| event.text("name", name));
    }

    pub(crate) fn parameter_set(&self, component: &str, name: &str, value: &Value) {
        self.emit("parameter.set", |event| {
            event.text("component", component).text("name", name).json("value", value)
        });
    }

    pub(super) fn parameter_cleared(&self, component: &str, name: &str) {
        self.emit("parameter.cleared", |event| event.text("component", component).text("name", name));
    }
}

fn asked_by(event: Fields, by: Option<&Actor>) -> Fields {
    match by {
        Some(actor) => event.by(actor.user.name()),
        None => event,
    }
}

fn binding_fields(event: Fields, binding: &Binding) -> Fields {
    let kind = match binding.destination() {
        Destination::Queue(_) => "queue",
        Destination::Exchange(_) => "exchange",
    };
    event
        .text("source_name", binding.source())
        .text("source_kind", "exchange")
        .text("destination_name", binding.destination().name())
        .text("destination_kind", kind)
        .bytes("routing_key", binding.key())
        .table("arguments", binding.arguments().clone())
}
