//! Each limit in the settings, and what the one who goes over it is told.

use crate::support::*;
use leveret_protocol::handshake::Tuning;
use leveret_protocol::methods::{basic, channel, tx};
use leveret_protocol::{FieldTable, ReplyCode};

#[tokio::test]
async fn connections() {
    let broker = broker_with(|config| config.limits.connections_max = 2);
    let first = Client::to(&broker).await;
    let mut second = Client::to(&broker).await;
    let error = Connect::default().try_over(broker.connect()).await.err().unwrap();
    assert_eq!(error, "530 NOT_ALLOWED - connection refused: node connection limit (2) is reached");
    second.settle().await;
    drop(first);
    connections_are(&broker, 1).await;
    Client::to(&broker).await.settle().await;
}

#[tokio::test]
async fn channels() {
    let broker = broker_with(|config| config.limits.channels_per_connection_max = 3);
    let mut client = Client::to(&broker).await;
    assert_eq!(client.tuning.channel_max, 3);
    // Channel numbers are the client's choice; how many are open counts.
    for number in [2, 3] {
        client.open(number).await;
    }
    client.close_channel(2).await;
    client.open(2).await;
    let got = client.call(4, channel::Open).await;
    let text =
        "NOT_ALLOWED - number of channels opened (3) has reached the negotiated channel_max (3)".to_owned();
    assert_eq!(got, Got::Close { channel: 0, code: ReplyCode::NotAllowed.code(), text });
}

#[tokio::test]
async fn tuning_above_the_offer() {
    // What a client may ask for is checked against the offer; ours negotiates, so it cannot go over by itself.
    let broker = broker();
    let tuning = Tuning { channel_max: 10, frame_max: 4096, heartbeat: 0 };
    let client = Connect { tuning, ..Connect::default() }.to(&broker).await;
    assert_eq!(client.tuning, tuning);
    let tuning = Tuning { channel_max: 0, frame_max: 4095, heartbeat: 0 };
    let error = Connect { tuning, ..Connect::default() }.try_over(broker.connect()).await.err().unwrap();
    let text = "530 NOT_ALLOWED - negotiated frame_max = 4095 is lower than the minimum allowed value (4096)";
    assert_eq!(error, text);
}

#[tokio::test]
async fn queues() {
    let broker = broker_with(|config| config.limits.queues_per_vhost_max = 2);
    let mut client = Client::to(&broker).await;
    for queue in ["a", "b", "a"] {
        client.declare(queue_with(queue, FieldTable::new())).await;
    }
    let Got::Close { channel: 1, code, text } = client.call(1, queue_with("c", FieldTable::new())).await
    else {
        panic!()
    };
    assert_eq!(code, ReplyCode::PreconditionFailed.code());
    assert!(text.contains("queue limit in vhost '/' (2) is reached"), "{text}");
    client.open(1).await;
    let delete = leveret_protocol::methods::queue::Delete { queue: short("a"), ..Default::default() };
    client.call(1, delete).await;
    client.declare(queue_with("c", FieldTable::new())).await;
}

#[tokio::test]
async fn consumers() {
    let broker = broker_with(|config| config.limits.consumers_per_channel_max = 2);
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.consume(consume("q", "a")).await;
    client.consume(consume("q", "b")).await;
    client.call(1, basic::Cancel { consumer_tag: short("a"), no_wait: false }).await;
    client.consume(consume("q", "c")).await;
    let got = client.call(1, consume("q", "d")).await;
    let Got::Close { channel: 1, code: 406, text } = got else { panic!("{got:?}") };
    assert!(text.contains("2 consumers"), "{text}");
}

#[tokio::test]
async fn the_size_of_a_message() {
    let broker = broker_with(|config| config.limits.message_bytes_max = 300_000);
    let mut client = Client::to(&broker).await;
    client.open(2).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.publish(Publishing::bytes("q", &vec![1; 300_000])).await;
    client.settle().await;
    assert_eq!(client.count("q").await.0, 1);
    client.publish(Publishing::bytes("q", &vec![1; 300_001])).await;
    let text =
        "PRECONDITION_FAILED - message size 300001 is larger than configured max size 300000".to_owned();
    assert_eq!(client.answer(1).await, Got::Close { channel: 1, code: 406, text });
    // The rest of that body is skipped, and the other channel never noticed.
    let passive =
        leveret_protocol::methods::queue::Declare { passive: true, ..queue_with("q", FieldTable::new()) };
    assert!(matches!(client.call(2, passive).await, Got::DeclareOk { messages: 1, .. }));
    client.open(1).await;
    client.fill("q", &["small"]).await;
    assert_eq!(client.count("q").await.0, 2);
}

#[tokio::test]
async fn the_bytes_of_a_transaction() {
    let broker = broker_with(|config| config.limits.transaction_bytes_max = 100_000);
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.call(1, tx::Select).await;
    for _ in 0..9 {
        client.publish(Publishing::bytes("q", &[1; 10_000])).await;
    }
    client.call(1, tx::Commit).await;
    assert_eq!(client.count("q").await.0, 9);
    for _ in 0..9 {
        client.publish(Publishing::bytes("q", &[1; 10_000])).await;
    }
    client.settle().await;
    client.publish(Publishing::bytes("q", &[1; 10_000])).await;
    let got = client.answer(1).await;
    let Got::Close { channel: 1, code: 406, text } = &got else { panic!("{got:?}") };
    assert!(text.contains("100000 bytes"), "{text}");
    let mut client = Client::to(&broker).await;
    assert_eq!(client.count("q").await.0, 9, "nothing of it was done");
}
