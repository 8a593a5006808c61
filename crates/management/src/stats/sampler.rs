//! Going round: every few seconds all figures are read once.

use super::Boards;
use super::board::rates;
use super::history::{BASIC, GLOBAL, History, Sample, Tier, Window};
use super::keys;
use leveret_broker::Broker;
use leveret_broker::queue::Queue;
use std::sync::Arc;
use std::time::Duration;

/// Columns of a virtual host and of the broker: messages, lengths, churn (of a virtual host 0).
pub(crate) const TOTALS: usize = 22;
/// Where lengths begin among them, and churn.
pub(crate) const LENGTHS_AT: usize = 12;
pub(crate) const CHURN_AT: usize = 15;

/// The totals of a virtual host or of the broker over time.
#[derive(Debug)]
pub(crate) struct Totals {
    last: Option<Sample<TOTALS>>,
    rates: [f32; TOTALS],
    history: History<TOTALS>,
}

impl Totals {
    pub(crate) fn global() -> Self {
        Self::new(GLOBAL)
    }

    pub(crate) fn basic() -> Self {
        Self::new(BASIC)
    }

    fn new(tiers: &'static [Tier]) -> Self {
        Self { last: None, rates: [0.0; TOTALS], history: History::new(tiers) }
    }

    fn add(&mut self, unix_ms: u64, values: [u64; TOTALS]) {
        if let Some((before_ms, before)) = &self.last {
            self.rates = rates(before, &values, unix_ms.saturating_sub(*before_ms));
        }
        self.last = Some((unix_ms, values));
        self.history.add(unix_ms, values);
    }

    pub(crate) fn look(&self, unix_ms: u64, window: Option<Window>) -> super::board::Look<TOTALS> {
        super::board::Look {
            rates: self.rates.map(f64::from),
            samples: window.map(|window| self.history.look(window, unix_ms)),
        }
    }
}

/// Reads all figures once. For a thread that may take its time.
pub(crate) fn sample(broker: &Broker, boards: &Boards) {
    let unix_ms = broker.clock().unix_ms();
    let vhosts = broker.vhosts();
    let mut node_lengths = [0; 3];
    let mut queues: Vec<Arc<Queue>> = Vec::new();
    let mut exchanges = Vec::new();
    let mut lengths_by_vhost = Vec::new();
    for vhost in &vhosts {
        let begin = queues.len();
        {
            let topology = vhost.topology();
            queues.extend(topology.queues().map(|(_, queue)| queue.clone()));
            for exchange in topology.exchanges() {
                let counts = exchange.counts();
                let values = [counts.publish_in, counts.publish_out];
                exchanges.push(((vhost.name().clone(), exchange.name.clone()), values));
            }
        }
        lengths_by_vhost.push((begin, queues.len(), [0_u64; 3]));
    }
    boards.exchanges.sample(unix_ms, exchanges.into_iter());
    let mut vhost_at = 0;
    let all = queues.iter().enumerate().map(|(at, queue)| {
        let figures = queue.figures();
        while lengths_by_vhost.get(vhost_at).is_some_and(|(_, end, _)| at >= *end) {
            vhost_at += 1;
        }
        for (column, count) in keys::lengths(&figures).into_iter().enumerate() {
            node_lengths[column] += count;
            if let Some((_, _, lengths)) = lengths_by_vhost.get_mut(vhost_at) {
                lengths[column] += count;
            }
        }
        (queue.id(), keys::queue(&figures))
    });
    boards.queues.sample(unix_ms, all);
    let channels = broker.channels();
    let all = channels.iter().map(|channel| ((channel.connection, channel.number), keys::channel(channel)));
    boards.channels.sample(unix_ms, all);
    let connections = broker.connection_octets();
    boards.connections.sample(unix_ms, connections.into_iter());
    let mut totals = boards.vhosts.lock();
    totals.retain(|name, _| vhosts.iter().any(|vhost| vhost.name() == name));
    for (vhost, (_, _, lengths)) in vhosts.iter().zip(lengths_by_vhost) {
        let values = columns(keys::messages(&vhost.message_counts()), lengths, [0; 7]);
        totals.entry(vhost.name().clone()).or_insert_with(Totals::basic).add(unix_ms, values);
    }
    drop(totals);
    let values =
        columns(keys::messages(&broker.message_counts()), node_lengths, keys::churn(&broker.churn()));
    boards.node.lock().add(unix_ms, values);
}

fn columns(messages: [u64; 12], lengths: [u64; 3], churn: [u64; 7]) -> [u64; TOTALS] {
    let mut all = [0; TOTALS];
    all[..LENGTHS_AT].copy_from_slice(&messages);
    all[LENGTHS_AT..CHURN_AT].copy_from_slice(&lengths);
    all[CHURN_AT..].copy_from_slice(&churn);
    all
}

/// Goes round for as long as somebody keeps the boards.
pub(crate) async fn run(broker: Broker, boards: std::sync::Weak<Boards>, interval: Duration, start_ms: u64) {
    let interval_ms = (interval.as_millis() as u64).max(1);
    let mut due_ms = start_ms;
    loop {
        let Some(kept) = boards.upgrade() else { return };
        let reader = broker.clone();
        // Joined, so that two rounds never run at a time.
        let _ = tokio::task::spawn_blocking(move || sample(&reader, &kept)).await;
        // At whole intervals from the start, however long a round took; rounds that were missed are left out.
        let now_ms = broker.clock().now_ms();
        due_ms = (due_ms + interval_ms).max(now_ms - (now_ms - start_ms) % interval_ms);
        broker.clock().sleep(Duration::from_millis(due_ms.saturating_sub(now_ms))).await;
    }
}
