//! What a dead letter tells of itself.

use super::*;

#[test]
fn a_rejected_message_carries_its_history() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = channel.named_queue();
    source(&channel, &q, "", Some(&dead), []);
    let properties = Properties {
        content_type: Some("text/plain".into()),
        headers: Some(table([("own", 1.into())])),
        ..Properties::default()
    };
    channel.publish_with("", &q, &properties, "x");
    let delivery = channel.expect_get(&q, "x");
    channel.send(basic::Reject { delivery_tag: delivery.delivery_tag, requeue: false });
    channel.expect_ready(&dead, 1);
    let letter = channel.get(&dead, true).unwrap();
    assert_eq!((letter.text().as_str(), letter.redelivered), ("x", false));
    assert_eq!((letter.exchange.as_str(), letter.routing_key.as_str()), ("", dead.as_str()));
    assert_eq!(letter.properties.content_type.as_deref(), Some("text/plain"));
    let all = headers(&letter);
    assert_eq!(all.get("own"), Some(&1.into()));
    assert_eq!(all.get("x-first-death-exchange"), Some(&"".into()));
    assert_eq!(all.get("x-first-death-queue"), Some(&q.as_str().into()));
    assert_eq!(all.get("x-first-death-reason"), Some(&"rejected".into()));
    let last = differs(
        "x-last-death-* came with RabbitMQ 4",
        [None, None, None],
        [Some("".into()), Some(q.as_str().into()), Some("rejected".into())],
    );
    for (name, value) in ["exchange", "queue", "reason"].into_iter().zip(last) {
        assert_eq!(all.get(&format!("x-last-death-{name}")), value.as_ref(), "{name}");
    }
    let deaths = deaths(&letter);
    assert_eq!(deaths.len(), 1);
    expect_death(
        &deaths[0],
        &[
            ("count", 1_i64.into()),
            ("reason", "rejected".into()),
            ("queue", q.as_str().into()),
            ("exchange", "".into()),
            ("routing-keys", texts(&[&q])),
        ],
    );
}

#[test]
fn an_expired_message_keeps_its_expiration_in_the_history() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = channel.named_queue();
    source(&channel, &q, "", Some(&dead), []);
    channel.consume_no_ack(&dead, "dead");
    let properties = Properties { expiration: Some("10".into()), ..Properties::default() };
    channel.publish_with("", &q, &properties, "x");
    let letter = channel.expect_deliver("x");
    assert_eq!(letter.properties.expiration, None);
    expect_death(
        &deaths(&letter)[0],
        &[
            ("count", 1_i64.into()),
            ("reason", "expired".into()),
            ("queue", q.as_str().into()),
            ("exchange", "".into()),
            ("routing-keys", texts(&[&q])),
            ("original-expiration", "10".into()),
        ],
    );
}

#[test]
fn a_message_expired_by_its_queue_has_no_original_expiration() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = channel.named_queue();
    source(&channel, &q, "", Some(&dead), [("x-message-ttl", 10.into())]);
    channel.consume_no_ack(&dead, "dead");
    channel.publish("", &q, "x");
    let death = &deaths(&channel.expect_deliver("x"))[0];
    assert_eq!(death.get("reason"), Some(&"expired".into()));
    assert_eq!(death.get("original-expiration"), None);
}

#[test]
fn a_message_that_made_room_is_maxlen() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = channel.named_queue();
    source(&channel, &q, "", Some(&dead), [("x-max-length", 1.into())]);
    channel.consume_no_ack(&dead, "dead");
    channel.publish("", &q, "1");
    channel.publish("", &q, "2");
    let death = &deaths(&channel.expect_deliver("1"))[0];
    assert_eq!(death.get("reason"), Some(&"maxlen".into()));
}

#[test]
fn the_same_death_again_is_counted() {
    let scratch = Scratch::new();
    let (q, other) = (scratch.queue("q"), scratch.queue("other"));
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = channel.named_queue();
    source(&channel, &q, "", Some(&dead), []);
    source(&channel, &other, "", Some(&q), []);
    // q -> dead: rejected; put back by hand with its headers, as retrying programs do.
    channel.publish("", &q, "x");
    let mut counts = Vec::new();
    for _ in 0..3 {
        let delivery = channel.expect_get(&q, "x");
        channel.send(basic::Reject { delivery_tag: delivery.delivery_tag, requeue: false });
        channel.expect_ready(&dead, 1);
        let letter = channel.get(&dead, true).unwrap();
        let all = deaths(&letter);
        assert_eq!(all.len(), 1);
        counts.push(all[0].get("count").and_then(FieldValue::as_i64).unwrap());
        channel.publish_with("", &q, &letter.properties, "x");
    }
    assert_eq!(counts, [1, 2, 3]);
}

#[test]
fn the_newest_death_comes_first() {
    let scratch = Scratch::new();
    let (first, second) = (scratch.queue("first"), scratch.queue("second"));
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = channel.named_queue();
    source(&channel, &second, "", Some(&dead), [("x-message-ttl", 10.into())]);
    source(&channel, &first, "", Some(&second), []);
    channel.publish("", &first, "x");
    let delivery = channel.expect_get(&first, "x");
    channel.consume_no_ack(&dead, "dead");
    channel.send(basic::Nack { delivery_tag: delivery.delivery_tag, multiple: false, requeue: false });
    let letter = channel.expect_deliver("x");
    let deaths = deaths(&letter);
    let seen: Vec<_> = deaths.iter().map(|death| (death.get("queue"), death.get("reason"))).collect();
    let (first, second) = (FieldValue::from(first.as_str()), FieldValue::from(second.as_str()));
    let (rejected, expired) = (FieldValue::from("rejected"), FieldValue::from("expired"));
    assert_eq!(seen, [(Some(&second), Some(&expired)), (Some(&first), Some(&rejected))]);
    assert_eq!(headers(&letter).get("x-first-death-queue"), Some(&first));
    assert_eq!(headers(&letter).get("x-first-death-reason"), Some(&rejected));
}

#[test]
fn copies_are_in_the_history_but_not_blind_ones() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = channel.named_queue();
    source(&channel, &q, "", Some(&dead), [("x-message-ttl", 0.into())]);
    channel.consume_no_ack(&dead, "dead");
    let properties = Properties {
        headers: Some(table([("CC", texts(&["copy"])), ("BCC", texts(&["blind"]))])),
        ..Properties::default()
    };
    channel.publish_with("", &q, &properties, "x");
    let letter = channel.expect_deliver("x");
    let death = &deaths(&letter)[0];
    assert_eq!(death.get("routing-keys"), Some(&texts(&[&q, "copy"])));
    // With a key of the queue's own, the copies' addresses go.
    assert_eq!(headers(&letter).get("CC"), None);
    assert_eq!(headers(&letter).get("BCC"), None);
}
