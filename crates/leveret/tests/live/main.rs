//! The toolkit against a broker at `LEVERET_TOOLKIT_URL`, RabbitMQ for example, and against this one in the process without it. Time is
//! the machine's, so pauses are short; names are fresh, and what was declared is deleted again.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod kit;

use std::sync::Arc;
use std::time::Duration;

use leveret::client::{Connection, QueueDeclare};
use leveret::test::TestBroker;
use leveret::{
    App, Attempt, Binding, Exchange, Failure, Incoming, Json, Mq, Queue, Retry, State, Text, Topology,
    TopologyError,
};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

const SOON: Duration = Duration::from_secs(20);

/// Where the tests go.
struct Target {
    url: String,
    /// Ours, if it is that.
    _broker: Option<TestBroker>,
    /// A name for this test alone.
    name: String,
}

impl Target {
    async fn start(what: &str) -> Self {
        let name = format!("leveret-live-{what}-{:08x}", rand::random::<u32>());
        match std::env::var("LEVERET_TOOLKIT_URL") {
            Ok(url) => Self { url, _broker: None, name },
            Err(_) => {
                let broker = TestBroker::builder().real_clock().start().await.unwrap();
                Self { url: broker.url().await, _broker: Some(broker), name }
            }
        }
    }

    async fn connect(&self) -> Mq {
        leveret::connect(&self.url).await.unwrap()
    }

    /// Deletes everything whose name begins with this test's, of those a plan declares.
    async fn clean(&self, mq: &Mq, topology: impl Into<Topology>) {
        let connection: &Connection = mq.consuming();
        for step in mq.plan(topology).steps {
            let channel = connection.channel().await.unwrap();
            match step {
                leveret::topology::Step::Queue { name, .. } => {
                    channel.queue_delete(&name, Default::default()).await.unwrap();
                }
                leveret::topology::Step::Exchange { name, .. } => {
                    channel.exchange_delete(&name, Default::default()).await.unwrap();
                }
                _ => {}
            }
        }
        mq.close(SOON).await.unwrap();
    }
}

type Log = Arc<Mutex<Vec<String>>>;
type Calls = Arc<Mutex<Vec<(String, Instant)>>>;

/// The next dead letter, taken out.
async fn dead(mq: &Mq, queue: &str) -> leveret::client::Properties {
    let channel = mq.consuming().channel().await.unwrap();
    let until = Instant::now() + SOON;
    loop {
        if let Some(got) = channel.basic_get(queue, true).await.unwrap() {
            return got.delivery.properties().unwrap();
        }
        assert!(Instant::now() < until, "no dead letter in {queue}");
        sleep(Duration::from_millis(20)).await;
    }
}

fn text(properties: &leveret::client::Properties, name: &str) -> String {
    let value =
        properties.headers.as_ref().unwrap().get(name).unwrap_or_else(|| panic!("no {name}: {properties:?}"));
    value.as_str().map_or_else(|| value.as_i64().unwrap().to_string(), str::to_owned)
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(SOON, waiting).await.unwrap_or_else(|_| panic!("not within {SOON:?}: {what}"));
}

/// The same wherever messages wait: in the queue, or in queues beside it.
#[tokio::test]
async fn ladders_and_dead_letters() {
    for make in [Queue::durable as fn(String) -> Queue, Queue::quorum] {
        let target = Target::start("ladder").await;
        let (mq, name) = (target.connect().await, &target.name);
        let retry = Retry::ladder([300, 600].map(Duration::from_millis)).jitter(10);
        let topology = Topology::from(make(name.clone()).retry(retry).dead_letter())
            .exchange(Exchange::topic(format!("{name}-events")))
            .binding(Binding::new(name, format!("{name}-events"), "order.*"));
        mq.declare(topology.clone()).await.unwrap();
        mq.declare(topology.clone()).await.unwrap();
        let seen = Calls::default();
        let handler = |message: Incoming,
                       Attempt(attempt): Attempt,
                       Json(order): Json<u32>,
                       State(seen): State<Calls>| async move {
            seen.lock().push((format!("{order} {attempt} {}", message.routing_key()), Instant::now()));
            Err::<(), _>(Failure::transient("no stock"))
        };
        let stop = CancellationToken::new();
        let worker = tokio::spawn(mq.worker(name).state(seen.clone()).handler(handler).run(stop.clone()));
        let events =
            mq.publisher_to(format!("{name}-events"), "order.new").build::<Json<u32>>().await.unwrap();
        events.send_with(&7, |message| message.message_id("m7")).await.unwrap();
        let letter = dead(&mq, &format!("{name}.dead")).await;
        let log = seen.lock().clone();
        let calls: Vec<_> = log.iter().map(|(call, _)| call.as_str()).collect();
        assert_eq!(calls, ["7 1 order.new", "7 2 order.new", "7 3 order.new"]);
        for (pause, least) in [(log[1].1 - log[0].1, 300), (log[2].1 - log[1].1, 600)] {
            assert!((least..least + 5000).contains(&pause.as_millis()), "{pause:?} instead of {least} ms");
        }
        let wanted = [
            ("x-error", "no stock"),
            ("x-error-reason", "failed"),
            ("x-attempts", "3"),
            ("x-original-exchange", &format!("{name}-events")),
            ("x-original-routing-key", "order.new"),
            ("x-original-queue", name),
        ];
        for (header, value) in wanted {
            assert_eq!(text(&letter, header), value, "{header}");
        }
        assert_eq!(letter.message_id.as_deref(), Some("m7"));
        stop.cancel();
        let report = worker.await.unwrap().unwrap();
        assert_eq!((report.retried, report.dead_lettered, report.abandoned), (2, 1, 0), "{report:?}");
        target.clean(&mq, topology).await;
    }
}

#[tokio::test]
async fn drift_is_told_and_nothing_is_changed() {
    let target = Target::start("drift").await;
    let (mq, name) = (target.connect().await, &target.name);
    let there = Queue::durable(name).argument("x-max-length", 10).dead_letter();
    let Err(TopologyError::Drift(missing)) = mq.verify(there.clone()).await else {
        panic!("nothing is there")
    };
    assert_eq!(missing.len(), 2, "{missing:?}");
    mq.declare(there.clone()).await.unwrap();
    mq.verify(there.clone()).await.unwrap();
    let other = Queue::durable(name).argument("x-max-length", 20).dead_letter();
    for error in [mq.declare(other.clone()).await.unwrap_err(), mq.verify(other).await.unwrap_err()] {
        let TopologyError::Drift(drifts) = &error else { panic!("{error}") };
        assert_eq!(drifts.len(), 1, "{error}");
        let (argument, wanted, found) =
            (drifts[0].argument.as_deref(), &*drifts[0].wanted, &*drifts[0].found);
        assert_eq!((argument, wanted, found), (Some("x-max-length"), "20", "10"), "{error}");
    }
    target.clean(&mq, there).await;
}

/// A worker that ends with its process, as often as a poisonous message makes it.
#[test]
fn a_message_that_ends_every_worker_is_a_dead_letter_in_the_end() {
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let outside = runtime();
    for make in [Queue::durable as fn(String) -> Queue, Queue::quorum] {
        let target = outside.block_on(Target::start("poison"));
        let name = &target.name;
        let queue = make(name.clone()).dead_letter();
        let mq = outside.block_on(target.connect());
        let begun: Log = Log::default();
        let run = |mq: Mq| {
            let (name, begun, queue) = (name.clone(), begun.clone(), queue.clone());
            async move {
                mq.declare(queue).await.unwrap();
                let handler = |State(begun): State<Log>| async move {
                    begun.lock().push("begun".to_owned());
                    std::future::pending::<()>().await;
                };
                let worker = mq.worker(name).poison_after(2).drain_within(Duration::ZERO).state(begun);
                worker.run(handler, CancellationToken::new()).await
            }
        };
        outside.block_on(async {
            mq.declare(queue.clone()).await.unwrap();
            mq.publisher(name).build::<Text>().await.unwrap().send("poison").await.unwrap();
        });
        for crashes in 1..=2 {
            let process = runtime();
            process.spawn(run(process.block_on(target.connect())));
            outside.block_on(until("its handling begins", || begun.lock().len() == crashes));
            // The ack of what a copy took the place of is out.
            std::thread::sleep(Duration::from_millis(100));
            process.shutdown_background();
        }
        let last = runtime();
        last.spawn(run(last.block_on(target.connect())));
        let letter = outside.block_on(dead(&mq, &format!("{name}.dead")));
        assert_eq!(text(&letter, "x-error-reason"), "poison");
        assert_eq!(begun.lock().len(), 2);
        last.shutdown_background();
        outside.block_on(target.clean(&mq, queue));
    }
}

#[tokio::test]
async fn others_queues_have_what_they_need_beside_them_and_workers_stop_together() {
    let target = Target::start("theirs").await;
    let (mq, name) = (target.connect().await, &target.name);
    let channel = mq.consuming().channel().await.unwrap();
    channel.queue_declare(name, QueueDeclare { durable: true, ..QueueDeclare::default() }).await.unwrap();
    let queue = Queue::existing(name).retry([Duration::from_millis(200)]).dead_letter();
    mq.declare(queue.clone()).await.unwrap();
    let seen: Log = Log::default();
    let handler = |Text(body): Text, Attempt(attempt): Attempt, State(seen): State<Log>| async move {
        seen.lock().push(format!("{body} {attempt}"));
        if attempt == 1 { Err(Failure::transient("not yet")) } else { Ok(()) }
    };
    let stop = CancellationToken::new();
    let app =
        App::new().worker(mq.worker(name).concurrency(1).prefetch(1).state(seen.clone()).handler(handler));
    let app = tokio::spawn(app.run(stop.clone()));
    let publisher = mq.publisher(name).build::<Text>().await.unwrap();
    publisher.send("1").await.unwrap();
    until("the second attempt", || seen.lock().len() == 2).await;
    assert_eq!(*seen.lock(), ["1 1", "1 2"]);
    stop.cancel();
    let report = timeout(SOON, app).await.unwrap().unwrap().unwrap().total();
    assert_eq!((report.retried, report.acked, report.requeued, report.abandoned), (1, 1, 0, 0), "{report:?}");
    target.clean(&mq, queue).await;
}
