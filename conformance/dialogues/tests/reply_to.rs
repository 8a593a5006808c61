//! Direct reply-to: answers without a queue.

use leveret_dialogues::*;

const REPLY_TO: &str = "amq.rabbitmq.reply-to";

fn request() -> Properties {
    Properties { reply_to: Some(REPLY_TO.into()), correlation_id: Some("42".into()), ..Properties::default() }
}

#[track_caller]
fn asked(client: &Channel, server: &Channel, queue: &str) -> String {
    client.publish_with("", queue, &request(), "question");
    let got = eventually("request", || server.get(queue, true));
    got.properties.reply_to.unwrap_or_default()
}

#[test]
fn an_answer_comes_back() {
    let (front, back) = (Connection::open(), Connection::open());
    let (client, server) = (front.channel(), back.channel());
    let scratch = Scratch::new();
    let queue = scratch.queue("requests");
    server.shared_queue(&queue);
    client.consume_no_ack(REPLY_TO, "answers");
    let address = asked(&client, &server, &queue);
    assert!(address.starts_with("amq.rabbitmq.reply-to."), "{address}");
    let properties = Properties { correlation_id: Some("42".into()), ..Properties::default() };
    server.publish_with("", &address, &properties, "answer");
    let answer = client.expect_deliver("answer");
    assert_eq!(answer.consumer_tag, "answers");
    assert_eq!((answer.exchange.as_str(), answer.redelivered), ("", false));
    assert_eq!(answer.routing_key, address);
    assert_eq!(answer.properties, properties);
    // Any number of them.
    server.publish("", &address, "more");
    client.expect_deliver("more");
}

#[test]
fn an_address_can_be_asked_for_while_its_consumer_lives() {
    let (front, back) = (Connection::open(), Connection::open());
    let (client, server) = (front.channel(), back.channel());
    let scratch = Scratch::new();
    let queue = scratch.queue("requests");
    server.shared_queue(&queue);
    client.consume_no_ack(REPLY_TO, "answers");
    let address = asked(&client, &server, &queue);
    let passive = queue::Declare { queue: s(&address), passive: true, ..Default::default() };
    server
        .call(passive.clone(), queue::DeclareOk { queue: s(&address), message_count: 0, consumer_count: 1 });
    client.cancel("answers");
    server.send(passive);
    let text = format!("NOT_FOUND - no queue '{address}' in vhost '/'");
    server.expect_close(404, &text, queue::Declare::ID);
}

#[test]
fn a_mandatory_answer_to_nobody_comes_back() {
    let (front, back) = (Connection::open(), Connection::open());
    let (client, server) = (front.channel(), back.channel());
    let scratch = Scratch::new();
    let queue = scratch.queue("requests");
    server.shared_queue(&queue);
    client.consume_no_ack(REPLY_TO, "answers");
    let address = asked(&client, &server, &queue);
    client.close();
    front.channel().expect_silence();
    server.publish_mandatory("", &address, "answer");
    assert_eq!(server.expect_return("answer").reply_text, "NO_ROUTE");
    server.publish("", &address, "answer");
    server.expect_silence();
}

#[test]
fn an_answer_is_confirmed_and_counts_as_unroutable() {
    let (front, back) = (Connection::open(), Connection::open());
    let (client, server) = (front.channel(), back.channel());
    let scratch = Scratch::new();
    let queue = scratch.queue("requests");
    server.shared_queue(&queue);
    client.consume_no_ack(REPLY_TO, "answers");
    let address = asked(&client, &server, &queue);
    server.confirm_select();
    server.publish("", &address, "answer");
    server.expect_confirm(1);
    client.expect_deliver("answer");
    // RabbitMQ's documentation: it is no queue, so a mandatory message comes back although it was delivered.
    server.publish_mandatory("", &address, "both ways");
    server.expect_return("both ways");
    server.expect_confirm(2);
    client.expect_deliver("both ways");
}

#[test]
fn the_consumer_must_not_acknowledge() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(basic::Consume { queue: s(REPLY_TO), ..Default::default() });
    channel.expect_close(406, "PRECONDITION_FAILED - reply consumer cannot acknowledge", basic::Consume::ID);
}

#[test]
fn one_consumer_a_channel() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.consume_no_ack(REPLY_TO, "first");
    channel.send(basic::Consume {
        queue: s(REPLY_TO),
        consumer_tag: s("second"),
        no_ack: true,
        ..Default::default()
    });
    channel.expect_close(406, "PRECONDITION_FAILED - reply consumer already set", basic::Consume::ID);
}

#[test]
fn asking_without_a_consumer_is_406() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.publish_with("", &queue, &request(), "question");
    channel.expect_close(406, "PRECONDITION_FAILED - fast reply consumer does not exist", basic::Publish::ID);
}

#[test]
fn the_pseudo_queue_can_be_asked_for() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.call(
        queue::Declare { queue: s(REPLY_TO), passive: true, ..Default::default() },
        queue::DeclareOk { queue: s(REPLY_TO), message_count: 0, consumer_count: 1 },
    );
}

#[test]
fn an_ordinary_reply_to_is_left_alone() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    let properties = Properties { reply_to: Some("mine".into()), ..Properties::default() };
    channel.publish_with("", &queue, &properties, "x");
    assert_eq!(channel.get(&queue, true).unwrap().properties, properties);
}

#[test]
fn after_cancel_the_consumer_may_come_again() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.consume_no_ack(REPLY_TO, "first");
    channel.cancel("first");
    channel.consume_no_ack(REPLY_TO, "second");
}

/// `basic.get` answered that nothing was there, where RabbitMQ knows of no such queue.
#[test]
fn nothing_is_got_from_the_pseudo_queue() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.consume_no_ack(REPLY_TO, "c");
    channel.send(basic::Get { queue: s(REPLY_TO), no_ack: true });
    let text = format!("NOT_FOUND - no queue '{REPLY_TO}' in vhost '/'");
    channel.expect_close(404, &text, basic::Get::ID);
}

/// Only other queues became the channel's current one when they were declared.
#[test]
fn once_declared_the_pseudo_queue_is_the_channels_current_one() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.call(
        queue::Declare { queue: s(REPLY_TO), ..Default::default() },
        queue::DeclareOk { queue: s(REPLY_TO), message_count: 0, consumer_count: 1 },
    );
    channel.call(queue::Delete::default(), queue::DeleteOk { message_count: 0 });
    channel.call(
        basic::Consume { consumer_tag: s("c"), no_ack: true, ..Default::default() },
        basic::ConsumeOk { consumer_tag: s("c") },
    );
}
