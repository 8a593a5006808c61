//! Publishes messages with ids of their own and says what they cost the broker: `ids URI MESSAGES PID MODE [REPEAT]`.
//!
//! MODE is `plain` (a durable queue that looks at no id), `ids` (one that drops duplicates by `message_id`, and remembers all of them),
//! `producer` (by the producer's numbers) or `exchange` (an exchange that drops duplicates, before a plain queue). The queue keeps one
//! message, so that what grows is what was seen. PID is the broker's process. A second connection sends the same again if REPEAT is
//! given.

use bytes::Bytes;
use leveret_client::{Bind, Connection, ExchangeDeclare, Message, PublisherOptions, QueueDeclare};
use leveret_protocol::{FieldTable, FieldValue};
use std::error::Error;
use std::time::Instant;

/// The broker's CPU seconds and resident MiB.
fn cost(pid: &str) -> Result<(f64, f64), Box<dyn Error>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks: f64 = fields.get(11).ok_or("no times")?.parse::<f64>()?
        + fields.get(12).ok_or("no times")?.parse::<f64>()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok((ticks / 100.0, rss.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [uri, count, pid, mode, ..] = &arguments[..] else {
        return Err("ids URI MESSAGES PID plain|ids|producer|exchange [REPEAT]".into());
    };
    let count: u64 = count.parse()?;
    let dedup = FieldTable::from([
        ("x-message-deduplication", FieldValue::Bool(true)),
        ("x-deduplication-header", "message-id".into()),
        ("x-cache-size", FieldValue::I64(count as i64)),
    ]);
    let mut queue_arguments = FieldTable::from([("x-max-length", FieldValue::I32(1))]);
    if matches!(mode.as_str(), "ids" | "producer") {
        dedup.iter().for_each(|(name, value)| drop(queue_arguments.insert(name.clone(), value.clone())));
    }
    let name = format!("ids-{mode}");
    let connection = Connection::connect(uri.as_str()).await?;
    let channel = connection.channel().await?;
    let how = QueueDeclare { durable: true, arguments: queue_arguments, ..Default::default() };
    channel.queue_declare(&name, how).await?;
    let mut exchange = "amq.direct".to_owned();
    if mode == "exchange" {
        exchange.clone_from(&name);
        let how = ExchangeDeclare { durable: true, arguments: dedup, ..Default::default() };
        channel.exchange_declare(&exchange, "direct", how).await?;
    }
    let how = Bind { routing_key: name.clone(), ..Default::default() };
    channel.queue_bind(&name, &exchange, how).await?;
    for _ in 0..=u8::from(arguments.len() > 4) {
        let connection = Connection::connect(uri.as_str()).await?;
        let mut options = PublisherOptions::to(exchange.clone(), name.clone())
            .message_ids(false)
            .in_flight(20_000, 64 << 20);
        if mode == "producer" {
            options = options.producer_id("one");
        }
        let publisher = connection.publisher(options).await?;
        let (cpu, _) = cost(pid)?;
        let began = Instant::now();
        for number in 0..count {
            let mut message = Message::new(Bytes::from_static(b"sixteen bytes..."));
            if mode != "producer" {
                message = message.message_id(format!("order-{number:012}"));
            }
            drop(publisher.enqueue(message).await?);
        }
        publisher.flush().await?;
        let seconds = began.elapsed().as_secs_f64();
        let (cpu_after, rss) = cost(pid)?;
        #[allow(clippy::print_stdout)]
        {
            let per_million = (cpu_after - cpu) * 1e6 / count as f64;
            println!(
                "{mode}: {count} in {seconds:.1} s, {:.0}/s, broker {per_million:.2} CPU-s per million, {rss:.0} MiB resident",
                count as f64 / seconds
            );
        }
    }
    Ok(())
}
