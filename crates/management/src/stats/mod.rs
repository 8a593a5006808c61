//! What is counted, as JSON: `message_stats` and rates of entities.
//!
//! Here is only what the broker counts. A key whose figure is not known is left out.

use leveret_broker::Broker;
use leveret_broker::queue::{Queue, QueueFigures};
use leveret_broker::stats::MessageCounts;
use serde_json::{Map, Value, json};

/// The figures that handlers ask for.
#[derive(Debug)]
pub struct Stats {
    broker: Broker,
}

impl Stats {
    pub(crate) fn new(broker: Broker) -> Self {
        Self { broker }
    }

    /// `rates_mode` of the overview.
    pub(crate) fn rates_mode(&self) -> &'static str {
        "none"
    }

    /// `sample_retention_policies` of the overview.
    pub(crate) fn retention(&self) -> Value {
        json!({ "global": [], "basic": [], "detailed": [] })
    }

    /// Forgets the history, if there is one.
    pub(crate) fn reset(&self) {}

    /// `message_stats` of a queue; nothing if nothing happened yet, as in RabbitMQ.
    pub(crate) fn queue(&self, _queue: &Queue, figures: &QueueFigures) -> Option<Value> {
        let counters = &figures.counters;
        let deliver_get = counters.delivered + counters.delivered_no_ack + counters.got + counters.got_no_ack;
        object([
            ("ack", counters.acked),
            ("deliver", counters.delivered),
            ("deliver_get", deliver_get),
            ("deliver_no_ack", counters.delivered_no_ack),
            ("get", counters.got),
            ("get_empty", counters.got_empty),
            ("get_no_ack", counters.got_no_ack),
            ("publish", counters.published),
            ("redeliver", counters.redelivered),
        ])
    }

    /// `message_stats` of an exchange.
    pub(crate) fn exchange(&self, vhost: &str, exchange: &str) -> Option<Value> {
        let counts = self.broker.vhost(vhost)?.topology().exchange(exchange)?.counts();
        object([("publish_in", counts.publish_in), ("publish_out", counts.publish_out)])
    }

    /// `message_stats` of a virtual host (`None`: of the broker).
    pub(crate) fn total(&self, vhost: Option<&str>) -> Value {
        let counts = match vhost {
            None => self.broker.message_counts(),
            Some(vhost) => self.broker.vhost(vhost).map(|vhost| vhost.message_counts()).unwrap_or_default(),
        };
        self.counts(&counts).unwrap_or_else(|| json!({}))
    }

    /// `message_stats` of what channels counted.
    pub(crate) fn counts(&self, counts: &MessageCounts) -> Option<Value> {
        object([
            ("ack", counts.ack),
            ("confirm", counts.confirm),
            ("deliver", counts.deliver),
            ("deliver_get", counts.deliver_get()),
            ("deliver_no_ack", counts.deliver_no_ack),
            ("drop_unroutable", counts.drop_unroutable),
            ("get", counts.get),
            ("get_empty", counts.get_empty),
            ("get_no_ack", counts.get_no_ack),
            ("publish", counts.publish),
            ("redeliver", counts.redeliver),
            ("return_unroutable", counts.return_unroutable),
        ])
    }

    /// `churn_rates`.
    pub(crate) fn churn(&self) -> Value {
        let churn = self.broker.churn();
        json!({
            "channel_closed": churn.channel_closed,
            "channel_created": churn.channel_created,
            "connection_closed": churn.connection_closed,
            "connection_created": churn.connection_created,
            "queue_created": churn.queue_created,
            "queue_declared": churn.queue_declared,
            "queue_deleted": churn.queue_deleted,
        })
    }
}

fn object<const N: usize>(all: [(&str, u64); N]) -> Option<Value> {
    let is_counted = all.iter().any(|(_, count)| *count > 0);
    let object = || -> Map<String, Value> {
        all.into_iter().map(|(key, count)| (key.to_owned(), count.into())).collect()
    };
    is_counted.then(|| Value::Object(object()))
}
