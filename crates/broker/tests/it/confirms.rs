//! Publisher confirms and returns. Source: RabbitMQ, "Consumer Acknowledgements and Publisher Confirms".

use crate::support::*;
use leveret_protocol::FieldTable;
use leveret_protocol::methods::confirm;

/// The confirms among what arrived, expanded: tag and whether it was taken.
fn confirms(all: &[Got]) -> Vec<(u64, bool)> {
    let mut answered = Vec::new();
    let mut next = 1;
    for got in all {
        match got {
            Got::Ack { tag, multiple: true, .. } => answered.extend((next..=*tag).map(|tag| (tag, true))),
            Got::Ack { tag, .. } => answered.push((*tag, true)),
            Got::Nack { tag, .. } => answered.push((*tag, false)),
            _ => continue,
        }
        next = answered.iter().map(|(tag, _)| *tag + 1).max().unwrap_or(1);
    }
    answered
}

#[tokio::test]
async fn every_publishing_is_confirmed_once_in_order() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.publish(Publishing::to("q", "before confirms are on")).await;
    client.confirm().await;
    let frame_max = client.tuning.frame_max;
    let mut sent = 0;
    for batch in [1, 2, 10, 500] {
        client.send(|out| (0..batch).for_each(|_| Publishing::to("q", "m").write(1, frame_max, out))).await;
        sent += batch;
    }
    let all = client.arrived().await;
    assert_eq!(confirms(&all), (1..=sent).map(|tag| (tag, true)).collect::<Vec<_>>());
    assert!(all.len() < 100, "{} frames for {sent} confirms", all.len());
    // Selecting again changes nothing.
    client.call(1, confirm::Select::default()).await;
    client.publish(Publishing::to("q", "m")).await;
    assert_eq!(client.next().await, Got::Ack { channel: 1, tag: sent + 1, multiple: false });
}

#[tokio::test]
async fn a_return_comes_before_its_confirm_and_is_an_ack() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.confirm().await;
    let frame_max = client.tuning.frame_max;
    let keys = ["q", "nowhere 2", "q", "nowhere 4", "nowhere 5", "q"];
    client
        .send(|out| keys.iter().for_each(|key| Publishing::to(key, key).mandatory().write(1, frame_max, out)))
        .await;
    let all = client.arrived().await;
    assert_eq!(confirms(&all), (1..=6).map(|tag| (tag, true)).collect::<Vec<_>>());
    for (number, key) in (1u64..).zip(keys).filter(|(_, key)| *key != "q") {
        let returned =
            all.iter().position(|got| matches!(got, Got::Return { message, .. } if message.text() == key));
        let confirmed = all.iter().position(|got| {
            matches!(got, Got::Ack { tag, multiple, .. } if *tag == number || (*multiple && *tag > number))
        });
        let (returned, confirmed) = (returned.expect("it came back"), confirmed.unwrap());
        assert!(returned < confirmed, "{key} was confirmed before it came back: {all:?}");
    }
    let Some(Got::Return { code, text, message, .. }) =
        all.iter().find(|got| matches!(got, Got::Return { .. }))
    else {
        panic!()
    };
    assert_eq!((*code, text.as_str(), message.routing_key.as_str()), (312, "NO_ROUTE", "nowhere 2"));
}

#[tokio::test]
async fn numbers_are_each_channels_own() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.open(2).await;
    client.confirm().await;
    client.call(2, confirm::Select::default()).await;
    client.open(3).await;
    let frame_max = client.tuning.frame_max;
    client
        .send(|out| {
            for channel in [1, 2, 3, 1, 2, 1] {
                Publishing::to("q", "m").write(channel, frame_max, out);
            }
        })
        .await;
    let mut highest = [0; 4];
    for got in client.arrived().await {
        let Got::Ack { channel, tag, .. } = got else { panic!("{got:?}") };
        highest[usize::from(channel)] = tag;
    }
    assert_eq!(highest, [0, 3, 2, 0]);
    // A channel opened anew counts anew.
    client.close_channel(1).await;
    client.open(1).await;
    client.confirm().await;
    client.publish(Publishing::to("q", "m")).await;
    assert_eq!(client.next().await, Got::Ack { channel: 1, tag: 1, multiple: false });
}

/// What was published before an error on the same channel is in its queue, and confirmed.
#[tokio::test]
async fn an_error_in_the_middle_of_a_batch_takes_nothing_back() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.confirm().await;
    let frame_max = client.tuning.frame_max;
    client
        .send(|out| {
            Publishing::to("q", "1").write(1, frame_max, out);
            Publishing::to("q", "2").write(1, frame_max, out);
            Publishing { exchange: "missing", ..Publishing::to("q", "3") }.write(1, frame_max, out);
            Publishing::to("q", "4").write(1, frame_max, out);
        })
        .await;
    let text = "NOT_FOUND - no exchange 'missing' in vhost '/'".to_owned();
    assert_eq!(client.answer(1).await, Got::Close { channel: 1, code: 404, text });
    assert_eq!(confirms(&client.lying_here().await), [(1, true), (2, true)]);
    client.open(1).await;
    assert_eq!(client.drain("q").await, ["1", "2"], "what follows the error is thrown away");
}

#[tokio::test]
async fn a_large_body_in_many_frames_arrives_as_sent() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.confirm().await;
    let piece = client.tuning.frame_max as usize - 8;
    for length in [0, 1, piece - 1, piece, piece + 1, 3 * piece, 1_000_003] {
        let body: Vec<u8> = (0..length).map(|at| (at * 31 % 251) as u8).collect();
        client.publish(Publishing::bytes("q", &body)).await;
        let (_, _, message) = loop {
            if let Some(got) = client.get("q", true).await {
                break got;
            }
        };
        assert!(message.body == body, "{length} bytes came back as {}", message.body.len());
    }
}
