use crate::support::*;
use leveret_client::{PublisherOptions, QueueDeclare, SendError};
use leveret_protocol::methods::basic;
use leveret_test::TestBroker;

#[tokio::test]
async fn nacked_publishings_are_in_no_queue_and_the_others_keep_their_numbers() {
    let broker = TestBroker::start().await;
    let mut raw = Raw::to(&broker).await;
    raw.call(declare("q")).await;
    raw.confirm().await;
    raw.publish("q", "1").await;
    assert_eq!(raw.next().await, "ack 1");
    broker.faults().nack_next(2);
    for body in ["2", "3"] {
        raw.publish("q", body).await;
    }
    assert_eq!(raw.arrived(&broker).await, ["nack 2", "nack 3"]);
    raw.publish("q", "4").await;
    assert_eq!(raw.next().await, "ack 4");
    broker.faults().nack_next(1);
    raw.publish("q", "5").await;
    assert_eq!(raw.next().await, "nack 5");
    for body in ["6", "7", "8"] {
        raw.publish("q", body).await;
    }
    let arrived = raw.arrived(&broker).await;
    assert_eq!(acked_through(&arrived), Some(8), "{arrived:?}");
    let texts: Vec<String> = broker.messages("q").iter().map(|m| m.text()).collect();
    assert_eq!(texts, ["1", "4", "6", "7", "8"]);
    let nacked: Vec<bool> = broker.published().iter().map(|p| p.nacked).collect();
    assert_eq!(nacked, [false, true, true, false, true, false, false, false]);
}

#[tokio::test]
async fn channels_that_do_not_confirm_are_left_alone() {
    let broker = TestBroker::start().await;
    let (mut plain, mut confirming) = (Raw::to(&broker).await, Raw::to(&broker).await);
    plain.call(declare("q")).await;
    confirming.confirm().await;
    broker.faults().nack_next(1);
    plain.publish("q", "kept").await;
    broker.expect_message("q").body("kept").await;
    confirming.publish("q", "nacked").await;
    assert_eq!(confirming.next().await, "nack 1");
    assert_eq!(broker.queue("q").unwrap().ready, 1);
}

#[tokio::test]
async fn nacks_do_not_come_between_the_frames_of_a_delivery() {
    let broker = TestBroker::start().await;
    let mut raw = Raw::to(&broker).await;
    raw.call(declare("q")).await;
    raw.confirm().await;
    raw.call(basic::Consume { queue: short("q"), no_ack: true, ..Default::default() }).await;
    let mut other = Raw::to(&broker).await;
    broker.faults().nack_next(50);
    let big = "x".repeat(300_000);
    for n in 0..50 {
        other.publish("q", &big).await;
        raw.publish("q", &n.to_string()).await;
        tokio::task::yield_now().await;
    }
    // A nack in the wrong place would be a frame that the reader refuses.
    let (mut nacks, mut deliveries) = (0, 0);
    while nacks + deliveries < 100 {
        match raw.next().await {
            text if text.starts_with("nack ") => nacks += 1,
            text => {
                assert!(text.starts_with("deliver xxx"), "{text}");
                deliveries += 1;
            }
        }
    }
    assert_eq!((nacks, deliveries), (50, 50));
}

/// The accident this guards against: what a client said before it had `channel.open-ok`, such as `confirm.select`, was forgotten when that
/// came, and nothing of the channel was nacked.
#[tokio::test]
async fn a_client_that_does_not_wait_for_its_channel_is_nacked_as_well() {
    let broker = TestBroker::start().await;
    let client = broker.client().await;
    client.channel().await.unwrap().queue_declare("q", QueueDeclare::default()).await.unwrap();
    let publisher = client.publisher(PublisherOptions::to_queue("q")).await.unwrap();
    broker.faults().nack_next(1);
    let refused = publisher.send("1").await.unwrap_err();
    assert!(matches!(refused, SendError::Rejected), "{refused:?}");
    publisher.send("2").await.unwrap();
    broker.expect_message("q").body("2").await;
}
