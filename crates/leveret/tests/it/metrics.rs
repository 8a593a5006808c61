//! What is counted, and what is served of it over HTTP.

use std::time::Duration;

use leveret::endpoint::Endpoint;
use leveret::layers::LoadShed;
use leveret::{Binding, Exchange, Failure, Idempotency, Json, Link, MemoryStore, Queue, Topology};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::home::Home;

async fn get(address: std::net::SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// The only test with a recorder: there is one for the process. What it counts is told by the name of its queue.
#[tokio::test]
async fn endings_failures_times_and_health_are_served() {
    let figures = Endpoint::install().unwrap();
    let home = Home::start().await;
    let mq = home.connect().await;
    mq.declare(Queue::durable("counted").retry([Duration::from_secs(60)]).dead_letter()).await.unwrap();
    let publisher = mq.publisher_to("", "counted").build::<Json<u32>>().await.unwrap();
    for order in [1, 2, 3] {
        publisher.send_with(&order, |message| message.message_id(order.to_string())).await.unwrap();
    }
    publisher.enqueue(&1).await.unwrap().await.unwrap();
    publisher.send_with(&1, |message| message.message_id("1")).await.unwrap();
    publisher.send_to("nobody's", &1).await.unwrap_err();
    // Each way of sending, through a layer, is counted; also what nobody awaits.
    let metered = Topology::from(Exchange::fanout("metered"));
    let metered =
        metered.queue(Queue::durable("meter").discard_failed()).binding(Binding::new("meter", "metered", ""));
    mq.declare(metered).await.unwrap();
    let metered = mq.publisher_to("metered", "").layer(LoadShed::new(1)).build::<Json<u32>>().await.unwrap();
    metered.send(&1).await.unwrap();
    let outcomes = metered.send_all(&[2, 3]).await;
    assert!(outcomes[0].is_ok() && outcomes[1].is_err(), "{outcomes:?}");
    drop(metered.enqueue(&4).await.unwrap());
    metered.flush().await.unwrap();
    metered.send_after(&5, Duration::from_secs(60)).await.unwrap();
    metered.cancellable_after(&6, Duration::from_secs(60)).await.unwrap();
    let handler = |Json(order): Json<u32>| async move {
        match order {
            2 => Err(Failure::transient("not yet")),
            3 => Err(Failure::permanent("never")),
            _ => Ok(()),
        }
    };
    let stop = CancellationToken::new();
    let worker = mq.worker("counted").concurrency(1).idempotent(Idempotency::new(MemoryStore::default()));
    let worker = tokio::spawn(worker.run(handler, stop.clone()));
    home.eventually("it is dead", || home.ready("counted.dead") == Some(1)).await;
    home.expect_empty("counted").await;
    home.settle().await;

    let endpoint = figures.bind("127.0.0.1:0").await.unwrap();
    let address = endpoint.address();
    let serving = tokio::spawn(endpoint.serve(mq.clone()));
    let (status, text) = get(address, "/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "leveret_messages_total{queue=\"counted\",outcome=\"acked\"} 2",
        "leveret_messages_total{queue=\"counted\",outcome=\"duplicate\"} 1",
        "leveret_messages_total{queue=\"counted\",outcome=\"retried\"} 1",
        "leveret_messages_total{queue=\"counted\",outcome=\"dead_lettered\"} 1",
        "leveret_failures_total{queue=\"counted\",class=\"transient\"} 1",
        "leveret_failures_total{queue=\"counted\",class=\"permanent\"} 1",
        "leveret_in_flight{queue=\"counted\"} 0",
        "leveret_handle_seconds_count{queue=\"counted\"} 4",
        "leveret_published_total{exchange=\"metered\",outcome=\"stored\"} 5",
        "leveret_published_total{exchange=\"metered\",outcome=\"layer\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
    }
    let sent = |outcome: &str| {
        let start = format!("leveret_published_total{{exchange=\"\",outcome=\"{outcome}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or("0");
        line.parse::<u64>().unwrap()
    };
    // Other tests of this process publish as well.
    assert!(sent("stored") >= 5 && sent("unroutable") >= 1, "{text}");
    assert!(text.contains("leveret_confirm_seconds_bucket{exchange=\"\",le=\"0.0005\"}"), "{text}");

    assert_eq!(get(address, "/health/live").await.0, 200);
    assert_eq!(get(address, "/health/ready").await, (200, "consuming up, publishing up\n".to_owned()));
    // A broker short of memory is so for everybody: elsewhere other tests run at it.
    if !home.is_real() {
        home.ours().faults().block();
        publisher.enqueue(&9).await.map(drop).unwrap();
        home.eventually("it is blocked", || matches!(mq.health().publishing, Link::Blocked(_))).await;
        let (status, text) = get(address, "/health/ready").await;
        assert!(status == 503 && text.contains("publishing blocked: "), "{status} {text}");
        assert_eq!(get(address, "/health/live").await.0, 200);
        home.ours().faults().unblock();
    }
    stop.cancel();
    worker.await.unwrap().unwrap();
    mq.close(Duration::from_secs(5)).await.unwrap();
    assert_eq!(get(address, "/health/live").await.0, 503);
    assert!(Endpoint::install().is_err(), "there is one");
    serving.abort();
}
