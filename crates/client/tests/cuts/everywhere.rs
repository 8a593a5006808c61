//! One conversation with everything in it, cut after every frame and inside frames, in both directions, in three ways.

use std::collections::BTreeMap;
use std::time::Duration;

use leveret_client::{
    Bind, Channel, Connection, ConsumerOptions, Error, ExchangeDeclare, PublisherOptions, QueueDeclare,
    SendError,
};
use leveret_test::{Cut, Cuts, Ending, TestBroker};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use crate::support::{ms, s, watchdog, within};

const MESSAGES: usize = 6;
const RANDOM_BYTES: usize = 24;

/// What the application was told.
#[derive(Debug)]
struct Story {
    outcomes: Vec<Result<(), SendError>>,
    /// In the order they came: body, redelivered.
    deliveries: Vec<(String, bool)>,
    in_flight: usize,
    drained: Result<(), Error>,
    closed: Result<(), Error>,
    took: Duration,
    tasks_before: usize,
    connections_before_close: usize,
}

/// Declares all, again if the connection was lost meanwhile.
async fn declare(client: &Connection) -> Channel {
    for _ in 0..10 {
        let declared = async {
            let channel = client.channel().await?;
            channel.exchange_declare("x", "direct", ExchangeDeclare::default()).await?;
            let durable = QueueDeclare { durable: true, ..QueueDeclare::default() };
            channel.queue_declare("q", durable).await?;
            channel.queue_bind("q", "x", Bind { routing_key: "k".into(), ..Bind::default() }).await?;
            Ok::<_, Error>(channel)
        };
        match declared.await {
            Ok(channel) => return channel,
            Err(error) => assert!(is_loss(&error), "{error:?}"),
        }
    }
    panic!("not declared in ten attempts");
}

fn is_loss(error: &Error) -> bool {
    matches!(error, Error::Lost(_) | Error::Timeout { .. })
}

async fn again<T, F: Future<Output = Result<T, Error>>>(mut what: impl FnMut() -> F) -> T {
    for _ in 0..10 {
        match what().await {
            Ok(value) => return value,
            Err(error) => assert!(is_loss(&error), "{error:?}"),
        }
    }
    panic!("not done in ten attempts");
}

async fn converse(broker: TestBroker) -> Story {
    let (began, tasks_before) = (Instant::now(), Handle::current().metrics().num_alive_tasks());
    // Nobody says so when a connection vanishes: heartbeats find out. The broker's clock stands, so it is silent when nothing is under way.
    let options = broker.client_options().heartbeat(s(1)).connect_timeout(s(2)).operation_timeout(s(4));
    let client = broker.client_with(options).await;
    let channel = declare(&client).await;
    let publisher = again(|| client.publisher(PublisherOptions::to("x", "k").deadline(s(10)))).await;
    let mut confirms = Vec::new();
    for number in 0..MESSAGES {
        confirms.push(publisher.enqueue(number.to_string()).await.unwrap());
    }
    let mut outcomes = Vec::new();
    for confirm in confirms {
        outcomes.push(confirm.await.map(drop));
    }
    let in_flight = publisher.in_flight_len();
    let mut consumer = again(|| client.consumer(ConsumerOptions::new("q", 4))).await;
    let mut deliveries = Vec::new();
    // Until nothing is left: an ack that was lost brings its delivery again.
    while broker.queue("q").is_some_and(|queue| queue.ready as u64 + queue.unacked > 0) {
        let Ok(next) = timeout(ms(50), consumer.next()).await else { continue };
        let delivery = next.expect("it goes on").unwrap();
        deliveries.push((String::from_utf8_lossy(delivery.body()).into_owned(), delivery.is_redelivered()));
        // A stale one comes again.
        let _ = delivery.ack();
    }
    let drained = consumer.drain(s(3)).await.map(drop);
    drop((publisher, channel));
    let connections_before_close = broker.connections().len();
    let closed = client.close(s(8)).await;
    let took = began.elapsed();
    Story { outcomes, deliveries, in_flight, drained, closed, took, tasks_before, connections_before_close }
}

fn check(broker: &TestBroker, cut: Cut, story: &Story) {
    let fail = |what: &str| panic!("cut {cut}: {what}\n{story:#?}\n{}", broker.state());
    if story.took > s(20) {
        fail("it took longer than all of its deadlines");
    }
    // There was time enough to send everything again.
    if story.outcomes.iter().any(Result::is_err) {
        fail("not confirmed, although the broker came back");
    }
    let mut published: BTreeMap<String, usize> = BTreeMap::new();
    broker.published().iter().for_each(|message| *published.entry(message.text()).or_default() += 1);
    let mut fresh: BTreeMap<&str, usize> = BTreeMap::new();
    let mut first_seen = Vec::new();
    for (body, redelivered) in &story.deliveries {
        if !first_seen.contains(body) {
            first_seen.push(body.clone());
        }
        if !redelivered {
            *fresh.entry(body).or_default() += 1;
        }
    }
    let all: Vec<String> = (0..MESSAGES).map(|number| number.to_string()).collect();
    if first_seen != all {
        fail("something confirmed was not consumed, or in another order");
    }
    for (body, times) in fresh {
        if times > published.get(body).copied().unwrap_or(0) {
            fail("consumed again without being marked as redelivered");
        }
    }
    if story.in_flight > 0 {
        fail("something is in flight after everything was confirmed");
    }
    if !story.drained.as_ref().err().is_none_or(is_loss) || story.closed.is_err() {
        fail("draining or closing failed for another reason than the cut");
    }
    if broker.connections().len() > story.connections_before_close {
        fail("it connected again after it was told to close");
    }
    if broker.connections().iter().any(|connection| connection.open) {
        fail("a connection was left open");
    }
    if broker.consumers().iter().any(|consumer| consumer.queue == "q") {
        fail("a consumer was left behind");
    }
    let tasks = Handle::current().metrics().num_alive_tasks();
    if tasks > story.tasks_before {
        fail(&format!("{tasks} tasks, {} before", story.tasks_before));
    }
}

async fn cut_everywhere(ending: Ending) {
    let _watchdog = watchdog("cut_everywhere");
    let seed =
        std::env::var("LEVERET_CUTS_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("LEVERET_CUTS_SEED={seed}");
    let cuts = Cuts::new().ending(ending).random_bytes(RANDOM_BYTES).seed(seed);
    let report = cuts
        .each(
            |broker| async move { within(s(300), converse(broker)).await.0 },
            |broker, cut, story| async move { check(&broker, cut, &story) },
        )
        .await;
    println!("{ending:?}: {report:?}");
    assert!(report.runs > 2 * RANDOM_BYTES + 40, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_conversation_cut_anywhere_by_the_end_of_the_stream_is_finished_all_the_same() {
    cut_everywhere(Ending::Close).await;
}

#[tokio::test(start_paused = true)]
async fn a_conversation_cut_anywhere_by_a_reset_is_finished_all_the_same() {
    cut_everywhere(Ending::Reset).await;
}

#[tokio::test(start_paused = true)]
async fn a_conversation_whose_connection_vanishes_anywhere_is_finished_all_the_same() {
    cut_everywhere(Ending::Vanish).await;
}
