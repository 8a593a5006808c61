//! Spans of sampled messages, as a sink gets them. Firehose copies are another matter: see `trace`.

mod recorder;
mod sampling;
mod ways;

use crate::durable::Durable;
use crate::support::*;
use leveret_broker::trace::{Link, Sampler, Span, SpanKind, Value};
use leveret_protocol::methods::{confirm, queue};
use leveret_protocol::{FieldTable, FieldValue, Properties};
use recorder::*;

fn with_dead_letters<const LEN: usize>(more: [(&str, FieldValue); LEN]) -> FieldTable {
    let mut all =
        arguments([("x-dead-letter-exchange", "".into()), ("x-dead-letter-routing-key", "dead".into())]);
    more.into_iter().for_each(|(name, value)| drop(all.insert(name, value)));
    all
}

fn ladder(all: &[i32]) -> (&'static str, FieldValue) {
    ("x-retry-delays", FieldValue::Array(all.iter().map(|ms| FieldValue::I32(*ms)).collect()))
}

async fn bind(client: &mut Client, queue: &str, exchange: &str, key: &str) {
    let (exchange, routing_key) = (short(exchange), short(key));
    let bind = queue::Bind { queue: short(queue), exchange, routing_key, ..Default::default() };
    assert_eq!(client.call(1, bind).await, Got::Reply("queue.bind-ok"));
}

/// The next delivery of a queue is refused, after it was held for so long.
async fn fail(client: &mut Client, broker: &leveret_broker::Broker, queue: &str, held_ms: u64) {
    let (tag, _, _) = client.get(queue, false).await.expect("a message");
    pass(broker, client, ms(held_ms)).await;
    client.tell(1, reject(tag, true)).await;
    client.settle().await;
}

#[tokio::test]
async fn from_a_publisher_through_two_retries_to_the_dead_letters() {
    let recorder = Recorder::default();
    let broker = recorder.broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("dead", FieldTable::new())).await;
    client.declare(queue_with("q", with_dead_letters([ladder(&[5_000, 15_000])]))).await;
    client.publish(sampled("q", "order")).await;
    client.settle().await;
    pass(&broker, &mut client, ms(7)).await;
    fail(&mut client, &broker, "q", 10).await;
    pass(&broker, &mut client, ms(5_000)).await;
    fail(&mut client, &broker, "q", 20).await;
    pass(&broker, &mut client, ms(15_000)).await;
    fail(&mut client, &broker, "q", 30).await;
    pass(&broker, &mut client, ms(3)).await;
    let (tag, _, letter) = client.get("dead", false).await.expect("a dead letter");
    assert_eq!(letter.header("traceparent").as_deref(), Some(PARENT), "what clients sent is not changed");
    client.tell(1, ack(tag)).await;
    client.settle().await;
    assert_eq!(
        recorder.tree(),
        "+0 0 publish q\n\
         \x20 +0 0 route q\n\
         \x20 +7 10 get q !rejected\n\
         \x20   +17 0 reject q\n\
         \x20   +17 5000 retry q\n\
         \x20 +5017 20 get q !rejected\n\
         \x20   +5037 0 reject q\n\
         \x20   +5037 15000 retry q\n\
         \x20 +20037 30 get q !rejected\n\
         \x20   +20067 0 reject q\n\
         \x20   +20067 0 dead_letter q\n\
         \x20     +20070 0 get dead\n\
         \x20       +20070 0 ack dead\n"
    );
    let spans = recorder.spans();
    let trace_id = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes();
    assert!(spans.iter().all(|span| span.trace_id == trace_id), "one trace");
    assert_eq!(broker.trace_figures().unwrap().sampled, 1);
}

#[tokio::test]
async fn what_spans_say() {
    let recorder = Recorder::default();
    let broker = recorder.broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    bind(&mut client, "q", "amq.topic", "a.#").await;
    client.consume(consume("q", "c")).await;
    client.publish(Publishing { exchange: "amq.topic", ..sampled("a.b", "body") }).await;
    client.delivered().await;
    client.tell(1, ack(1)).await;
    client.settle().await;
    let spans = recorder.spans();
    let find = |name: &str| spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name}"));
    let text = |span: &Span, name: &str| match attribute(span, name) {
        Some(Value::Text(text)) => text.clone(),
        other => panic!("{name}: {other:?}"),
    };
    let publisher = 0xb7ad_6b71_6920_3331_u64.to_be_bytes();
    let rows = [
        ("publish amq.topic", SpanKind::Server, "publish", Some("send"), "amq.topic:a.b"),
        ("route amq.topic", SpanKind::Internal, "route", None, "amq.topic:a.b"),
        ("deliver q", SpanKind::Producer, "deliver", Some("receive"), "amq.topic:a.b:q"),
        ("ack q", SpanKind::Server, "ack", Some("settle"), "amq.topic:a.b:q"),
    ];
    assert_eq!(spans.len(), rows.len());
    for (name, kind, operation, of_type, destination) in rows {
        let span = find(name);
        assert_eq!(span.kind, kind, "{name}");
        assert_eq!(text(span, "messaging.system"), "rabbitmq");
        assert_eq!(text(span, "messaging.operation.name"), operation);
        assert_eq!(attribute(span, "messaging.operation.type"), of_type.map(Value::from).as_ref(), "{name}");
        assert_eq!(text(span, "messaging.destination.name"), destination);
        assert_eq!(text(span, "messaging.rabbitmq.destination.routing_key"), "a.b");
        assert_eq!(text(span, "leveret.vhost"), "/", "{name}");
        assert_eq!(span.error, None);
    }
    let publish = find("publish amq.topic");
    assert_eq!(publish.parent, Some(publisher));
    assert_eq!(text(publish, "messaging.message.id"), "m-1");
    assert_eq!(attribute(publish, "messaging.message.body.size"), Some(&Value::Number(4)));
    let deliver = find("deliver q");
    assert_eq!(deliver.links, [Link { trace_id: publish.trace_id, span_id: publisher }]);
    assert_eq!(attribute(deliver, "messaging.rabbitmq.message.delivery_tag"), Some(&Value::Number(1)));
    assert_eq!(attribute(deliver, "leveret.delivery.attempt"), Some(&Value::Number(1)));
    assert_eq!(attribute(find("route amq.topic"), "leveret.queues"), Some(&Value::Texts(vec!["q".into()])));
}

#[tokio::test]
async fn a_fan_out_is_a_delivery_for_each_queue() {
    let recorder = Recorder::default();
    let broker = recorder.broker();
    let mut client = Client::to(&broker).await;
    for queue in ["a", "b", "c"] {
        client.declare(queue_with(queue, FieldTable::new())).await;
        bind(&mut client, queue, "amq.fanout", "").await;
    }
    client.publish(Publishing { exchange: "amq.fanout", ..sampled("", "news") }).await;
    client.settle().await;
    for (wait, queue) in [(1, "a"), (2, "b"), (3, "c")] {
        pass(&broker, &mut client, ms(wait)).await;
        client.get(queue, true).await.unwrap();
    }
    assert_eq!(
        recorder.tree(),
        "+0 0 publish amq.fanout\n\
         \x20 +0 0 route amq.fanout\n\
         \x20 +1 0 get a\n\
         \x20 +3 0 get b\n\
         \x20 +6 0 get c\n"
    );
}

#[tokio::test]
async fn what_leads_nowhere_expires_overflows_or_is_refused() {
    let recorder = Recorder::default();
    let broker = recorder.broker();
    let mut client = Client::to(&broker).await;
    client.confirm().await;
    client.declare(queue_with("dead", FieldTable::new())).await;
    let full = [("x-max-length", FieldValue::I32(1)), ("x-overflow", "reject-publish".into())];
    client.declare(queue_with("full", arguments(full))).await;
    client.declare(queue_with("short", with_dead_letters([("x-max-length", FieldValue::I32(1))]))).await;
    client.declare(queue_with("brief", arguments([("x-message-ttl", FieldValue::I32(50))]))).await;
    client.fill("full", &["there"]).await;
    let steps = [
        sampled("nowhere", "lost"),
        sampled("nowhere", "back").mandatory(),
        sampled("full", "refused"),
        sampled("short", "pushed out"),
        Publishing::to("short", "pushes"),
        sampled("brief", "late"),
    ];
    for step in steps {
        client.publish(step).await;
        client.settle().await;
        pass(&broker, &mut client, ms(10)).await;
    }
    pass(&broker, &mut client, ms(100)).await;
    assert_eq!(
        recorder.tree(),
        "+0 0 publish amq.default\n\
         \x20 +0 0 route amq.default\n\
         +10 0 publish amq.default !NO_ROUTE\n\
         \x20 +10 0 route amq.default\n\
         +20 0 publish full !nacked\n\
         \x20 +20 0 route full\n\
         \x20 +20 0 refuse full !maxlen\n\
         +30 0 publish short\n\
         \x20 +30 0 route short\n\
         \x20 +40 0 dead_letter short\n\
         +50 0 publish brief\n\
         \x20 +50 0 route brief\n\
         \x20 +160 0 drop brief\n"
    );
    let reasons: Vec<_> =
        recorder.spans().iter().filter_map(|s| attribute(s, "leveret.death.reason").cloned()).collect();
    assert_eq!(reasons, [Value::from("maxlen"), Value::from("expired")]);
}

#[tokio::test]
async fn a_publishing_that_is_refused_says_so() {
    let recorder = Recorder::default();
    let broker = recorder.broker();
    let mut client = Client::to(&broker).await;
    client.publish(Publishing { exchange: "missing", ..sampled("k", "body") }).await;
    assert!(matches!(client.next().await, Got::Close { code: 404, .. }));
    assert_eq!(recorder.tree(), "+0 0 publish missing !refused\n\x20 +0 0 route missing\n");
}

#[tokio::test]
async fn a_consumer_that_is_lost_and_a_message_given_back() {
    let recorder = Recorder::default();
    let broker = recorder.broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.publish(sampled("q", "body")).await;
    let (tag, _, _) = client.get("q", false).await.unwrap();
    pass(&broker, &mut client, ms(2)).await;
    client.tell(1, nack(tag, false, true)).await;
    client.settle().await;
    let mut other = Client::to(&broker).await;
    other.get("q", false).await.unwrap();
    pass(&broker, &mut client, ms(4)).await;
    other.close().await;
    connections_are(&broker, 1).await;
    assert_eq!(
        recorder.tree(),
        "+0 0 publish q\n\
         \x20 +0 0 route q\n\
         \x20 +0 2 get q\n\
         \x20   +2 0 nack q\n\
         \x20 +2 4 get q !consumer_lost\n"
    );
}

#[tokio::test]
async fn transactions_settle_when_they_are_committed() {
    use leveret_protocol::methods::tx;
    let recorder = Recorder::default();
    let broker = recorder.broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.publish(sampled("q", "body")).await;
    assert_eq!(client.call(1, tx::Select).await, Got::Reply("tx.select-ok"));
    let (tag, _, _) = client.get("q", false).await.unwrap();
    client.tell(1, ack(tag)).await;
    client.publish(sampled("q", "next")).await;
    pass(&broker, &mut client, ms(5)).await;
    assert_eq!(recorder.spans().len(), 4, "two publishings, and their routes");
    assert_eq!(client.call(1, tx::Commit).await, Got::Reply("tx.commit-ok"));
    client.get("q", true).await.unwrap();
    assert_eq!(recorder.spans().len(), 7, "the acknowledged delivery, and one that ended at once");
}

#[tokio::test]
async fn a_trace_goes_on_after_a_restart() {
    let recorder = Recorder::default();
    // A delay that no stop of a broker lasts.
    let settings = recorder.settings(Sampler { ratio: 1.0, ..Sampler::default() });
    let mut durable = Durable::start_with(&settings);
    let mut client = Client::to(&durable.broker).await;
    client
        .declare(queue::Declare { durable: true, ..queue_with("q", arguments([ladder(&[2_000_000_000])])) })
        .await;
    client.call(1, confirm::Select { no_wait: false }).await;
    let lasting = Properties { delivery_mode: Some(2), ..Properties::default() };
    client.publish(Publishing { properties: lasting, ..Publishing::to("q", "body") }).await;
    assert!(matches!(client.next().await, Got::Ack { .. }));
    fail(&mut client, &durable.broker, "q", 0).await;
    client.close().await;
    durable = durable.restart_with(&settings).await;
    let mut client = Client::to(&durable.broker).await;
    assert!(client.get("q", true).await.is_none(), "it waits");
    pass(&durable.broker, &mut client, ms(2_000_000_000)).await;
    let (_, _, message) = client.get("q", true).await.expect("the message");
    assert!(!message.headers().contains_key("traceparent"), "nothing was added to it");
    let names = |depth: usize| -> Vec<String> {
        let tree = recorder.tree();
        let at = |line: &&str| line.len() - line.trim_start().len() == depth * 2;
        tree.lines()
            .filter(at)
            .map(|line| line.trim_start().splitn(3, ' ').last().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(0), ["publish q"]);
    assert_eq!(names(1), ["route q", "get q !rejected", "get q"]);
    assert_eq!(names(2), ["reject q", "retry q"]);
}
