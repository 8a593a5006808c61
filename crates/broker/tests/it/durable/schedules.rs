//! Delayed exchanges keep what they hold over a crash, in order and not twice.

use super::messages::eventually;
use super::*;
use leveret_protocol::FieldValue;
use leveret_protocol::methods::{exchange, queue};
use std::time::Instant;

async fn declare(client: &mut Client) {
    let delayed = exchange::Declare {
        exchange: short("later"),
        kind: short("x-delayed-message"),
        durable: true,
        arguments: arguments([("x-delayed-type", "fanout".into())]),
        ..Default::default()
    };
    assert_eq!(client.call(1, delayed).await, Got::Reply("exchange.declare-ok"));
    client.declare(durable("q", FieldTable::new())).await;
    let bind = queue::Bind { queue: short("q"), exchange: short("later"), ..Default::default() };
    assert_eq!(client.call(1, bind).await, Got::Reply("queue.bind-ok"));
}

fn later<'a>(body: &'a str, delay_ms: i64) -> Publishing<'a> {
    let mut publishing = Publishing { exchange: "later", ..persistent("key", body) };
    publishing.properties.headers = Some(arguments([("x-delay", FieldValue::I64(delay_ms))]));
    publishing
}

#[tokio::test]
async fn what_is_scheduled_survives_and_comes_when_it_is_due() {
    let first = Durable::start();
    let mut client = first.client().await;
    declare(&mut client).await;
    client.confirm().await;
    for (text, delay) in [("c", 30_000), ("a", 10_000), ("b", 20_000), ("gone", 1_000)] {
        client.publish(later(text, delay)).await;
    }
    confirmed(&mut client, 4).await;
    pass(&first.broker, &mut client, secs(1)).await;
    assert_eq!(client.drain("q").await, ["gone"]);
    // What was taken without an acknowledgement is stored as settled with the next confirm.
    client.declare(durable("other", FieldTable::new())).await;
    store(&mut Client::to(&first.broker).await, "other", &numbered(0..1)).await;
    let second = first.crash(secs(15));
    let mut client = second.client().await;
    assert_eq!(eventually(&mut client, "q", 1).await, 1, "it became due while nobody ran");
    assert_eq!(client.drain("q").await, ["a"]);
    client.confirm().await;
    client.publish(later("between", 10_000)).await;
    confirmed(&mut client, 1).await;
    for text in ["b", "between", "c"] {
        pass(&second.broker, &mut client, secs(5)).await;
        assert_eq!(client.drain("q").await, [text]);
    }
}

#[tokio::test]
async fn more_than_memory_wants_waits_on_disk_and_all_of_it_comes() {
    const COUNT: u32 = 20_000;
    let first = Durable::start();
    let mut client = first.client().await;
    declare(&mut client).await;
    client.confirm().await;
    let frame_max = client.tuning.frame_max;
    // Moments in no order, and some of them the same.
    let delay = |n: u32| i64::from(n.wrapping_mul(2_654_435_761) % 50_000) + 60_000;
    for chunk in numbered(0..COUNT).chunks(1000) {
        let publish = |out: &mut Vec<u8>| {
            for text in chunk {
                let n: u32 = text.trim_start_matches("message ").parse().unwrap();
                later(text, delay(n)).write(1, frame_max, out);
            }
        };
        client.send(publish).await;
    }
    confirmed(&mut client, COUNT.into()).await;
    assert!(first.broker.memory().bytes() < 20_000 * 200, "{}", first.broker.memory().bytes());
    let second = first.crash(secs(0));
    let mut client = second.client().await;
    let began = Instant::now();
    let mut arrived = 0;
    while arrived < COUNT {
        pass(&second.broker, &mut client, secs(10)).await;
        let now = second.broker.clock().unix_ms() - START_UNIX_MS;
        let due = (0..COUNT).filter(|n| delay(*n) as u64 <= now).count() as u32;
        // Messages are fetched in the background.
        while arrived < due {
            assert!(began.elapsed() < secs(60), "{arrived} of {due} arrived");
            arrived += client.drain("q").await.len() as u32;
            tokio::task::yield_now().await;
        }
        assert_eq!(arrived, due, "nothing comes too early or twice");
    }
}
