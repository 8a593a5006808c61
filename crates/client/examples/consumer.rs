//! Deliveries and how they are settled: `consumer [URL]`.
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
    for outcome in publisher.send_all(["good", "bad", "not now", "goodbye"]).await {
        outcome?;
    }
    // At most ten unsettled deliveries at a time.
    let mut consumer = connection.consumer(ConsumerOptions::new(queue, 10)).await?;
    println!("consuming as {}", consumer.tag());
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        let text = String::from_utf8_lossy(delivery.body()).into_owned();
        let again = if delivery.is_redelivered() { ", redelivered" } else { "" };
        match (text.as_str(), delivery.is_redelivered()) {
            ("bad", _) => {
                println!("{text:?}{again}: rejected, to the dead letters if the queue had any");
                delivery.reject(false)?;
            }
            ("not now", false) => {
                println!("{text:?}: back to the queue");
                delivery.nack(true)?;
            }
            _ => {
                println!("{text:?}{again}: done");
                delivery.ack()?;
            }
        }
        if text == "not now" && !again.is_empty() {
            break;
        }
    }
    let report = consumer.drain(Duration::from_secs(5)).await?;
    println!("drained: {} requeued, {} not settled", report.requeued, report.abandoned);
    connection.close(Duration::from_secs(5)).await?;
    Ok(())
}
