//! What a worker costs over the bare client: CPU time of this process per message, both taking the same messages out of a queue.
//!
//!   cargo run --release -p leveret --example overhead [MESSAGES [ROUNDS [URL]]]
//!
//! First a backlog as fast as it goes, which is taken in by the hundred; then messages that come one by one, 1,000 a second from another
//! process, as they do on most days. Without a URL a broker is started for it, in memory, in a process of its own.
//!
//! Bare: a consumer that acks. Worker: retries declared, idempotency in memory, JSON decoded, 8 at a time, 1 % of messages in spans that
//! somebody subscribes to. Linux only (`/proc`).

#![allow(clippy::print_stdout)] // what an example shows

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
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
/// Messages per second that come one by one.
const RATE: u32 = 1_000;
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
fn start_broker() -> Result<(Child, String)> {
    let mut child = again(&["broker"])?;
    let mut url = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut url)?;
    Ok((child, url.trim().to_owned()))
}

/// This program with other arguments.
fn again(arguments: &[&str]) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    Ok(command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?)
}

/// Publishes one by one, so many a second.
async fn feed(url: &str, count: usize) -> Result<()> {
    let mq = declared(url).await?;
    let publisher = mq.publisher(QUEUE).build::<Json<Order>>().await?;
    let mut moments = tokio::time::interval(Duration::from_secs(1) / RATE);
    for number in 0..count {
        moments.tick().await;
        drop(publisher.enqueue(&Order { id: number, drink: "coffee".to_owned() }).await?);
    }
    publisher.flush().await?;
    Ok(mq.close(Duration::from_secs(5)).await?)
}

async fn declared(url: &str) -> Result<Mq> {
    let mq = Mq::connect(MqOptions::new(ConnectOptions::new(url)?).trace_share(0.01)).await?;
    mq.declare(Queue::durable(QUEUE).retry([5, 15].map(Duration::from_secs)).dead_letter()).await?;
    Ok(mq)
}

/// One round: each of the three, one after the other.
async fn round(mq: &Mq, url: &str, count: usize, fed: bool) -> Result<()> {
    let mut micros = [0.0; 3];
    for (micros, name) in micros.iter_mut().zip(["bare", "bare, decoding", "worker"]) {
        let feeder = if fed { Some(again(&["feed", url, &count.to_string()])?) } else { None };
        if !fed {
            fill(mq, count).await?;
        }
        let (began, before) = (Instant::now(), cpu()?);
        match name {
            "bare" => bare(mq, count).await?,
            "worker" => worker(mq, count).await?,
            _ => bare_decoding(mq, count).await?,
        }
        *micros = (cpu()? - before) * 1e6 / count as f64;
        println!(
            "  {name:<16} {micros:6.2} us of CPU per message, {:.0}/s",
            count as f64 / began.elapsed().as_secs_f64()
        );
        feeder.map(|mut feeder| feeder.wait()).transpose()?;
    }
    let [bare, decoding, worker] = micros;
    let over = |other: f64| (worker / other - 1.0) * 100.0;
    println!(
        "  the worker costs {:+.0} % over bare, {:+.0} % over bare with decoding",
        over(bare),
        over(decoding)
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["broker"] => return broker().await,
        ["feed", url, count] => return feed(url, count.parse()?).await,
        _ => {}
    }
    let mut arguments = arguments.into_iter();
    let count: usize = arguments.next().map_or(Ok(200_000), |text| text.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(3), |text| text.parse())?;
    // Its input ends with this process, and with that the broker.
    let (_broker, url) = match arguments.next() {
        Some(url) => (None, url),
        None => start_broker().map(|(child, url)| (Some(child), url))?,
    };
    tracing_subscriber::registry().with(Spans).init();
    let mq = declared(&url).await?;
    for number in 1..=rounds {
        println!("round {number}, a backlog of {count}:");
        round(&mq, &url, count, false).await?;
    }
    for number in 1..=rounds {
        println!("round {number}, {RATE} a second:");
        round(&mq, &url, count.min(RATE as usize * 10), true).await?;
    }
    mq.close(Duration::from_secs(5)).await?;
    Ok(())
}
