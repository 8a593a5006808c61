//! A low-level channel: get, transactions, errors: `channel [URL]`.
#![allow(clippy::print_stdout)]

use std::time::Duration;

use leveret_client::{Connection, Message, QueueDeclare};

fn url() -> String {
    let given = std::env::args().nth(1).or_else(|| std::env::var("AMQP_URL").ok());
    given.unwrap_or_else(|| "amqp://guest:guest@localhost:5672/".into())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connection = Connection::connect(url().as_str()).await?;
    let channel = connection.channel().await?;
    let exclusive = QueueDeclare { exclusive: true, ..QueueDeclare::default() };
    let queue = channel.queue_declare("", exclusive).await?.name;
    println!("channel {} declared {queue}", channel.number());

    channel.tx_select().await?;
    channel.basic_publish(Message::new("kept").routing_key(queue.clone()).header("n", 1)).await?;
    println!("before the commit: {:?}", channel.basic_get(&queue, true).await?.map(|got| got.messages));
    channel.tx_commit().await?;
    channel.basic_publish(Message::new("taken back").routing_key(queue.clone())).await?;
    channel.tx_rollback().await?;

    let reading = connection.channel().await?;
    while let Some(got) = reading.basic_get(&queue, false).await? {
        let headers = got.delivery.properties()?.headers.unwrap_or_default();
        println!("got {:?} with n = {:?}; {} more", got.delivery.body(), headers.get("n"), got.messages);
        got.delivery.ack()?;
    }

    let passive = QueueDeclare { passive: true, ..QueueDeclare::default() };
    if let Err(error) = reading.queue_declare("no such queue", passive).await {
        println!("{error}");
    }
    println!(
        "that closed channel {} alone: {:?}",
        reading.number(),
        reading.closed().map(|why| why.to_string())
    );
    channel.queue_delete(&queue, Default::default()).await?;
    connection.close(Duration::from_secs(5)).await?;
    Ok(())
}
