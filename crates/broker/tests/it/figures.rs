//! What is counted, and what is to be seen of connections, channels and consumers.

use crate::support::*;
use leveret_broker::queue::DeathReason;
use leveret_broker::queue::arguments::QueueKind;
use leveret_broker::stats::{ConnectionState, DeadLetterStrategy, MessageCounts};
use leveret_broker::{Broker, ChannelInfo, Resource};
use leveret_protocol::FieldTable;
use leveret_protocol::methods::{basic, tx};

fn channel(broker: &Broker, number: u16) -> ChannelInfo {
    broker.channels().into_iter().find(|channel| channel.number == number).unwrap()
}

fn counts(broker: &Broker) -> MessageCounts {
    let counts = broker.message_counts();
    assert_eq!(counts, broker.vhost("/").unwrap().message_counts());
    counts
}

#[tokio::test]
async fn a_channel_shows_what_it_did_and_what_it_holds() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.confirm().await;
    for text in ["a", "b", "c"] {
        client.publish(Publishing::to("q", text)).await;
        assert!(matches!(client.next().await, Got::Ack { .. }));
    }
    client.publish(Publishing::to("nobody", "d")).await;
    client.publish(Publishing::to("nobody", "e").mandatory()).await;
    client.settle().await;
    assert!(client.lying_here().await.iter().any(|got| matches!(got, Got::Return { .. })));
    let shown = channel(&broker, 1);
    assert_eq!((shown.confirm, shown.transactional, shown.messages_unconfirmed), (true, false, 0));
    assert_eq!((shown.counts.publish, shown.counts.publish_confirm, shown.counts.confirm), (5, 5, 5));
    assert_eq!(
        (shown.counts.routed, shown.counts.drop_unroutable, shown.counts.return_unroutable),
        (3, 1, 1)
    );

    assert!(client.get("q", true).await.is_some());
    let (tag, ..) = client.get("q", false).await.unwrap();
    client.tell(1, reject(tag, true)).await;
    client.call(1, prefetch(9)).await;
    client.consume(consume("q", "tag")).await;
    assert_eq!(client.delivered().await, ["b", "c"]);
    let shown = channel(&broker, 1);
    assert_eq!((shown.consumer_count, shown.prefetch_count, shown.messages_unacknowledged), (1, 9, 2));
    client.tell(1, basic::Ack { delivery_tag: 0, multiple: true }).await;
    client.settle().await;
    let shown = channel(&broker, 1);
    let taken = shown.counts.taken_from(QueueKind::Classic);
    assert_eq!((taken.get, taken.get_no_ack, taken.deliver), (1, 1, 2));
    assert_eq!((taken.redeliver, taken.ack, shown.messages_unacknowledged), (1, 2, 0));
    assert_eq!((taken.deliver_get(), shown.counts.all_taken()), (4, taken));

    let before = counts(&broker);
    client.close().await;
    connections_are(&broker, 0).await;
    assert!(broker.channels().is_empty());
    assert_eq!(counts(&broker), before, "totals outlive the channels they were counted on");
}

#[tokio::test]
async fn a_transaction_counts_when_it_is_committed() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.fill("q", &["a"]).await;
    client.open(2).await;
    assert_eq!(client.call(1, tx::Select).await, Got::Reply("tx.select-ok"));
    let (tag, ..) = client.get("q", false).await.unwrap();
    client.tell(1, ack(tag)).await;
    client.fill("q", &["b", "c"]).await;
    client.settle().await;
    let shown = channel(&broker, 1);
    assert_eq!((shown.transactional, shown.messages_uncommitted, shown.acks_uncommitted), (true, 2, 1));
    assert_eq!(
        (shown.counts.publish, shown.counts.all_taken().ack, shown.messages_unacknowledged),
        (1, 0, 0)
    );
    assert_eq!(client.call(1, tx::Rollback).await, Got::Reply("tx.rollback-ok"));
    let shown = channel(&broker, 1);
    assert_eq!(
        (shown.messages_uncommitted, shown.acks_uncommitted, shown.messages_unacknowledged),
        (0, 0, 1)
    );
    client.tell(1, ack(tag)).await;
    client.fill("q", &["b", "c"]).await;
    assert_eq!(client.call(1, tx::Commit).await, Got::Reply("tx.commit-ok"));
    let shown = channel(&broker, 1);
    assert_eq!((shown.counts.publish, shown.counts.all_taken().ack), (3, 1));
    assert_eq!((shown.messages_uncommitted, shown.acks_uncommitted), (0, 0));
    let vhost = broker.vhost("/").unwrap();
    assert_eq!(vhost.topology().exchange("").unwrap().counts().publish_in, 3);
}

#[tokio::test]
async fn exchanges_and_churn_are_counted() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    for queue in ["one", "two"] {
        client.declare(queue_with(queue, FieldTable::new())).await;
        client.declare(queue_with(queue, FieldTable::new())).await;
        let bind = leveret_protocol::methods::queue::Bind {
            queue: short(queue),
            exchange: short("amq.fanout"),
            ..Default::default()
        };
        assert_eq!(client.call(1, bind).await, Got::Reply("queue.bind-ok"));
    }
    for _ in 0..3 {
        client.publish(Publishing { exchange: "amq.fanout", ..Publishing::to("", "x") }).await;
    }
    client.fill("one", &["y"]).await;
    client.settle().await;
    let vhost = broker.vhost("/").unwrap();
    let of = |name: &str| {
        let counts = vhost.topology().exchange(name).unwrap().counts();
        (counts.publish_in, counts.publish_out)
    };
    assert_eq!((of("amq.fanout"), of(""), of("amq.topic")), ((3, 6), (1, 1), (0, 0)));
    let delete = leveret_protocol::methods::queue::Delete { queue: short("two"), ..Default::default() };
    client.call(1, delete).await;
    client.open(2).await;
    client.close_channel(2).await;
    let churn = broker.churn();
    assert_eq!((churn.queue_declared, churn.queue_created, churn.queue_deleted), (4, 2, 1));
    assert_eq!((churn.channel_created, churn.channel_closed), (2, 1));
    client.close().await;
    connections_are(&broker, 0).await;
    let churn = broker.churn();
    assert_eq!((churn.connection_created, churn.connection_closed, churn.channel_closed), (1, 1, 2));
}

#[tokio::test]
async fn a_connection_shows_who_it_is_and_can_be_closed() {
    let broker = broker();
    let address = broker.listen_amqp("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let peer = stream.local_addr().unwrap();
    let mut client = Connect::heartbeat_s(30).over(stream).await;
    let shown = broker.connections().remove(0);
    assert_eq!(shown.name, format!("{peer} -> {address}"));
    let endpoints = shown.endpoints.unwrap();
    assert_eq!((endpoints.peer, endpoints.own), (peer, address));
    assert_eq!((shown.auth_mechanism, shown.heartbeat_s, shown.tls), (Some("PLAIN"), 30, None));
    assert_eq!((shown.state, shown.channels), (ConnectionState::Running, 1));
    assert_eq!(shown.connected_at_unix_ms, START_UNIX_MS);
    let capabilities = shown.client_properties.get("capabilities").unwrap().as_table().unwrap();
    assert_eq!(capabilities.get("connection.blocked").unwrap().as_bool(), Some(true));
    client.declare(queue_with("q", FieldTable::new())).await;
    let later = broker.connection(shown.id).unwrap();
    assert!(later.recv_oct > shown.recv_oct && later.recv_cnt > shown.recv_cnt);
    assert!(later.send_oct > shown.send_oct && later.send_cnt > shown.send_cnt);
    assert!(!broker.close_connection(shown.id + 1, "nobody"));
    assert!(broker.close_connection(shown.id, "because"));
    let close = client.next().await;
    assert_eq!(close, Got::Close { channel: 0, code: 320, text: "CONNECTION_FORCED - because".into() });
    connections_are(&broker, 0).await;
    assert!(!broker.close_connection(shown.id, "again"));
}

#[tokio::test]
async fn a_publisher_that_an_alarm_holds_back_is_blocked_and_others_may_go_on() {
    let broker = broker();
    let mut publisher = Client::to(&broker).await;
    let mut consumer = Client::to(&broker).await;
    publisher.fill("q", &["a"]).await;
    publisher.settle().await;
    broker.memory().set_alarm(Resource::Disk, true);
    assert!(matches!(publisher.next().await, Got::Blocked(_)));
    consumer.settle().await;
    let states: Vec<_> = broker.connections().iter().map(|connection| connection.state).collect();
    assert_eq!(states, [ConnectionState::Blocked, ConnectionState::Blocking]);
    broker.memory().set_alarm(Resource::Disk, false);
    assert_eq!(publisher.next().await, Got::Unblocked);
    assert_eq!(broker.connections()[0].state, ConnectionState::Running);
}

#[tokio::test]
async fn a_consumer_shows_its_arguments_and_whether_it_is_the_active_one() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", arguments([("x-single-active-consumer", true.into())]))).await;
    client.consume(consume("q", "first")).await;
    let arguments = arguments([("x-priority", 7.into())]);
    client.consume(basic::Consume { arguments: arguments.clone(), ..consume("q", "second") }).await;
    let queue = broker.vhost("/").unwrap().topology().queue("q").unwrap().clone();
    let shown = queue.consumers();
    let active: Vec<_> = shown.iter().map(|consumer| (&*consumer.consumer_tag, consumer.active)).collect();
    assert_eq!(active, [("first", true), ("second", false)]);
    assert!(shown.iter().all(|consumer| consumer.single_active));
    assert_eq!((&shown[0].arguments, &shown[1].arguments), (&FieldTable::new(), &arguments));
}

#[tokio::test]
async fn a_queue_shows_bytes_held_and_the_head_and_deaths_outlive_it() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let table = arguments([("x-max-length", 2.into()), ("x-dead-letter-exchange", "amq.fanout".into())]);
    client.declare(queue_with("q", table)).await;
    let mut publishing = Publishing::to("q", "abc");
    publishing.properties.timestamp = Some(1_234);
    client.publish(publishing).await;
    client.fill("q", &["12345", "dies"]).await;
    client.settle().await;
    let queue = broker.vhost("/").unwrap().topology().queue("q").unwrap().clone();
    assert_eq!(queue.head_timestamp_s(), None, "the first one was dropped");
    let (tag, ..) = client.get("q", false).await.unwrap();
    assert_eq!((queue.figures().unacked_bytes, queue.figures().ready_bytes), (5, 4));
    client.tell(1, reject(tag, false)).await;
    client.settle().await;
    assert_eq!((queue.figures().unacked_bytes, queue.figures().on_disk), (0, 0));
    let delete = leveret_protocol::methods::queue::Delete { queue: short("q"), ..Default::default() };
    client.call(1, delete).await;
    let deaths = broker.deaths();
    let of = |reason| deaths.died(QueueKind::Classic, DeadLetterStrategy::AtMostOnce, reason);
    assert_eq!((of(DeathReason::MaxLen), of(DeathReason::Rejected), of(DeathReason::Expired)), (1, 1, 0));
    assert_eq!(broker.counters_of_gone_queues().published, 3);
}

/// Dead letters, and what an exchange remembered, were counted as published: a queue for dead letters seemed to have publishers.
/// RabbitMQ 3.10.8 counts what channels publish, whatever exchanges it goes through.
#[tokio::test]
async fn a_queue_counts_as_published_what_clients_published() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let to_dead = [("x-dead-letter-exchange", "".into()), ("x-dead-letter-routing-key", "dead".into())];
    client.declare(queue_with("work", arguments(to_dead))).await;
    let to_behind = [("x-dead-letter-exchange", "amq.direct".into()), ("x-message-ttl", 0.into())];
    client.declare(queue_with("short", arguments(to_behind))).await;
    for name in ["dead", "behind", "full"] {
        let table = if name == "full" {
            arguments([("x-max-length", 1.into()), ("x-overflow", "reject-publish".into())])
        } else {
            FieldTable::new()
        };
        client.declare(queue_with(name, table)).await;
    }
    for (exchange, key) in [("amq.direct", "short"), ("amq.fanout", "")] {
        let bind = leveret_protocol::methods::queue::Bind {
            queue: short("behind"),
            exchange: short(exchange),
            routing_key: short(key),
            ..Default::default()
        };
        client.call(1, bind).await;
    }
    client.fill("work", &["a", "b", "c"]).await;
    client.fill("short", &["d", "e"]).await;
    client.fill("full", &["f", "g"]).await;
    client.publish(Publishing { exchange: "amq.fanout", ..Publishing::to("", "h") }).await;
    for _ in 0..3 {
        let (tag, ..) = client.get("work", false).await.unwrap();
        client.tell(1, reject(tag, false)).await;
    }
    client.settle().await;
    let vhost = broker.vhost("/").unwrap();
    let counted = ["work", "dead", "short", "behind", "full"].map(|name| {
        let counters = vhost.topology().queue(name).unwrap().figures().counters;
        (name, counters.published, counters.arrived)
    });
    let expected = [("work", 3, 0), ("dead", 0, 3), ("short", 2, 0), ("behind", 1, 2), ("full", 2, 0)];
    assert_eq!(counted, expected);
}
