//! Where dead letters go.

use super::*;

#[test]
fn without_a_key_the_messages_own_is_used() {
    let scratch = Scratch::new();
    let (q, x) = (scratch.queue("q"), scratch.exchange("x"));
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "topic");
    source(&channel, &q, &x, None, [("x-message-ttl", 0.into())]);
    channel.bind(&q, "amq.topic", &format!("{q}.#"));
    let dead = channel.named_queue();
    channel.bind(&dead, &x, "#");
    channel.consume_no_ack(&dead, "dead");
    let key = format!("{q}.more");
    channel.publish("amq.topic", &key, "x");
    let letter = channel.expect_deliver("x");
    assert_eq!((letter.exchange.as_str(), letter.routing_key.as_str()), (x.as_str(), key.as_str()));
    let death = &deaths(&letter)[0];
    assert_eq!(death.get("exchange"), Some(&"amq.topic".into()));
    assert_eq!(death.get("routing-keys"), Some(&texts(&[&key])));
}

#[test]
fn a_cycle_without_rejection_ends() {
    let scratch = Scratch::new();
    let (q, clock) = (scratch.queue("q"), scratch.queue("clock"));
    let connection = Connection::open();
    let channel = connection.channel();
    // A queue whose dead letters come back to itself.
    source(&channel, &q, "", Some(&q), [("x-message-ttl", 10.into())]);
    let done = channel.named_queue();
    source(&channel, &clock, "", Some(&done), [("x-message-ttl", 60.into())]);
    channel.consume_no_ack(&done, "done");
    channel.publish("", &q, "round");
    channel.publish("", &clock, "tick");
    channel.expect_deliver("tick");
    channel.expect_ready(&q, 0);
}

#[test]
fn a_cycle_by_rejection_goes_on() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    source(&channel, &q, "", Some(&q), []);
    channel.consume(&q, "c");
    channel.publish("", &q, "round");
    channel.expect_deliver("round");
    for tag in 1..4 {
        channel.send(basic::Reject { delivery_tag: tag, requeue: false });
        let count = deaths(&channel.expect_deliver("round"))[0].get("count").cloned();
        assert_eq!(count, Some(FieldValue::I64(tag as i64)));
    }
}

#[test]
fn without_the_exchange_dead_letters_are_lost() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    source(&channel, &q, "no.such.exchange", None, []);
    channel.publish("", &q, "x");
    let delivery = channel.expect_get(&q, "x");
    channel.send(basic::Reject { delivery_tag: delivery.delivery_tag, requeue: false });
    channel.expect_silence();
    assert!(channel.get(&q, true).is_none());
}

#[test]
fn purging_and_deleting_are_no_deaths() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = channel.named_queue();
    source(&channel, &q, "", Some(&dead), []);
    channel.publish("", &q, "1");
    channel.call(queue::Purge { queue: s(&q), no_wait: false }, queue::PurgeOk { message_count: 1 });
    channel.publish("", &q, "2");
    channel.call(queue::Delete { queue: s(&q), ..Default::default() }, queue::DeleteOk { message_count: 1 });
    channel.expect_ready(&dead, 0);
}

#[test]
fn many_are_rejected_in_order() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = channel.named_queue();
    source(&channel, &q, "", Some(&dead), []);
    for number in 0..20 {
        channel.publish("", &q, &number.to_string());
    }
    for number in 0..20 {
        channel.expect_get(&q, &number.to_string());
    }
    channel.send(basic::Nack { delivery_tag: 0, multiple: true, requeue: false });
    channel.expect_ready(&dead, 20);
    let expected: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(channel.drain(&dead), expected);
}
