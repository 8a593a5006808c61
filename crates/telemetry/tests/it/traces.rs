//! One trace, from a publisher through two retries to the dead-letter queue, as a collector gets it.

use crate::collector::Collector;
use leveret_broker::trace::{Sampler, Tracing};
use leveret_client::{Message, QueueDeclare};
use leveret_telemetry::{Protocol, Telemetry};
use leveret_test::TestBroker;
use opentelemetry_proto::tonic::trace::v1::Span;
use std::time::Duration;

const TRACE: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
const PUBLISHER: u64 = 0xb7ad_6b71_6920_3331;

async fn follow(protocol: Protocol, tls: bool) {
    let collector = Collector::start(protocol, tls).await;
    let mut settings = collector.settings.clone();
    settings.service_name = "orders-broker".into();
    settings.resource = vec![("deployment.environment.name".into(), "test".into())];
    let telemetry = Telemetry::new(settings).unwrap();
    let sink = telemetry.sink().unwrap();
    let broker = TestBroker::builder()
        .config(|config| config.tracing = Some(Tracing { sink, sampler: Sampler::default() }))
        .start()
        .await
        .unwrap();
    let running = telemetry.start(&broker.broker());
    let client = broker.client().await;
    let channel = client.channel().await.unwrap();
    channel.queue_declare("dead", QueueDeclare::default()).await.unwrap();
    let ladder = [
        ("x-retry-delays", "5000,15000"),
        ("x-dead-letter-exchange", ""),
        ("x-dead-letter-routing-key", "dead"),
    ];
    let ladder = QueueDeclare { arguments: ladder.into(), ..QueueDeclare::default() };
    channel.queue_declare("orders", ladder).await.unwrap();
    let parent = format!("00-{TRACE:032x}-{PUBLISHER:016x}-01");
    let order = Message::new("order 1").routing_key("orders").header("traceparent", &*parent);
    channel.basic_publish(order).await.unwrap();
    channel.basic_publish(Message::new("not sampled").routing_key("orders")).await.unwrap();
    for wait_s in [5, 15, 0] {
        let got = channel.basic_get("orders", false).await.unwrap().expect("the order").delivery;
        assert_eq!(got.body(), "order 1");
        got.reject(true).unwrap();
        broker.settle().await;
        broker.advance(Duration::from_secs(wait_s)).await;
    }
    let letter = channel.basic_get("dead", false).await.unwrap().expect("a dead letter").delivery;
    letter.ack().unwrap();
    let other = channel.basic_get("orders", false).await.unwrap().expect("the other").delivery;
    other.ack().unwrap();
    broker.settle().await;
    let figures = running.stop(Duration::from_secs(10)).await;

    let spans = collector.spans();
    assert!(spans.iter().all(|span| span.trace_id == TRACE.to_be_bytes()), "one trace, and no other");
    let tree = tree(&spans, &PUBLISHER.to_be_bytes());
    assert_eq!(
        tree,
        "publish orders(route orders, get orders(reject orders, retry orders), \
         get orders(reject orders, retry orders), \
         get orders(reject orders, dead_letter orders(get dead(ack dead))))"
    );
    assert_eq!((figures.spans_sent, figures.spans_failed + figures.spans_dropped), (spans.len() as u64, 0));
    let retries: Vec<_> = spans.iter().filter(|span| span.name == "retry orders").collect();
    let lengths =
        retries.iter().map(|span| (span.end_time_unix_nano - span.start_time_unix_nano) / 1_000_000_000);
    assert_eq!(lengths.collect::<Vec<_>>(), [5, 15]);
    collector.look(|received| {
        assert_eq!(received.without_token, 0, "every request bears the header");
        let resource = received.traces[0].resource_spans[0].resource.clone().unwrap();
        let text = format!("{:?}", resource.attributes);
        for part in ["service.name", "orders-broker", "deployment.environment.name", "service.instance.id"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    });
}

/// Names below a parent, in order, those below them in brackets.
fn tree(spans: &[Span], parent: &[u8]) -> String {
    let mut below: Vec<_> = spans.iter().filter(|span| span.parent_span_id == parent).collect();
    below.sort_by_key(|span| (span.start_time_unix_nano, span.end_time_unix_nano));
    let name = |span: &&Span| match tree(spans, &span.span_id) {
        below if below.is_empty() => span.name.clone(),
        below => format!("{}({below})", span.name),
    };
    below.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn over_grpc() {
    follow(Protocol::Grpc, false).await;
}

#[tokio::test]
async fn over_grpc_and_tls() {
    follow(Protocol::Grpc, true).await;
}

#[tokio::test]
async fn over_http() {
    follow(Protocol::Http, false).await;
}

#[tokio::test]
async fn over_http_and_tls() {
    follow(Protocol::Http, true).await;
}
