//! An application with workers, relays and publishers: in which order its parts end, and what it tells of them.

use std::time::Duration;

use leveret::test::{Direction, TestBroker, connect};
use leveret::{
    App, AppError, AppReport, Cancelled, Failure, Json, Mq, Outbox, OutboxMessage, Queue, State, Text,
    Topology, WorkerError,
};
use sqlx::{Sqlite, SqlitePool};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::databases::TestDatabase as _;
use crate::support::{add, texts, to, with_table};

async fn with_queues() -> (TestBroker, Mq) {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    let topology = Topology::new().queue(Queue::durable("orders").dead_letter());
    mq.declare(topology.queue(Queue::durable("mails").discard_failed())).await.unwrap();
    (broker, mq)
}

fn run(app: App) -> (CancellationToken, JoinHandle<Result<AppReport, AppError>>) {
    let stop = CancellationToken::new();
    (stop.clone(), tokio::spawn(app.run(stop)))
}

/// Writes its mail when it is told to stop, no sooner.
async fn last_minute(
    Text(order): Text,
    cancelled: Cancelled,
    State(pool): State<SqlitePool>,
    State(outbox): State<Outbox<Sqlite>>,
) -> Result<(), Failure> {
    cancelled.cancelled().await;
    let mut tx = pool.begin().await?;
    outbox.add(&mut tx, OutboxMessage::encode::<Text>(&*order)?.to_queue("mails")).await?;
    Ok(tx.commit().await?)
}

/// All stopped at once before: what the last handlers wrote was sent at the next start.
#[tokio::test]
async fn relays_send_what_the_last_handlers_write_and_publishers_are_flushed() {
    let (broker, mq) = with_queues().await;
    let db = Sqlite::fresh().await;
    let outbox = with_table(&db).await;
    let orders = mq.publisher("orders").build::<Text>().await.unwrap();
    let worker = mq.worker("orders").state(db.pool.clone()).state(outbox.clone()).handler(last_minute);
    let relay = outbox.relay(&mq).poll_interval(Duration::from_secs(600));
    let app = App::new().relay(relay).worker(worker).publisher(&orders);
    let health = app.health();
    assert_eq!(
        (health.is_ready(), health.to_string().as_str()),
        (false, "worker of orders not started, relay of leveret_outbox not started")
    );
    let (stop, app) = run(app);
    drop(orders.enqueue("7").await.unwrap());
    broker.eventually("it is handled", || broker.queue("orders").is_some_and(|q| q.unacked == 1)).await;
    broker.eventually("all are at work", || health.is_ready()).await;
    stop.cancel();
    let report = app.await.unwrap().unwrap();
    assert_eq!((report.total().acked, report.relays.len(), report.relays[0].1.sent), (1, 1, 1), "{report:?}");
    assert_eq!((&*report.relays[0].0, report.unconfirmed.len()), ("leveret_outbox", 0));
    assert_eq!(texts(&broker, "mails"), ["7"]);
    assert_eq!(health.to_string(), "stopping, worker of orders ended, relay of leveret_outbox ended");
}

/// A broker that says nothing any more: the application ends all the same, and what is not known to be sent is told, or stays in its table.
#[tokio::test]
async fn an_application_ends_in_time_whatever_its_broker_does() {
    let (broker, mq) = with_queues().await;
    let db = Sqlite::fresh().await;
    let outbox = with_table(&db).await;
    let orders = mq.publisher("orders").build::<Text>().await.unwrap();
    let app = App::new().relay(outbox.relay(&mq)).publisher(&orders).drain_within(Duration::from_millis(300));
    let (health, (stop, app)) = (app.health(), run(app));
    broker.eventually("it is at work", || health.is_ready()).await;
    broker.faults().open().stall(Direction::ToClient);
    drop(orders.enqueue("7").await.unwrap());
    add(&outbox, &db.pool, to("mails", "8")).await;
    let began = tokio::time::Instant::now();
    stop.cancel();
    let report = app.await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!((report.unconfirmed, report.relays[0].1.sent), (vec!["orders".to_owned()], 0));
    assert_eq!(outbox.stats().await.unwrap().waiting, 1, "it is there for the next");
}

#[tokio::test]
async fn a_worker_that_fails_stops_the_relays_with_it() {
    let (_broker, mq) = with_queues().await;
    let db = Sqlite::fresh().await;
    let outbox = with_table(&db).await;
    let nobody = mq.worker("nobody's").handler(|_: Json<u32>| async {});
    let app = App::new().relay(outbox.relay(&mq)).worker(nobody);
    let health = app.health();
    let (_stop, app) = run(app);
    let error = tokio::time::timeout(Duration::from_secs(20), app).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(error, AppError::Worker(WorkerError::NotDeclared(_))), "{error}");
    assert!(!health.is_ready() && health.is_stopping());
}
