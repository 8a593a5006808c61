//! `--verify`: the target's queues are read back, and stay as they are.

use super::{Broker, Migration};
use leveret_client::{FieldTable, FieldValue};

/// It got message by message, and put a quorum queue of RabbitMQ back in no order (`conformance/migrate/run`); here, what it had read went
/// to wait for its first retry.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_is_read_in_windows_and_stays_as_it_is() {
    let (from, to) = tokio::join!(Broker::start(), Broker::start());
    for broker in [&from, &to] {
        let mut arguments = FieldTable::new();
        arguments.insert("x-queue-type", "quorum");
        arguments.insert("x-retry-delays", FieldValue::Array(vec![FieldValue::from(3_600_000)]));
        broker.declare("q", arguments).await;
    }
    // More than a window, and not a multiple of one.
    from.publish("q", 0..2_300).await;
    let (code, row) = Migration::start(&from, &to, &["--verify"]).end().await;
    assert_eq!((code, row["verdict"].as_str()), (0, Some("moved and read back")), "{row}");
    assert_eq!((&row["read_back"], &row["read_back"]["count"]), (&row["stored"], &2_300.into()));
    let channel = to.connection.channel().await.unwrap();
    let first = channel.basic_get("q", false).await.unwrap().unwrap().delivery;
    let counted =
        first.raw_properties().headers().and_then(|headers| headers.get("x-delivery-count").map(drop));
    assert_eq!((first.is_redelivered(), counted), (true, None));
    first.nack(true).unwrap();
    channel.close().await.unwrap();
    assert_eq!(to.drain("q", 2_300).await, (0..2_300).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_with_consumers_or_with_others_messages_is_not_read() {
    let (from, to) = tokio::join!(Broker::start(), Broker::start());
    for broker in [&from, &to] {
        broker.declare("q", FieldTable::new()).await;
    }
    let mut consumer = to.consumer("q", 1).await;
    from.publish("q", 0..10).await;
    let (code, row) = Migration::start(&from, &to, &["--verify"]).end().await;
    let verdict = "moved; not read back: it has consumers at TO (1): nothing was read";
    assert_eq!(
        (code, row["verdict"].as_str(), row["ok"].as_bool()),
        (1, Some(verdict), Some(false)),
        "{row}"
    );
    let first = Broker::take(&mut consumer, 1).await.remove(0);
    first.nack(true).unwrap();
    consumer.drain(super::PATIENCE).await.unwrap();
    to.counts("q", 10).await;
    from.publish("q", 10..13).await;
    let (code, row) = Migration::start(&from, &to, &["--verify"]).end().await;
    let verdict = "moved; not read back: at TO there are 13 messages, and 3 were stored: nothing was read";
    assert_eq!((code, row["verdict"].as_str()), (1, Some(verdict)), "{row}");
    let mut consumer = to.consumer("q", 13).await;
    let marks: Vec<bool> = Broker::take(&mut consumer, 13)
        .await
        .into_iter()
        .map(|delivery| {
            let is_redelivered = delivery.is_redelivered();
            delivery.ack().unwrap();
            is_redelivered
        })
        .collect();
    assert_eq!(
        marks.iter().filter(|mark| **mark).count(),
        1,
        "only the one that its consumer gave back: {marks:?}"
    );
}
