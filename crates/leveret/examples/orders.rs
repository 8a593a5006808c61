//! A publisher and a worker with retries and dead letters.
//!
//!   cargo run -p leveret --example orders [URL]

#![allow(clippy::print_stdout)] // what an example shows

use std::time::Duration;

use leveret::{Attempt, Classify, Failure, Idempotency, Json, MemoryStore, Queue};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    id: u32,
    drink: String,
    cents: i64,
}

/// A provider that is down at the first attempt, and never takes negative amounts.
fn charge(cents: i64, attempt: u32) -> Result<(), Failure> {
    u64::try_from(cents).permanent()?;
    if attempt == 1 && cents > 400 {
        return Err(Failure::transient("the payment provider does not answer"));
    }
    Ok(())
}

async fn pay(Json(order): Json<Order>, Attempt(attempt): Attempt) -> Result<(), Failure> {
    println!("order {}: {} for {} cents, attempt {attempt}", order.id, order.drink, order.cents);
    charge(order.cents, attempt)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "amqp://guest:guest@localhost:5672/".to_owned());
    let mq = leveret::connect(&url).await?;
    let queue = Queue::durable("example-orders").retry([1, 5].map(Duration::from_secs)).dead_letter();
    println!("{}", mq.plan(queue.clone()));
    mq.declare(queue).await?;

    let orders = mq.publisher("example-orders").build::<Json<Order>>().await?;
    for (id, drink, cents) in [(1, "tea", 250), (2, "coffee", 480), (3, "nothing", -1)] {
        orders.send(&Order { id, drink: drink.to_owned(), cents }).await?;
    }

    let stop = CancellationToken::new();
    let worker =
        mq.worker("example-orders").concurrency(4).idempotent(Idempotency::new(MemoryStore::default()));
    let worker = tokio::spawn(worker.handler(pay).run(stop.clone()));
    tokio::time::sleep(Duration::from_secs(3)).await; // a service waits for a signal here
    stop.cancel();
    println!("{:?}", worker.await??);
    mq.close(Duration::from_secs(5)).await?;
    Ok(())
}
