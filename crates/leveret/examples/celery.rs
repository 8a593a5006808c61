//! Tasks for Celery's workers, and from Celery's programs; docs/guides/from-other-frameworks.md explains it.
//!
//!   cargo run -p leveret --example celery -- send TASK ORDER...      tasks for a Celery worker of queue `celery`
//!   cargo run -p leveret --example celery -- work QUEUE COUNT        handles COUNT tasks of a queue that Celery declared
//!
//! `AMQP_URL` names the broker (amqp://guest:guest@127.0.0.1:5672/). conformance/suites/celery runs both beside a real Celery.

#![allow(clippy::print_stdout)] // what an example shows

use leveret::{Attempt, Failure, Headers, Idempotency, Json, MemoryStore, Mq, Queue, State};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let url = std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/".into());
    let mq = leveret::connect(url).await?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["send", task, ref orders @ ..] => send(&mq, task, orders).await?,
        ["work", queue, count] => work(&mq, queue, count.parse()?).await?,
        _ => return Err("send TASK ORDER... | work QUEUE COUNT".into()),
    }
    Ok(mq.close(Duration::from_secs(5)).await?)
}

/// A task for each order, with an argument by place and one by name.
async fn send(mq: &Mq, task: &str, orders: &[&str]) -> Result<()> {
    let celery = mq.publisher("celery").build::<Json<Value>>().await?;
    for order in orders {
        let order: u64 = order.parse()?;
        let id = format!("5a103607-77ab-4201-983a-{order:012x}"); // the shape of a UUID, which is what Celery expects
        let embedded = json!({"callbacks": null, "errbacks": null, "chain": null, "chord": null});
        let body = json!([[order], {"express": order % 2 == 1}, embedded]);
        celery
            .send_with(&body, |mut message| {
                message.properties.content_encoding = Some("utf-8".into()); // Celery takes no JSON without it
                message.properties.correlation_id = Some(id.as_str().into());
                message.header("task", task).header("id", id.as_str())
            })
            .await?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct Kwargs {
    express: bool,
}

/// What is still to be done, and how to stop when it is.
#[derive(Clone)]
struct Left {
    count: Arc<AtomicUsize>,
    stop: CancellationToken,
}

/// Celery's body: arguments by place, arguments by name, and what belongs to canvas.
async fn ship(
    Json(((order,), kwargs, _)): Json<((u64,), Kwargs, Value)>,
    Headers(headers): Headers,
    Attempt(attempt): Attempt,
    State(left): State<Left>,
) -> std::result::Result<(), Failure> {
    let task = headers.get("task").and_then(|task| task.as_str());
    if task != Some("shop.ship") {
        return Err(Failure::permanent(format!("no such task: {task:?}")).reason("unknown-task"));
    }
    if order % 10 == 3 && attempt == 1 {
        return Err(Failure::transient("the carrier does not answer"));
    }
    println!("order {order}, express: {}, attempt {attempt}", kwargs.express);
    if left.count.fetch_sub(1, Relaxed) == 1 {
        left.stop.cancel();
    }
    Ok(())
}

/// Handles so many tasks, each once, and says how it went.
async fn work(mq: &Mq, queue: &str, count: usize) -> Result<()> {
    mq.declare(Queue::existing(queue).retry([Duration::from_millis(300)]).dead_letter()).await?;
    let once = Idempotency::new(MemoryStore::default())
        .by(|message| Some(message.properties().headers.as_ref()?.get("id")?.as_str()?.to_owned()));
    let left = Left { count: Arc::new(AtomicUsize::new(count)), stop: CancellationToken::new() };
    let stop = left.stop.clone();
    let report = mq.worker(queue).idempotent(once).state(left).handler(ship).run(stop).await?;
    let (acked, duplicates) = (report.acked, report.duplicates);
    println!(
        "acked {acked}, duplicates {duplicates}, retried {}, dead {}",
        report.retried, report.dead_lettered
    );
    Ok(())
}
