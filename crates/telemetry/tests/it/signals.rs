//! Metrics and logs.

use crate::collector::Collector;
use leveret_client::{FieldTable, FieldValue, Message, QueueDeclare};
use leveret_telemetry::{Protocol, Signals, Telemetry};
use leveret_test::TestBroker;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyKind;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt as _;

const NONE: Signals = Signals { traces: false, metrics: false, logs: false };

#[tokio::test]
async fn metrics_say_what_the_broker_has() {
    let collector = Collector::start(Protocol::Grpc, false).await;
    let mut settings = collector.settings.clone();
    settings.signals = Signals { metrics: true, ..NONE };
    settings.metrics_interval = Duration::from_millis(20);
    let telemetry = Telemetry::new(settings).unwrap();
    assert!(telemetry.sink().is_none() && telemetry.log_layer().is_none(), "nothing else is wanted");
    let broker = TestBroker::start().await;
    let client = broker.client().await;
    let channel = client.channel().await.unwrap();
    channel.queue_declare("q", QueueDeclare::default()).await.unwrap();
    for text in ["a", "bb", "ccc"] {
        channel.basic_publish(Message::new(text).routing_key("q")).await.unwrap();
    }
    // One is retried, one dies, two are purged.
    let mut arguments = FieldTable::new();
    arguments.insert("x-retry-delays", FieldValue::Array(vec![FieldValue::I32(60_000)]));
    let retrying = QueueDeclare { arguments, ..QueueDeclare::default() };
    channel.queue_declare("trouble", retrying).await.unwrap();
    for text in ["retried", "dead", "purged"] {
        channel.basic_publish(Message::new(text).routing_key("trouble")).await.unwrap();
    }
    let first = channel.basic_get("trouble", false).await.unwrap().unwrap();
    first.delivery.reject(true).unwrap();
    let second = channel.basic_get("trouble", false).await.unwrap().unwrap();
    second.delivery.reject(false).unwrap();
    channel.queue_purge("trouble").await.unwrap();
    let _unacked = channel.basic_get("q", false).await.unwrap().unwrap();
    let running = telemetry.start(&broker.broker());
    collector.until("two readings", |received| received.metrics.len() >= 2).await;
    running.stop(Duration::from_secs(5)).await;
    let last = collector.look(|received| received.metrics.last().cloned()).unwrap();
    let metrics = &last.resource_metrics[0].scope_metrics[0].metrics;
    let value = |name: &str| {
        let metric = metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name}"));
        let points = match metric.data.as_ref().unwrap() {
            Data::Gauge(gauge) => &gauge.data_points,
            Data::Sum(sum) => &sum.data_points,
            other => panic!("{other:?}"),
        };
        points
            .iter()
            .map(|point| match point.value {
                Some(Value::AsInt(value)) => value,
                _ => panic!(),
            })
            .sum::<i64>()
    };
    let table = [
        ("leveret.connections", 1),
        ("leveret.queues", 2),
        ("leveret.messages.ready", 2),
        ("leveret.messages.ready.bytes", 5),
        ("leveret.messages.unacked", 1),
        ("leveret.messages.waiting", 0),
        ("leveret.alarms", 0),
        ("leveret.messages.published", 6),
        ("leveret.messages.delivered", 3),
        ("leveret.messages.acked", 0),
        ("leveret.connections.opened", 1),
        ("leveret.queues.created", 2),
        ("leveret.messages.retried", 1),
        ("leveret.messages.dead", 1),
        ("leveret.messages.purged", 2),
        ("leveret.messages.duplicates", 0),
    ];
    for (name, expected) in table {
        assert_eq!(value(name), expected, "{name}");
    }
}

#[tokio::test]
async fn the_log_is_sent_without_what_sending_says() {
    let collector = Collector::start(Protocol::Http, false).await;
    let mut settings = collector.settings.clone();
    settings.signals = Signals { logs: true, ..NONE };
    let telemetry = Telemetry::new(settings).unwrap();
    let log = tracing_subscriber::registry().with(telemetry.log_layer());
    tracing::subscriber::with_default(log, || {
        tracing::warn!(queue = "orders", count = 7, "it is late");
        tracing::info!(target: "hyper::proto", "a word about a connection");
        tracing::info!("{}", "x".repeat(10_000));
    });
    let broker = TestBroker::start().await;
    let figures = telemetry.start(&broker.broker()).stop(Duration::from_secs(5)).await;
    assert_eq!((figures.logs_sent, figures.logs_dropped), (2, 0));
    let records =
        collector.look(|received| received.logs[0].resource_logs[0].scope_logs[0].log_records.clone());
    let text = |kind: Option<AnyKind>| match kind {
        Some(AnyKind::StringValue(text)) => text,
        other => panic!("{other:?}"),
    };
    let bodies: Vec<_> = records.iter().map(|it| text(it.body.clone().unwrap().value)).collect();
    assert_eq!(bodies[0], "it is late");
    assert_eq!(bodies[1].len(), 8 << 10, "a long one is cut");
    assert_eq!(records[0].severity_text, "WARN");
    let fields: Vec<_> = records[0].attributes.iter().map(|pair| pair.key.as_str()).collect();
    assert_eq!(fields, ["queue", "count", "log.target"]);
}
