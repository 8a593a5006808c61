//! Many deliveries at a time: `batch [URL]`.
#![allow(clippy::print_stdout)]

use std::time::Duration;

use leveret_client::{Connection, ConsumerOptions, PublisherOptions, QueueDeclare};

fn url() -> String {
    let given = std::env::args().nth(1).or_else(|| std::env::var("AMQP_URL").ok());
    given.unwrap_or_else(|| "amqp://guest:guest@localhost:5672/".into())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connection = Connection::connect(url().as_str()).await?;
    let exclusive = QueueDeclare { exclusive: true, ..QueueDeclare::default() };
    let queue = connection.channel().await?.queue_declare("", exclusive).await?.name;
    let publisher = connection.publisher(PublisherOptions::to_queue(queue.clone())).await?;
    for outcome in publisher.send_all((0..2_500).map(|n| format!("{n}"))).await {
        outcome?;
    }
    // The prefetch bounds a batch; what arrives within 50 ms after the first goes into one.
    let mut consumer = connection.consumer(ConsumerOptions::new(queue, 1000)).await?;
    let mut seen = 0;
    while seen < 2_500 {
        let batch = consumer.consume_batch(1000, Duration::from_millis(50)).await?;
        seen += batch.len();
        println!("a batch of {}: into the database as one transaction, then acknowledged", batch.len());
        for delivery in batch {
            delivery.ack()?; // becomes one basic.ack with multiple
        }
    }
    consumer.drain(Duration::from_secs(5)).await?;
    connection.close(Duration::from_secs(5)).await?;
    Ok(())
}
