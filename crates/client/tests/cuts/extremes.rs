//! `Duration::MAX` is "never" and `usize::MAX` "no bound": with every option at its largest, and its smallest, a client works.

use std::time::Duration;

use leveret_client::options::{BackoffOptions, Jitter, RecoveryOptions, WriteOptions};
use leveret_client::pool::{PoolOptions, Pools, PoolsOptions};
use leveret_client::{
    ConnectOptions, Connection, ConsumerOptions, Message, PublisherOptions, QueueDeclare, RpcClient,
};
use leveret_test::TestBroker;

use crate::support::{s, watchdog, within};

const NEVER: Duration = Duration::MAX;
const ALL: usize = usize::MAX;

fn largest() -> ConnectOptions {
    let backoff = BackoffOptions::default().first(NEVER).max(NEVER).factor(f64::MAX).jitter(Jitter::Full);
    let recovery = RecoveryOptions::default().backoff(backoff).time_max(NEVER).attempts_max(u32::MAX);
    let write = WriteOptions::default().batch_bytes_max(ALL).queue_len_max(ALL).queue_bytes_max(ALL);
    ConnectOptions::default()
        .connect_timeout(NEVER)
        .operation_timeout(NEVER)
        .waiting_bytes_max(ALL)
        .message_bytes_max(ALL)
        .channel_max(u16::MAX)
        .frame_max(u32::MAX)
        .write(write)
        .recovery(recovery)
}

fn smallest() -> ConnectOptions {
    let backoff = BackoffOptions::default().first(Duration::from_nanos(1)).max(Duration::from_nanos(1));
    let write = WriteOptions::default().batch_bytes_max(1).queue_len_max(1).queue_bytes_max(0);
    ConnectOptions::default()
        .channel_max(8)
        .frame_max(4096)
        .waiting_bytes_max(0)
        .write(write)
        .recovery(RecoveryOptions::default().backoff(backoff).attempts_max(0))
}

/// (A message waits for company as long as it is told to, so that is a second.)
fn publisher(time: Duration, bound: usize) -> PublisherOptions {
    PublisherOptions::to_queue("q")
        .deadline(time)
        .in_flight(bound, bound)
        .linger(time.min(s(1)))
        .batch_bytes(bound)
}

/// The accident: a time that was added to the present panicked, in the application or, worse, in the connection's task; and so did a
/// bound that no semaphore takes.
#[tokio::test(start_paused = true)]
async fn with_every_option_at_its_end_everything_works() {
    let _watchdog = watchdog("extremes");
    for (what, options, (time, bound)) in
        [("largest", largest(), (NEVER, ALL)), ("smallest", smallest(), (s(60), 0))]
    {
        let broker = TestBroker::start().await;
        let began = tokio::time::Instant::now();
        let work = async {
            let connect = Connection::connect_over(broker.connector().into(), options.clone());
            let connection = connect.await.unwrap();
            let channel = connection.channel().await.unwrap();
            channel.queue_declare("q", QueueDeclare::default()).await.unwrap();
            channel.basic_publish(Message::new("a").routing_key("q")).await.unwrap();
            channel.confirm_select().await.unwrap();
            let confirm =
                channel.basic_publish_confirmed(Message::new("b").routing_key("q"), Default::default()).await;
            confirm.unwrap().await.unwrap();

            let q = connection.publisher(publisher(time, bound)).await.unwrap();
            q.send("c").await.unwrap();
            let sent = q.enqueue("d").await.unwrap();
            q.flush().await.unwrap();
            sent.await.unwrap();

            let how = ConsumerOptions::new("q", u16::MAX).resubscribes_max(u32::MAX);
            let mut consumer = connection.consumer(how).await.unwrap();
            for (count, wait) in [(4, time), (bound, s(1))] {
                for delivery in consumer.consume_batch(count, wait).await.unwrap() {
                    delivery.ack().unwrap();
                }
                for sent in q.send_all(["e", "f"]).await {
                    assert!(
                        sent.is_ok(),
                        "{what}: {sent:?}, {:?} at {:?}",
                        connection.state(),
                        began.elapsed()
                    );
                }
            }
            let report = consumer.drain(time).await.unwrap();
            assert_eq!(report.abandoned, 0);

            let client = RpcClient::new(&connection).await.unwrap();
            client.call(Message::new("?").routing_key("nobody's"), time).await.unwrap_err();

            let pool = PoolOptions::new("p").size_max(bound).waiting(time, bound).check_after(time);
            let mut pools = PoolsOptions::new("p");
            pools.pool = pool.idle(0, time).lifetime_max(time).leak_threshold(Some(time));
            pools.pool.size_max = bound;
            pools.publisher = publisher(time, bound);
            let pools = Pools::over(broker.connector().into(), options.clone(), pools);
            pools.publisher().await.unwrap().send("g").await.unwrap();
            drop(pools.channel().await.unwrap());
            connection.close(time).await.unwrap();
        };
        let ((), took) = within(s(3600), work).await;
        assert!(took < s(600), "{what}: {took:?}");
        assert!(broker.queue("q").unwrap().ready >= 1, "{what}");
    }
}
