//! Modulus hash exchanges (of RabbitMQ's sharding plugin).

use super::*;

#[test]
fn modulus_hash_gives_a_routing_key_to_one_queue_always() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "x-modulus-hash");
    let queues: Vec<_> = (0..3).map(|_| channel.named_queue()).collect();
    queues.iter().for_each(|queue| channel.bind(queue, &x, ""));
    let keys: Vec<_> = (0..600).map(|number| format!("key-{number}")).collect();
    let round = || {
        keys.iter().for_each(|key| channel.publish(&x, key, key));
        queues.iter().map(|queue| channel.drain(queue)).collect::<Vec<_>>()
    };
    let first = round();
    assert_eq!(first.iter().map(Vec::len).sum::<usize>(), keys.len());
    assert!(first.iter().all(|bodies| (100..300).contains(&bodies.len())), "about a third each");
    assert_eq!(round(), first, "the same keys go to the same queues");
}
