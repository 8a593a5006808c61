//! How deliveries are bounded and settled, and what ends or moves a consumer.

use std::time::Duration;

use leveret_client::{
    ConsumeOptions, ConsumerOptions, DrainReport, FieldTable, PublisherOptions, QueueDeclare, StaleDelivery,
};
use tokio::time::timeout;

use crate::support::{SOON, Target, next, text};

fn numbers(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|n| n.to_string())
}

#[tokio::test]
async fn the_prefetch_bounds_what_is_unsettled_and_acks_make_room() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let name = target.queue(&connection.channel().await.unwrap(), "prefetch").await;
    target.fill(&name, numbers(20)).await;
    let mut consumer = connection.consumer(ConsumerOptions::new(name.clone(), 5)).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(next(&mut consumer).await);
    }
    target.wait_for(&name, 15, 1).await;
    assert!(timeout(Duration::from_millis(50), consumer.next()).await.is_err(), "a sixth was delivered");
    held.drain(..2).for_each(|delivery| delivery.ack().unwrap());
    for expected in [5, 6] {
        held.push(next(&mut consumer).await);
        assert_eq!(text(held.last().unwrap()), expected.to_string());
    }
    target.wait_for(&name, 13, 1).await;
    held.into_iter().for_each(|delivery| delivery.ack().unwrap());
}

/// Acks go out of order and in few frames; none may settle a neighbour.
#[tokio::test]
async fn acks_in_any_order_settle_these_deliveries_and_no_others() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let name = target.queue(&connection.channel().await.unwrap(), "order").await;
    target.fill(&name, numbers(200)).await;
    let mut consumer = connection.consumer(ConsumerOptions::new(name.clone(), 200)).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..200 {
        held.push(next(&mut consumer).await);
    }
    // Each third is left; the others are acked from the back.
    let mut left = Vec::new();
    for (n, delivery) in held.into_iter().enumerate().rev() {
        if n % 3 == 0 { left.push(delivery) } else { delivery.ack().unwrap() }
    }
    left.into_iter().for_each(|delivery| delivery.nack(true).unwrap());
    let mut again = Vec::new();
    while again.len() < 67 {
        let delivery = next(&mut consumer).await;
        assert!(delivery.is_redelivered());
        again.push(text(&delivery).parse::<usize>().unwrap());
        delivery.ack().unwrap();
    }
    again.sort_unstable();
    assert_eq!(again, (0..200).step_by(3).collect::<Vec<_>>());
    assert_eq!(consumer.drain(SOON).await.unwrap(), DrainReport::default());
    target.wait_for(&name, 0, 0).await;
}

#[tokio::test]
async fn what_is_rejected_is_dead_lettered_and_what_is_requeued_comes_again() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let channel = connection.channel().await.unwrap();
    let dead = target.queue(&channel, "dead").await;
    let mut arguments = FieldTable::from([("x-dead-letter-exchange", "")]);
    arguments.insert("x-dead-letter-routing-key", dead.as_str());
    let name = target.fresh("rejects");
    channel.queue_declare(&name, QueueDeclare { arguments, ..QueueDeclare::default() }).await.unwrap();
    target.fill(&name, ["bad", "worse", "again"].map(String::from)).await;
    let mut consumer = connection.consumer(ConsumerOptions::new(name, 10)).await.unwrap();
    next(&mut consumer).await.reject(false).unwrap();
    next(&mut consumer).await.nack(false).unwrap();
    next(&mut consumer).await.reject(true).unwrap();
    let again = next(&mut consumer).await;
    assert_eq!((text(&again), again.is_redelivered()), ("again", true));
    again.ack().unwrap();
    let mut letters = connection.consumer(ConsumerOptions::new(dead, 10)).await.unwrap();
    for expected in ["bad", "worse"] {
        let letter = next(&mut letters).await;
        assert_eq!(text(&letter), expected);
        assert!(letter.properties().unwrap().headers.unwrap().get("x-death").is_some());
        letter.ack().unwrap();
    }
}

#[tokio::test]
async fn a_consumer_whose_queue_is_deleted_goes_on_when_it_is_back() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let elsewhere = target.connect().await.channel().await.unwrap();
    let name = target.queue(&elsewhere, "deleted").await;
    target.fill(&name, ["held".to_owned()]).await;
    let mut consumer = connection.consumer(ConsumerOptions::new(name.clone(), 10)).await.unwrap();
    let held = next(&mut consumer).await;
    elsewhere.queue_delete(&name, Default::default()).await.unwrap();
    // Asked for while it is not there, the channel is closed, and what came on it is stale; asked for later, it is there.
    assert!(timeout(Duration::from_millis(300), consumer.next()).await.is_err());
    let how = QueueDeclare { durable: true, ..QueueDeclare::default() };
    elsewhere.queue_declare(&name, how).await.unwrap();
    target.fill(&name, ["new".to_owned()]).await;
    let delivery = next(&mut consumer).await;
    assert_eq!(text(&delivery), "new");
    assert_eq!(held.ack(), Err(StaleDelivery::Stale(1)));
    delivery.ack().unwrap();
    target.wait_for(&name, 0, 1).await;
}

#[tokio::test]
async fn drained_it_requeues_what_nobody_took_and_counts_what_nobody_settled() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let name = target.queue(&connection.channel().await.unwrap(), "drain").await;
    target.fill(&name, numbers(10)).await;
    let mut consumer = connection.consumer(ConsumerOptions::new(name.clone(), 10)).await.unwrap();
    let (acked, slow) = (next(&mut consumer).await, next(&mut consumer).await);
    acked.ack().unwrap();
    target.wait_for(&name, 0, 1).await;
    let report = consumer.drain(Duration::from_millis(50)).await.unwrap();
    assert_eq!((report.requeued, report.abandoned), (8, 1));
    assert!(matches!(slow.ack(), Err(StaleDelivery::Closed(_))));
    target.wait_for(&name, 9, 0).await;

    // In time, and all of it is settled.
    let mut consumer = connection.consumer(ConsumerOptions::new(name.clone(), 1)).await.unwrap();
    let slow = next(&mut consumer).await;
    let settling = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(30)).await;
        slow.ack()
    });
    let report = consumer.drain(SOON).await.unwrap();
    settling.await.unwrap().unwrap();
    assert_eq!((report.requeued, report.abandoned), (0, 0));
    target.wait_for(&name, 8, 0).await;
}

#[tokio::test]
async fn batches_are_what_is_there_and_no_more_than_was_asked_for() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let name = target.queue(&connection.channel().await.unwrap(), "batch").await;
    target.fill(&name, numbers(25)).await;
    let mut consumer = connection.consumer(ConsumerOptions::new(name.clone(), 25)).await.unwrap();
    let (mut seen, mut sizes) = (0, Vec::new());
    while seen < 25 {
        let batch = timeout(SOON, consumer.consume_batch(10, SOON / 50)).await.unwrap().unwrap();
        sizes.push(batch.len());
        for delivery in batch {
            assert_eq!(text(&delivery), seen.to_string());
            seen += 1;
            delivery.ack().unwrap();
        }
    }
    assert_eq!(sizes, [10, 10, 5]);
    consumer.drain(SOON).await.unwrap();
    target.wait_for(&name, 0, 0).await;
}

#[tokio::test]
async fn consumers_of_one_channel_are_apart_and_an_exclusive_one_is_alone() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let channel = connection.channel().await.unwrap();
    let (first, second) = (target.queue(&channel, "first").await, target.queue(&channel, "second").await);
    target.fill(&first, ["1".to_owned()]).await;
    target.fill(&second, ["2".to_owned()]).await;
    channel.basic_qos(10, false).await.unwrap();
    let tagged = |tag: &str| ConsumeOptions { tag: tag.into(), ..ConsumeOptions::default() };
    let mut one = channel.basic_consume(&first, tagged("one")).await.unwrap();
    let mut two = channel.basic_consume(&second, tagged("two")).await.unwrap();
    assert_eq!((one.tag(), two.tag()), ("one", "two"));
    let (of_two, of_one) = (next(&mut two).await, next(&mut one).await);
    assert_eq!((text(&of_one), text(&of_two)), ("1", "2"));
    of_one.ack().unwrap();
    of_two.ack().unwrap();
    channel.basic_cancel("one").await.unwrap();
    assert!(timeout(SOON, one.next()).await.unwrap().is_none());
    target.fill(&second, ["3".to_owned()]).await;
    let three = next(&mut two).await;
    assert_eq!(text(&three), "3");
    three.ack().unwrap();
    target.wait_for(&first, 0, 0).await;
    target.wait_for(&second, 0, 1).await;

    let alone = connection.consumer(ConsumerOptions::new(first.clone(), 1).exclusive(true)).await.unwrap();
    let refused = connection.consumer(ConsumerOptions::new(first.clone(), 1)).await.unwrap_err();
    assert_eq!(refused.reply_code(), Some(403), "{refused}");
    drop(alone);
    target.wait_for(&first, 0, 0).await;
    connection.consumer(ConsumerOptions::new(first, 1)).await.unwrap();
}

#[tokio::test]
async fn acks_before_a_cut_are_not_undone_by_it() {
    let target = Target::start().await;
    let relay = target.relay().await;
    let connection = relay.connect().await;
    let name = target.queue(&connection.channel().await.unwrap(), "acked").await;
    target.fill(&name, numbers(100)).await;
    let mut consumer = connection.consumer(ConsumerOptions::new(name.clone(), 10)).await.unwrap();
    let mut seen = std::collections::BTreeMap::new();
    let publisher = connection.publisher(PublisherOptions::to_queue(name.clone())).await.unwrap();
    while seen.len() < 100 {
        let delivery = next(&mut consumer).await;
        let n: usize = text(&delivery).parse().unwrap();
        let times = seen.entry(n).or_insert(0);
        *times += 1;
        let is_new = *times == 1;
        let _ = delivery.ack();
        if is_new && seen.len() % 25 == 0 {
            relay.cut_and_wait(&connection).await;
        }
    }
    // A cut may undo at most what was unsettled at its time.
    assert!(seen.values().sum::<usize>() <= 100 + 4 * 10, "{seen:?}");
    publisher.send("last").await.unwrap();
    loop {
        let delivery = next(&mut consumer).await;
        let is_last = text(&delivery) == "last";
        delivery.ack().unwrap();
        if is_last {
            break;
        }
    }
    consumer.drain(SOON).await.unwrap();
    target.wait_for(&name, 0, 0).await;
}

#[tokio::test]
async fn what_has_come_before_a_cancel_is_given_out_and_can_be_settled() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let name = target.queue(&connection.channel().await.unwrap(), "cancel").await;
    let publisher = connection.publisher(PublisherOptions::to_queue(name.clone())).await.unwrap();
    publisher.send_all(["1", "2", "3"]).await;
    let mut first = connection.consumer(ConsumerOptions::new(name.clone(), 2)).await.unwrap();
    let one = first.next().await.unwrap().unwrap();
    let mut second = connection.consumer(ConsumerOptions::new(name, 10)).await.unwrap();
    assert_eq!(text(&second.next().await.unwrap().unwrap()), "3");
    first.cancel().await.unwrap();
    let two = first.next().await.unwrap().unwrap();
    assert_eq!((text(&one), text(&two)), ("1", "2"));
    assert!(first.next().await.is_none());
    one.ack().unwrap();
    two.ack().unwrap();
    let report = first.drain(SOON).await.unwrap();
    assert_eq!((report.requeued, report.abandoned), (0, 0));
}
