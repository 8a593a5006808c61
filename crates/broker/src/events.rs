//! What happens to entities, published to the exchange `amq.rabbitmq.event` of the default virtual host, as RabbitMQ's plugin
//! `rabbitmq_event_exchange` does. Which events there are, `docs/events.md` lists.
//!
//! While nothing is bound to the exchange, an event costs one relaxed load. Events are published after the fact, with no lock held.

use crate::clock::Clock;
use crate::definitions::Arguments;
use crate::exchange::{ExchangeKind, ExchangeSpec};
use crate::name::Name;
use crate::topology::Topology;
use crate::vhost::VirtualHost;
use bytes::Bytes;
use leveret_protocol::{FieldTable, FieldValue, Properties};
use parking_lot::RwLock;
use serde_json::{Map, Value};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use tokio::sync::broadcast;

/// The exchange.
const EXCHANGE: &str = "amq.rabbitmq.event";

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Events {
    /// Name of the virtual host that has the exchange.
    home: Name,
    clock: Clock,
    vhost: RwLock<Weak<VirtualHost>>,
    /// Who hears them: [`BOUND`], [`WATCHED`].
    heard: AtomicU8,
    watchers: broadcast::Sender<Arc<Event>>,
}

/// Something is bound to the exchange.
const BOUND: u8 = 1;
/// Somebody in this process has asked for them.
const WATCHED: u8 = 2;

/// Events that are kept for a watcher that does not keep up; it misses the oldest then.
pub const EVENTS_KEPT: usize = 1024;

/// Something that happened to an entity.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// What: `queue.created`. The keys are those that `docs/events.md` lists.
    pub key: String,
    /// To what, and how it is now.
    pub fields: FieldTable,
    /// When, in milliseconds since 1970.
    pub unix_ms: u64,
}

impl crate::Broker {
    /// Events from now on, as they are published to `amq.rabbitmq.event`. While somebody watches, each event costs a copy.
    #[must_use]
    pub fn watch_events(&self) -> broadcast::Receiver<Arc<Event>> {
        self.0.events().watch()
    }
}

impl Events {
    pub(crate) fn new(home: &str, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            home: home.into(),
            clock,
            vhost: RwLock::default(),
            heard: AtomicU8::new(0),
            watchers: broadcast::Sender::new(EVENTS_KEPT),
        })
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
            match topology.is_bound_from(EXCHANGE) {
                true => self.heard.fetch_or(BOUND, Ordering::Relaxed),
                false => self.heard.fetch_and(!BOUND, Ordering::Relaxed),
            };
        }
    }

    fn watch(&self) -> broadcast::Receiver<Arc<Event>> {
        let receiver = self.watchers.subscribe();
        self.heard.fetch_or(WATCHED, Ordering::Relaxed);
        receiver
    }

    /// Whether anybody hears them.
    pub(crate) fn is_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed) != 0
    }

    /// Publishes an event, if anybody hears it. Not to be called with a lock held.
    #[inline]
    pub(crate) fn emit(&self, key: &str, fields: impl FnOnce(Fields) -> Fields) {
        let heard = self.heard.load(Ordering::Relaxed);
        if heard != 0 {
            self.publish(heard, key, fields(Fields::default()).0);
        }
    }

    #[cold]
    fn publish(&self, heard: u8, key: &str, mut headers: FieldTable) {
        let unix_ms = self.clock.unix_ms();
        if heard & WATCHED != 0 {
            let event = Event { key: key.to_owned(), fields: headers.clone(), unix_ms };
            if self.watchers.send(Arc::new(event)).is_err() {
                // The last watcher has gone. One that comes just now is seen again below.
                self.heard.fetch_and(!WATCHED, Ordering::Relaxed);
                if self.watchers.receiver_count() > 0 {
                    self.heard.fetch_or(WATCHED, Ordering::Relaxed);
                }
            }
        }
        if heard & BOUND == 0 {
            return;
        }
        let Some(vhost) = self.vhost.read().upgrade() else { return };
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
