//! What happens to entities, published to the exchange `amq.rabbitmq.event` of the default virtual host, as RabbitMQ's plugin
//! `rabbitmq_event_exchange` does. Which events there are, `docs/events.md` lists.
//!
//! While nothing is bound to the exchange, an event costs one relaxed load. Events are published after the fact, with no lock held.

use crate::definitions::Arguments;
use crate::exchange::{ExchangeKind, ExchangeSpec};
use crate::name::Name;
use crate::topology::Topology;
use crate::vhost::VirtualHost;
use bytes::Bytes;
use leveret_protocol::{FieldTable, FieldValue, Properties};
use parking_lot::RwLock;
use serde_json::{Map, Value};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// The exchange.
const EXCHANGE: &str = "amq.rabbitmq.event";

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Events {
    /// Name of the virtual host that has the exchange.
    home: Name,
    vhost: RwLock<Weak<VirtualHost>>,
    /// Something is bound to it.
    heard: AtomicBool,
}

impl Events {
    pub(crate) fn new(home: &str) -> Arc<Self> {
        Arc::new(Self { home: home.into(), vhost: RwLock::default(), heard: AtomicBool::new(false) })
    }

    /// Gives a new virtual host the exchange, if it is the one that has it.
    pub(crate) fn settle(&self, vhost: &Arc<VirtualHost>) {
        if *vhost.name() == self.home {
            *self.vhost.write() = Arc::downgrade(vhost);
            let spec = ExchangeSpec {
                durable: true,
                internal: true,
                ..ExchangeSpec::new(EXCHANGE, ExchangeKind::Topic)
            };
            vhost.predeclare(spec);
        }
    }

    /// The entities of a virtual host changed.
    pub(crate) fn look<Q: Clone>(&self, vhost: &Name, topology: &Topology<Q>) {
        if *vhost == self.home {
            self.heard.store(topology.is_bound_from(EXCHANGE), Ordering::Relaxed);
        }
    }

    /// Publishes an event, if anybody hears it. Not to be called with a lock held.
    #[inline]
    pub(crate) fn emit(&self, key: &str, fields: impl FnOnce(Fields) -> Fields) {
        if self.heard.load(Ordering::Relaxed) {
            self.publish(key, fields(Fields::default()).0);
        }
    }

    #[cold]
    fn publish(&self, key: &str, mut headers: FieldTable) {
        let Some(vhost) = self.vhost.read().upgrade() else { return };
        let unix_ms = vhost.clock().unix_ms();
        headers.insert("timestamp_in_ms", FieldValue::I64(unix_ms as i64));
        let properties = Properties {
            headers: Some(headers),
            delivery_mode: Some(2),
            timestamp: Some(unix_ms / 1000),
            ..Properties::default()
        };
        vhost.publish_here(EXCHANGE, key.as_bytes(), &properties, Bytes::new());
    }
}

/// What an event says.
#[derive(Debug, Default)]
pub(crate) struct Fields(FieldTable);

impl Fields {
    pub(crate) fn text(mut self, name: &str, text: &str) -> Self {
        self.0.insert(name, text);
        self
    }

    pub(crate) fn bytes(mut self, name: &str, bytes: &[u8]) -> Self {
        self.0.insert(name, FieldValue::LongString(bytes.to_vec()));
        self
    }

    pub(crate) fn flag(mut self, name: &str, flag: bool) -> Self {
        self.0.insert(name, FieldValue::Bool(flag));
        self
    }

    pub(crate) fn number(mut self, name: &str, number: i64) -> Self {
        self.0.insert(name, FieldValue::I64(number));
        self
    }

    pub(crate) fn table(mut self, name: &str, table: FieldTable) -> Self {
        self.0.insert(name, FieldValue::Table(table));
        self
    }

    /// A value of JSON, as the types of AMQP have it.
    pub(crate) fn json(mut self, name: &str, value: &Value) -> Self {
        let object = Value::Object(Map::from_iter([(name.to_owned(), value.clone())]));
        let Arguments(table) = serde_json::from_value(object).unwrap_or_default();
        if let Some(value) = table.get(name) {
            self.0.insert(name, value.clone());
        }
        self
    }

    /// Who asked for it.
    pub(crate) fn by(self, user: &str) -> Self {
        self.text("user_who_performed_action", user)
    }
}
