//! What a worker costs over the bare client: CPU time of this process per message, both taking the same messages out of a queue.
//!
//!   cargo run --release -p leveret --example overhead [MESSAGES [ROUNDS [URL]]]
//!
//! Without a URL a broker is started for it, in memory, in a process of its own.
//!
//! Bare: a consumer that acks. Worker: retries declared, idempotency in memory, JSON decoded, 8 at a time, 1 % of messages in spans that
//! somebody subscribes to. Linux only (`/proc`).

#![allow(clippy::print_stdout)] // what an example shows

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use leveret::client::ConsumerOptions;
use leveret::test::TestBroker;
use leveret::{ConnectOptions, Idempotency, Json, MemoryStore, Mq, MqOptions, Queue};
use tokio_util::sync::CancellationToken;
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

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

/// Takes every span down, as an exporter would before it is queued.
struct Spans;

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(kept) = context.span(id) {
            kept.extensions_mut().insert(format!("{:?}", span.values()));
        }
    }
}

async fn fill(mq: &Mq, count: usize) -> Result<()> {
    let publisher = mq.publisher(QUEUE).build::<Json<Order>>().await?;
    for number in 0..count {
        drop(publisher.enqueue(&Order { id: number, drink: "coffee".to_owned() }).await?);
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

#[derive(serde::Serialize, serde::Deserialize)]
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

/// A broker in memory, until standard input ends; its address is its only line.
async fn broker() -> Result<()> {
    let broker = TestBroker::builder().real_clock().start().await?;
    println!("{}", broker.url().await);
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    ended.await??;
    Ok(())
}

/// The same in a process of its own.
fn start_broker() -> Result<(std::process::Child, String)> {
    let mut command = std::process::Command::new(std::env::current_exe()?);
    let mut child = command.arg("broker").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut url = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut url)?;
    Ok((child, url.trim().to_owned()))
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.peek().is_some_and(|first| first == "broker") {
        return broker().await;
    }
    let count: usize = arguments.next().map_or(Ok(200_000), |text| text.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(3), |text| text.parse())?;
    // Its input ends with this process, and with that the broker.
    let (_broker, url) = match arguments.next() {
        Some(url) => (None, url),
        None => start_broker().map(|(child, url)| (Some(child), url))?,
    };
    tracing_subscriber::registry().with(Spans).init();
    let options = MqOptions::new(ConnectOptions::new(&url)?).trace_share(0.01);
    let mq = Mq::connect(options).await?;
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
