//! What is counted, as JSON: `message_stats`, lengths and rates of entities, now and over time.
//!
//! The broker counts; here the figures are read every few seconds (`sampler`), and rates are their changes between the last two
//! rounds. Totals keep their past; of single objects it is kept while somebody asks for it.

mod board;
mod history;
mod keys;
mod sampler;
mod shape;

use crate::call::Call;
use board::Board;
pub(crate) use history::Window;
use leveret_broker::name::Name;
use leveret_broker::queue::{Queue, QueueFigures};
use leveret_broker::{Broker, ChannelInfo, ConnectionInfo};
use parking_lot::Mutex;
use sampler::{CHURN_AT, LENGTHS_AT, Totals};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

/// What of the past is asked for; see RabbitMQ's HTTP API, "Samples".
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked {
    /// `lengths_age` and `lengths_incr`.
    pub(crate) lengths: Option<Window>,
    /// `msg_rates_age` and `msg_rates_incr`.
    pub(crate) messages: Option<Window>,
    /// `data_rates_age` and `data_rates_incr`.
    pub(crate) data: Option<Window>,
}

/// The rounds' results.
#[derive(Debug)]
pub(crate) struct Boards {
    queues: Board<u64, 12>,
    exchanges: Board<(Name, Name), 2>,
    channels: Board<(u64, u16), 12>,
    connections: Board<u64, 2>,
    vhosts: Mutex<HashMap<Name, Totals>>,
    node: Mutex<Totals>,
}

/// The figures that handlers ask for.
#[derive(Debug)]
pub struct Stats {
    broker: Broker,
    boards: Arc<Boards>,
    sampler: AbortHandle,
}

impl Asked {
    pub(crate) fn of(call: &Call) -> Self {
        let seconds = |name: String| call.query(&name).and_then(|text| text.parse::<u64>().ok());
        let window = |kind: &str| {
            let (age, step) = (seconds(format!("{kind}_age"))?, seconds(format!("{kind}_incr"))?);
            let step_ms = step.max(1).saturating_mul(1_000);
            Some(Window { age_ms: age.saturating_mul(1_000), step_ms })
        };
        Self { lengths: window("lengths"), messages: window("msg_rates"), data: window("data_rates") }
    }
}

/// Something that is counted of queues, or how fast it changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    at: usize,
    is_rate: bool,
}

impl Stats {
    /// Reads the figures every `interval` of the broker's clock. To be called in a runtime.
    pub(crate) fn new(broker: Broker, interval: Duration) -> Self {
        let boards = Arc::new(Boards {
            queues: Board::default(),
            exchanges: Board::default(),
            channels: Board::default(),
            connections: Board::default(),
            vhosts: Mutex::default(),
            node: Mutex::new(Totals::global()),
        });
        let start_ms = broker.clock().now_ms();
        let sampler = tokio::spawn(sampler::run(broker.clone(), Arc::downgrade(&boards), interval, start_ms));
        Self { broker, boards, sampler: sampler.abort_handle() }
    }

    fn unix_ms(&self) -> u64 {
        self.broker.clock().unix_ms()
    }

    /// RabbitMQ's word for what is kept.
    pub(crate) fn rates_mode(&self) -> &'static str {
        "basic"
    }

    /// How long samples are kept, in seconds.
    pub(crate) fn retention(&self) -> Value {
        json!({ "global": [600, 3600, 86400], "basic": [600, 3600], "detailed": [600] })
    }

    /// Forgets what was sampled. Counters go on.
    pub(crate) fn reset(&self) {
        self.boards.queues.clear();
        self.boards.exchanges.clear();
        self.boards.channels.clear();
        self.boards.connections.clear();
        self.boards.vhosts.lock().clear();
        *self.boards.node.lock() = Totals::global();
    }

    /// `message_stats` of a queue, and its lengths with their details.
    pub(crate) fn queue(&self, queue: &Queue, figures: &QueueFigures, asked: Asked) -> Map<String, Value> {
        let values = keys::queue(figures);
        let at = keys::QUEUE.len();
        let look = |window| self.boards.queues.look(&queue.id(), self.unix_ms(), window);
        let mut json = Map::new();
        shape::add(&mut json, &keys::LENGTHS, &values[at..], &look(asked.lengths), at);
        if values[..at].iter().any(|count| *count > 0) {
            let mut stats = Map::new();
            shape::add(&mut stats, &keys::QUEUE, &values[..at], &look(asked.messages), 0);
            json.insert("message_stats".to_owned(), stats.into());
        }
        json
    }

    /// What a path in a queue's JSON means among what is counted: `message_stats.ack_details.rate`, `messages`.
    pub(crate) fn queue_column(&self, path: &str) -> Option<Column> {
        let (is_rate, path) = match path.strip_suffix("_details.rate") {
            Some(path) => (true, path),
            None => (false, path),
        };
        let place = |names: &[&str], name: &str| names.iter().position(|one| *one == name);
        let at = match path.strip_prefix("message_stats.") {
            Some(name) => place(&keys::QUEUE, name)?,
            None => keys::QUEUE.len() + place(&keys::LENGTHS, path)?,
        };
        Some(Column { at, is_rate })
    }

    /// The same of one queue; `None` where its JSON has no such thing.
    pub(crate) fn queue_key(&self, queue: &Queue, Column { at, is_rate }: Column) -> Option<f64> {
        let is_counter = at < keys::QUEUE.len();
        if is_rate && !is_counter {
            return Some(self.boards.queues.rate(&queue.id(), at));
        }
        let values = keys::queue(&queue.figures());
        if is_counter && values[..keys::QUEUE.len()].iter().all(|count| *count == 0) {
            return None;
        }
        Some(if is_rate { self.boards.queues.rate(&queue.id(), at) } else { values[at] as f64 })
    }

    /// `message_stats` of an exchange; nothing if nothing happened yet.
    pub(crate) fn exchange(&self, vhost: &str, exchange: &str, asked: Asked) -> Option<Value> {
        let counts = self.broker.vhost(vhost)?.topology().exchange(exchange)?.counts();
        let values = [counts.publish_in, counts.publish_out];
        let key = (Name::from(vhost), Name::from(exchange));
        let look = self.boards.exchanges.look(&key, self.unix_ms(), asked.messages);
        stats(&keys::EXCHANGE, &values, &look)
    }

    /// `message_stats` of a channel; nothing if nothing happened yet.
    pub(crate) fn channel(&self, channel: &ChannelInfo, asked: Asked) -> Option<Value> {
        let key = (channel.connection, channel.number);
        let look = self.boards.channels.look(&key, self.unix_ms(), asked.messages);
        stats(&keys::MESSAGES, &keys::channel(channel), &look)
    }

    /// Bytes of a connection with their details.
    pub(crate) fn connection(&self, connection: &ConnectionInfo, asked: Asked) -> Map<String, Value> {
        let look = self.boards.connections.look(&connection.id, self.unix_ms(), asked.data);
        let mut json = Map::new();
        shape::add(&mut json, &keys::OCTETS, &[connection.recv_oct, connection.send_oct], &look, 0);
        json
    }

    /// `message_stats` of a virtual host (`None`: of the broker).
    pub(crate) fn total(&self, vhost: Option<&str>, asked: Asked) -> Value {
        let counts = match vhost {
            None => self.broker.message_counts(),
            Some(name) => self.broker.vhost(name).map(|vhost| vhost.message_counts()).unwrap_or_default(),
        };
        let look = self.look(vhost, asked.messages);
        let mut json = Map::new();
        let values = keys::messages(&counts);
        if vhost.is_none() || values.iter().any(|count| *count > 0) {
            shape::add(&mut json, &keys::MESSAGES, &values, &look, 0);
        }
        Value::Object(json)
    }

    /// Messages in queues (`messages`, `messages_ready`, `messages_unacknowledged`), with the details of a virtual host (`None`: of the
    /// broker).
    pub(crate) fn lengths(&self, vhost: Option<&str>, values: [u64; 3], asked: Asked) -> Map<String, Value> {
        let look = self.look(vhost, asked.lengths);
        let mut json = Map::new();
        shape::add(&mut json, &keys::LENGTHS, &values, &look, LENGTHS_AT);
        json
    }

    /// `churn_rates`.
    pub(crate) fn churn(&self, asked: Asked) -> Value {
        let look = self.look(None, asked.messages);
        let mut json = Map::new();
        shape::add(&mut json, &keys::CHURN, &keys::churn(&self.broker.churn()), &look, CHURN_AT);
        Value::Object(json)
    }

    fn look(&self, vhost: Option<&str>, window: Option<Window>) -> board::Look<{ sampler::TOTALS }> {
        let unix_ms = self.unix_ms();
        match vhost {
            None => self.boards.node.lock().look(unix_ms, window),
            Some(name) => {
                let totals = self.boards.vhosts.lock();
                totals.get(name).map_or_else(|| board::Look::nothing(window), |of| of.look(unix_ms, window))
            }
        }
    }
}

impl Drop for Stats {
    fn drop(&mut self) {
        self.sampler.abort();
    }
}

/// Figures with their details, unless nothing happened yet.
fn stats<const N: usize>(names: &[&str; N], values: &[u64; N], look: &board::Look<N>) -> Option<Value> {
    if values.iter().all(|count| *count == 0) {
        return None;
    }
    let mut json = Map::new();
    shape::add(&mut json, names, values, look, 0);
    Some(Value::Object(json))
}
