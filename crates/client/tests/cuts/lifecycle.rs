//! Heartbeats, closes from the broker's side, cancelled consumers.

use std::time::Duration;

use leveret_client::options::{BackoffOptions, Jitter, RecoveryOptions};
use leveret_client::{ConnectionState, ConsumerOptions, Error, QueueDeclare};
use leveret_protocol::methods::{basic, channel};
use tokio::time::Instant;

use crate::support::open::{connect, consumer};
use crate::support::peer::short;
use crate::support::{ms, options, s, within};

#[tokio::test(start_paused = true)]
async fn a_client_beats_at_half_the_interval_and_leaves_a_broker_that_is_silent_for_two() {
    for (wanted, offered, agreed) in [(10, 60, 10), (60, 10, 10), (4, 0, 4), (0, 6, 6)] {
        let (connection, mut peer, mut peers) = connect(options().heartbeat(s(wanted)), offered).await;
        let began = Instant::now();
        let mut beats = Vec::new();
        while let Some(got) = peer.next().await {
            assert_eq!(got.name, "heartbeat");
            beats.push(began.elapsed());
        }
        assert_eq!(began.elapsed(), s(2 * agreed), "silent for two intervals");
        let halves: Vec<Duration> = (1..4).map(|n| ms(500 * agreed * n)).collect();
        assert_eq!(beats, halves);
        let (mut peer, _) = within(s(1), peers.open_with(offered)).await;
        // It said something late in the first interval: two whole ones from then on.
        tokio::time::sleep(ms(1400 * agreed)).await;
        peer.beat().await;
        let began = Instant::now();
        while peer.next().await.is_some() {}
        assert_eq!(began.elapsed(), s(2 * agreed), "counted from the last byte");
        drop(connection);
    }
}

/// The accident: each connection that opened began the delays again, so a broker (or a balancer before it) that ends connections as
/// soon as they are open was asked several times a second, by every client, for ever.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_lost_as_soon_as_it_is_open_is_made_again_after_longer_and_longer_pauses() {
    let backoff = BackoffOptions::default().first(s(1)).max(s(8)).jitter(Jitter::None);
    let recovery = RecoveryOptions::default().backoff(backoff).attempts_max(2);
    let (connection, mut peer, mut peers) = connect(options().recovery(recovery), 0).await;
    let mut pauses = Vec::new();
    for open in [0, 0, 0, 0, 0, 8, 0] {
        tokio::time::sleep(s(open)).await;
        let lost = Instant::now();
        drop(peer);
        (peer, _) = within(s(9), peers.open()).await;
        pauses.push(lost.elapsed().as_secs());
    }
    assert_eq!(pauses, [1, 2, 4, 8, 8, 1, 2], "and one that stood for the longest of them begins again");
    assert!(!matches!(connection.state(), ConnectionState::Closed { .. }), "each loss has its own attempts");
}

#[tokio::test(start_paused = true)]
async fn a_close_from_the_broker_is_final_or_not_by_its_code() {
    let codes =
        [(320, true), (541, true), (403, false), (501, false), (503, false), (504, false), (530, false)];
    for (code, comes_back) in codes {
        let (connection, mut peer, mut peers) = connect(options(), 0).await;
        let mut states = connection.watch();
        peer.close_connection(code).await;
        assert_eq!(within(s(1), peer.next()).await.0.unwrap().name, "connection.close-ok");
        drop(peer);
        if comes_back {
            let _peer = within(s(1), peers.open()).await;
            let back = states.wait_for(|state| matches!(state, ConnectionState::Connected));
            within(s(1), back).await.0.unwrap();
        } else {
            let closed = states.wait_for(|state| matches!(state, ConnectionState::Closed { .. }));
            within(s(1), closed).await.0.unwrap();
            let ConnectionState::Closed { why } = connection.state() else { unreachable!() };
            assert_eq!(why.reply_code(), Some(code));
            let asked = within(s(1), connection.channel()).await.0;
            assert_eq!(asked.unwrap_err().reply_code(), Some(code));
            assert!(peers.accept_or_never().await.is_none(), "{code}: it connected again");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_consumer_subscribes_again_with_longer_and_longer_pauses() {
    let (_connection, mut consumer, mut peer, _peers) = consumer(ConsumerOptions::new("q", 5).tag("t")).await;
    peer.tell(1, basic::Cancel { consumer_tag: short("t"), no_wait: true }).await;
    let mut began = Instant::now();
    let mut pauses = Vec::new();
    for _ in 0..8 {
        // The queue is gone: 404 for each attempt.
        peer.until("basic.consume").await;
        pauses.push(began.elapsed().as_millis());
        peer.close_channel(1, 404, (60, 20)).await;
        began = Instant::now();
    }
    assert_eq!(pauses, [50, 200, 1000, 2000, 5000, 10_000, 10_000, 10_000]);
    let consume = peer.until("basic.consume").await;
    peer.answer(&consume).await;
    peer.deliver(1, 1, "t", "back").await;
    let delivery = within(s(1), consumer.next()).await.0.unwrap().unwrap();
    assert_eq!(delivery.body(), "back");
    delivery.ack().unwrap();
    // And the next time begins with short pauses.
    peer.tell(1, basic::Cancel { consumer_tag: short("t"), no_wait: true }).await;
    let began = Instant::now();
    peer.until("basic.consume").await;
    assert_eq!(began.elapsed(), ms(50));
}

/// The accident: a consumer was cancelled and its channel closed right afterwards; it subscribed again on the closed channel, for which a
/// broker closes the connection.
#[tokio::test(start_paused = true)]
async fn a_cancelled_consumer_whose_channel_is_closed_waits_for_the_channel() {
    let (_connection, mut consumer, mut peer, _peers) = consumer(ConsumerOptions::new("q", 5).tag("t")).await;
    peer.tell(1, basic::Cancel { consumer_tag: short("t"), no_wait: true }).await;
    peer.close_channel(1, 406, (60, 80)).await;
    let mut names = Vec::new();
    while names.last() != Some(&"basic.consume") {
        let got = peer.next().await.unwrap();
        peer.answer(&got).await;
        names.push(got.name);
    }
    assert_eq!(names, ["channel.close-ok", "channel.open", "basic.qos", "basic.consume"]);
    peer.deliver(1, 1, "t", "back").await;
    within(s(1), consumer.next()).await.0.unwrap().unwrap().ack().unwrap();
}

/// The accident: a consumer whose queue had been deleted was dropped, and subscribed again before the broker had answered its close; an ack that
/// came as late was written behind the close as well. A broker closes the connection for either.
#[tokio::test(start_paused = true)]
async fn nothing_is_written_behind_the_close_of_a_channel() {
    let (_connection, mut consumer, mut peer, _peers) = consumer(ConsumerOptions::new("q", 5).tag("t")).await;
    peer.deliver(1, 1, "t", "late").await;
    let late = within(s(1), consumer.next()).await.0.unwrap().unwrap();
    peer.tell(1, basic::Cancel { consumer_tag: short("t"), no_wait: true }).await;
    tokio::time::sleep(ms(1)).await;
    drop(consumer);
    peer.until("channel.close").await;
    late.ack().unwrap();
    peer.tell(1, channel::Flow { active: false }).await;
    tokio::time::sleep(s(60)).await;
    assert!(peer.is_quiet().await);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_cannot_come_back_says_why_and_ends_when_it_was_told_to() {
    let options = ConsumerOptions::new("q", 5).tag("t").resubscribes_max(2);
    let (_connection, mut consumer, mut peer, _peers) = consumer(options).await;
    assert!(consumer.interrupted().is_none());
    for round in 0..2 {
        peer.tell(1, basic::Cancel { consumer_tag: short("t"), no_wait: true }).await;
        peer.until("basic.consume").await;
        let why = consumer.interrupted();
        assert!(matches!(&why, Some(Error::ConsumerCancelled { tag }) if &**tag == "t"), "{why:?}");
        peer.close_channel(1, 404, (60, 20)).await;
        let consume = peer.until("basic.consume").await;
        assert_eq!(consumer.interrupted().unwrap().reply_code(), Some(404));
        if round == 0 {
            // What succeeds is counted anew.
            peer.answer(&consume).await;
            peer.deliver(1, 1, "t", "back").await;
            within(s(1), consumer.next()).await.0.unwrap().unwrap().ack().unwrap();
            assert!(consumer.interrupted().is_none());
        }
    }
    peer.close_channel(1, 404, (60, 20)).await;
    let (end, took) = within(s(1), consumer.next()).await;
    assert!(matches!(end, Some(Err(_))), "{end:?}");
    assert_eq!(took, s(0));
    assert!(consumer.next().await.is_none());
}

/// The accident: both sides closed a channel at the same time, its number was given away at once, and the broker's answer to the old
/// close closed the new channel.
#[tokio::test(start_paused = true)]
async fn a_channel_closed_by_both_sides_at_once_does_not_take_its_successor_along() {
    let (connection, mut peer, _peers) = connect(options(), 0).await;
    let first = tokio::spawn({
        let connection = connection.clone();
        async move { connection.channel().await.unwrap() }
    });
    let open = peer.until("channel.open").await;
    peer.answer(&open).await;
    let channel = first.await.unwrap();
    let closing = tokio::spawn(async move { channel.close().await });
    peer.until("channel.close").await;
    peer.close_channel(1, 406, (60, 80)).await;
    assert_eq!(peer.next().await.unwrap().name, "channel.close-ok");
    assert!(closing.await.unwrap().is_err());
    let second = tokio::spawn({
        let connection = connection.clone();
        async move { connection.channel().await }
    });
    tokio::time::sleep(ms(1)).await;
    peer.tell(1, channel::CloseOk).await;
    let serving = tokio::spawn(async move { peer.serve().await });
    let channel = within(s(1), second).await.0.unwrap().unwrap();
    within(s(1), channel.queue_declare("q", QueueDeclare::default())).await.0.unwrap();
    assert!(channel.closed().is_none());
    serving.abort();
}
