//! Arguments that cannot be.

use super::*;

#[test]
fn invalid_arguments_are_406_and_say_why() {
    let integer = r#""expected integer, got longstr""#;
    let cases: [(&str, FieldValue, &str); 19] = [
        ("x-message-ttl", "soon".into(), integer),
        ("x-message-ttl", (-1).into(), "{value_negative,-1}"),
        ("x-expires", 0.into(), "{value_zero,0}"),
        ("x-expires", "later".into(), integer),
        ("x-expires", (-5).into(), "{value_negative,-5}"),
        ("x-max-length", (-1).into(), "{value_negative,-1}"),
        ("x-max-length", "many".into(), integer),
        ("x-max-length-bytes", (-1).into(), "{value_negative,-1}"),
        ("x-max-priority", (-1).into(), "{value_negative,-1}"),
        ("x-max-priority", 256.into(), "{max_value_exceeded,256}"),
        ("x-max-priority", "high".into(), integer),
        ("x-overflow", "explode".into(), "invalid_overflow"),
        ("x-overflow", 1.into(), "{unacceptable_type,signedint}"),
        ("x-dead-letter-routing-key", "k".into(), "routing_key_but_no_dlx_defined"),
        ("x-single-active-consumer", "yes".into(), "{unacceptable_type,longstr}"),
        ("x-queue-mode", "busy".into(), r#""unsupported queue mode 'busy'""#),
        ("x-queue-type", "square".into(), r#""unsupported queue type 'square'""#),
        ("x-queue-type", 1.into(), "{unacceptable_type,signedint}"),
        ("x-queue-version", 7.into(), r#""unsupported queue version '7'""#),
    ];
    let scratch = Scratch::new();
    let connection = Connection::open();
    let channel = connection.channel();
    for (number, (argument, value, reason)) in cases.into_iter().enumerate() {
        let q = scratch.queue(&format!("q{number}"));
        channel.send(queue::Declare { arguments: table([(argument, value)]), ..exclusive(&q) });
        let text =
            format!("PRECONDITION_FAILED - invalid arg '{argument}' for queue '{q}' in vhost '/': {reason}");
        channel.expect_close(406, &text, queue::Declare::ID);
        channel.open();
    }
}

#[test]
fn dead_letter_exchange_has_to_be_a_text() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel
        .send(queue::Declare { arguments: table([("x-dead-letter-exchange", 1.into())]), ..exclusive(&q) });
    let text = format!(
        "PRECONDITION_FAILED - invalid type 'signedint' for arg 'x-dead-letter-exchange' in queue '{q}' in vhost '/'"
    );
    channel.expect_close(406, &text, queue::Declare::ID);
}

#[test]
fn arguments_that_mean_nothing_here_are_taken() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let arguments = table([
        ("x-message-ttl", FieldValue::I64(5_000_000_000)),
        ("x-queue-master-locator", "nowhere".into()),
        ("x-queue-mode", "lazy".into()),
        ("x-queue-version", 2.into()),
        ("x-cancel-on-ha-failover", true.into()),
        ("x-nobody-knows", FieldValue::Void),
    ]);
    channel.queue_with(&q, arguments.clone());
    channel.call(queue::Declare { arguments, ..exclusive(&q) }, declare_ok(&q, 0, 0));
}

#[test]
fn arguments_of_other_queue_types_are_406() {
    let scratch = Scratch::new();
    let connection = Connection::open();
    let channel = connection.channel();
    for (argument, value) in [
        ("x-max-in-memory-length", FieldValue::from(5)),
        ("x-max-in-memory-bytes", 5.into()),
        ("x-quorum-initial-group-size", 3.into()),
        ("x-delivery-limit", 5.into()),
        ("x-dead-letter-strategy", "at-least-once".into()),
        ("x-max-age", "1D".into()),
        ("x-stream-max-segment-size-bytes", 5000.into()),
        ("x-initial-cluster-size", 1.into()),
    ] {
        let q = scratch.queue(argument);
        channel.send(queue::Declare { arguments: table([(argument, value)]), ..exclusive(&q) });
        let text = format!(
            "PRECONDITION_FAILED - invalid arg '{argument}' for queue '{q}' in vhost '/' of queue type \
             rabbit_classic_queue"
        );
        channel.expect_close(406, &text, queue::Declare::ID);
        channel.open();
    }
}
