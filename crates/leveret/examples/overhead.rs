//! What a worker costs over the bare client: CPU time of this process per message, both taking the same messages out of a queue.
//!
//!   cargo run --release -p leveret --example overhead [URL [MESSAGES [ROUNDS]]]
//!
//! Bare: a consumer that acks. Worker: retries declared, idempotency in memory, JSON decoded, 8 at a time. Linux only (`/proc`).

#![allow(clippy::print_stdout)] // what an example shows

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use leveret::client::ConsumerOptions;
use leveret::{Idempotency, Json, MemoryStore, Mq, Queue, Raw};
use tokio_util::sync::CancellationToken;

const QUEUE: &str = "leveret-overhead";
/// Clock ticks per second in `/proc`: always this on Linux.
const TICKS: f64 = 100.0;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Seconds of processor time this process has used.
fn cpu() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit_once(')').ok_or("no such stat")?.1;
    let ticks: Vec<&str> = after.split_whitespace().skip(11).take(2).collect();
    Ok(ticks.iter().map(|ticks| ticks.parse::<f64>()).sum::<std::result::Result<f64, _>>()? / TICKS)
}

async fn fill(mq: &Mq, count: usize) -> Result<()> {
    let publisher = mq.publisher(QUEUE).build::<Raw>().await?;
    for number in 0..count {
        drop(publisher.enqueue(format!("{{\"id\":{number},\"drink\":\"coffee\"}}").as_bytes()).await?);
    }
    Ok(publisher.flush().await?)
}

async fn bare(mq: &Mq, count: usize) -> Result<()> {
    let mut consumer = mq.consuming().consumer(ConsumerOptions::new(QUEUE, 200)).await?;
    for _ in 0..count {
        let delivery = consumer.next().await.ok_or("the consumer has ended")??;
        delivery.ack()?;
    }
    consumer.drain(Duration::from_secs(5)).await?;
    Ok(())
}

/// Decodes as the worker does, so that what is left is the worker's own.
async fn bare_decoding(mq: &Mq, count: usize) -> Result<()> {
    let mut consumer = mq.consuming().consumer(ConsumerOptions::new(QUEUE, 200)).await?;
    for _ in 0..count {
        let delivery = consumer.next().await.ok_or("the consumer has ended")??;
        let _: Order = serde_json::from_slice(delivery.body())?;
        delivery.properties()?;
        delivery.ack()?;
    }
    consumer.drain(Duration::from_secs(5)).await?;
    Ok(())
}

#[derive(serde::Deserialize)]
#[allow(dead_code)] // read for its cost
struct Order {
    id: usize,
    drink: String,
}

async fn worker(mq: &Mq, count: usize) -> Result<()> {
    let (stop, done) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
    let handler = {
        let (stop, done) = (stop.clone(), done.clone());
        move |Json(_): Json<Order>| {
            if done.fetch_add(1, Relaxed) + 1 == count {
                stop.cancel();
            }
            std::future::ready(())
        }
    };
    let once = Idempotency::new(MemoryStore::default());
    mq.worker(QUEUE).prefetch(200).idempotent(once).run(handler, stop).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "amqp://guest:guest@localhost:5672/".to_owned());
    let count: usize = arguments.next().map_or(Ok(200_000), |text| text.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(3), |text| text.parse())?;
    let mq = leveret::connect(&url).await?;
    mq.declare(Queue::durable(QUEUE).retry([5, 15].map(Duration::from_secs)).dead_letter()).await?;
    for round in 1..=rounds {
        let mut micros = [0.0; 3];
        for (which, micros) in micros.iter_mut().enumerate() {
            fill(&mq, count).await?;
            let (began, before) = (Instant::now(), cpu()?);
            match which {
                0 => bare(&mq, count).await?,
                1 => bare_decoding(&mq, count).await?,
                _ => worker(&mq, count).await?,
            }
            *micros = (cpu()? - before) * 1e6 / count as f64;
            let name = ["bare", "bare, decoding", "worker"].get(which).unwrap_or(&"");
            println!(
                "round {round}: {name:<16} {micros:6.2} us of CPU per message, {:.0}/s",
                count as f64 / began.elapsed().as_secs_f64()
            );
        }
        let [bare, decoding, worker] = micros;
        println!(
            "round {round}: the worker costs {:+.0} % over bare, {:+.0} % over bare with decoding",
            (worker / bare - 1.0) * 100.0,
            (worker / decoding - 1.0) * 100.0
        );
    }
    mq.close(Duration::from_secs(5)).await?;
    Ok(())
}
