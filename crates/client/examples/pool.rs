//! Publishers and channels to borrow: `pool [URL]`.
#![allow(clippy::print_stdout)]

use std::time::Duration;

use leveret_client::pool::{PoolOptions, Pools, PoolsOptions};
use leveret_client::{ConnectOptions, Message, QueueDeclare};

fn url() -> String {
    let given = std::env::args().nth(1).or_else(|| std::env::var("AMQP_URL").ok());
    given.unwrap_or_else(|| "amqp://guest:guest@localhost:5672/".into())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The pool warns, with the line that borrowed, of what is held for longer than this.
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).init();
    let mut options = PoolsOptions::new("orders");
    options.pool = PoolOptions::new("orders").size_max(4).leak_threshold(Some(Duration::from_millis(200)));
    let pools = Pools::new(ConnectOptions::new(url())?, options);

    let channel = pools.channel().await?;
    let transient = QueueDeclare { auto_delete: true, ..QueueDeclare::default() };
    channel.queue_declare("example.pool", transient).await?;
    drop(channel); // back in the pool
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..16 {
        let pools = pools.clone();
        tasks.spawn(async move {
            let publisher = pools.publisher().await?; // four at a time; the others wait their turn
            publisher.send(Message::new(format!("order {n}")).routing_key("example.pool")).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        if let Err(error) = done? {
            println!("{error}");
        }
    }
    let (publishers, _) = pools.stats();
    println!("16 tasks sent over {} publishers; {} idle now", publishers.created, publishers.idle);

    println!("now one is held for too long:");
    let held = pools.publisher().await?;
    while pools.stats().0.leaks == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(held);
    let channel = pools.channel().await?;
    println!(
        "{} messages went with the queue",
        channel.queue_delete("example.pool", Default::default()).await?
    );
    pools.close();
    Ok(())
}
