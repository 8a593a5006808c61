//! Other messages that go through the broker at a steady rate meanwhile.

use std::time::Duration;

use bytes::Bytes;
use leveret_client::{Connection, ConsumerOptions, Message, PublisherOptions, QueueDeclare};
use tokio::task::JoinHandle;

use super::Failure;
use super::late::{Late, Ruler};

/// What is published together.
const STEP: Duration = Duration::from_millis(1);

/// Starts it; the task never ends by itself but for an error. What it gives back is how late its own messages were.
pub(crate) async fn start(
    connection: &Connection,
    rate: u64,
    seconds: u64,
) -> Result<JoinHandle<Result<Late, Failure>>, Failure> {
    let how = QueueDeclare { durable: true, ..Default::default() };
    connection.channel().await?.queue_declare("backlogs.load", how).await?;
    let publisher =
        connection.publisher(PublisherOptions::to_queue("backlogs.load").message_ids(false)).await?;
    let mut consumer = connection.consumer(ConsumerOptions::new("backlogs.load", 1000)).await?;
    let ruler = Ruler::new();
    let count = rate * seconds;
    let sending = async move {
        let mut tick = tokio::time::interval(STEP);
        let mut sent = 0;
        while sent < count {
            tick.tick().await;
            let due = (ruler.now_us() * rate / 1_000_000).min(count);
            while sent < due {
                let moment_us = sent * 1_000_000 / rate;
                drop(publisher.enqueue(Message::new(Bytes::from(moment_us.to_be_bytes().to_vec()))).await?);
                sent += 1;
            }
        }
        Ok::<_, Failure>(publisher.flush().await?)
    };
    let receiving = async move {
        let mut late = Late::default();
        while (late.len() as u64) < count {
            let delivery = consumer.next().await.ok_or("the load's consumer ended")??;
            let moment = u64::from_be_bytes(delivery.body()[..8].try_into()?);
            late.note(moment, ruler.now_us());
            delivery.ack()?;
        }
        Ok::<_, Failure>(late)
    };
    Ok(tokio::spawn(async move {
        let ((), late) = tokio::try_join!(sending, receiving)?;
        Ok(late)
    }))
}
