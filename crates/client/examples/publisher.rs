//! Messages and what becomes of each: `publisher [URL]`.
#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use leveret_client::{Connection, Message, PublisherOptions, QueueDeclare, SendError};

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
    let publisher = connection.publisher(PublisherOptions::to_queue(queue.clone())).await?;

    publisher.send("one coffee").await?;
    println!("one coffee: the broker has it");

    let began = Instant::now();
    let outcomes = publisher.send_all((0..10_000).map(|n| format!("coffee {n}"))).await;
    let stored = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    println!("{stored} of {} confirmed in {:?}, pipelined", outcomes.len(), began.elapsed());

    match publisher.send(Message::new("tea").routing_key("no such queue")).await {
        Err(SendError::Unroutable(returned)) => {
            println!(
                "tea: came back, {} {} for key {:?}",
                returned.code, returned.text, returned.routing_key
            );
        }
        other => println!("tea: {other:?}"),
    }
    match publisher.send(Message::new("cake").exchange("no such exchange")).await {
        Err(error) => println!("cake: {error}"),
        Ok(_) => println!("cake: stored?"),
    }
    publisher.send("another coffee").await?;
    println!("another coffee: stored, the publisher has survived that");
    println!("{} messages thrown away", channel.queue_purge(&queue).await?);
    connection.close(Duration::from_secs(5)).await?;
    Ok(())
}
