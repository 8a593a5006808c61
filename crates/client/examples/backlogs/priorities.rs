//! A queue with ten priorities.

use std::time::Instant;

use bytes::Bytes;
use leveret_client::{Connection, ConsumerOptions, Message, PublisherOptions, QueueDeclare};
use leveret_protocol::{FieldTable, FieldValue};

use super::late::PATIENCE;
use super::{Failure, WINDOW, filled};

const NAME: &str = "backlogs.priorities";

/// Persistent messages, their priorities in turn.
pub(crate) async fn fill(connection: &Connection, count: u64) -> Result<(), Failure> {
    let arguments = FieldTable::from([("x-max-priority", FieldValue::I32(10))]);
    let how = QueueDeclare { durable: true, arguments, ..Default::default() };
    connection.channel().await?.queue_declare(NAME, how).await?;
    let options = PublisherOptions::to_queue(NAME).message_ids(false).in_flight(WINDOW, 64 << 20);
    let publisher = connection.publisher(options).await?;
    let body = Bytes::from(vec![b'x'; 100]);
    let began = Instant::now();
    for number in 0..count {
        let mut message = Message::new(body.clone());
        message.properties.priority = Some((number * 7 % 10) as u8 + 1);
        drop(publisher.enqueue(message).await?);
    }
    filled(&publisher, count, began).await
}

/// Takes all of them, and checks the order.
pub(crate) async fn drain(connection: &Connection, count: u64) -> Result<(), Failure> {
    let mut consumer = connection.consumer(ConsumerOptions::new(NAME, 2000)).await?;
    let began = Instant::now();
    let mut last = u8::MAX;
    for _ in 0..count {
        let delivery =
            tokio::time::timeout(PATIENCE, consumer.next()).await?.ok_or("the consumer ended")??;
        let priority = delivery.raw_properties().priority().unwrap_or_default();
        if priority > last {
            return Err(format!("priority {priority} after {last}").into());
        }
        last = priority;
        delivery.ack()?;
    }
    println!(
        "{:.0} a second consumed and acknowledged, highest priorities first",
        count as f64 / began.elapsed().as_secs_f64()
    );
    Ok(())
}
