//! Messages that wait for their next attempt.

use std::time::Instant;

use bytes::Bytes;
use leveret_client::{Connection, ConsumerOptions, Message, PublisherOptions, QueueDeclare};
use leveret_protocol::{FieldTable, FieldValue};

use super::late::{Late, PATIENCE, Ruler};
use super::{Failure, WINDOW, filled, load};

const NAME: &str = "backlogs.retries";
const LYING: &str = "backlogs.retries.lying";
/// The earliest retry comes after this long.
const FIRST_MS: u64 = 20_000;

/// Every message is rejected once; its own header says how long it then waits.
pub(crate) async fn run(
    uri: &str,
    connection: &Connection,
    count: u64,
    seconds: u64,
    rate: u64,
) -> Result<(), Failure> {
    publish(connection, NAME, count, |number| delay_ms(number, seconds)).await?;
    let other = Connection::connect(uri).await?;
    let mut consumer = other.consumer(ConsumerOptions::new(NAME, 2000)).await?;
    let ruler = Ruler::new();
    let mut due_us = vec![0; count as usize];
    let (mut late, mut failed, mut rejecting, mut load) = (Late::default(), 0, Instant::now(), None);
    while (late.len() as u64) < count {
        let delivery =
            tokio::time::timeout(PATIENCE, consumer.next()).await?.ok_or("the consumer ended")??;
        let number = u64::from_be_bytes(delivery.body()[..8].try_into()?);
        let now_us = ruler.now_us();
        let place = due_us.get_mut(number as usize).ok_or("a number nobody sent")?;
        if *place > 0 {
            late.note(*place, now_us);
            delivery.ack()?;
            continue;
        }
        *place = now_us + delay_ms(number, seconds) * 1000;
        delivery.reject(true)?;
        failed += 1;
        if failed == count {
            println!("{:.0} a second rejected", count as f64 / rejecting.elapsed().as_secs_f64());
            rejecting = Instant::now();
            let busy = Connection::connect(uri).await?;
            load = Some(load::start(&busy, rate, seconds).await?);
        }
    }
    late.report("retries");
    if let Some(load) = load {
        load.await??.report(&format!("the load of {rate} a second beside them"));
    }
    Ok(())
}

/// Every message is rejected once, and then waits for hours.
pub(crate) async fn fill(uri: &str, connection: &Connection, count: u64) -> Result<(), Failure> {
    const HOURS_MS: u64 = 10 * 3_600_000;
    publish(connection, LYING, count, |_| HOURS_MS).await?;
    let other = Connection::connect(uri).await?;
    let mut consumer = other.consumer(ConsumerOptions::new(LYING, 2000)).await?;
    let began = Instant::now();
    for _ in 0..count {
        let delivery =
            tokio::time::timeout(PATIENCE, consumer.next()).await?.ok_or("the consumer ended")??;
        delivery.reject(true)?;
    }
    consumer.drain(PATIENCE).await?;
    println!("{:.0} rejected a second", count as f64 / began.elapsed().as_secs_f64());
    Ok(())
}

async fn publish(
    connection: &Connection,
    queue: &'static str,
    count: u64,
    delay_ms: impl Fn(u64) -> u64,
) -> Result<(), Failure> {
    let channel = connection.channel().await?;
    let arguments = FieldTable::from([("x-retry-delays", FieldValue::Array(vec![FieldValue::I64(1000)]))]);
    let how = QueueDeclare { durable: true, arguments, ..Default::default() };
    channel.queue_declare(queue, how).await?;
    let options = PublisherOptions::to_queue(queue).message_ids(false).in_flight(WINDOW, 64 << 20);
    let publisher = connection.publisher(options).await?;
    let began = Instant::now();
    for number in 0..count {
        let delay = FieldValue::I64(delay_ms(number) as i64);
        let message = Message::new(Bytes::from(number.to_be_bytes().to_vec()));
        drop(publisher.enqueue(message.header("x-retry-delays", FieldValue::Array(vec![delay]))).await?);
    }
    filled(&publisher, count, began).await
}

/// Evenly over the seconds, in no order.
fn delay_ms(number: u64, seconds: u64) -> u64 {
    FIRST_MS + number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (seconds * 1000)
}
