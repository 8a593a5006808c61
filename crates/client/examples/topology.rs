//! Exchanges, queues and bindings: `topology [URL]`. They are declared again after a loss: stop the broker and start it again while it
//! runs; ctrl-c ends it.
#![allow(clippy::print_stdout)]

use std::time::Duration;

use leveret_client::{Bind, Connection, ConsumerOptions, ExchangeDeclare, PublisherOptions, QueueDeclare};

fn url() -> String {
    let given = std::env::args().nth(1).or_else(|| std::env::var("AMQP_URL").ok());
    given.unwrap_or_else(|| "amqp://guest:guest@localhost:5672/".into())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connection = Connection::connect(url().as_str()).await?;
    let channel = connection.channel().await?;
    let transient = ExchangeDeclare { auto_delete: true, ..ExchangeDeclare::default() };
    channel.exchange_declare("example.events", "topic", transient).await?;
    let exclusive = QueueDeclare { exclusive: true, ..QueueDeclare::default() };
    let queue = channel.queue_declare("", exclusive).await?.name;
    let orders = Bind { routing_key: "order.*".into(), ..Bind::default() };
    channel.queue_bind(&queue, "example.events", orders).await?;
    println!("example.events -order.*-> {queue}");

    let mut consumer = connection.consumer(ConsumerOptions::new(queue, 10)).await?;
    let publisher = connection.publisher(PublisherOptions::to("example.events", "order.created")).await?;
    let mut recoveries = connection.recoveries();
    let mut tick = tokio::time::interval(Duration::from_secs(2));
    println!("a message every two seconds; stop the broker and start it again, or press ctrl-c");
    loop {
        tokio::select! {
            _ = tick.tick() => match publisher.send("an order").await {
                Ok(_) => println!("sent, confirmed"),
                Err(error) => println!("not sent: {error}"),
            },
            Some(delivery) = consumer.next() => {
                println!("received");
                delivery?.ack().unwrap_or_else(|stale| println!("{stale}"));
            }
            changed = recoveries.changed() => {
                changed?;
                let report = recoveries.borrow_and_update().clone().unwrap_or_default();
                println!("declared again: {}, failed: {:?}", report.recovered, report.failures);
                for rename in &report.renames {
                    println!("{} is {} now, with its bindings and consumer", rename.old, rename.new);
                }
            }
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                break;
            }
        }
    }
    connection.close(Duration::from_secs(5)).await?;
    Ok(())
}
