//! The tests of `docs/guides/testing.md`, as they stand there.

use leveret::test::{Ending, TestBroker, connect, connect_with};
use leveret::{
    App, Attempt, Classify, DrainReport, Failure, Idempotency, MemoryStore, Mq, PublishError, Queue,
    SendError, State, Text,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const HOUR: Duration = Duration::from_secs(3600);

/// What the application needs of its broker.
fn orders() -> Queue {
    Queue::durable("orders").retry([HOUR, 6 * HOUR, 24 * HOUR]).dead_letter()
}

/// Something the application talks to, which tests replace.
#[derive(Clone, Default)]
struct Oven {
    cold: Arc<AtomicU32>,
    baked: Arc<AtomicU32>,
}

impl Oven {
    /// Fails until it is warm.
    fn cold_for(attempts: u32) -> Self {
        Self { cold: Arc::new(AtomicU32::new(attempts)), ..Self::default() }
    }

    async fn bake(&self) -> Result<(), std::io::Error> {
        if self.cold.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
            return Err(std::io::Error::other("the oven is cold"));
        }
        self.baked.fetch_add(1, Relaxed);
        Ok(())
    }
}

async fn handle(Text(what): Text, State(oven): State<Oven>, _: Attempt) -> Result<(), Failure> {
    if what.is_empty() {
        return Err(Failure::permanent("nothing to bake").reason("empty"));
    }
    oven.bake().await.transient()
}

/// The application, as `main` runs it.
fn app(mq: &Mq, oven: &Oven) -> App {
    let once = Idempotency::new(MemoryStore::default());
    App::new().worker(mq.worker("orders").idempotent(once).state(oven.clone()).handler(handle))
}

/// The application beside a test.
struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<leveret::AppReport, leveret::AppError>>,
}

impl Running {
    fn start(mq: &Mq, oven: &Oven) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(app(mq, oven).run(stop.clone()));
        Self { stop, task }
    }

    async fn stop(self) -> DrainReport {
        self.stop.cancel();
        self.task.await.unwrap().unwrap().total()
    }
}

async fn order(mq: &Mq, id: &str, what: &str) {
    let orders = mq.publisher("orders").build::<Text>().await.unwrap();
    orders.send_with(what, |message| message.message_id(id)).await.unwrap();
}

#[tokio::test]
async fn thirty_one_hours_of_retries() {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    mq.declare(orders()).await.unwrap();
    let oven = Oven::cold_for(3);
    let running = Running::start(&mq, &oven);

    order(&mq, "1", "bread").await;
    for pause in [1, 6, 24] {
        broker.advance(pause * HOUR - Duration::from_secs(1)).await;
        assert_eq!(oven.baked.load(Relaxed), 0, "not before {pause} h are over");
        broker.advance(Duration::from_secs(1)).await;
    }
    broker.expect_empty("orders").await;
    assert_eq!(oven.baked.load(Relaxed), 1);

    let report = running.stop().await;
    assert_eq!((report.acked, report.retried, report.dead_lettered), (1, 3, 0));
}

#[tokio::test]
async fn what_nobody_can_handle_is_kept_with_the_reason() {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    mq.declare(orders()).await.unwrap();
    let running = Running::start(&mq, &Oven::default());

    order(&mq, "1", "").await;
    let dead = broker.expect_message("orders.dead").header("x-error-reason", "empty").await;
    assert_eq!(dead.properties.message_id.as_deref(), Some("1"));
    broker.expect_empty("orders").await;
    assert_eq!(running.stop().await.dead_lettered, 1);
}

#[tokio::test]
async fn a_connection_that_is_cut_bakes_no_second_bread() {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    mq.declare(orders()).await.unwrap();
    let oven = Oven::default();
    let running = Running::start(&mq, &oven);

    order(&mq, "1", "bread").await;
    broker.eventually("it is baked", || oven.baked.load(Relaxed) == 1).await;
    broker.faults().open().drop_now(Ending::Reset); // perhaps before the ack was written, perhaps after
    order(&mq, "2", "cake").await; // publishers and workers come back by themselves
    order(&mq, "1", "bread").await; // and somebody sends again what was confirmed already
    broker.eventually("the cake is baked", || oven.baked.load(Relaxed) == 2).await;
    broker.advance(HOUR).await; // a delivery that was lost with its connection is an attempt: it waits for its turn
    broker.expect_empty("orders").await;
    assert_eq!(oven.baked.load(Relaxed), 2, "once each");
    assert!(running.stop().await.duplicates >= 1);
}

#[tokio::test]
async fn what_was_confirmed_survives_a_crash_of_the_broker() {
    let broker = TestBroker::builder().on_memory_disk().start().await.unwrap();
    let mq = connect(&broker).await;
    mq.declare(orders()).await.unwrap();

    order(&mq, "1", "bread").await;
    broker.kill().await.unwrap(); // as kill -9; `restart` stops in order
    broker.expect_message("orders").body("bread").await;

    let oven = Oven::default();
    let running = Running::start(&mq, &oven);
    broker.expect_empty("orders").await;
    assert_eq!((oven.baked.load(Relaxed), running.stop().await.acked), (1, 1));
}

#[tokio::test]
async fn a_publisher_learns_what_became_of_its_message() {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    mq.declare(orders()).await.unwrap();
    let orders = mq.publisher("orders").build::<Text>().await.unwrap();

    broker.faults().nack_next(1);
    let refused = orders.send("bread").await.unwrap_err();
    assert!(matches!(refused, PublishError::Send(SendError::Rejected)) && refused.is_transient());

    let lost = orders.send_with("bread", |message| message.routing_key("ordres")).await;
    assert!(matches!(lost, Err(PublishError::Send(SendError::Unroutable(_)))));

    orders.send("bread").await.unwrap();
    let hasty = mq.publisher("orders").deadline(Duration::from_millis(50)).build::<Text>().await.unwrap();
    broker.faults().block(); // a broker short of memory
    let late = hasty.send("cake").await.unwrap_err();
    assert!(late.is_transient(), "{late}");
    broker.faults().unblock();
}

#[tokio::test]
async fn the_same_where_the_broker_has_no_ladder() {
    let broker = TestBroker::start().await;
    let mq = connect_with(&broker, |options| options.rungs_everywhere(true)).await; // as on RabbitMQ
    mq.declare(orders()).await.unwrap();
    let oven = Oven::cold_for(1);
    let running = Running::start(&mq, &oven);

    order(&mq, "1", "bread").await;
    broker.expect_message("orders.retry.3600s").header("x-retry-attempts", 1).await;
    broker.advance(HOUR).await;
    broker.expect_empty("orders").await;
    broker.expect_empty("orders.retry.3600s").await;
    assert_eq!(running.stop().await.acked, 1);
}

/// Runs against the broker at `ORDERS_TEST_URL`, or against one of its own.
#[tokio::test]
async fn a_bread_is_baked_by_any_broker() {
    let own = TestBroker::builder().real_clock().start().await.unwrap();
    let url = match std::env::var("ORDERS_TEST_URL") {
        Ok(url) => url,
        Err(_) => own.url().await,
    };
    let mq = leveret::connect(&url).await.unwrap();
    mq.declare(orders()).await.unwrap();
    let oven = Oven::default();
    let running = Running::start(&mq, &oven);

    order(&mq, &format!("{:x}", rand::random::<u64>()), "bread").await;
    tokio::time::timeout(Duration::from_secs(20), async {
        while oven.baked.load(Relaxed) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("it is baked");
    assert!(running.stop().await.acked >= 1);
}

/// What the guides show as tests is what is tested: every line of it stands here, in this order.
#[test]
fn the_guides_show_these_tests() {
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    };
    for (guide, tests) in [
        (include_str!("../../../../docs/guides/testing.md"), include_str!("testing_guide.rs")),
        (include_str!("../../../../docs/guides/getting-started.md"), include_str!("guide.rs")),
    ] {
        let tests = lines(tests);
        let shown = guide.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next());
        let shown: Vec<_> = shown.filter(|snippet| snippet.contains("#[tokio::test]")).collect();
        assert!(!shown.is_empty());
        for snippet in shown {
            let snippet: Vec<_> =
                lines(snippet).into_iter().filter(|line| !line.starts_with("use ")).collect();
            let found = tests.windows(snippet.len()).any(|window| window == snippet);
            assert!(found, "a guide shows what is no test here:\n{}", snippet.join("\n"));
        }
    }
}
