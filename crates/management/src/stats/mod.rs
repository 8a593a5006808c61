//! What is counted, as JSON: `message_stats` and rates of entities.
//!
//! Here is only what the broker counts. A key whose figure is not known is left out.

use leveret_broker::Broker;
use leveret_broker::queue::{Queue, QueueFigures};
use serde_json::{Map, Value, json};

/// The figures that handlers ask for.
#[derive(Debug)]
pub struct Stats {
    #[expect(dead_code, reason = "figures of the whole broker come from it")]
    broker: Broker,
}

impl Stats {
    pub(crate) fn new(broker: Broker) -> Self {
        Self { broker }
    }

    /// `message_stats` of a queue; nothing if nothing happened yet, as in RabbitMQ.
    pub(crate) fn queue(&self, _queue: &Queue, figures: &QueueFigures) -> Option<Value> {
        let counters = &figures.counters;
        let all = [
            ("ack", counters.acked),
            ("deliver", counters.delivered),
            (
                "deliver_get",
                counters.delivered + counters.delivered_no_ack + counters.got + counters.got_no_ack,
            ),
            ("deliver_no_ack", counters.delivered_no_ack),
            ("get", counters.got),
            ("get_empty", counters.got_empty),
            ("get_no_ack", counters.got_no_ack),
            ("publish", counters.published),
            ("redeliver", counters.redelivered),
        ];
        if all.iter().all(|(_, count)| *count == 0) {
            return None;
        }
        Some(Value::Object(all.into_iter().map(|(key, count)| (key.to_owned(), count.into())).collect()))
    }

    /// `message_stats` of an exchange.
    pub(crate) fn exchange(&self, _vhost: &str, _exchange: &str) -> Option<Value> {
        None
    }

    /// `message_stats` of a virtual host (`None`: of the broker).
    pub(crate) fn total(&self, _vhost: Option<&str>) -> Value {
        json!({})
    }

    /// `churn_rates`.
    pub(crate) fn churn(&self) -> Value {
        Value::Object(Map::new())
    }
}
