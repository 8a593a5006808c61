//! Heartbeats and the deadlines of a connection, on the virtual clock.

use crate::support::*;
use leveret_protocol::{PROTOCOL_HEADER, Put as _, put_heartbeat};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Time passes for a connection that says nothing; another one's round trips show when the broker is done.
async fn silence(
    broker: &leveret_broker::Broker,
    other: &mut Client,
    client: &mut Client,
    ms_passed: u64,
) -> Vec<Got> {
    pass(broker, other, ms(ms_passed)).await;
    client.lying_here().await
}

#[tokio::test]
async fn the_server_beats_at_half_the_interval_and_gives_up_after_two_silent_ones() {
    let broker = broker();
    let mut other = Client::to(&broker).await;
    let mut client = Connect::heartbeat_s(10).to(&broker).await;
    assert_eq!(client.tuning.heartbeat, 10);
    assert_eq!(silence(&broker, &mut other, &mut client, 4_999).await, []);
    assert_eq!(silence(&broker, &mut other, &mut client, 1).await, [Got::Heartbeat]);
    assert_eq!(silence(&broker, &mut other, &mut client, 4_999).await, []);
    assert_eq!(silence(&broker, &mut other, &mut client, 1).await, [Got::Heartbeat]);
    assert_eq!(silence(&broker, &mut other, &mut client, 5_000).await, [Got::Heartbeat]);
    assert_eq!(silence(&broker, &mut other, &mut client, 4_999).await, []);
    assert_eq!(broker.connection_count(), 2);
    assert_eq!(silence(&broker, &mut other, &mut client, 1).await.last(), Some(&Got::End));
    connections_are(&broker, 1).await;
}

#[tokio::test]
async fn any_byte_counts_as_a_sign_of_life() {
    let broker = broker();
    let mut other = Client::to(&broker).await;
    let mut client = Connect::heartbeat_s(10).to(&broker).await;
    let mut beat = Vec::new();
    put_heartbeat(&mut beat);
    // A heartbeat in eight pieces, 19 seconds apart.
    for piece in beat.chunks(1) {
        client.send_bytes(piece).await;
        other.settle().await;
        pass(&broker, &mut other, ms(19_000)).await;
        assert!(client.lying_here().await.iter().all(|got| *got == Got::Heartbeat));
    }
    client.settle().await;
    pass(&broker, &mut other, ms(20_000)).await;
    connections_are(&broker, 1).await;
}

#[tokio::test]
async fn without_heartbeats_silence_may_last() {
    let broker = broker();
    let mut other = Client::to(&broker).await;
    let mut client = Client::to(&broker).await;
    assert_eq!(client.tuning.heartbeat, 0);
    for _ in 0..24 {
        assert_eq!(silence(&broker, &mut other, &mut client, 3_600_000).await, []);
    }
    client.settle().await;
    assert_eq!(broker.connection_count(), 2);
}

#[tokio::test]
async fn the_dead_connections_messages_go_to_the_living() {
    let broker = broker();
    let mut other = Client::to(&broker).await;
    let mut client = Connect::heartbeat_s(10).to(&broker).await;
    other.declare(queue_with("q", Default::default())).await;
    other.fill("q", &["1", "2"]).await;
    client.consume(consume("q", "lost")).await;
    other.settle().await;
    assert_eq!(other.count("q").await, (0, 1));
    // The client vanished: no bytes, no end of the stream.
    pass(&broker, &mut other, secs(20)).await;
    assert_eq!(other.count("q").await, (2, 0));
    let (_, redelivered, message) = other.get("q", true).await.unwrap();
    assert_eq!((redelivered, message.text()), (true, "1"));
}

/// A client that is busy with what it got, and says that it lives, is not taken for dead because it reads slowly.
#[tokio::test]
async fn a_slow_reader_that_beats_lives() {
    let broker = broker();
    let mut other = Client::to(&broker).await;
    let mut client = Connect::heartbeat_s(10).to(&broker).await;
    other.declare(queue_with("q", Default::default())).await;
    let body = vec![7; 2_000_000];
    for _ in 0..5 {
        other.publish(Publishing::bytes("q", &body)).await;
    }
    other.settle().await;
    client.tell(1, consume("q", "slow")).await;
    let mut beat = Vec::new();
    put_heartbeat(&mut beat);
    for _ in 0..30 {
        pass(&broker, &mut other, secs(5)).await;
        client.send_bytes(&beat).await;
    }
    other.settle().await;
    assert_eq!(broker.connection_count(), 2);
    let mut delivered = 0;
    while delivered < 5 {
        delivered += u32::from(matches!(client.next().await, Got::Deliver { .. }));
    }
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_cut_off() {
    let mut half_a_method = PROTOCOL_HEADER.to_vec();
    half_a_method.put_bytes(&[1, 0, 0, 0, 0, 1]);
    for said in [&b""[..], b"AM", &PROTOCOL_HEADER, &half_a_method] {
        let broker = broker();
        let mut other = Client::to(&broker).await;
        let mut stream = broker.connect();
        stream.write_all(said).await.unwrap();
        other.settle().await;
        pass(&broker, &mut other, ms(9_999)).await;
        assert_eq!(broker.connection_count(), 2, "after {said:?}");
        pass(&broker, &mut other, ms(1)).await;
        connections_are(&broker, 1).await;
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty() || rest.starts_with(&[1, 0, 0]), "only a start may have been said: {rest:?}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_answer_a_close_is_let_go() {
    let broker = broker();
    let mut other = Client::to(&broker).await;
    let mut client = Client::to(&broker).await;
    client.send_bytes(&[99, 0, 1, 0, 0, 0, 0, 0xce]).await;
    other.settle().await;
    pass(&broker, &mut other, ms(4_999)).await;
    assert_eq!(broker.connection_count(), 2);
    pass(&broker, &mut other, ms(1)).await;
    connections_are(&broker, 1).await;
}

/// It closes, does not read what was on its way to it, and does not close the stream either.
#[tokio::test]
async fn a_client_that_closes_and_reads_nothing_is_let_go() {
    let broker = broker();
    let mut other = Client::to(&broker).await;
    let mut client = Client::to(&broker).await;
    other.declare(queue_with("q", Default::default())).await;
    for _ in 0..60 {
        other.publish(Publishing::bytes("q", &[0; 10_000])).await;
    }
    other.settle().await;
    client.tell(1, consume("q", "x")).await;
    other.settle().await;
    let close = leveret_protocol::methods::connection::Close { reply_code: 200, ..Default::default() };
    client.tell(0, close).await;
    other.settle().await;
    assert_eq!(other.count("q").await, (60, 0), "its messages are back at once");
    pass(&broker, &mut other, secs(5)).await;
    connections_are(&broker, 1).await;
}

/// It read a part of what was on its way to it, then vanished.
#[tokio::test]
async fn a_client_that_stops_reading_half_way_is_given_up() {
    let broker = broker();
    let mut other = Client::to(&broker).await;
    let mut client = Connect::heartbeat_s(10).to(&broker).await;
    other.declare(queue_with("q", Default::default())).await;
    let body = vec![7; 1_200_000];
    other.publish(Publishing::bytes("q", &body)).await;
    other.settle().await;
    let get = leveret_protocol::methods::basic::Get { queue: short("q"), no_ack: false };
    client
        .send(|out| {
            (1..=5).for_each(|tag| {
                get.write(1, out);
                nack(tag, false, true).write(1, out);
            })
        })
        .await;
    other.settle().await;
    client.read_bytes(300_000).await;
    pass(&broker, &mut other, secs(20)).await;
    connections_are(&broker, 1).await;
}
