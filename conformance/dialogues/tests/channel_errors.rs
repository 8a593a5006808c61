//! Errors that end one channel: the others go on, and the channel's own frames are discarded until close-ok.

use leveret_dialogues::*;

/// Breaks a channel with the most usual error; expects the close, does not answer it.
#[track_caller]
fn break_channel(channel: &Channel) {
    channel.send(queue::Declare { queue: s("no.such.queue"), passive: true, ..Default::default() });
    let text = "NOT_FOUND - no queue 'no.such.queue' in vhost '/'";
    channel.expect_close_only(404, text, queue::Declare::ID);
}

#[test]
fn other_channels_go_on() {
    let connection = Connection::open();
    let (broken, other) = (connection.channel(), connection.channel());
    let queue = other.named_queue();
    other.consume_no_ack(&queue, "c");
    break_channel(&broken);
    other.publish("", &queue, "still here");
    other.expect_deliver("still here");
    broken.send(methods::channel::CloseOk);
    other.expect_silence();
}

#[test]
fn frames_are_discarded_until_close_ok() {
    let connection = Connection::open();
    let (broken, other) = (connection.channel(), connection.channel());
    let queue = other.named_queue();
    break_channel(&broken);
    broken.publish("", &queue, "discarded");
    broken.send(queue::Purge { queue: s(&queue), no_wait: false });
    broken.send(basic::Ack { delivery_tag: 99, multiple: false });
    broken.send(methods::channel::CloseOk);
    assert_eq!(other.counts(&queue), (0, 0));
    broken.open();
    broken.expect_silence();
}

#[test]
fn frames_sent_before_the_close_is_read_are_discarded() {
    let connection = Connection::open();
    let (broken, other) = (connection.channel(), connection.channel());
    let queue = other.named_queue();
    broken.send(queue::Declare { queue: s("no.such.queue"), passive: true, ..Default::default() });
    broken.publish("", &queue, "discarded");
    broken.send(queue::Declare { queue: s("no.such.queue"), passive: true, ..Default::default() });
    let text = "NOT_FOUND - no queue 'no.such.queue' in vhost '/'";
    broken.expect_close(404, text, queue::Declare::ID);
    broken.open();
    broken.expect_silence();
    assert_eq!(other.counts(&queue), (0, 0));
}

#[test]
fn a_message_under_way_is_discarded() {
    let connection = Connection::open();
    let (broken, other) = (connection.channel(), connection.channel());
    let queue = other.named_queue();
    broken.send(queue::Declare { queue: s("no.such.queue"), passive: true, ..Default::default() });
    broken.send(basic::Publish { routing_key: s(&queue), ..Default::default() });
    broken.send_header(60, 6, &Properties::default());
    let text = "NOT_FOUND - no queue 'no.such.queue' in vhost '/'";
    broken.expect_close_only(404, text, queue::Declare::ID);
    broken.send_frame(leveret_dialogues::protocol::FrameKind::Body, b"abc");
    broken.send_frame(leveret_dialogues::protocol::FrameKind::Body, b"def");
    broken.send(methods::channel::CloseOk);
    broken.open();
    broken.publish("", &queue, "whole");
    assert_eq!(broken.drain(&queue), ["whole"]);
}

#[test]
fn a_channel_close_of_the_client_may_cross_the_brokers() {
    let connection = Connection::open();
    let broken = connection.channel();
    break_channel(&broken);
    broken.close();
    broken.send(methods::channel::CloseOk);
    broken.open();
    broken.expect_silence();
}

#[test]
fn a_closed_channel_can_be_opened_again_and_counts_from_one() {
    let connection = Connection::open();
    let (channel, other) = (connection.channel(), connection.channel());
    let queue = other.named_queue();
    other.publish("", &queue, "one");
    other.counts(&queue);
    assert_eq!(channel.expect_get(&queue, "one").delivery_tag, 1);
    channel.close();
    channel.open();
    let again = eventually("requeued", || channel.get(&queue, false));
    assert_eq!((again.delivery_tag, again.redelivered), (1, true));
}

#[test]
fn unacknowledged_messages_of_a_broken_channel_go_back() {
    let connection = Connection::open();
    let (broken, other) = (connection.channel(), connection.channel());
    let queue = other.named_queue();
    for body in ["1", "2", "3"] {
        other.publish("", &queue, body);
    }
    other.counts(&queue);
    broken.consume(&queue, "c");
    for body in ["1", "2", "3"] {
        broken.expect_deliver(body);
    }
    break_channel(&broken);
    broken.send(methods::channel::CloseOk);
    broken.open();
    let first = eventually("requeued", || other.get(&queue, true));
    assert_eq!((first.text().as_str(), first.redelivered), ("1", true));
    assert_eq!(other.drain(&queue), ["2", "3"]);
    assert_eq!(other.counts(&queue), (0, 0));
}

#[test]
fn publish_to_a_missing_exchange_is_404() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.publish("no.such.exchange", "k", "x");
    channel.expect_close(404, "NOT_FOUND - no exchange 'no.such.exchange' in vhost '/'", basic::Publish::ID);
}

#[test]
fn acknowledging_nothing_is_406() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.ack(7);
    channel.expect_close(406, "PRECONDITION_FAILED - unknown delivery tag 7", basic::Ack::ID);
}

#[test]
fn closing_a_channel_takes_its_consumers_along() {
    let connection = Connection::open();
    let (channel, other) = (connection.channel(), connection.channel());
    let queue = other.named_queue();
    channel.consume(&queue, "c");
    assert_eq!(other.counts(&queue), (0, 1));
    channel.close();
    eventually("consumer gone", || (other.counts(&queue) == (0, 0)).then_some(()));
}

/// A publishing with two faults was refused for its properties, where RabbitMQ names the exchange that is not there.
#[test]
fn a_missing_exchange_is_told_before_wrong_properties() {
    let connection = Connection::open();
    let channel = connection.channel();
    let wrong = [
        Properties { expiration: Some("soon".into()), ..Properties::default() },
        Properties { delivery_mode: Some(3), ..Properties::default() },
        Properties { user_id: Some("somebody".into()), ..Properties::default() },
        Properties { reply_to: Some("amq.rabbitmq.reply-to".into()), ..Properties::default() },
    ];
    for properties in wrong {
        channel.publish_with("no.such.exchange", "k", &properties, "x");
        let text = "NOT_FOUND - no exchange 'no.such.exchange' in vhost '/'";
        channel.expect_close(404, text, basic::Publish::ID);
        channel.open();
    }
}

/// Of several wrong properties another was told than RabbitMQ tells.
#[test]
fn wrong_properties_are_told_in_an_order() {
    let connection = Connection::open();
    let channel = connection.channel();
    let mut properties = Properties {
        reply_to: Some("amq.rabbitmq.reply-to".into()),
        user_id: Some("somebody".into()),
        expiration: Some("soon".into()),
        delivery_mode: Some(3),
        ..Properties::default()
    };
    let mut expect = |text: &str, next: fn(&mut Properties)| {
        channel.publish_with("", "k", &properties, "x");
        channel.expect_close(406, &format!("PRECONDITION_FAILED - {text}"), basic::Publish::ID);
        channel.open();
        next(&mut properties);
    };
    expect("fast reply consumer does not exist", |p| p.reply_to = None);
    expect("user_id property set to 'somebody' but authenticated user was 'guest'", |p| p.user_id = None);
    expect("invalid expiration 'soon': no_integer", |p| p.expiration = None);
    expect("invalid message: {delivery_mode_unknown,3}", |p| p.delivery_mode = None);
}
