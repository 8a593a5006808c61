//! A collector that is slow, gone or unwilling: the broker goes on, and what is lost is counted.

use crate::collector::{Answer, Collector};
use leveret_broker::trace::{Span, SpanKind};
use leveret_telemetry::{Protocol, Running, Telemetry};
use leveret_test::TestBroker;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn span(number: u64) -> Span {
    Span {
        trace_id: [1; 16],
        span_id: (number + 1).to_be_bytes(),
        parent: None,
        name: "x".repeat(1000),
        kind: SpanKind::Internal,
        start_ns: 1,
        end_ns: 2,
        attributes: Vec::new(),
        links: Vec::new(),
        error: None,
    }
}

async fn start(
    collector: &Collector,
    timeout: Duration,
) -> (TestBroker, Running, Arc<dyn leveret_broker::trace::TraceSink>) {
    let mut settings = collector.settings.clone();
    settings.timeout = timeout;
    settings.signals.metrics = false;
    let telemetry = Telemetry::new(settings).unwrap();
    let sink = telemetry.sink().unwrap();
    let broker = TestBroker::start().await;
    let running = telemetry.start(&broker.broker());
    (broker, running, sink)
}

#[tokio::test]
async fn a_silent_collector_costs_a_bounded_queue_and_a_bounded_stop() {
    for protocol in [Protocol::Grpc, Protocol::Http] {
        let collector = Collector::start(protocol, false).await;
        collector.answers(Answer::Silence);
        let (_broker, running, sink) = start(&collector, Duration::from_secs(60)).await;
        let began = Instant::now();
        (0..20_000).for_each(|number| sink.span(span(number)));
        assert!(began.elapsed() < Duration::from_secs(5), "nobody waits");
        collector.until("a request", |received| received.requests > 0).await;
        let figures = running.figures();
        assert!(figures.spans_dropped > 10_000, "{figures:?}");
        assert!(figures.spans_waiting <= (8 << 20) / 1000, "{figures:?}");
        let began = Instant::now();
        let figures = running.stop(Duration::from_millis(200)).await;
        assert!(began.elapsed() < Duration::from_secs(5), "the stop has a deadline");
        assert_eq!(figures.spans_sent, 0);
    }
}

#[tokio::test]
async fn a_busy_collector_is_asked_again_and_an_unwilling_one_is_not() {
    for protocol in [Protocol::Grpc, Protocol::Http] {
        let collector = Collector::start(protocol, false).await;
        collector.answers(Answer::Busy);
        let (_broker, running, sink) = start(&collector, Duration::from_secs(5)).await;
        sink.span(span(1));
        collector.until("two tries", |received| received.requests >= 2).await;
        collector.answers(Answer::Take);
        collector.until("the span", |received| !received.traces.is_empty()).await;
        collector.answers(Answer::Refuse);
        sink.span(span(2));
        let figures = running.stop(Duration::from_secs(5)).await;
        assert_eq!((figures.spans_sent, figures.spans_failed), (1, 1), "{protocol:?}");
        assert_eq!(collector.spans().len(), 1);
    }
}

#[tokio::test]
async fn a_collector_that_is_not_there_is_no_obstacle() {
    let collector = Collector::start(Protocol::Grpc, true).await;
    let mut settings = collector.settings.clone();
    // Not the authority that signed the collector's certificate: the system's know nothing of it.
    settings.authorities = None;
    let telemetry = Telemetry::new(settings).unwrap();
    let sink = telemetry.sink().unwrap();
    let broker = TestBroker::start().await;
    let running = telemetry.start(&broker.broker());
    sink.span(span(1));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let figures = running.stop(Duration::from_secs(5)).await;
    assert_eq!(figures.spans_sent, 0);
    assert_eq!(collector.look(|received| received.requests), 0, "nothing is said to a stranger");
}
