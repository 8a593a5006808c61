//! Gauges and counters of the broker, read when they are sent: nothing is counted for them alone.

mod outcomes;

use crate::client::{Export, Signal};
use crate::figures::Source;
use crate::resource::{SCHEMA_URL, pair, scope, text};
use leveret_broker::{Broker, Resource as Alarm};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyKind;
use opentelemetry_proto::tonic::metrics::v1 as otlp;
use opentelemetry_proto::tonic::resource::v1::Resource;
use otlp::metric::Data;
use otlp::number_data_point::Value;
use parking_lot::Mutex;
use prost::Message as _;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// See the module's documentation.
pub(crate) struct Meter {
    broker: Broker,
    resource: Arc<Resource>,
    telemetry: Source,
    start_ns: u64,
    /// Sums that do not decrease, as they were told last.
    told: Mutex<[u64; 3]>,
}

/// What is collected while the broker is read.
struct Reading {
    start_ns: u64,
    now_ns: u64,
    metrics: Vec<otlp::Metric>,
}

impl Meter {
    pub(crate) fn new(broker: Broker, resource: Arc<Resource>, telemetry: Source) -> Self {
        Self { broker, resource, telemetry, start_ns: unix_ns(), told: Mutex::default() }
    }

    pub(crate) fn read(&self) -> Export {
        let mut reading = Reading { start_ns: self.start_ns, now_ns: unix_ns(), metrics: Vec::new() };
        self.entities(&mut reading);
        self.messages(&mut reading);
        self.outcomes(&mut reading);
        self.churn(&mut reading);
        self.memory(&mut reading);
        self.store(&mut reading);
        self.telemetry(&mut reading);
        let scope_metrics = vec![otlp::ScopeMetrics {
            scope: Some(scope("leveret.broker")),
            metrics: reading.metrics,
            schema_url: SCHEMA_URL.to_owned(),
        }];
        let resource_metrics = vec![otlp::ResourceMetrics {
            resource: Some((*self.resource).clone()),
            scope_metrics,
            schema_url: SCHEMA_URL.to_owned(),
        }];
        let body = ExportMetricsServiceRequest { resource_metrics }.encode_to_vec().into();
        Export { signal: Signal::Metrics, body }
    }

    fn entities(&self, reading: &mut Reading) {
        let names = [
            ("leveret.queues", "{queue}", "Queues."),
            ("leveret.exchanges", "{exchange}", "Exchanges."),
            ("leveret.consumers", "{consumer}", "Consumers."),
            ("leveret.messages.ready", "{message}", "Messages ready for delivery."),
            ("leveret.messages.ready.bytes", "By", "Bytes of their bodies."),
            ("leveret.messages.unacked", "{message}", "Messages delivered and not settled."),
            (
                "leveret.messages.waiting",
                "{message}",
                "Messages that came back and wait for their next delivery.",
            ),
        ];
        let mut points: [Vec<(u64, Vec<KeyValue>)>; 7] = Default::default();
        for vhost in self.broker.vhosts() {
            let (queues, exchanges): (Vec<_>, u64) = {
                let topology = vhost.topology();
                (
                    topology.queues().map(|(_, queue)| queue.clone()).collect(),
                    topology.exchange_count() as u64,
                )
            };
            let mut sums = [queues.len() as u64, exchanges, 0, 0, 0, 0, 0];
            for queue in queues {
                let figures = queue.figures();
                sums[2] += figures.consumers as u64;
                sums[3] += figures.ready as u64;
                sums[4] += figures.ready_bytes;
                sums[5] += figures.unacked;
                sums[6] += figures.waiting as u64;
            }
            for (points, sum) in points.iter_mut().zip(sums) {
                points.push((sum, vec![text("leveret.vhost", vhost.name())]));
            }
        }
        for ((name, unit, description), points) in names.into_iter().zip(points) {
            reading.gauge(name, unit, description, points);
        }
        let connections = self.broker.connection_count() as u64;
        reading.gauge("leveret.connections", "{connection}", "Open connections.", one(connections));
    }

    fn messages(&self, reading: &mut Reading) {
        let names = [
            ("leveret.messages.published", "Messages that were published."),
            ("leveret.messages.confirmed", "Publishings that were confirmed."),
            ("leveret.messages.nacked", "Publishings that were refused with a nack."),
            ("leveret.messages.unroutable", "Publishings that led nowhere: returned or dropped."),
            ("leveret.messages.delivered", "Messages given to consumers, or taken by `basic.get`."),
            ("leveret.messages.redelivered", "Those of them that were not the first delivery."),
            ("leveret.messages.acked", "Messages that were acknowledged."),
        ];
        let mut points: [Vec<(u64, Vec<KeyValue>)>; 7] = Default::default();
        for vhost in self.broker.vhosts() {
            let counts = vhost.message_counts();
            let of = || vec![text("leveret.vhost", vhost.name())];
            let with = |name: &str, value: &str| [of(), vec![text(name, value)]].concat();
            points[0].push((counts.publish, of()));
            points[1].push((counts.confirm, of()));
            points[2].push((counts.refuse, of()));
            points[3].push((counts.return_unroutable, with("leveret.outcome", "returned")));
            points[3].push((counts.drop_unroutable, with("leveret.outcome", "dropped")));
            let taken = counts.all_taken();
            points[4].push((taken.deliver + taken.get, with("leveret.ack", "manual")));
            points[4].push((taken.deliver_no_ack + taken.get_no_ack, with("leveret.ack", "automatic")));
            points[5].push((taken.redeliver, of()));
            points[6].push((taken.ack, of()));
        }
        for ((name, description), points) in names.into_iter().zip(points) {
            reading.count(name, "{message}", description, points);
        }
    }

    fn churn(&self, reading: &mut Reading) {
        let churn = self.broker.churn();
        let table = [
            ("leveret.connections.opened", "{connection}", churn.connection_created),
            ("leveret.connections.closed", "{connection}", churn.connection_closed),
            ("leveret.channels.opened", "{channel}", churn.channel_created),
            ("leveret.channels.closed", "{channel}", churn.channel_closed),
            ("leveret.queues.declared", "{queue}", churn.queue_declared),
            ("leveret.queues.created", "{queue}", churn.queue_created),
            ("leveret.queues.deleted", "{queue}", churn.queue_deleted),
        ];
        for (name, unit, count) in table {
            reading.count(name, unit, "How often since the broker was started.", one(count));
        }
    }

    fn memory(&self, reading: &mut Reading) {
        let memory = self.broker.memory();
        let bytes = "Bytes of memory that messages take.";
        reading.gauge("leveret.memory.messages", "By", bytes, one(memory.bytes()));
        let alarms = memory.alarms();
        let points = [Alarm::Memory, Alarm::Disk].map(|alarm| {
            let name = format!("{alarm:?}").to_lowercase();
            (u64::from(alarms.contains(&alarm)), vec![text("leveret.resource", &name)])
        });
        reading.gauge("leveret.alarms", "1", "1 while an alarm holds publishers back.", points.into());
    }

    fn store(&self, reading: &mut Reading) {
        let Some(stats) = self.broker.store_stats() else { return };
        reading.gauge("leveret.store.files", "{file}", "Log files.", one(stats.files as u64));
        reading.gauge("leveret.store.bytes", "By", "Bytes in log files.", one(stats.file_bytes));
        reading.gauge("leveret.store.messages", "{message}", "Messages in the store.", one(stats.messages));
        reading.count("leveret.store.groups", "{group}", "Groups written.", one(stats.groups));
        reading.count("leveret.store.syncs", "{sync}", "Waits for the disk.", one(stats.syncs));
        let unreadable = "Messages that could not be read.";
        reading.count("leveret.store.unreadable", "{message}", unreadable, one(stats.unreadable));
    }

    fn telemetry(&self, reading: &mut Reading) {
        if let Some(traces) = self.broker.trace_figures() {
            let sampled = "Messages that were sampled.";
            reading.count("leveret.trace.sampled", "{message}", sampled, one(traces.sampled));
            let malformed = "Headers `traceparent` that make no sense.";
            reading.count("leveret.trace.malformed", "{message}", malformed, one(traces.malformed));
        }
        let figures = self.telemetry.get();
        let table = [
            ("spans", "sent", figures.spans_sent),
            ("spans", "dropped", figures.spans_dropped),
            ("spans", "failed", figures.spans_failed),
            ("logs", "sent", figures.logs_sent),
            ("logs", "dropped", figures.logs_dropped),
            ("logs", "failed", figures.logs_failed),
        ];
        let points = table.map(|(signal, outcome, count)| {
            (count, vec![text("leveret.signal", signal), text("leveret.outcome", outcome)])
        });
        let exported = "What became of spans and log lines for the collector.";
        reading.count("leveret.telemetry.exported", "1", exported, points.into());
    }
}

impl Reading {
    fn gauge(&mut self, name: &str, unit: &str, description: &str, points: Vec<(u64, Vec<KeyValue>)>) {
        let data_points =
            points.into_iter().map(|(value, attributes)| self.point(0, value, attributes)).collect();
        self.put(name, unit, description, Data::Gauge(otlp::Gauge { data_points }));
    }

    fn count(&mut self, name: &str, unit: &str, description: &str, points: Vec<(u64, Vec<KeyValue>)>) {
        let start_ns = self.start_ns;
        let data_points =
            points.into_iter().map(|(value, attributes)| self.point(start_ns, value, attributes)).collect();
        let aggregation_temporality = otlp::AggregationTemporality::Cumulative.into();
        let sum = otlp::Sum { data_points, aggregation_temporality, is_monotonic: true };
        self.put(name, unit, description, Data::Sum(sum));
    }

    fn point(&self, start_ns: u64, value: u64, attributes: Vec<KeyValue>) -> otlp::NumberDataPoint {
        otlp::NumberDataPoint {
            attributes,
            start_time_unix_nano: start_ns,
            time_unix_nano: self.now_ns,
            value: Some(Value::AsInt(i64::try_from(value).unwrap_or(i64::MAX))),
            ..otlp::NumberDataPoint::default()
        }
    }

    fn put(&mut self, name: &str, unit: &str, description: &str, data: Data) {
        self.metrics.push(otlp::Metric {
            name: name.to_owned(),
            description: description.to_owned(),
            unit: unit.to_owned(),
            metadata: vec![pair("messaging.system", AnyKind::StringValue("rabbitmq".into()))],
            data: Some(data),
        });
    }
}

fn one(value: u64) -> Vec<(u64, Vec<KeyValue>)> {
    vec![(value, Vec::new())]
}

fn unix_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64
}
