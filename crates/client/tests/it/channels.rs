//! The low-level channel: confirms, returns, and how its end is told.

use leveret_client::{
    Channel, Confirmation, Connection, ConsumeError, ConsumeOptions, Error, FieldTable, Message, Origin,
    PublishOptions, QueueDeclare, Scope, SendError,
};
use tokio::time::timeout;

use crate::support::pipe::{Pipe, connect, cut_and_wait};
use crate::support::{SOON, Target, fresh};

const MANDATORY: PublishOptions = PublishOptions { mandatory: true };

async fn confirming(connection: &Connection, arguments: FieldTable) -> (Channel, String) {
    let channel = connection.channel().await.unwrap();
    let how = QueueDeclare { exclusive: true, arguments, ..Default::default() };
    let name = channel.queue_declare(&fresh("channel"), how).await.unwrap().name;
    channel.confirm_select().await.unwrap();
    (channel, name)
}

fn to(key: &str, body: &'static str) -> Message {
    Message::new(body).exchange("").routing_key(key.to_owned())
}

#[tokio::test]
async fn every_outcome_of_a_confirm_is_told_apart() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let mut one = FieldTable::new();
    one.insert("x-max-length", 1);
    one.insert("x-overflow", "reject-publish");
    let (channel, name) = confirming(&connection, one).await;
    let nowhere = fresh("nowhere");
    let mut returns = channel.returns();

    let stored = channel.basic_publish_confirmed(to(&name, "fits"), MANDATORY).await.unwrap();
    let full = channel.basic_publish_confirmed(to(&name, "too many"), MANDATORY).await.unwrap();
    let lost = channel.basic_publish_confirmed(to(&nowhere, "lost"), MANDATORY).await.unwrap();
    let unheard =
        channel.basic_publish_confirmed(to(&nowhere, "x"), PublishOptions::default()).await.unwrap();
    assert_eq!(timeout(SOON, stored).await.unwrap().unwrap(), Confirmation::Ack);
    assert_eq!(timeout(SOON, full).await.unwrap().unwrap(), Confirmation::Nack);
    let Confirmation::Returned(returned) = timeout(SOON, lost).await.unwrap().unwrap() else {
        panic!("it was mandatory")
    };
    assert_eq!((returned.code, &*returned.routing_key, &*returned.body), (312, &*nowhere, &b"lost"[..]));
    assert_eq!(timeout(SOON, unheard).await.unwrap().unwrap(), Confirmation::Ack);
    assert_eq!(timeout(SOON, returns.next()).await.unwrap(), Some(*returned));

    assert!(!channel.wait_for_confirms().await.unwrap(), "one was nacked");
    assert_eq!(channel.queue_purge(&name).await.unwrap(), 1);
    channel.basic_publish(to(&name, "fits again")).await.unwrap();
    assert!(channel.wait_for_confirms().await.unwrap(), "none since");
    channel.close().await.unwrap();
    assert_eq!(timeout(SOON, returns.next()).await.unwrap(), None);
}

#[tokio::test]
async fn without_confirms_what_comes_back_is_told_by_the_stream_alone() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let channel = connection.channel().await.unwrap();
    let refused = channel.basic_publish_confirmed("x", MANDATORY).await;
    assert!(matches!(refused, Err(Error::NotConfirming)), "{refused:?}");
    assert!(matches!(channel.wait_for_confirms().await, Err(Error::NotConfirming)));
    let mut returns = channel.returns();
    let nowhere = fresh("nowhere");
    channel.basic_publish_with(to(&nowhere, "back"), MANDATORY).await.unwrap();
    let returned = timeout(SOON, returns.next()).await.unwrap().unwrap();
    assert_eq!(
        (&*returned.text, &*returned.routing_key, &*returned.body),
        ("NO_ROUTE", &*nowhere, &b"back"[..])
    );
}

#[tokio::test]
async fn methods_come_after_what_was_published_before_them() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let (channel, name) = confirming(&connection, FieldTable::new()).await;
    for number in 0..200 {
        channel.basic_publish(to(&name, "n")).await.unwrap();
        assert_eq!(channel.queue_purge(&name).await.unwrap(), 1, "message {number}");
    }
}

#[tokio::test]
async fn a_channel_that_a_message_closes_says_so_everywhere() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let (channel, name) = confirming(&connection, FieldTable::new()).await;
    let mut consumer = channel.basic_consume(&name, ConsumeOptions::default()).await.unwrap();
    let told = tokio::spawn({
        let channel = channel.clone();
        async move { channel.wait_closed().await }
    });
    let message = Message::new("x").exchange(fresh("missing")).routing_key("k");
    let confirm = channel.basic_publish_confirmed(message, MANDATORY).await.unwrap();
    let refused = timeout(SOON, confirm).await.unwrap().unwrap_err();
    assert!(matches!(refused, SendError::Refused { code: 404, .. }), "{refused:?}");
    let is_it = |error: &Error| {
        matches!(error, Error::Closed { scope: Scope::Channel, origin: Origin::Broker, code: 404, .. })
    };
    assert!(is_it(&timeout(SOON, told).await.unwrap().unwrap()));
    assert!(is_it(&channel.wait_closed().await));
    assert!(is_it(&channel.wait_for_confirms().await.unwrap_err()));
    assert!(is_it(&channel.basic_publish("x").await.unwrap_err()));
    let ConsumeError::Ended(ended) = timeout(SOON, consumer.next()).await.unwrap().unwrap().unwrap_err()
    else {
        panic!("an end")
    };
    assert!(is_it(&ended));
    connection.channel().await.unwrap();
}

#[tokio::test]
async fn a_consumer_whose_queue_is_deleted_is_told_so_and_its_channel_goes_on() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let (channel, name) = confirming(&connection, FieldTable::new()).await;
    let how = ConsumeOptions { tag: "mine".into(), ..Default::default() };
    let mut consumer = channel.basic_consume(&name, how).await.unwrap();
    connection.channel().await.unwrap().queue_delete(&name, Default::default()).await.unwrap();
    match timeout(SOON, consumer.next()).await.unwrap() {
        Some(Err(ConsumeError::Ended(Error::ConsumerCancelled { tag }))) => assert_eq!(&*tag, "mine"),
        other => panic!("{other:?}"),
    }
    assert!(channel.closed().is_none());
    channel.basic_qos(1, false).await.unwrap();
}

#[tokio::test]
async fn a_channel_ends_with_its_connection_and_its_messages_are_not_sent_again() {
    let (broker, pipe) = (leveret_broker::Broker::in_memory(), Pipe::default());
    let connection = connect(&broker, &pipe).await;
    let channel = connection.channel().await.unwrap();
    channel.confirm_select().await.unwrap();
    let name = fresh("ends");
    channel.queue_declare(&name, QueueDeclare { durable: true, ..Default::default() }).await.unwrap();
    let confirm = channel.basic_publish_confirmed(to(&name, "x"), MANDATORY).await.unwrap();
    // Nothing of it is written before this task waits for something.
    let cut = cut_and_wait(&connection, &pipe);
    let (outcome, ()) = timeout(SOON, async { tokio::join!(confirm, cut) }).await.unwrap();
    assert!(
        matches!(outcome, Ok(Confirmation::Ack) | Err(SendError::Unconfirmed { .. } | SendError::Closed(_))),
        "{outcome:?}"
    );
    assert!(matches!(channel.wait_closed().await, Error::Lost(_)));
    assert!(matches!(channel.basic_publish("x").await, Err(Error::Lost(_))));
    let again = connection.channel().await.unwrap();
    let left = again.queue_purge(&name).await.unwrap();
    assert!(left <= 1, "{left}");
}
