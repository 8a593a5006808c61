//! Delayed messages.

use std::time::Instant;

use bytes::Bytes;
use leveret_client::{
    Bind, Connection, ConsumerOptions, ExchangeDeclare, Message, Publisher, PublisherOptions, QueueDeclare,
};
use leveret_protocol::{FieldTable, FieldValue};

use super::late::{Late, PATIENCE, Ruler};
use super::{Failure, WINDOW, filled, load};

const NAME: &str = "backlogs.schedules";
const HOUR_MS: u64 = 3_600_000;
const YEARS_MS: u64 = 5 * 365 * 24 * HOUR_MS;
/// The first of those that fire is due so long after the last was handed over, at the earliest.
const LEAD_US: u64 = 1_000_000;

async fn publisher(connection: &Connection, in_flight: usize) -> Result<Publisher, Failure> {
    let channel = connection.channel().await?;
    let arguments = FieldTable::from([("x-delayed-type", FieldValue::from("direct"))]);
    let how = ExchangeDeclare { durable: true, arguments, ..Default::default() };
    channel.exchange_declare(NAME, "x-delayed-message", how).await?;
    channel.queue_declare(NAME, QueueDeclare { durable: true, ..Default::default() }).await?;
    channel.queue_bind(NAME, NAME, Bind { routing_key: NAME.to_owned(), ..Default::default() }).await?;
    // What waits has no queue yet: it cannot be mandatory.
    let options = PublisherOptions::to(NAME, NAME).mandatory(false).message_ids(false);
    Ok(connection.publisher(options.in_flight(in_flight, 64 << 20)).await?)
}

fn delayed(body: Vec<u8>, delay_ms: u64) -> Message {
    Message::new(Bytes::from(body)).header("x-delay", FieldValue::I64(delay_ms as i64))
}

/// Due in an hour to five years, in no order.
pub(crate) async fn fill(connection: &Connection, count: u64) -> Result<(), Failure> {
    let publisher = publisher(connection, WINDOW).await?;
    let began = Instant::now();
    for number in 0..count {
        let scrambled = (number ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xff51_afd7_ed55_8ccd) >> 20;
        let delay_ms = HOUR_MS + scrambled % (YEARS_MS - HOUR_MS);
        drop(publisher.enqueue(delayed(vec![b'x'; 100], delay_ms)).await?);
    }
    filled(&publisher, count, began).await
}

/// Each is due at a whole millisecond after it was handed over, spread over the time from when all are there.
pub(crate) async fn fire(
    uri: &str,
    connection: &Connection,
    count: u64,
    seconds: u64,
    rate: u64,
) -> Result<(), Failure> {
    // Few in flight, so that none waits for others on its way there.
    let publisher = publisher(connection, 200).await?;
    let other = Connection::connect(uri).await?;
    let mut consumer = other.consumer(ConsumerOptions::new(NAME, 2000)).await?;
    let ruler = Ruler::new();
    // By this time all are handed over, or the earliest ones are due in the order they come.
    let first_us = LEAD_US + count * 20;
    for number in 0..count {
        let wanted_us = first_us + number * seconds * 1_000_000 / count;
        let now_us = ruler.now_us();
        let delay_ms = wanted_us.saturating_sub(now_us).div_ceil(1000);
        let due_us = now_us + delay_ms * 1000;
        drop(publisher.enqueue(delayed(due_us.to_be_bytes().to_vec(), delay_ms)).await?);
    }
    publisher.flush().await?;
    println!(
        "all handed over after {:.1} s; the first is due after {:.1} s",
        ruler.now_us() as f64 / 1e6,
        first_us as f64 / 1e6
    );
    let busy = Connection::connect(uri).await?;
    let load = load::start(&busy, rate, seconds).await?;
    let mut late = Late::default();
    while (late.len() as u64) < count {
        let delivery =
            tokio::time::timeout(PATIENCE, consumer.next()).await?.ok_or("the consumer ended")??;
        let due_us = u64::from_be_bytes(delivery.body()[..8].try_into()?);
        late.note(due_us, ruler.now_us());
        delivery.ack()?;
    }
    late.report("schedules");
    load.await??.report(&format!("the load of {rate} a second beside them"));
    Ok(())
}
