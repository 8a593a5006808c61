//! One message on its way, and what ends there: a worker, in a process of its own if that is to be killed; a broker on disk; a store and
//! effects in SQLite.

use std::path::Path;
use std::time::Duration;

use leveret::client::ConnectOptions;
use leveret::test::{Direction, Ending, TestBroker};
use leveret::{Failure, Idempotency, MessageId, Mq, MqOptions, Queue, SqlStore, State, Text};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Sqlite, SqlitePool};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::process::Killed;
use super::trap::{Bad, Part, Step, Steps, Trap, Way};

fn orders() -> Queue {
    Queue::durable("orders").retry([10; 6].map(Duration::from_millis)).dead_letter()
}

const EFFECT: &str = "INSERT INTO effects VALUES ($1)";

/// With a store around it: the effect is a statement of its own.
async fn effect_alone(
    MessageId(id): MessageId,
    State(pool): State<SqlitePool>,
    State(trap): State<Trap>,
) -> Result<(), Failure> {
    trap.pass(Step::Handling).await.map_err(Failure::transient)?;
    sqlx::query(EFFECT).bind(id).execute(&pool).await?;
    if trap.part() != Part::Store {
        trap.pass(Step::Done).await.map_err(Failure::transient)?;
    }
    Ok(())
}

/// With an inbox: effect and mark are one transaction.
async fn effect_in_transaction(
    MessageId(id): MessageId,
    State(pool): State<SqlitePool>,
    State(inbox): State<SqlStore<Sqlite>>,
    State(trap): State<Trap>,
) -> Result<(), Failure> {
    let pass = async |step| trap.pass(step).await.map_err(Failure::transient);
    pass(Step::Received).await?;
    let mut tx = pool.begin().await?;
    if inbox.claim_in(&mut tx, &id).await? {
        pass(Step::Claimed).await?;
        pass(Step::Handling).await?;
        sqlx::query(EFFECT).bind(id).execute(&mut *tx).await?;
    }
    pass(Step::Done).await?;
    tx.commit().await?;
    pass(Step::Committed).await
}

/// What a worker's process does.
pub(super) async fn work(options: ConnectOptions, path: &Path, way: Way, trap: Trap) {
    let (pool, stop) = (open(path).await, CancellationToken::new());
    let mq = Mq::connect(MqOptions::new(options)).await.unwrap();
    mq.declare(orders()).await.unwrap();
    let worker = mq.worker("orders").state(pool.clone()).state(trap.clone());
    let worker = match trap.part() {
        Part::Handler(Bad::Hang) => worker.deadline(Duration::from_secs(1)).grace(Duration::from_millis(10)),
        _ => worker,
    };
    let store = SqlStore::new(pool);
    let ended = match way {
        Way::Store => {
            let once = Idempotency::new(Steps { store, trap });
            worker.idempotent(once).run(effect_alone, stop).await
        }
        Way::Inbox => worker.state(store).run(effect_in_transaction, stop).await,
    };
    ended.unwrap();
}

/// Where a worker works.
enum Process {
    /// In a process of its own, to be killed.
    Own(Killed),
    /// In a runtime of this process.
    Here(Trap, Option<Runtime>),
}

impl Process {
    fn start(url: &str, path: &Path, way: Way, trap: &Trap, broker: &TestBroker) -> Self {
        if trap.part() == Part::Worker {
            return Self::Own(Killed::start(url, path, way, Some(trap.step())));
        }
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = ConnectOptions::new(url).unwrap().recovery(broker.client_options().recovery);
        let (path, its) = (path.to_owned(), trap.clone());
        runtime.spawn(async move { work(options, &path, way, its).await });
        Self::Here(trap.clone(), Some(runtime))
    }

    async fn reached(&mut self) {
        match self {
            Self::Own(process) => process.reached().await,
            Self::Here(trap, _) => trap.reached().await,
        }
    }

    fn go(&mut self) {
        match self {
            Self::Own(process) => process.go(),
            Self::Here(trap, _) => trap.go(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Self::Here(_, runtime) = self
            && let Some(runtime) = runtime.take()
        {
            runtime.shutdown_background();
        }
    }
}

async fn open(path: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let options = options.journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
    SqlitePoolOptions::new().max_connections(2).connect_with(options).await.unwrap()
}

/// Sends one message on its way, has the part end at the step, and counts the effects when all is over.
pub(super) async fn effects(way: Way, part: Part, step: Step) -> i64 {
    let what = format!("{way:?}, {part:?} at {step:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let pool = open(&path).await;
    sqlx::query("CREATE TABLE effects (id TEXT)").execute(&pool).await.unwrap();
    SqlStore::new(pool.clone()).migrate().await.unwrap();
    let broker = TestBroker::builder().on_disk().real_clock().start().await.unwrap();
    let url = broker.url().await;
    let mq = leveret::test::connect(&broker).await;
    mq.declare(orders()).await.unwrap();

    let at = if step == Step::Acked { Step::Committed } else { step };
    let trap = Trap::new(part, at);
    let mut worker = Process::start(&url, &path, way, &trap, &broker);
    let sender = mq.publisher("orders").build::<Text>().await.unwrap();
    sender.send_with("one coffee", |message| message.message_id("order 7")).await.unwrap();
    let reached = tokio::time::timeout(Duration::from_secs(20), worker.reached()).await;
    reached.unwrap_or_else(|_| panic!("{what}: never reached"));

    if step == Step::Acked {
        // The ack is written, and gets no further.
        broker.faults().open().stall(Direction::ToBroker);
        worker.go();
        broker.settle().await;
    }
    match part {
        Part::Handler(_) | Part::Store => {}
        Part::Worker => {
            // By kill -9; then another takes over.
            drop(worker);
            if step == Step::Acked {
                // What it wrote is lost with its machine.
                broker.faults().open().drop_now(Ending::Reset);
            }
            worker = Process::Own(Killed::start(&url, &path, way, None));
        }
        Part::Broker => broker.kill().await.unwrap(),
        Part::Connection => {
            broker.faults().open().drop_now(Ending::Reset);
        }
    }
    if part != Part::Worker {
        worker.go();
    }
    if part == Part::Worker || part == Part::Store {
        // Nobody holds what was claimed: the lease passes.
        leases_pass(&pool, &broker).await;
    }
    broker.eventually(&what, || is_over(&broker)).await;
    assert_eq!(broker.messages("orders.dead").len(), 0, "{what}: nothing is given up");
    drop(worker);
    sqlx::query_scalar("SELECT COUNT(*) FROM effects").fetch_one(&pool).await.unwrap()
}

/// One message, and so one ack that arrives. (A broker that was killed counts anew.)
fn is_over(broker: &TestBroker) -> bool {
    broker.queue("orders").is_some_and(|queue| queue.counters.acked == 1)
}

async fn leases_pass(pool: &SqlitePool, broker: &TestBroker) {
    for _ in 0..2000 {
        if is_over(broker) {
            return;
        }
        sqlx::query("UPDATE leveret_handled SET until = 1 WHERE done = 0").execute(pool).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
