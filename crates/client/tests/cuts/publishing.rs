//! What becomes of messages whose broker does not confirm them, returns them, closes their channel, or is away.

use leveret_client::{Message, SendError};
use leveret_protocol::methods::basic;
use leveret_protocol::{RawProperties, put_content};

use crate::support::open::{is_unconfirmed, publisher, to_q};
use crate::support::peer::{Peer, short};
use crate::support::{ms, options, s, watchdog, within};

async fn ack(peer: &mut Peer, delivery_tag: u64, multiple: bool) {
    peer.tell(1, basic::Ack { delivery_tag, multiple }).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_never_confirmed_may_be_stored_and_a_late_ack_harms_nobody() {
    let (connection, publisher, mut peer, _peers) = publisher(options(), to_q()).await;
    peer.confirms = false;
    let (outcomes, took) = within(s(5), publisher.send_all(["a", "b"])).await;
    assert!(outcomes.iter().all(is_unconfirmed), "{outcomes:?}");
    assert_eq!(took, s(4));
    // Both are late now, b's first, and one more that nobody sent; c is its own.
    let sending = tokio::spawn({
        let publisher = publisher.clone();
        async move { publisher.send("c").await }
    });
    for _ in 0..3 {
        peer.until("basic.publish").await;
    }
    ack(&mut peer, 2, false).await;
    ack(&mut peer, 9, true).await;
    ack(&mut peer, 1, false).await;
    ack(&mut peer, 1, false).await;
    tokio::time::sleep(s(1)).await;
    assert!(!sending.is_finished(), "c got the ack of another");
    ack(&mut peer, 3, true).await;
    within(s(1), sending).await.0.unwrap().unwrap();
    assert_eq!(publisher.in_flight_len(), 0);
    drop((publisher, connection));
}

/// The accident: flush waited for a confirm that never came.
#[tokio::test(start_paused = true)]
async fn flush_ends_when_all_outcomes_are_known() {
    let (_connection, publisher, mut peer, _peers) = publisher(options(), to_q()).await;
    let broker = tokio::spawn(async move {
        peer.confirms = false;
        peer.serve().await
    });
    let confirm = publisher.enqueue("a").await.unwrap();
    tokio::time::sleep(s(1)).await;
    let (flushed, took) = within(s(60), publisher.flush()).await;
    assert!(is_unconfirmed(&flushed), "{flushed:?}");
    assert!(took <= s(4), "{took:?}");
    assert!(is_unconfirmed(&within(s(1), confirm).await.0));
    broker.abort();
}

/// The accident: a message that was returned, cut off before its ack and stored at the second attempt was told to be unroutable.
#[tokio::test(start_paused = true)]
async fn what_a_lost_connection_returned_does_not_count_on_the_next() {
    let (_connection, publisher, mut peer, mut peers) = publisher(options(), to_q()).await;
    let confirm = publisher.enqueue(Message::new("a")).await.unwrap();
    peer.until("basic.publish").await;
    let mut out = Vec::new();
    basic::Return {
        reply_code: 312,
        reply_text: short("NO_ROUTE"),
        routing_key: short("q"),
        ..Default::default()
    }
    .write(1, &mut out);
    put_content(&mut out, 1, RawProperties::EMPTY, b"a", 4096);
    peer.say(&out).await;
    tokio::time::sleep(ms(10)).await;
    drop(peer);
    let mut peer = peers.open().await;
    let again = peer.until("basic.publish").await;
    assert_eq!(again.text, "a");
    peer.answer(&again).await;
    within(s(1), confirm).await.0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_channel_closed_for_one_message_fails_that_one_alone_and_keeps_the_order() {
    let _watchdog = watchdog("404 and 406");
    for (code, culprit) in [(404, 0), (404, 3), (406, 5), (403, 2)] {
        let (connection, publisher, mut peer, _peers) = publisher(options(), to_q()).await;
        let bodies: Vec<_> = (0..6).map(|number| number.to_string()).collect();
        let sending = tokio::spawn(async move { publisher.send_all(bodies).await });
        let broker = tokio::spawn(async move {
            let mut stored = Vec::new();
            while let Some(got) = peer.next().await {
                if got.name == "basic.publish" && got.text == culprit.to_string() {
                    peer.close_channel(1, code, (60, 40)).await;
                    while peer.next().await.unwrap().name != "channel.close-ok" {}
                    continue;
                }
                peer.answer(&got).await;
                if got.name == "basic.publish" && !stored.contains(&got.text) {
                    stored.push(got.text);
                }
            }
            stored
        });
        let (outcomes, took) = within(s(5), sending).await;
        let outcomes = outcomes.unwrap();
        assert!(took <= ms(100), "{took:?}");
        for (number, outcome) in outcomes.iter().enumerate() {
            match outcome {
                Err(SendError::Refused { code: told, .. }) if number == culprit => assert_eq!(*told, code),
                Ok(_) if number != culprit => {}
                other => panic!("{code} for message {culprit}, message {number}: {other:?}"),
            }
        }
        drop(connection);
        let stored = within(s(1), broker).await.0.unwrap();
        let all: Vec<_> =
            (0..6).filter(|number| *number != culprit).map(|number| number.to_string()).collect();
        assert_eq!(stored, all, "in the order of sending, apart from repetitions");
    }
}

/// The accident: what was sent while messages went one by one, to find the culprit among them, was not written after the last of them
/// was confirmed, until somebody sent something else.
#[tokio::test(start_paused = true)]
async fn what_waits_behind_messages_that_go_one_by_one_goes_after_them() {
    let (_connection, publisher, mut peer, _peers) = publisher(options(), to_q()).await;
    let (bad, good) = (publisher.enqueue("bad").await.unwrap(), publisher.enqueue("good").await.unwrap());
    for _ in 0..2 {
        peer.until("basic.publish").await;
    }
    peer.close_channel(1, 404, (60, 40)).await;
    assert_eq!(peer.until("basic.publish").await.text, "bad");
    let waits = publisher.enqueue("waits").await.unwrap();
    tokio::time::sleep(ms(1)).await;
    assert!(peer.is_quiet().await, "one at a time");
    peer.close_channel(1, 404, (60, 40)).await;
    assert!(matches!(within(s(1), bad).await.0, Err(SendError::Refused { .. })));
    for (body, confirm) in [("good", good), ("waits", waits)] {
        let (got, took) = within(s(1), peer.until("basic.publish")).await;
        assert_eq!((&*got.text, took), (body, s(0)));
        peer.answer(&got).await;
        within(s(1), confirm).await.0.unwrap();
    }
}

/// The accident: a publisher was dropped with messages in flight, one of them closed the channel, and the others were given up.
#[tokio::test(start_paused = true)]
async fn messages_of_a_dropped_publisher_outlive_the_channel_that_one_of_them_closed() {
    let (_connection, publisher, mut peer, _peers) = publisher(options(), to_q()).await;
    let (good, bad) = (publisher.enqueue("good").await.unwrap(), publisher.enqueue("bad").await.unwrap());
    drop(publisher);
    let broker = tokio::spawn(async move {
        for _ in 0..2 {
            peer.until("basic.publish").await;
        }
        peer.close_channel(1, 404, (60, 40)).await;
        loop {
            let got = peer.next().await.unwrap();
            match (got.name, &*got.text) {
                ("basic.publish", "bad") => peer.close_channel(1, 404, (60, 40)).await,
                ("channel.close", _) => return peer.answer(&got).await,
                _ => peer.answer(&got).await,
            }
        }
    });
    within(s(1), good).await.0.unwrap();
    let refused = within(s(1), bad).await.0;
    assert!(matches!(refused, Err(SendError::Refused { code: 404, .. })), "{refused:?}");
    broker.abort();
}

#[tokio::test(start_paused = true)]
async fn while_the_broker_is_away_messages_keep_their_deadlines_and_their_order() {
    let (connection, publisher, mut peer, mut peers) = publisher(options(), to_q().in_flight(4, 1000)).await;
    let written = publisher.enqueue("0").await.unwrap();
    peer.until("basic.publish").await;
    drop(peer);
    let mut waiting = Vec::new();
    for number in 1..4 {
        waiting.push(publisher.enqueue(number.to_string()).await.unwrap());
    }
    // Nobody answers the next connections: 4 s pass.
    let silent = tokio::spawn(async move {
        let first = peers.accept().await;
        let second = peers.accept().await;
        drop((first, second));
        peers
    });
    assert!(is_unconfirmed(&within(ms(4100), written).await.0));
    for confirm in waiting {
        let outcome = within(ms(100), confirm).await.0;
        assert!(matches!(outcome, Err(SendError::Deadline)), "{outcome:?}");
    }
    assert_eq!(publisher.in_flight_len(), 0, "what is decided holds no room");
    let next: Vec<_> = [publisher.enqueue("x").await.unwrap(), publisher.enqueue("y").await.unwrap()].into();
    let mut peers = silent.await.unwrap();
    let mut peer = peers.open().await;
    for body in ["x", "y"] {
        let got = peer.until("basic.publish").await;
        assert_eq!(got.text, body, "what was decided is not sent");
        peer.answer(&got).await;
    }
    for confirm in next {
        within(s(1), confirm).await.0.unwrap();
    }
    drop(connection);
}
