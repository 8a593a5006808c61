//! Consumers that are drained and futures that are dropped, wherever that happens.

use leveret_client::{ConnectionState, ConsumerOptions, Error, PublisherOptions, QueueDeclare};
use leveret_test::TestBroker;
use tokio::runtime::Handle;

use crate::support::open::consumer;
use crate::support::{ms, s, watchdog, within};

#[tokio::test(start_paused = true)]
async fn draining_waits_for_settlements_and_not_a_moment_longer() {
    let broker = TestBroker::start().await;
    let client = broker.client().await;
    client.channel().await.unwrap().queue_declare("q", QueueDeclare::default()).await.unwrap();
    let publisher = client.publisher(PublisherOptions::to_queue("q")).await.unwrap();
    publisher.send_all(["a", "b", "c"]).await.into_iter().for_each(|sent| _ = sent.unwrap());
    for (settled_after, report) in [(ms(777), (1, 0)), (s(9), (1, 2))] {
        let mut consumer = client.consumer(ConsumerOptions::new("q", 3)).await.unwrap();
        let held = [consumer.next().await.unwrap().unwrap(), consumer.next().await.unwrap().unwrap()];
        broker.settle().await;
        let settling = tokio::spawn(async move {
            tokio::time::sleep(settled_after).await;
            held.into_iter().for_each(|delivery| _ = delivery.nack(true));
        });
        let (drained, took) = within(s(6), consumer.drain(s(4))).await;
        let drained = drained.unwrap();
        assert_eq!((drained.requeued, drained.abandoned), report);
        assert_eq!(took, settled_after.min(s(4)));
        settling.await.unwrap();
        broker.settle().await;
        assert_eq!(broker.queue("q").unwrap().ready, 3);
    }
}

#[tokio::test(start_paused = true)]
async fn draining_ends_wherever_the_broker_falls_silent() {
    let _watchdog = watchdog("drain");
    for (method, most) in [("basic.cancel", s(2)), ("channel.close", s(3))] {
        let (connection, mut consumer, mut peer, _peers) =
            consumer(ConsumerOptions::new("q", 5).tag("t")).await;
        peer.deliver(1, 1, "t", "a").await;
        peer.mute.push(method);
        let serving = tokio::spawn(async move { peer.serve().await });
        let held = within(s(1), consumer.next()).await.0.unwrap().unwrap();
        let (drained, took) = within(s(10), consumer.drain(s(2))).await;
        assert!(matches!(drained, Err(Error::Timeout { .. })), "{method}: {drained:?}");
        assert_eq!(took, most, "{method}");
        drop(held);
        connection.close(s(1)).await.unwrap();
        serving.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn draining_on_a_connection_that_is_away_says_so_and_leaves_nothing_behind() {
    let broker = TestBroker::start().await;
    let client = broker.client().await;
    let channel = client.channel().await.unwrap();
    channel.queue_declare("q", QueueDeclare::default()).await.unwrap();
    let consumer = client.consumer(ConsumerOptions::new("q", 3)).await.unwrap();
    let mut states = client.watch();
    broker.faults().refuse_all();
    broker.faults().open().drop_now(leveret_test::Ending::Reset);
    states.wait_for(|state| matches!(state, ConnectionState::Recovering { .. })).await.unwrap();
    let (drained, _) = within(s(31), consumer.drain(s(2))).await;
    assert!(drained.is_err(), "{drained:?}");
    broker.faults().accept();
    states.wait_for(|state| matches!(state, ConnectionState::Connected)).await.unwrap();
    broker.settle().await;
    assert!(broker.consumers().is_empty(), "{:?}", broker.consumers());
    client.close(s(5)).await.unwrap();
}

/// The accident: what was dropped while its connection was away came back with it: a channel, or a consumer that took messages from
/// others.
#[tokio::test(start_paused = true)]
async fn what_is_dropped_while_the_connection_is_away_does_not_come_back() {
    let broker = TestBroker::start().await;
    let client = broker.client().await;
    let channel = client.channel().await.unwrap();
    channel.queue_declare("q", QueueDeclare { durable: true, ..Default::default() }).await.unwrap();
    let consumer = client.consumer(ConsumerOptions::new("q", 3)).await.unwrap();
    let publisher = client.publisher(PublisherOptions::to_queue("q")).await.unwrap();
    let kept = client.publisher(PublisherOptions::to_queue("q")).await.unwrap();
    let passing = QueueDeclare { auto_delete: true, ..QueueDeclare::default() };
    channel.queue_declare("passing", passing).await.unwrap();
    let passer = client.consumer(ConsumerOptions::new("passing", 3)).await.unwrap();
    let mut states = client.watch();
    broker.faults().refuse_all();
    broker.faults().open().drop_now(leveret_test::Ending::Close);
    states.wait_for(|state| matches!(state, ConnectionState::Recovering { .. })).await.unwrap();
    // This one is on its way, and nobody looks after it any more.
    drop(publisher.enqueue("left alone").await.unwrap());
    tokio::time::sleep(ms(50)).await;
    drop((consumer, publisher, channel, passer));
    tokio::time::sleep(ms(50)).await;
    broker.faults().accept();
    states.wait_for(|state| matches!(state, ConnectionState::Connected)).await.unwrap();
    kept.send("later").await.unwrap();
    broker.settle().await;
    let texts: Vec<_> = broker.messages("q").iter().map(|message| message.text()).collect();
    assert_eq!(texts, ["left alone", "later"]);
    let open: Vec<_> = broker.connections().into_iter().filter(|connection| connection.open).collect();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].channels.len(), 1, "{open:?}");
    assert!(broker.consumers().is_empty());
    assert!(broker.queue("passing").is_none(), "with its last consumer an auto-delete queue is gone");
}

/// Every future of the client, dropped after each of its steps: nothing stays open for it, and the connection works.
#[tokio::test(start_paused = true)]
async fn futures_dropped_at_any_await_leave_no_channel_behind() {
    let _watchdog = watchdog("dropped futures");
    let broker = TestBroker::start().await;
    let client = broker.client().await;
    let channel = client.channel().await.unwrap();
    channel.queue_declare("q", QueueDeclare { durable: true, ..Default::default() }).await.unwrap();
    let tasks = Handle::current().metrics().num_alive_tasks();
    for what in ["channel", "publisher", "consumer", "drain", "declare"] {
        let mut steps = 0;
        loop {
            let mut consumer = None;
            if what == "drain" {
                consumer = Some(client.consumer(ConsumerOptions::new("q", 3)).await.unwrap());
            }
            let finished = {
                let future = async {
                    match what {
                        "channel" => drop(client.channel().await),
                        "publisher" => drop(client.publisher(PublisherOptions::to_queue("q")).await),
                        "consumer" => drop(client.consumer(ConsumerOptions::new("q", 3)).await),
                        "drain" => drop(consumer.take().unwrap().drain(s(1)).await),
                        _ => drop(
                            client.channel().await.unwrap().queue_declare("q2", Default::default()).await,
                        ),
                    }
                };
                let mut future = std::pin::pin!(future);
                // So many turns of everybody else, then it is dropped.
                let mut turns = 0;
                std::future::poll_fn(|cx| {
                    let done = future.as_mut().poll(cx).is_ready();
                    if done || turns == steps {
                        return std::task::Poll::Ready(done);
                    }
                    turns += 1;
                    cx.waker().wake_by_ref();
                    std::task::Poll::Pending
                })
                .await
            };
            drop(consumer);
            broker.settle().await;
            tokio::time::sleep(ms(20)).await;
            broker.settle().await;
            let connection = broker.connections().into_iter().find(|connection| connection.open).unwrap();
            assert_eq!(connection.channels, [1], "{what} dropped after {steps} turns");
            assert!(broker.consumers().is_empty(), "{what} dropped after {steps} turns");
            if finished {
                break;
            }
            steps += 1;
        }
        assert!(steps >= 1, "{what} was never dropped half-way");
    }
    assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks);
    assert_eq!(client.dropped_unsettled(), 0);
}

/// `send`, dropped after each of its steps: either nothing was sent or the message is there, once, and the next ones get their own
/// outcomes.
#[tokio::test(start_paused = true)]
async fn a_send_dropped_at_any_await_is_sent_once_or_not_at_all() {
    let broker = TestBroker::start().await;
    let client = broker.client().await;
    let channel = client.channel().await.unwrap();
    channel.queue_declare("q", QueueDeclare { durable: true, ..Default::default() }).await.unwrap();
    let publisher = client.publisher(PublisherOptions::to_queue("q").in_flight(1, 100)).await.unwrap();
    let mut expected = Vec::new();
    for steps in 0..24usize {
        let before = publisher.enqueue(format!("before {steps}")).await.unwrap(); // takes the only room
        let finished = {
            let mut future = std::pin::pin!(publisher.send(format!("dropped {steps}")));
            let mut turns = 0;
            std::future::poll_fn(|cx| {
                let done = future.as_mut().poll(cx).is_ready();
                if done || turns == steps {
                    return std::task::Poll::Ready(done);
                }
                turns += 1;
                cx.waker().wake_by_ref();
                std::task::Poll::Pending
            })
            .await
        };
        before.await.unwrap();
        let nowhere = leveret_client::Message::new("lost").routing_key("nowhere");
        let (after, astray) = tokio::join!(publisher.send(format!("after {steps}")), publisher.send(nowhere));
        after.unwrap();
        assert!(matches!(astray, Err(leveret_client::SendError::Unroutable(_))), "{astray:?}");
        expected.push((steps, finished));
    }
    broker.settle().await;
    let texts: Vec<_> = broker.messages("q").iter().map(|message| message.text()).collect();
    for (steps, finished) in &expected {
        let count = |what: &str| texts.iter().filter(|text| **text == format!("{what} {steps}")).count();
        assert_eq!((count("before"), count("after")), (1, 1));
        let sent = count("dropped");
        assert!(sent <= 1 && (sent == 1 || !finished), "step {steps}: {sent}");
    }
    assert!(expected.iter().any(|(_, finished)| *finished) && expected.iter().any(|(_, finished)| !finished));
    assert_eq!(publisher.in_flight_len(), 0);
}
