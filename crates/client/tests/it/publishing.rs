//! What becomes of messages: refused, late, large, many, without confirms.

use std::time::Duration;

use leveret_client::{
    ConsumerOptions, Error, FieldTable, Message, Properties, PublisherOptions, QueueDeclare, SendError,
};
use tokio::time::timeout;

use crate::support::{SOON, Target, exclusive, next, text};

#[tokio::test]
async fn a_full_queue_that_rejects_says_so_and_takes_more_once_there_is_room() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let channel = connection.channel().await.unwrap();
    let mut arguments = FieldTable::from([("x-max-length", 2)]);
    arguments.insert("x-overflow", "reject-publish");
    let name = target.fresh("full");
    channel.queue_declare(&name, QueueDeclare { arguments, ..exclusive() }).await.unwrap();
    let publisher = connection.publisher(PublisherOptions::to_queue(name.clone())).await.unwrap();
    for body in ["a", "b"] {
        publisher.send(body).await.unwrap();
    }
    let error = publisher.send("c").await.unwrap_err();
    assert!(
        matches!(error, SendError::Rejected) && error.is_transient() && !error.maybe_stored(),
        "{error:?}"
    );
    assert_eq!(channel.queue_purge(&name).await.unwrap(), 2);
    publisher.send("d").await.unwrap();
    let got = channel.basic_get(&name, true).await.unwrap().unwrap();
    assert_eq!((&got.delivery.body()[..], got.messages), (&b"d"[..], 0));
}

#[tokio::test]
async fn senders_wait_while_the_bounds_are_reached_and_flush_waits_for_all() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let channel = connection.channel().await.unwrap();
    let name = channel.queue_declare(&target.fresh("bounds"), exclusive()).await.unwrap().name;
    let options = PublisherOptions::to_queue(name.clone()).in_flight(3, 1 << 20);
    let publisher = connection.publisher(options).await.unwrap();
    let mut confirms = Vec::new();
    for n in 0..200 {
        confirms.push(publisher.enqueue(format!("{n}")).await.unwrap());
        assert!(publisher.in_flight_len() <= 3);
    }
    timeout(SOON, publisher.flush()).await.unwrap().unwrap();
    assert_eq!(publisher.in_flight_len(), 0);
    for confirm in confirms {
        // It is there already: flush has waited for it.
        timeout(Duration::from_millis(100), confirm).await.unwrap().unwrap();
    }
    publisher.close(SOON).await.unwrap();
    assert_eq!(channel.queue_purge(&name).await.unwrap(), 200);
}

#[tokio::test]
async fn bodies_of_many_frames_and_all_properties_arrive_as_they_were() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let channel = connection.channel().await.unwrap();
    let name = channel.queue_declare(&target.fresh("large"), exclusive()).await.unwrap().name;
    let publisher = connection.publisher(PublisherOptions::to_queue(name.clone())).await.unwrap();
    let mut headers = FieldTable::from([("text", "a"), ("long", &"x".repeat(3000))]);
    headers.insert("number", -7_i64);
    headers.insert("yes", true);
    let properties = Properties {
        content_type: Some("text/plain".into()),
        content_encoding: Some("identity".into()),
        headers: Some(headers),
        delivery_mode: Some(1),
        priority: Some(3),
        correlation_id: Some("c".into()),
        reply_to: Some("r".into()),
        expiration: Some("60000".into()),
        message_id: Some("m".into()),
        timestamp: Some(1_700_000_000),
        kind: Some("t".into()),
        user_id: Some("guest".into()),
        app_id: Some("app".into()),
        ..Properties::default()
    };
    let mut consumer = connection.consumer(ConsumerOptions::new(name, 2)).await.unwrap();
    // Around the bounds of frames of 4096 and of 131072 bytes, and beyond what one read brings.
    for size in [0, 1, 4087, 4088, 4089, 8176, 131_063, 131_064, 131_065, 1 << 20, 3_000_001] {
        let body: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
        publisher.send(Message::new(body.clone()).properties(properties.clone())).await.unwrap();
        let delivery = next(&mut consumer).await;
        assert!(delivery.body()[..] == body, "a body of {size} bytes came as {}", delivery.body().len());
        assert_eq!(delivery.properties().unwrap(), properties);
        delivery.ack().unwrap();
    }
}

#[tokio::test]
async fn without_confirms_nothing_is_waited_for_and_all_arrives() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let channel = connection.channel().await.unwrap();
    let name = channel.queue_declare(&target.fresh("fire"), exclusive()).await.unwrap().name;
    let publisher =
        connection.publisher(PublisherOptions::to_queue(name.clone()).confirms(false)).await.unwrap();
    for n in 0..1000 {
        publisher.send(format!("{n}")).await.unwrap();
    }
    let mut consumer = connection.consumer(ConsumerOptions::new(name, 100)).await.unwrap();
    for n in 0..1000 {
        let delivery = next(&mut consumer).await;
        assert_eq!(text(&delivery), n.to_string());
        delivery.ack().unwrap();
    }
}

#[tokio::test]
async fn while_the_broker_is_away_a_message_meets_its_deadline_unsent() {
    let target = Target::start().await;
    let relay = target.relay().await;
    let connection = relay.connect().await;
    let name = target.queue(&connection.channel().await.unwrap(), "away").await;
    let options = PublisherOptions::to_queue(name.clone()).deadline(Duration::from_millis(300));
    let publisher = connection.publisher(options).await.unwrap();
    publisher.send("before").await.unwrap();
    relay.refuse(true);
    relay.cut();
    let mut states = connection.watch();
    let lost = |state: &leveret_client::ConnectionState| {
        matches!(state, leveret_client::ConnectionState::Recovering { .. })
    };
    timeout(SOON, states.wait_for(lost)).await.unwrap().unwrap();
    let error = timeout(SOON, publisher.send("never")).await.unwrap().unwrap_err();
    assert!(matches!(error, SendError::Deadline) && !error.maybe_stored(), "{error:?}");
    relay.refuse(false);
    // The deadline counts while it comes back as well.
    let mut sent = publisher.send("after").await;
    for _ in 0..20 {
        if sent.is_ok() {
            break;
        }
        sent = publisher.send("after").await;
    }
    sent.unwrap();
    let channel = target.connect().await.channel().await.unwrap();
    let mut bodies = Vec::new();
    while let Some(got) = channel.basic_get(&name, true).await.unwrap() {
        bodies.push(text(&got.delivery).to_owned());
    }
    assert_eq!(bodies.first().map(String::as_str), Some("before"));
    assert!(bodies.iter().skip(1).all(|body| body == "after") && bodies.len() > 1, "{bodies:?}");
}

#[tokio::test]
async fn a_closed_connection_tells_its_publishers_and_consumers() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let name = target.queue(&connection.channel().await.unwrap(), "closed").await;
    let publisher = connection.publisher(PublisherOptions::to_queue(name.clone())).await.unwrap();
    let mut consumer = connection.consumer(ConsumerOptions::new(name, 1)).await.unwrap();
    connection.close(SOON).await.unwrap();
    let error = publisher.send("late").await.unwrap_err();
    assert!(matches!(error, SendError::Closed(Error::Closed { code: 200, .. })), "{error:?}");
    assert!(!publisher.is_open());
    assert!(timeout(SOON, consumer.next()).await.unwrap().is_none());
    assert!(matches!(connection.channel().await, Err(Error::Closed { code: 200, .. })));
}

/// What a message gets that it lacks, as its options say.
#[tokio::test]
async fn a_message_gets_what_it_lacks_unless_the_publisher_is_told_not_to() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let channel = connection.channel().await.unwrap();
    let queue = channel.queue_declare("", exclusive()).await.unwrap().name;
    let to = || PublisherOptions::to_queue(queue.clone());
    type Wanted = (bool, Option<u8>, Option<(&'static str, i64)>);
    let table: [(PublisherOptions, Wanted); 4] = [
        (to(), (true, Some(2), None)),
        (to().persistent(false), (true, None, None)),
        (to().message_ids(false), (false, Some(2), None)),
        (to().producer_id("till 7"), (true, Some(2), Some(("till 7", 1)))),
    ];
    for (options, wanted) in table {
        let told = format!("{options:?}");
        connection.publisher(options).await.unwrap().send("a").await.unwrap();
        let got = channel.basic_get(&queue, true).await.unwrap().unwrap();
        let properties = got.delivery.properties().unwrap();
        let headers = properties.headers.unwrap_or_default();
        let id = headers.get("x-producer-id").and_then(|id| id.as_str());
        let sequence = headers.get("x-producer-sequence").and_then(|number| number.as_i64());
        let found = (properties.message_id.is_some(), properties.delivery_mode, id.zip(sequence));
        assert_eq!(found, wanted, "{told}");
    }
}
