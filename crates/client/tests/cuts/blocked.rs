//! Brokers that take no messages, because they say so or because they do not read.

use leveret_client::{ConnectionState, SendError};
use leveret_protocol::methods::connection;
use tokio::time::Instant;

use crate::support::open::{publisher, to_q};
use crate::support::peer::short;
use crate::support::{ms, options, s, watchdog, within};

/// The accident: with heartbeats off, messages behind a full pipe kept their senders waiting for ever.
#[tokio::test(start_paused = true)]
async fn a_broker_that_does_not_read_costs_each_message_no_more_than_its_deadline() {
    let _watchdog = watchdog("does not read");
    let (_connection, publisher, mut peer, _peers) = publisher(options(), to_q()).await;
    let began = Instant::now();
    let mut sending = Vec::new();
    for number in 0..60u64 {
        // Some before the pipe is full, some while it is, some when the oldest have expired.
        if number >= 20 {
            tokio::time::sleep(ms(100)).await;
        }
        let (publisher, body) = (publisher.clone(), format!("{number:>50000}"));
        sending.push(tokio::spawn(async move {
            let began = Instant::now();
            (publisher.send(body).await, began.elapsed())
        }));
    }
    for (number, sent) in sending.into_iter().enumerate() {
        let sent = tokio::time::timeout(s(30), sent).await;
        let (outcome, took) = sent.unwrap_or_else(|_| panic!("message {number} hangs")).unwrap();
        assert!(
            matches!(outcome, Err(SendError::Unconfirmed { .. } | SendError::Deadline)),
            "message {number}: {outcome:?}"
        );
        assert!(took >= s(4) && took <= ms(4200), "message {number}: {took:?}");
    }
    assert!(began.elapsed() < s(9));
    // What was told not to be sent is not sent when the broker reads again, and the publisher works.
    let broker = tokio::spawn(async move {
        let last = loop {
            let got = peer.until("basic.publish").await;
            peer.answer(&got).await;
            if got.text == "last" {
                break got;
            }
        };
        (last, peer)
    });
    let (sent, _) = within(s(5), publisher.send("last")).await;
    sent.unwrap();
    broker.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_blocked_publisher_waits_until_its_deadline_and_goes_on_when_unblocked() {
    let (connection, publisher, mut peer, _peers) = publisher(options(), to_q().in_flight(2, 1000)).await;
    let mut states = connection.watch();
    peer.tell(0, connection::Blocked { reason: short("low on memory") }).await;
    states.wait_for(|state| matches!(state, ConnectionState::Blocked { .. })).await.unwrap();
    let send = |body: &'static str| {
        let publisher = publisher.clone();
        tokio::spawn(async move { publisher.send(body).await })
    };
    let late = [send("a"), send("b"), send("c")];
    for sending in late {
        let (outcome, _) = within(ms(8100), sending).await;
        assert!(matches!(outcome.unwrap(), Err(SendError::Deadline)), "not written, so not stored");
    }
    assert_eq!(publisher.in_flight_len(), 0, "what is decided holds no room");
    let (first, second) = (send("first"), send("second"));
    tokio::time::sleep(s(1)).await;
    assert!(peer.is_quiet().await, "something was published to a blocked broker");
    peer.tell(0, connection::Unblocked).await;
    for body in ["first", "second"] {
        let got = peer.until("basic.publish").await;
        assert_eq!(got.text, body, "in order, and nothing that was told not to be sent");
        peer.answer(&got).await;
    }
    within(s(1), first).await.0.unwrap().unwrap();
    within(s(1), second).await.0.unwrap().unwrap();
    assert!(matches!(connection.state(), ConnectionState::Connected));
}

#[tokio::test(start_paused = true)]
async fn a_blocked_connection_closes_and_its_messages_are_told() {
    let (connection, publisher, mut peer, _peers) = publisher(options(), to_q()).await;
    let mut states = connection.watch();
    peer.tell(0, connection::Blocked { reason: short("low on disk") }).await;
    states.wait_for(|state| matches!(state, ConnectionState::Blocked { .. })).await.unwrap();
    let confirm = publisher.enqueue("a").await.unwrap();
    // As RabbitMQ does, it does not even read.
    let (closed, took) = within(s(3), connection.close(s(2))).await;
    assert!(closed.is_err() && took == s(2), "{closed:?} {took:?}");
    let (outcome, took) = within(s(1), confirm).await;
    assert!(matches!(outcome, Err(SendError::Closed(_))), "{outcome:?}");
    assert_eq!(took, s(0));
    drop(peer);
}

/// The accident: a connection that was blocked while it recovered said that it was not.
#[tokio::test(start_paused = true)]
async fn a_broker_that_blocks_during_the_recovery_is_seen_to() {
    let (connection, publisher, mut peer, mut peers) = publisher(options(), to_q()).await;
    let declared = tokio::spawn({
        let connection = connection.clone();
        async move {
            let channel = connection.channel().await.unwrap();
            channel.queue_declare("q", Default::default()).await.unwrap();
        }
    });
    let declare = peer.until("queue.declare").await;
    peer.answer(&declare).await;
    declared.await.unwrap();
    drop(peer);
    let mut peer = peers.open().await;
    let declare = peer.until("queue.declare").await;
    peer.tell(0, connection::Blocked { reason: short("low on memory") }).await;
    peer.answer(&declare).await;
    peer.until("confirm.select").await;
    tokio::time::sleep(ms(10)).await;
    assert!(matches!(connection.state(), ConnectionState::Blocked { .. }), "{:?}", connection.state());
    drop(publisher);
}
