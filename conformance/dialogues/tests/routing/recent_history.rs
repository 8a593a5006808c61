//! Recent history exchanges (of RabbitMQ's plugin).

use super::*;

fn no_store(value: FieldValue) -> Properties {
    headers([("x-recent-history-no-store", value)])
}

#[test]
fn recent_history_goes_to_what_is_bound_later_in_order() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange_with(&x, "x-recent-history", table([("x-recent-history-length", 3.into())]));
    let (early, late) = (channel.named_queue(), channel.named_queue());
    channel.bind(&early, &x, "ignored");
    for body in ["1", "2", "3", "4"] {
        channel.publish(&x, "key", body);
    }
    assert_eq!(channel.drain(&early), ["1", "2", "3", "4"]);
    channel.bind(&late, &x, "");
    let first = channel.get(&late, true).unwrap();
    assert_eq!(
        (first.text().as_str(), first.exchange.as_str(), first.routing_key.as_str()),
        ("2", &*x, "key")
    );
    assert!(!first.redelivered);
    assert_eq!(channel.drain(&late), ["3", "4"]);
    // Binding what is bound brings nothing; another binding brings it again.
    channel.bind(&late, &x, "");
    assert!(channel.drain(&late).is_empty());
    channel.bind(&late, &x, "other");
    assert_eq!(channel.drain(&late), ["2", "3", "4"]);
    channel.publish(&x, "key", "5");
    assert_eq!(channel.drain(&late), ["5"], "once, by two bindings");
}

#[test]
fn recent_history_keeps_twenty_unless_told() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "x-recent-history");
    (0..25).for_each(|n| channel.publish(&x, "", &n.to_string()));
    let queue = channel.named_queue();
    channel.bind(&queue, &x, "");
    let expected: Vec<_> = (5..25).map(|n| n.to_string()).collect();
    assert_eq!(channel.drain(&queue), expected);
}

#[test]
fn recent_history_leaves_out_what_asks_for_it() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "x-recent-history");
    let early = channel.named_queue();
    channel.bind(&early, &x, "");
    channel.publish_with(&x, "", &no_store(true.into()), "true");
    channel.publish_with(&x, "", &no_store(false.into()), "false");
    channel.publish_with(&x, "", &no_store("true".into()), "text");
    assert_eq!(channel.drain(&early), ["true", "false", "text"]);
    let late = channel.named_queue();
    channel.bind(&late, &x, "");
    assert_eq!(channel.drain(&late), ["false", "text"]);
}

#[test]
fn recent_history_alone_is_no_route() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "x-recent-history");
    channel.publish_mandatory(&x, "k", "kept");
    channel.expect_return("kept");
    let queue = channel.named_queue();
    channel.bind(&queue, &x, "");
    assert_eq!(channel.drain(&queue), ["kept"]);
}

#[test]
fn recent_history_of_no_length_is_406() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    for (length, text) in [(FieldValue::from("a"), "<<\"a\">>"), ((-1).into(), "-1"), (0.into(), "0")] {
        let arguments = table([("x-recent-history-length", length)]);
        let kind = s("x-recent-history");
        channel.send(exchange::Declare { exchange: s(&x), kind, arguments, ..Default::default() });
        let text = format!(
            "PRECONDITION_FAILED - Invalid argument {text}, 'x-recent-history-length' must be a positive integer"
        );
        channel.expect_close(406, &text, exchange::Declare::ID);
        channel.open();
    }
}
