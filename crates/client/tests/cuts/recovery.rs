//! What was declared comes back after a real cut, without what cannot come back standing in the way of the rest.

use leveret_client::topology::{Entity, RecoveryReport};
use leveret_client::{
    Bind, Channel, Connection, ConnectionState, ConsumerOptions, ExchangeDeclare, PublisherOptions,
    QueueDeclare,
};
use leveret_test::{Ending, TestBroker};
use tokio::time::Instant;

use crate::support::{ms, s, within};

fn exclusive() -> QueueDeclare {
    QueueDeclare { exclusive: true, ..QueueDeclare::default() }
}

fn durable() -> QueueDeclare {
    QueueDeclare { durable: true, ..QueueDeclare::default() }
}

fn key(text: &'static str) -> Bind {
    Bind { routing_key: text.into(), ..Bind::default() }
}

async fn client(broker: &TestBroker, name: &str) -> (Connection, Channel) {
    let connection = broker.client_with(broker.client_options().name(name)).await;
    let channel = connection.channel().await.unwrap();
    (connection, channel)
}

/// Cuts the connection, does something while it is away, waits until it is back.
async fn cut<T>(
    broker: &TestBroker,
    name: &str,
    connection: &Connection,
    meanwhile: impl Future<Output = T>,
) -> T {
    let mut states = connection.watch();
    broker.faults().refuse_all();
    broker.faults().on(name).drop_now(Ending::Close);
    let lost = states.wait_for(|state| matches!(state, ConnectionState::Recovering { .. }));
    within(s(1), lost).await.0.unwrap();
    broker.settle().await;
    let done = meanwhile.await;
    broker.faults().accept();
    let back = states.wait_for(|state| matches!(state, ConnectionState::Connected));
    within(s(10), back).await.0.unwrap();
    done
}

async fn final_report(connection: &Connection) -> std::sync::Arc<RecoveryReport> {
    let mut reports = connection.recoveries();
    let last = reports.wait_for(|report| report.as_ref().is_some_and(|report| report.complete));
    within(s(10), last).await.0.unwrap().clone().unwrap()
}

fn failed(report: &RecoveryReport) -> Vec<(String, bool)> {
    report.failures.iter().map(|failure| (failure.entity.to_string(), failure.skipped)).collect()
}

/// The accident: for seconds nothing came back, because one queue was somebody else's.
#[tokio::test(start_paused = true)]
async fn a_queue_that_somebody_else_has_taken_does_not_hold_up_the_rest() {
    let broker = TestBroker::start().await;
    let (main, channel) = client(&broker, "main").await;
    let (_other, elsewhere) = client(&broker, "other").await;
    channel.queue_declare("mine", exclusive()).await.unwrap();
    channel
        .exchange_declare("x", "direct", ExchangeDeclare { durable: true, ..Default::default() })
        .await
        .unwrap();
    channel.queue_bind("mine", "x", key("k")).await.unwrap();
    channel.queue_declare("all", durable()).await.unwrap();
    let mut mine = main.consumer(ConsumerOptions::new("mine", 5)).await.unwrap();
    let mut all = main.consumer(ConsumerOptions::new("all", 5)).await.unwrap();
    let publisher = main.publisher(PublisherOptions::to_queue("all")).await.unwrap();

    for released in [true, false] {
        cut(&broker, "main", &main, async { elsewhere.queue_declare("mine", exclusive()).await.unwrap() })
            .await;
        let began = Instant::now();
        publisher.send("hello").await.unwrap();
        within(s(1), all.next()).await.0.unwrap().unwrap().ack().unwrap();
        assert!(began.elapsed() <= ms(100), "the rest was held up for {:?}", began.elapsed());
        assert!(!main.last_recovery().unwrap().complete, "it is not over");
        if released {
            tokio::time::sleep(ms(450)).await;
            assert_eq!(mine.interrupted().unwrap().reply_code(), Some(405));
            elsewhere.queue_delete("mine", Default::default()).await.unwrap();
            let report = final_report(&main).await;
            assert!(report.failures.is_empty(), "{report:?}");
            assert!(began.elapsed() <= ms(700), "{:?}", began.elapsed());
            let to_mine = main.publisher(PublisherOptions::to("x", "k")).await.unwrap();
            to_mine.send("mine again").await.unwrap();
            let delivery = within(ms(100), mine.next()).await.0.unwrap().unwrap();
            assert_eq!(delivery.body(), "mine again");
            delivery.ack().unwrap();
        } else {
            let report = final_report(&main).await;
            assert!(began.elapsed() >= s(4) && began.elapsed() <= s(6), "{:?}", began.elapsed());
            let failures = failed(&report);
            assert_eq!(failures.len(), 3, "{report:?}");
            assert_eq!(
                failures.iter().filter(|(_, skipped)| *skipped).count(),
                2,
                "binding and consumer: {report:?}"
            );
            assert!(report.failures[0].reason.contains("RESOURCE_LOCKED"), "{report:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_depends_on_a_queue_that_is_refused_is_skipped_and_told() {
    let broker = TestBroker::start().await;
    let (main, channel) = client(&broker, "main").await;
    let (_other, elsewhere) = client(&broker, "other").await;
    channel.queue_declare("changed", exclusive()).await.unwrap();
    channel.exchange_declare("x", "direct", ExchangeDeclare::default()).await.unwrap();
    channel.queue_bind("changed", "x", key("k")).await.unwrap();
    let consumer = main.consumer(ConsumerOptions::new("changed", 5).tag("t")).await.unwrap();
    let taken = async {
        // Not exclusive, so it is no lock that may go away: it is another queue.
        elsewhere.queue_declare("changed", durable()).await.unwrap()
    };
    cut(&broker, "main", &main, taken).await;
    let report = final_report(&main).await;
    let entities: Vec<&Entity> = report.failures.iter().map(|failure| &failure.entity).collect();
    assert!(
        matches!(entities[..], [Entity::Queue(_), Entity::Binding { .. }, Entity::Consumer { .. }]),
        "{report:?}"
    );
    assert_eq!(
        report.failures.iter().map(|failure| failure.skipped).collect::<Vec<_>>(),
        [false, true, true]
    );
    drop(consumer);
}

#[tokio::test(start_paused = true)]
async fn what_was_unbound_or_went_by_itself_does_not_come_back() {
    let broker = TestBroker::start().await;
    let (main, channel) = client(&broker, "main").await;
    let (_other, elsewhere) = client(&broker, "other").await;
    channel.queue_declare("q", exclusive()).await.unwrap();
    let auto_delete = || ExchangeDeclare { auto_delete: true, ..ExchangeDeclare::default() };
    channel.exchange_declare("goes", "direct", auto_delete()).await.unwrap();
    channel.exchange_declare("stays", "direct", auto_delete()).await.unwrap();
    for exchange in ["goes", "stays"] {
        channel.queue_bind("q", exchange, key("one")).await.unwrap();
        channel.queue_bind("q", exchange, key("two")).await.unwrap();
        channel.queue_unbind("q", exchange, key("one")).await.unwrap();
    }
    // With its last binding the exchange goes; with its last consumer a queue.
    channel.queue_unbind("q", "goes", key("two")).await.unwrap();
    let passing = QueueDeclare { auto_delete: true, ..QueueDeclare::default() };
    channel.queue_declare("passing", passing).await.unwrap();
    let consumer = main.consumer(ConsumerOptions::new("passing", 5)).await.unwrap();
    consumer.drain(s(1)).await.unwrap();
    broker.settle().await;
    assert!(broker.queue("passing").is_none());

    cut(&broker, "main", &main, async {}).await;
    let report = final_report(&main).await;
    assert!(report.failures.is_empty(), "{report:?}");
    assert_eq!(report.recovered, 3, "a queue, an exchange, a binding: {report:?}");
    assert!(broker.queue("passing").is_none() && broker.queue("q").is_some());
    let passive = ExchangeDeclare { passive: true, ..ExchangeDeclare::default() };
    elsewhere.exchange_declare("stays", "direct", passive.clone()).await.unwrap();
    let gone = elsewhere.exchange_declare("goes", "direct", passive).await;
    assert_eq!(gone.unwrap_err().reply_code(), Some(404));
    let channel = main.channel().await.unwrap();
    let publisher = main.publisher(PublisherOptions::to("stays", "two")).await.unwrap();
    publisher.send("two").await.unwrap();
    let one = publisher.send(leveret_client::Message::new("one").routing_key("one")).await;
    assert!(one.is_err(), "the binding that was removed is back");
    assert_eq!(channel.queue_purge("q").await.unwrap(), 1);
}
