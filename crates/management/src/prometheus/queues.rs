//! Metrics of queues: of each, or added up.

use super::Source;
use super::text::{Metric, Text, counter, gauge, labels};
use leveret_broker::queue::{Queue, QueueFigures};

type Figure = fn(&QueueFigures) -> u64;

fn ready(figures: &QueueFigures) -> u64 {
    (figures.ready + figures.waiting) as u64
}

/// RabbitMQ's family `queue_coarse_metrics`.
const COARSE: &[(Metric, Figure)] = &[
    (gauge("queue_messages_ready", "Messages ready to be delivered to consumers"), ready),
    (gauge("queue_messages_unacked", "Messages delivered to consumers but not yet acknowledged"), |f| {
        f.unacked
    }),
    (gauge("queue_messages", "Sum of ready and unacknowledged messages - total queue depth"), |f| {
        ready(f) + f.unacked
    }),
];

/// RabbitMQ's family `queue_consumer_count`, which is in `queue_metrics` as well.
const CONSUMERS: &[(Metric, Figure)] =
    &[(gauge("queue_consumers", "Consumers on a queue"), |f| f.consumers as u64)];

/// The rest of RabbitMQ's family `queue_metrics`, as far as it is known here.
const FINE: &[(Metric, Figure)] = &[
    (gauge("queue_messages_ram", "Ready and unacknowledged messages stored in memory"), |f| {
        (ready(f) + f.unacked).saturating_sub(f.on_disk)
    }),
    (gauge("queue_messages_ready_ram", "Ready messages stored in memory"), |f| {
        ready(f).saturating_sub(f.on_disk)
    }),
    (gauge("queue_messages_unacked_ram", "Unacknowledged messages stored in memory"), |f| f.unacked),
    (gauge("queue_messages_bytes", "Size in bytes of ready and unacknowledged messages"), |f| {
        f.ready_bytes + f.unacked_bytes
    }),
    (gauge("queue_messages_ready_bytes", "Size in bytes of ready messages"), |f| f.ready_bytes),
    (gauge("queue_messages_unacked_bytes", "Size in bytes of all unacknowledged messages"), |f| {
        f.unacked_bytes
    }),
    (gauge("queue_messages_paged_out", "Messages paged out to disk"), |f| f.on_disk),
];

/// RabbitMQ's family `channel_queue_exchange_metrics`, told by queue alone.
const PUBLISHED: Metric =
    counter("queue_messages_published_total", "Total number of messages published to queues");

const HEAD: Metric =
    gauge("queue_head_message_timestamp", "Timestamp of the first message in the queue, if any");
const AGE: Metric = gauge(
    "leveret_queue_head_message_age_seconds",
    "Age of the first message in the queue, by its property timestamp",
);
const OLDEST: Metric = gauge(
    "leveret_oldest_message_age_seconds",
    "Age of the oldest first message of all queues, by its property timestamp",
);

/// What is to be written of queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    pub(crate) coarse: bool,
    pub(crate) consumers: bool,
    pub(crate) fine: bool,
    pub(crate) published: bool,
}

impl Wanted {
    pub(crate) const ALL: Self = Self { coarse: true, consumers: true, fine: true, published: true };

    fn metrics(self) -> impl Iterator<Item = &'static (Metric, Figure)> {
        let parts = [(self.coarse, COARSE), (self.consumers || self.fine, CONSUMERS), (self.fine, FINE)];
        parts.into_iter().filter(|(wanted, _)| *wanted).flat_map(|(_, metrics)| metrics)
    }
}

/// Figures of one moment of every queue, no more of each than is written, and its labels: made once, for all metrics.
struct Rows {
    labels: Vec<String>,
    /// As many for each queue as there are metrics.
    figures: Vec<u64>,
    published: Vec<u64>,
    head_s: Vec<Option<u64>>,
}

fn rows(source: &Source, metrics: &[&(Metric, Figure)]) -> Rows {
    let queues = source.queues();
    let mut rows = Rows {
        labels: Vec::with_capacity(queues.len()),
        figures: Vec::with_capacity(queues.len() * metrics.len()),
        published: Vec::with_capacity(queues.len()),
        head_s: Vec::with_capacity(queues.len()),
    };
    for queue in queues {
        let figures = queue.figures();
        rows.labels.push(labels(&[("vhost", queue.vhost_name()), ("queue", queue.name())]));
        rows.figures.extend(metrics.iter().map(|(_, figure)| figure(&figures)));
        rows.published.push(figures.counters.published);
        rows.head_s.push(head_s(&queue, &figures));
    }
    rows
}

/// Only what is ready has a head.
fn head_s(queue: &Queue, figures: &QueueFigures) -> Option<u64> {
    (figures.ready > 0).then(|| queue.head_timestamp_s()).flatten()
}

/// One sample for each queue.
pub(crate) fn each(source: &Source, wanted: Wanted, text: &mut Text) {
    if wanted == Wanted::default() {
        return;
    }
    let metrics: Vec<_> = wanted.metrics().collect();
    let rows = rows(source, &metrics);
    for (at, (metric, _)) in metrics.iter().enumerate() {
        text.begin(metric);
        for (labels, figures) in rows.labels.iter().zip(rows.figures.chunks_exact(metrics.len())) {
            text.sample(labels, figures[at]);
        }
        if text.is_over {
            return;
        }
    }
    if wanted.published {
        text.begin(&PUBLISHED);
        rows.labels
            .iter()
            .zip(&rows.published)
            .for_each(|(labels, published)| text.sample(labels, *published));
    }
    if wanted.fine {
        let heads = || rows.labels.iter().zip(&rows.head_s);
        text.begin(&HEAD);
        heads().for_each(|(labels, head_s)| text.sample(labels, head_s.map_or(f64::NAN, |s| s as f64)));
        if source.is_detailed {
            return;
        }
        text.begin(&AGE);
        for (labels, head_s) in heads().filter_map(|(labels, head_s)| Some((labels, (*head_s)?))) {
            text.sample(labels, source.age_s(head_s));
        }
    }
}

/// All queues added up.
pub(crate) fn together(source: &Source, text: &mut Text) {
    let metrics: Vec<_> = Wanted::ALL.metrics().collect();
    let mut sums = vec![0_u64; metrics.len()];
    let mut oldest_s: Option<u64> = None;
    for queue in source.queues() {
        let figures = queue.figures();
        for (sum, (_, figure)) in sums.iter_mut().zip(&metrics) {
            *sum += figure(&figures);
        }
        oldest_s = oldest_s.into_iter().chain(head_s(&queue, &figures)).min();
    }
    for ((metric, _), sum) in metrics.into_iter().zip(sums) {
        text.one(metric, sum);
    }
    // By channels, whose counts stay when queues go.
    text.one(&PUBLISHED, source.broker.message_counts().routed);
    text.known(&OLDEST, oldest_s.map(|s| source.age_s(s)));
}
