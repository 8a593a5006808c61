//! Publishing, consuming and closing, each by its main outcome.

use leveret_client::{
    ConnectionState, ConsumerOptions, Error, Message, PublisherOptions, RpcClient, SendError,
};
use tokio::time::timeout;

use crate::support::{SOON, Target, exclusive, passive};

async fn queue(
    target: &Target,
    connection: &leveret_client::Connection,
) -> (leveret_client::Channel, String) {
    let channel = connection.channel().await.unwrap();
    let name = channel.queue_declare(&target.fresh("q"), exclusive()).await.unwrap().name;
    (channel, name)
}

#[tokio::test]
async fn confirmed_messages_arrive_in_order_and_are_acked() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let (channel, name) = queue(&target, &connection).await;
    let publisher = connection.publisher(PublisherOptions::to_queue(name.clone())).await.unwrap();
    let outcomes = publisher.send_all((0..500).map(|n| format!("{n}"))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");

    let mut consumer = connection.consumer(ConsumerOptions::new(name.clone(), 50)).await.unwrap();
    for n in 0..500 {
        let delivery = timeout(SOON, consumer.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(delivery.body(), n.to_string().as_bytes());
        assert_eq!(delivery.routing_key(), name);
        assert_eq!(delivery.raw_properties().delivery_mode(), Some(2));
        delivery.ack().unwrap();
    }
    let report = consumer.drain(SOON).await.unwrap();
    assert_eq!((report.requeued, report.abandoned), (0, 0));
    assert_eq!(channel.queue_purge(&name).await.unwrap(), 0);
    let again = channel.queue_declare(&name, passive()).await.unwrap();
    assert_eq!((again.messages, again.consumers), (0, 0));
    connection.close(SOON).await.unwrap();
    assert!(matches!(connection.state(), ConnectionState::Closed { .. }));
}

#[tokio::test]
async fn an_unroutable_message_fails_and_its_neighbours_do_not() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let (_channel, name) = queue(&target, &connection).await;
    let publisher = connection.publisher(PublisherOptions::to_queue(name)).await.unwrap();
    let nowhere = target.fresh("nowhere");
    let messages = [Message::new("a"), Message::new("b").routing_key(nowhere.clone()), Message::new("c")];
    let outcomes = publisher.send_all(messages).await;
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok(), "{outcomes:?}");
    match &outcomes[1] {
        Err(SendError::Unroutable(returned)) => {
            assert_eq!((returned.code, &*returned.routing_key, &*returned.body), (312, &*nowhere, &b"b"[..]));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_publish_that_kills_the_channel_fails_alone() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let (channel, name) = queue(&target, &connection).await;
    let publisher = connection.publisher(PublisherOptions::to_queue(name.clone())).await.unwrap();
    let missing = target.fresh("missing");
    let messages = (0..20).map(|n| {
        let message = Message::new(format!("{n}"));
        if n == 7 || n == 13 { message.exchange(missing.clone()) } else { message }
    });
    let outcomes = timeout(SOON, publisher.send_all(messages)).await.unwrap();
    for (n, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Err(SendError::Refused { code: 404, .. }) if n == 7 || n == 13 => {}
            Ok(_) if n != 7 && n != 13 => {}
            other => panic!("message {n}: {other:?}"),
        }
    }
    publisher.send("after").await.unwrap();
    assert!(channel.queue_purge(&name).await.unwrap() >= 19);
}

#[tokio::test]
async fn a_channel_error_is_typed_and_ends_the_channel_alone() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let channel = connection.channel().await.unwrap();
    let error = channel.queue_declare(&target.fresh("absent"), passive()).await.unwrap_err();
    assert_eq!(error.reply_code(), Some(404), "{error}");
    assert!(matches!(channel.queue_declare("x", passive()).await, Err(Error::Closed { code: 404, .. })));
    connection.channel().await.unwrap().confirm_select().await.unwrap();
    let absent = ConsumerOptions::new(target.fresh("absent"), 1);
    assert_eq!(connection.consumer(absent).await.unwrap_err().reply_code(), Some(404));
}

#[tokio::test]
async fn a_delivery_dropped_unsettled_is_counted_and_comes_again() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let (_channel, name) = queue(&target, &connection).await;
    let publisher = connection.publisher(PublisherOptions::to_queue(name.clone())).await.unwrap();
    publisher.send("once").await.unwrap();
    let mut consumer = connection.consumer(ConsumerOptions::new(name, 1)).await.unwrap();
    drop(timeout(SOON, consumer.next()).await.unwrap().unwrap().unwrap());
    let again = timeout(SOON, consumer.next()).await.unwrap().unwrap().unwrap();
    assert!(again.is_redelivered());
    assert_eq!(connection.dropped_unsettled(), 1);
    again.ack().unwrap();
}

#[tokio::test]
async fn a_delivery_left_unsettled_is_the_brokers_until_it_is_recovered() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let (channel, name) = queue(&target, &connection).await;
    let publisher = connection.publisher(PublisherOptions::to_queue(name.clone())).await.unwrap();
    publisher.send("once").await.unwrap();
    channel.basic_get(&name, false).await.unwrap().unwrap().delivery.leave_unsettled();
    assert!(channel.basic_get(&name, false).await.unwrap().is_none());
    channel.basic_recover(true).await.unwrap();
    let again = channel.basic_get(&name, false).await.unwrap().unwrap().delivery;
    assert_eq!((again.is_redelivered(), connection.dropped_unsettled()), (true, 0));
    again.ack().unwrap();
}

#[tokio::test]
async fn a_request_gets_its_answer() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let (channel, name) = queue(&target, &connection).await;
    let mut requests = connection.consumer(ConsumerOptions::new(name.clone(), 4)).await.unwrap();
    let server = tokio::spawn(async move {
        while let Some(Ok(request)) = requests.next().await {
            channel.reply(&request, request.body().to_ascii_uppercase()).await.unwrap();
            request.ack().unwrap();
        }
    });
    let client = RpcClient::new(&connection).await.unwrap();
    let answer = client.call(Message::new("shout").routing_key(name), SOON).await.unwrap();
    assert_eq!(answer.body(), &b"SHOUT"[..]);
    server.abort();
}
