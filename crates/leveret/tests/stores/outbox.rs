//! What is committed goes out, as it was written; what is not does not.

use std::time::Duration;

use leveret::client::{FieldTable, FieldValue, Properties};
use leveret::test::{TestBroker, connect};
use leveret::{
    Json, Message, Mq, Outbox, OutboxError, OutboxMessage, Queue, Relay, RelayError, RelayReport, State,
    Text, TraceContext,
};
use sqlx::{Pool, Sqlite};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::databases::{Fresh, TestDatabase, on_each_database};

on_each_database!(
    what_is_committed_goes_out_and_what_is_rolled_back_does_not,
    a_message_goes_out_as_it_was_written,
    what_cannot_go_anywhere_is_refused_when_it_is_written,
    an_id_is_written_once,
    sent_rows_are_kept_as_long_as_wished,
    people_can_make_the_table_themselves,
);

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

async fn what_is_committed_goes_out_and_what_is_rolled_back_does_not<DB: TestDatabase>(db: Fresh<DB>) {
    let (broker, mq) = with_orders().await;
    let outbox = with_table(&db).await;
    DB::sql(&db.pool, "CREATE TABLE shop (what TEXT)").await;
    let relay = start(outbox.relay(&mq));
    for (what, commit) in [("coffee", true), ("tea", false), ("milk", true)] {
        let mut tx = db.pool.begin().await.unwrap();
        outbox.add(&mut tx, to("orders", what)).await.unwrap();
        let stats = outbox.stats().await.unwrap();
        assert_eq!((stats.waiting, stats.oldest), (0, None), "nobody else sees it before the commit");
        if commit {
            tx.commit().await.unwrap();
            broker
                .eventually("it is there", || {
                    texts(&broker, "orders").last().is_some_and(|last| last == what)
                })
                .await;
        } else {
            tx.rollback().await.unwrap();
        }
    }
    all_sent(&db.pool).await;
    assert_eq!(texts(&broker, "orders"), ["coffee", "milk"]);
    let report = relay.stop().await;
    assert_eq!((report.sent, report.failed, report.released), (2, 0, 0));
    assert_eq!(DB::number(&db.pool, "SELECT COUNT(*) FROM leveret_outbox").await, 0, "what is sent is gone");
}

async fn a_message_goes_out_as_it_was_written<DB: TestDatabase>(db: Fresh<DB>) {
    let (broker, mq) = with_orders().await;
    let outbox = with_table(&db).await;
    let headers = FieldTable::from([
        ("small", FieldValue::I8(-1)),
        ("bytes", FieldValue::ByteArray(vec![0, 255])),
        ("traceparent", FieldValue::from("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")),
    ]);
    let properties = Properties {
        headers: Some(headers.clone()),
        priority: Some(3),
        correlation_id: Some("c".into()),
        timestamp: Some(17),
        ..Properties::default()
    };
    let body = vec![0_u8, 159, 146, 150, 255];
    let message = Message::new(body.clone()).properties(properties).exchange("amq.direct").routing_key("k");
    mq.declare(leveret::Topology::from(Queue::durable("bound")).binding(leveret::Binding::new(
        "bound",
        "amq.direct",
        "k",
    )))
    .await
    .unwrap();
    let id = add(&outbox, &db.pool, OutboxMessage::from(message).message_type("order")).await;
    let json =
        add(&outbox, &db.pool, OutboxMessage::encode::<Json<u32>>(&7).unwrap().to_queue("orders")).await;
    // A topic that nobody is bound to, which is all right for some.
    let gone = to("orders", "x").to("amq.topic", "nobody").mandatory(false);
    add(&outbox, &db.pool, gone).await;
    let relay = start(outbox.relay(&mq));
    all_sent(&db.pool).await;
    let got = broker.messages("bound").remove(0);
    assert_eq!(got.properties.message_id.as_deref(), Some(id.as_str()));
    assert_eq!((id.len(), got.properties.delivery_mode), (32, Some(2)));
    assert_eq!((got.body.as_ref(), got.properties.headers.as_ref()), (&body[..], Some(&headers)));
    assert_eq!(
        (
            got.properties.priority,
            got.properties.correlation_id.as_deref(),
            got.properties.timestamp,
            got.properties.kind.as_deref()
        ),
        (Some(3), Some("c"), Some(17), Some("order"))
    );
    let got = broker.messages("orders").remove(0);
    assert_eq!(
        (got.text().as_str(), got.properties.content_type.as_deref(), got.properties.message_id),
        ("7", Some("application/json"), Some(json))
    );
    assert_eq!(relay.stop().await.sent, 3);
}

async fn what_cannot_go_anywhere_is_refused_when_it_is_written<DB: TestDatabase>(db: Fresh<DB>) {
    let outbox = with_table(&db).await;
    let mut tx = db.pool.begin().await.unwrap();
    let nowhere = OutboxMessage::encode::<Text>("x").unwrap();
    assert!(matches!(outbox.add(&mut tx, nowhere).await, Err(OutboxError::NoDestination)));
    let long = to("orders", "x").to("amq.topic", "k".repeat(256));
    let error = outbox.add(&mut tx, long).await.unwrap_err();
    assert_eq!(error.to_string(), "the routing key has 256 bytes; AMQP has room for 255");
    outbox.add(&mut tx, to("orders", "x")).await.expect("the transaction goes on");
    assert!(matches!(Outbox::in_table(db.pool.clone(), "a b"), Err(OutboxError::Table(_))));
}

async fn an_id_is_written_once<DB: TestDatabase>(db: Fresh<DB>) {
    let outbox = with_table(&db).await;
    let order = || to("orders", "x").with(|message| message.message_id("order 7"));
    assert_eq!(add(&outbox, &db.pool, order()).await, "order 7");
    let mut tx = db.pool.begin().await.unwrap();
    let error = outbox.add(&mut tx, order()).await.unwrap_err();
    let OutboxError::Database(error) = error else { panic!("{error}") };
    assert!(error.as_database_error().unwrap().is_unique_violation());
}

async fn sent_rows_are_kept_as_long_as_wished<DB: TestDatabase>(db: Fresh<DB>) {
    let (_broker, mq) = with_orders().await;
    let outbox = with_table(&db).await;
    add(&outbox, &db.pool, to("orders", "1")).await;
    let relay = start(outbox.relay(&mq).keep_sent(Duration::from_secs(3600)));
    all_sent(&db.pool).await;
    relay.stop().await;
    let stats = outbox.stats().await.unwrap();
    assert_eq!((stats.waiting, stats.sent), (0, 1));
    DB::sql(&db.pool, "UPDATE leveret_outbox SET sent_at = sent_at - 3600 * 1000").await;
    add(&outbox, &db.pool, to("orders", "2")).await;
    let relay = start(outbox.relay(&mq).keep_sent(Duration::from_secs(3600)));
    // What is too old is looked for when a relay begins.
    let pruned = async {
        while outbox.stats().await.unwrap().sent != 1 || outbox.stats().await.unwrap().waiting > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), pruned)
        .await
        .expect("the first is forgotten, the second is kept");
    relay.stop().await;
}

async fn people_can_make_the_table_themselves<DB: TestDatabase>(db: Fresh<DB>) {
    let (broker, mq) = with_orders().await;
    let outbox = Outbox::in_table(db.pool.clone(), "shop_outbox").unwrap();
    let schema = outbox.schema();
    for statement in schema.split(";\n").filter(|statement| !statement.is_empty()) {
        DB::sql(&db.pool, statement).await;
    }
    outbox.migrate().await.unwrap();
    add(&outbox, &db.pool, to("orders", "1")).await;
    let relay = start(outbox.relay(&mq));
    broker.expect_message("orders").body("1").await;
    assert_eq!(relay.stop().await.sent, 1);
}

/// The trace of the moment of writing: here, of the message that is being handled.
#[tokio::test]
async fn what_a_handler_writes_belongs_to_the_trace_of_its_message() {
    let db = Sqlite::fresh().await;
    let (broker, mq) = with_orders().await;
    mq.declare(Queue::durable("mails")).await.unwrap();
    let outbox = with_table(&db).await;
    let handler = |State(outbox): State<Outbox<Sqlite>>, State(pool): State<Pool<Sqlite>>| async move {
        let mut tx = pool.begin().await?;
        outbox.add(&mut tx, to("mails", "thank you")).await?;
        Ok::<_, leveret::Failure>(tx.commit().await?)
    };
    let stop = CancellationToken::new();
    let worker = mq.worker("orders").state(outbox.clone()).state(db.pool.clone());
    let worker = tokio::spawn(worker.handler(handler).run(stop.clone()));
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let orders = mq.publisher("orders").build::<Text>().await.unwrap();
    orders.send_with("1", |message| message.header("traceparent", trace)).await.unwrap();
    broker.expect_empty("orders").await;
    let relay = start(outbox.relay(&mq));
    broker.eventually("it is there", || broker.messages("mails").len() == 1).await;
    let mail = broker.messages("mails").remove(0);
    assert_eq!(TraceContext::of(&mail.properties), TraceContext::new(trace));
    relay.stop().await;
    stop.cancel();
    worker.await.unwrap().unwrap();
}
