//! What a program does not take does not pile up in it.

use leveret_client::{Connection, ConsumeOptions, Message, PublisherOptions, QueueDeclare};
use tokio::time::timeout;

use crate::support::{SOON, Target, passive};

/// The accident: a consumer without acks that was slow took in all of the queue.
#[tokio::test]
async fn a_consumer_without_acks_that_does_not_take_stops_the_reading_and_loses_nothing() {
    const COUNT: u32 = 4_000;
    let target = Target::start().await;
    let name = target.fresh("no-ack");
    let source = target.connect().await;
    let channel = source.channel().await.unwrap();
    channel.queue_declare(&name, QueueDeclare::default()).await.unwrap();

    let slow = Connection::connect(target.options().waiting_bytes_max(256 << 10)).await.unwrap();
    let no_ack = ConsumeOptions { no_ack: true, ..ConsumeOptions::default() };
    let consuming = slow.channel().await.unwrap();
    let mut consumer = consuming.basic_consume(&name, no_ack).await.unwrap();
    let publisher = source.publisher(PublisherOptions::to_queue(name.clone())).await.unwrap();
    // 16 MiB: more than the sockets and the broker's buffer for this consumer hold.
    for number in 0..COUNT {
        let body = format!("{number:>4096}");
        let _confirm = publisher.enqueue(Message::new(body)).await.unwrap();
    }
    publisher.flush().await.unwrap();
    let held = channel.queue_declare(&name, passive()).await.unwrap();
    assert!(held.messages > 0, "all of it went to a consumer that takes nothing");
    for number in 0..COUNT {
        let delivery = timeout(SOON, consumer.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(std::str::from_utf8(delivery.body()).unwrap().trim(), number.to_string());
        delivery.ack().unwrap();
    }
    // And again, batch by batch, by one that is gone in the middle.
    for number in 0..COUNT {
        let _confirm = publisher.enqueue(Message::new(format!("{number:>4096}"))).await.unwrap();
    }
    publisher.flush().await.unwrap();
    assert_eq!(consumer.consume_batch(50, SOON / 100).await.unwrap().len(), 50);
    drop(consumer);
    let channel = timeout(SOON, slow.channel()).await.unwrap().unwrap();
    timeout(SOON, channel.queue_delete(&name, Default::default())).await.unwrap().unwrap();
}
