//! A broker, an outbox and a relay beside the test.

use std::time::Duration;

use leveret::test::{TestBroker, connect};
use leveret::{Mq, Outbox, OutboxMessage, Queue, Relay, RelayError, RelayReport, Text};
use sqlx::Pool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::databases::{Fresh, TestDatabase};

/// A relay that runs beside the test.
pub(crate) struct Relaying {
    stop: CancellationToken,
    task: JoinHandle<Result<RelayReport, RelayError>>,
}

pub(crate) fn start<DB: TestDatabase>(relay: Relay<DB>) -> Relaying {
    let stop = CancellationToken::new();
    let task = tokio::spawn(relay.poll_interval(Duration::from_millis(5)).run(stop.clone()));
    Relaying { stop, task }
}

impl Relaying {
    pub(crate) fn tell(&self) {
        self.stop.cancel();
    }

    pub(crate) async fn stop(self) -> RelayReport {
        self.stop.cancel();
        self.task.await.unwrap().unwrap()
    }

    /// Ends it as a kill does, apart from what was handed to the database.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

pub(crate) async fn with_orders() -> (TestBroker, Mq) {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    mq.declare(Queue::durable("orders").dead_letter()).await.unwrap();
    (broker, mq)
}

pub(crate) async fn with_table<DB: TestDatabase>(db: &Fresh<DB>) -> Outbox<DB> {
    let outbox = Outbox::new(db.pool.clone());
    outbox.migrate().await.unwrap();
    outbox.migrate().await.unwrap();
    outbox
}

pub(crate) fn to(queue: &'static str, text: &str) -> OutboxMessage {
    OutboxMessage::encode::<Text>(text).unwrap().to_queue(queue)
}

pub(crate) async fn add<DB: TestDatabase>(
    outbox: &Outbox<DB>,
    pool: &Pool<DB>,
    message: OutboxMessage,
) -> String {
    let mut tx = pool.begin().await.unwrap();
    let id = outbox.add(&mut tx, message).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// All in one transaction.
pub(crate) async fn add_all<DB: TestDatabase>(
    outbox: &Outbox<DB>,
    pool: &Pool<DB>,
    messages: Vec<OutboxMessage>,
) {
    let mut tx = pool.begin().await.unwrap();
    for message in messages {
        outbox.add(&mut tx, message).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// A relay that has begun: it has sent a message already.
pub(crate) async fn start_and_wait<DB: TestDatabase>(
    outbox: &Outbox<DB>,
    db: &Fresh<DB>,
    broker: &TestBroker,
    relay: Relay<DB>,
) -> Relaying {
    let relay = start(relay);
    add(outbox, &db.pool, to("orders", "first")).await;
    all_sent(&db.pool).await;
    assert_eq!(texts(broker, "orders"), ["first"]);
    relay
}

/// Until nothing waits any more.
pub(crate) async fn all_sent<DB: TestDatabase>(pool: &Pool<DB>) {
    waiting(pool, 0).await;
}

/// Until so many wait.
pub(crate) async fn waiting<DB: TestDatabase>(pool: &Pool<DB>, wanted: i64) {
    let sql = "SELECT COUNT(*) FROM leveret_outbox WHERE sent_at IS NULL";
    let arrived = async {
        while DB::number(pool, sql).await != wanted {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), arrived).await.expect("so many wait");
}

pub(crate) fn texts(broker: &TestBroker, queue: &str) -> Vec<String> {
    broker.messages(queue).iter().map(leveret::test::MessageView::text).collect()
}
