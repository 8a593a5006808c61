//! Mandatory messages that reach no queue come back.

use leveret_dialogues::*;

#[test]
fn an_unroutable_mandatory_message_is_returned_whole() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "topic");
    let properties = Properties {
        content_type: Some("text/plain".into()),
        headers: Some(table([("k", 1.into())])),
        correlation_id: Some("c".into()),
        ..Properties::default()
    };
    let publish =
        basic::Publish { exchange: s(&x), routing_key: s("a.b"), mandatory: true, ..Default::default() };
    channel.publish_as(&publish, &properties, b"back", 4096);
    let returned = channel.expect_return("back");
    assert_eq!((returned.reply_code, returned.reply_text.as_str()), (312, "NO_ROUTE"));
    assert_eq!((returned.exchange, returned.routing_key.as_str()), (x, "a.b"));
    assert_eq!(returned.properties, properties);
}

#[test]
fn without_the_flag_it_is_dropped() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.publish("", "no.such.queue", "gone");
    channel.expect_silence();
}

#[test]
fn a_message_that_reaches_a_queue_is_not_returned() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.publish_mandatory("", &queue, "kept");
    channel.expect_ready(&queue, 1);
}

#[test]
fn an_empty_message_is_returned_too() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.publish_mandatory("", "no.such.queue", "");
    channel.expect_return("");
}

#[test]
fn returns_keep_the_order_of_the_channel() {
    let connection = Connection::open();
    let channel = connection.channel();
    for number in 0..50 {
        channel.publish_mandatory("", "no.such.queue", &number.to_string());
    }
    for number in 0..50 {
        channel.expect_return(&number.to_string());
    }
    channel.expect_silence();
}

#[test]
fn a_blind_copy_is_not_shown_to_the_publisher_either() {
    let connection = Connection::open();
    let channel = connection.channel();
    let headers = table([("BCC", FieldValue::Array(vec!["nowhere".into()])), ("kept", 1.into())]);
    let properties = Properties { headers: Some(headers.clone()), ..Properties::default() };
    let publish = basic::Publish { routing_key: s("no.such.queue"), mandatory: true, ..Default::default() };
    channel.publish_as(&publish, &properties, b"back", 4096);
    let returned = channel.expect_return("back");
    assert_eq!(returned.properties.headers, Some(table([("kept", 1.into())])));
}
