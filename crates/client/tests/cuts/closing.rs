//! Closing, whatever the broker does meanwhile.

use leveret_client::{ConnectionState, Error, PublisherOptions, QueueDeclare};
use leveret_test::TestBroker;

use crate::support::open::connect;
use crate::support::{ms, options, s, within};

#[tokio::test(start_paused = true)]
async fn a_close_that_is_not_answered_ends_at_its_deadline_and_the_stream_with_it() {
    let (connection, mut peer, mut peers) = connect(options(), 0).await;
    peer.mute.push("connection.close");
    let broker = tokio::spawn(async move { (peer.serve().await, tokio::time::Instant::now()) });
    let began = tokio::time::Instant::now();
    let (closed, took) = within(s(3), connection.close(s(2))).await;
    assert!(matches!(closed, Err(Error::Timeout { what: "connection.close", .. })), "{closed:?}");
    assert_eq!(took, s(2));
    // "After that the socket is dropped anyway."
    let ((_, ended), _) = within(s(10), async { broker.await.unwrap() }).await;
    assert!(ended - began <= ms(2100), "the stream was kept for {:?}", ended - began);
    assert!(matches!(connection.state(), ConnectionState::Closed { .. }));
    assert!(within(s(60), peers.accept_or_never()).await.0.is_none(), "it connected again");
}

/// The accident: a connection that was told to close and then lost connected again, for ever if nobody was there.
#[tokio::test(start_paused = true)]
async fn a_connection_lost_while_it_closes_stays_closed() {
    let (connection, mut peer, mut peers) = connect(options(), 0).await;
    let closing = tokio::spawn({
        let connection = connection.clone();
        async move { connection.close(s(5)).await }
    });
    peer.until("connection.close").await;
    drop(peer);
    let (closed, took) = within(s(6), closing).await;
    closed.unwrap().unwrap();
    assert_eq!(took, s(0));
    assert!(peers.accept_or_never().await.is_none(), "it connected again");
}

/// The accident: a peer that reads nothing kept a connection whose handles were all gone, with heartbeats off for ever.
#[tokio::test(start_paused = true)]
async fn a_connection_nobody_holds_is_let_go_of_although_the_broker_does_not_read() {
    let (connection, mut peer, _peers) = connect(options(), 0).await;
    let publisher = tokio::spawn({
        let connection = connection.clone();
        async move { connection.publisher(PublisherOptions::to_queue("q").deadline(s(4))).await.unwrap() }
    });
    let select = peer.until("confirm.select").await;
    peer.answer(&select).await;
    let publisher = publisher.await.unwrap();
    for _ in 0..40 {
        let _confirm = publisher.enqueue(vec![0; 64 << 10]).await.unwrap();
    }
    drop((publisher, connection));
    // It reads nothing for a minute, then looks whether somebody is there.
    tokio::time::sleep(s(60)).await;
    let left = async { while peer.read_some().await > 0 {} };
    within(s(1), left).await;
}

/// What was handed over before is written before: also when it takes many rounds.
#[tokio::test]
async fn closing_waits_until_what_was_handed_over_is_written() {
    const MESSAGES: usize = 300;
    let broker = TestBroker::start().await;
    let client = broker.client().await;
    client.channel().await.unwrap().queue_declare("q", QueueDeclare::default()).await.unwrap();
    let publisher =
        client.publisher(PublisherOptions::to_queue("q").in_flight(MESSAGES, 64 << 20)).await.unwrap();
    for number in 0..MESSAGES {
        drop(publisher.enqueue(format!("{number:>60000}")).await.unwrap());
    }
    client.close(s(5)).await.unwrap();
    broker.settle().await;
    let there: Vec<usize> = broker.messages("q").iter().map(|m| m.text().trim().parse().unwrap()).collect();
    assert_eq!(there, (0..MESSAGES).collect::<Vec<_>>());
}
