use super::*;

async fn refused(declare: queue::Declare<'_>, text: &str) {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.tell(1, declare).await;
    closes(&mut client, 1, 406, &format!("PRECONDITION_FAILED - {text}")).await;
}

#[tokio::test]
async fn it_is_durable_shared_stays_and_has_a_name() {
    let property = |which: &str| format!("invalid property '{which}' for queue 's' in vhost '/'");
    refused(queue::Declare { durable: false, ..stream("s", &[]) }, &property("non-durable")).await;
    refused(queue::Declare { exclusive: true, ..stream("s", &[]) }, &property("exclusive-owner")).await;
    refused(queue::Declare { auto_delete: true, ..stream("s", &[]) }, &property("auto-delete")).await;
    refused(stream("", &[]), "Cannot declare a server-named queue for type rabbit_stream_queue").await;
}

#[tokio::test]
async fn its_arguments_have_bounds() {
    let invalid = |arg: &str, why: &str| format!("invalid arg '{arg}' for queue 's' in vhost '/': {why}");
    for (arg, value, why) in [
        ("x-max-age", "1d".into(), "invalid_max_age"),
        ("x-max-age", FieldValue::I64(5), "{unacceptable_type,signedint}"),
        ("x-max-length-bytes", (-1).into(), "{value_negative,-1}"),
        ("x-initial-cluster-size", 0.into(), "{value_zero,0}"),
        ("x-stream-max-segment-size-bytes", "1".into(), "\"expected integer, got longstr\""),
        ("x-stream-filter-size-bytes", "1".into(), "\"expected integer, got longstr\""),
    ] {
        // RabbitMQ names 64-bit integers `long`.
        let why = why.replace("signedint", if value == FieldValue::I64(5) { "long" } else { "signedint" });
        refused(stream("s", &[(arg, value)]), &invalid(arg, &why)).await;
    }
    let exceeded = "Exceeded max value for x-stream-max-segment-size-bytes";
    refused(stream("s", &[("x-stream-max-segment-size-bytes", 3_000_000_001_i64.into())]), exceeded).await;
    let size = "Invalid value for  x-stream-filter-size-bytes";
    refused(stream("s", &[("x-stream-filter-size-bytes", 15.into())]), size).await;
    for arg in ["x-max-length", "x-single-active-consumer", "x-expires", "x-durability", "x-overflow"] {
        let value = match arg {
            "x-single-active-consumer" => true.into(),
            "x-durability" => "synced".into(),
            "x-overflow" => "drop-head".into(),
            _ => 5.into(),
        };
        let text =
            format!("invalid arg '{arg}' for queue 's' in vhost '/' of queue type rabbit_stream_queue");
        refused(stream("s", &[(arg, value)]), &text).await;
    }
}

#[tokio::test]
async fn the_same_declaration_finds_it_and_another_does_not() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let day: [(&str, FieldValue); 2] = [("x-max-age", "1D".into()), ("x-max-length-bytes", 5_000_000.into())];
    client.declare(stream("s", &day)).await;
    fill(&mut client, "s", 0..3).await;
    assert_eq!(client.declare(stream("s", &day)).await, (3, 0));
    client.tell(1, stream("s", &[("x-max-age", "24h".into()), day[1].clone()])).await;
    let text = "PRECONDITION_FAILED - inequivalent arg 'x-max-age' for queue 's' in vhost '/': received '24h' but \
                current is '1D'";
    closes(&mut client, 1, 406, text).await;
}

#[tokio::test]
async fn it_is_deleted_with_its_consumers_whatever_was_asked() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(stream("s", &[])).await;
    fill(&mut client, "s", 0..3).await;
    qos(&mut client, 10).await;
    client.consume(consume("s", "c")).await;
    client.open(2).await;
    let delete = queue::Delete { queue: short("s"), if_unused: true, if_empty: true, no_wait: false };
    assert_eq!(client.call(2, delete).await, Got::Count(0));
    assert_eq!(client.arrived().await, [Got::Cancel { channel: 1, consumer: "c".into() }]);
    client.settle().await;
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn it_is_neither_purged_nor_read_by_get() {
    let broker = broker();
    for (what, method) in [
        ("queue.purge", queue::Purge { queue: short("s"), no_wait: false }.into()),
        ("basic.get", leveret_protocol::Method::from(basic::Get { queue: short("s"), no_ack: false })),
    ] {
        let mut client = Client::to(&broker).await;
        client.declare(stream("s", &[])).await;
        client.tell(1, method).await;
        let text = format!("NOT_IMPLEMENTED - {what} not supported by stream queues queue 's' in vhost '/'");
        closes(&mut client, 0, 540, &text).await;
    }
}
