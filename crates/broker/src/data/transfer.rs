//! Definitions into a broker and out of it.

use super::announce::{Made, Making};
use super::{parameters, policies};
use crate::broker::BrokerInner;
use crate::definitions::stored;
use crate::definitions::{
    Arguments, BindingDefinition, Definitions, DefinitionsError, DestinationType, ExchangeDefinition,
    OtherKeys, QueueDefinition,
};
use crate::exchange::{ExchangeKind, ExchangeSpec};
use crate::name;
use crate::queue::QueueSpec;
use crate::topology::Destination;
use crate::vhost::{BindSpec, KeptNumbers, VirtualHost};
use leveret_store::Batch;
use serde_json::Value;
use std::sync::{Arc, LazyLock};

/// Ours: of a queue that is paused. RabbitMQ looks only for the keys it knows.
const PAUSED: &str = "paused";

/// What is told of an import that failed beside the entities it made.
static NOTHING: LazyLock<Definitions> = LazyLock::new(Definitions::default);

impl BrokerInner {
    /// Adds what the document names to what is there; entities that exist already must be equal.
    ///
    /// # Errors
    /// The first element that cannot be had, by its place in the document. What came before it stays.
    pub(crate) fn import(&self, definitions: &Definitions) -> Result<(), DefinitionsError> {
        // One append for all of it; what came before an element that cannot be had stays, and is stored as well.
        let standing = self.definitions_stand().read();
        let mut batch = Batch::new();
        let mut making = Making::new(self);
        self.import_vhosts(definitions, &mut batch);
        let imported = definitions
            .apply_access(self.auth())
            .and_then(|()| self.import_parameters(definitions, &mut batch))
            .and_then(|()| self.import_policies(definitions, &mut batch))
            .and_then(|()| self.import_entities(definitions, &mut batch, &mut making));
        self.put_general(&mut batch);
        self.changes().append(self.store(), &mut batch);
        drop(standing);
        making.tell(self, if imported.is_ok() { definitions } else { &NOTHING });
        imported
    }

    fn import_entities(
        &self,
        definitions: &Definitions,
        batch: &mut Batch,
        making: &mut Making,
    ) -> Result<(), DefinitionsError> {
        for (at, exchange) in definitions.exchanges.iter().enumerate() {
            self.import_exchange(exchange, batch, making).map_err(|reason| place("exchanges", at, reason))?;
        }
        for (at, queue) in definitions.queues.iter().enumerate() {
            self.import_queue(queue, batch, making).map_err(|reason| place("queues", at, reason))?;
        }
        for (at, binding) in definitions.bindings.iter().enumerate() {
            self.import_binding(binding, batch, making).map_err(|reason| place("bindings", at, reason))?;
        }
        Ok(())
    }

    /// Users and permissions, as one document.
    pub(crate) fn put_general(&self, batch: &mut Batch) {
        let mut all = Definitions::default();
        all.take_access(self.auth());
        batch.put(stored::GENERAL, all.to_json().as_bytes());
    }

    pub(super) fn named_vhost(&self, vhost: Option<&str>) -> Result<Arc<VirtualHost>, String> {
        let name = vhost.unwrap_or(&self.config().default_vhost);
        self.vhost(name).ok_or_else(|| format!("there is no virtual host '{name}'"))
    }

    fn import_exchange(
        &self,
        e: &ExchangeDefinition,
        batch: &mut Batch,
        making: &mut Making,
    ) -> Result<(), String> {
        let spec = ExchangeSpec {
            name: (&*e.name).into(),
            kind: ExchangeKind::parse(&e.kind).map_err(|refusal| refusal.to_string())?,
            durable: e.durable,
            auto_delete: e.auto_delete,
            internal: e.internal,
            arguments: e.arguments.0.clone(),
        };
        let vhost = self.named_vhost(e.vhost.as_deref())?;
        let restored = vhost.restore_exchange(spec.clone(), KeptNumbers::default(), batch);
        let (is_new, _) = restored.map_err(|refusal| refusal.to_string())?;
        making.add(|| is_new.then_some(Made::Exchange(vhost, spec)));
        Ok(())
    }

    fn import_queue(
        &self,
        q: &QueueDefinition,
        batch: &mut Batch,
        making: &mut Making,
    ) -> Result<(), String> {
        let spec = QueueSpec {
            name: (&*q.name).into(),
            durable: q.durable,
            exclusive_owner: None,
            auto_delete: q.auto_delete,
            arguments: q.arguments.0.clone(),
        };
        let vhost = self.named_vhost(q.vhost.as_deref())?;
        let is_new = vhost.topology().queue(&spec.name).is_none();
        let paused = q.other.get(PAUSED).and_then(Value::as_bool).unwrap_or(false);
        let queue = vhost.restore_queue(spec, None, paused, batch).map_err(|refusal| refusal.to_string())?;
        making.add(|| is_new.then_some(Made::Queue(vhost, queue)));
        Ok(())
    }

    fn import_binding(
        &self,
        b: &BindingDefinition,
        batch: &mut Batch,
        making: &mut Making,
    ) -> Result<(), String> {
        let destination = match b.destination_type {
            DestinationType::Queue => Destination::Queue((&*b.destination).into()),
            DestinationType::Exchange => Destination::Exchange((&*b.destination).into()),
        };
        let vhost = self.named_vhost(b.vhost.as_deref())?;
        let spec = BindSpec {
            source: (&*b.source).into(),
            destination,
            key: b.routing_key.as_bytes().to_vec(),
            arguments: b.arguments.0.clone(),
        };
        let bound = vhost.restore_binding(spec, batch).map_err(|refusal| refusal.to_string())?;
        making.add(|| bound.map(|binding| Made::Binding(vhost, binding)));
        Ok(())
    }

    /// Everything that can be declared again elsewhere.
    pub(crate) fn export(&self) -> Definitions {
        let mut all = Definitions {
            product_name: Some("Leveret".into()),
            product_version: Some(env!("CARGO_PKG_VERSION").into()),
            rabbitmq_version: Some(crate::net::RABBITMQ_VERSION.into()),
            ..Definitions::default()
        };
        all.take_access(self.auth());
        for vhost in self.vhosts() {
            parameters::export(&vhost, &mut all);
            export_vhost(&vhost, &mut all);
            policies::export(&vhost, &mut all);
        }
        self.export_global_parameters(&mut all);
        all
    }
}

fn export_vhost(vhost: &VirtualHost, all: &mut Definitions) {
    let other = OtherKeys::default;
    let name = || Some(vhost.name().to_string());
    let topology = vhost.topology();
    let declared = topology.exchanges().filter(|e| !e.name.is_empty() && !name::is_reserved(&e.name));
    all.exchanges.extend(declared.map(|e| ExchangeDefinition {
        name: e.name.to_string(),
        vhost: name(),
        kind: e.kind.to_string(),
        durable: e.durable,
        auto_delete: e.auto_delete,
        internal: e.internal,
        arguments: Arguments(e.arguments.clone()),
        other: other(),
    }));
    // As in RabbitMQ, those that are not durable are among them; a queue that belongs to a connection cannot be made without it.
    let is_anybodys = |spec: &QueueSpec| spec.exclusive_owner.is_none();
    for (_, queue) in topology.queues().filter(|(_, queue)| is_anybodys(queue.spec())) {
        let spec = queue.spec();
        let mut said = other();
        if queue.figures().paused {
            said.insert(PAUSED.to_owned(), true.into());
        }
        all.queues.push(QueueDefinition {
            name: spec.name.to_string(),
            vhost: name(),
            kind: None,
            durable: spec.durable,
            auto_delete: spec.auto_delete,
            arguments: Arguments(spec.arguments.clone()),
            other: said,
        });
    }
    for binding in topology.bindings().filter(|b| !b.source.is_empty()) {
        let is_told = match &binding.destination {
            Destination::Queue(queue) => topology.queue(queue).is_some_and(|queue| is_anybodys(queue.spec())),
            Destination::Exchange(_) => true,
        };
        // The document is text; a binding key that is not is lost with a word about it.
        let Ok(key) = std::str::from_utf8(binding.key) else {
            tracing::warn!(source = %binding.source, "a binding whose key is not UTF-8 cannot be kept");
            continue;
        };
        if is_told {
            all.bindings.push(BindingDefinition {
                source: binding.source.to_string(),
                vhost: name(),
                destination: binding.destination.name().to_string(),
                destination_type: match &binding.destination {
                    Destination::Queue(_) => DestinationType::Queue,
                    Destination::Exchange(_) => DestinationType::Exchange,
                },
                routing_key: key.to_owned(),
                arguments: Arguments(binding.arguments.clone()),
                other: other(),
            });
        }
    }
}

pub(super) fn place(section: &str, at: usize, reason: String) -> DefinitionsError {
    DefinitionsError { path: format!("{section}[{at}]"), reason }
}
