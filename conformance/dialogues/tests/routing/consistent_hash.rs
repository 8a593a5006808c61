//! Consistent hash exchanges.

use super::*;

#[test]
fn consistent_hash_gives_each_message_to_one_queue() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "x-consistent-hash");
    let queues: Vec<_> = (0..3).map(|_| channel.named_queue()).collect();
    for (queue, weight) in queues.iter().zip(["10", "10", "20"]) {
        channel.bind(queue, &x, weight);
    }
    let keys: Vec<_> = (0..2000).map(|number| format!("key-{number}")).collect();
    let round = || {
        keys.iter().for_each(|key| channel.publish(&x, key, key));
        queues.iter().map(|queue| channel.drain(queue)).collect::<Vec<_>>()
    };
    let first = round();
    assert_eq!(first.iter().map(Vec::len).sum::<usize>(), keys.len());
    for (bodies, share) in first.iter().zip([0.25, 0.25, 0.5]) {
        let got = bodies.len() as f64 / keys.len() as f64;
        assert!((share - 0.15..=share + 0.15).contains(&got), "{got} instead of {share}");
    }
    assert_eq!(round(), first, "the same keys go to the same queues");
}

#[test]
fn consistent_hash_moves_little_when_a_queue_goes() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "x-consistent-hash");
    let queues: Vec<_> = (0..3).map(|_| channel.named_queue()).collect();
    for queue in &queues {
        channel.bind(queue, &x, "10");
    }
    let keys: Vec<_> = (0..300).map(|number| format!("key-{number}")).collect();
    keys.iter().for_each(|key| channel.publish(&x, key, key));
    let before: Vec<_> = queues.iter().map(|queue| channel.drain(queue)).collect();
    channel.call(
        queue::Delete { queue: s(&queues[2]), ..Default::default() },
        queue::DeleteOk { message_count: 0 },
    );
    keys.iter().for_each(|key| channel.publish(&x, key, key));
    for (queue, before) in queues.iter().zip(&before).take(2) {
        let after = channel.drain(queue);
        assert!(before.iter().all(|key| after.contains(key)), "a key of a queue that stayed has moved");
    }
}

#[test]
fn consistent_hash_of_a_header_or_a_property() {
    let scratch = Scratch::new();
    let (x, y) = (scratch.exchange("x"), scratch.exchange("y"));
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange_with(&x, "x-consistent-hash", table([("hash-header", "hash-on".into())]));
    channel.exchange_with(&y, "x-consistent-hash", table([("hash-property", "correlation_id".into())]));
    let queues: Vec<_> = (0..2).map(|_| channel.named_queue()).collect();
    for queue in &queues {
        channel.bind(queue, &x, "5");
        channel.bind(queue, &y, "5");
    }
    for number in 0..20 {
        let key = number.to_string();
        channel.publish_with(&x, &key, &headers([("hash-on", "same".into())]), "header");
    }
    let counts: Vec<_> = queues.iter().map(|queue| channel.drain(queue).len()).collect();
    assert!(counts == [20, 0] || counts == [0, 20], "one header, one queue: {counts:?}");
    for number in 0..20 {
        let key = number.to_string();
        let properties = Properties { correlation_id: Some("same".into()), ..Properties::default() };
        channel.publish_with(&y, &key, &properties, "property");
    }
    let counts: Vec<_> = queues.iter().map(|queue| channel.drain(queue).len()).collect();
    assert!(counts == [20, 0] || counts == [0, 20], "one property, one queue: {counts:?}");
}

#[test]
fn consistent_hash_needs_a_number_as_binding_key() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "x-consistent-hash");
    let queue = channel.named_queue();
    channel.send(queue::Bind {
        queue: s(&queue),
        exchange: s(&x),
        routing_key: s("heavy"),
        ..Default::default()
    });
    let text = "PRECONDITION_FAILED - The binding key must be an integer: <<\"heavy\">>";
    channel.expect_close(406, text, queue::Bind::ID);
}

#[test]
fn consistent_hash_takes_one_argument_of_the_two() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    let declare = |arguments| exchange::Declare {
        exchange: s(&x),
        kind: s("x-consistent-hash"),
        arguments,
        ..Default::default()
    };
    channel.send(declare(table([("hash-header", "h".into()), ("hash-property", "message_id".into())])));
    let text = "PRECONDITION_FAILED - hash-header and hash-property are mutually exclusive";
    channel.expect_close(406, text, exchange::Declare::ID);
    channel.open();
    channel.send(declare(table([("hash-property", "colour".into())])));
    channel.expect_close(406, "PRECONDITION_FAILED - Unsupported property: colour", exchange::Declare::ID);
}
