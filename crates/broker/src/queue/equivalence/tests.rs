use leveret_protocol::{FieldValue, ReplyCode};

use super::*;

fn spec(arguments: &[(&str, FieldValue)]) -> QueueSpec {
    QueueSpec {
        name: "q".into(),
        durable: true,
        exclusive_owner: None,
        auto_delete: false,
        arguments: arguments.iter().cloned().collect(),
    }
}

fn told(existing: &QueueSpec, declared: &QueueSpec) -> Option<(ReplyCode, String)> {
    let refusal = check(existing, declared, &"/".into()).err()?;
    Some((refusal.code(), refusal.to_string()))
}

fn inequivalent(text: &str) -> Option<(ReplyCode, String)> {
    let text = text.replace("{}", "for queue 'q' in vhost '/': received");
    Some((ReplyCode::PreconditionFailed, format!("inequivalent arg {text}")))
}

/// RabbitMQ 3.10.8's answers.
#[test]
fn properties_are_compared() {
    let plain = spec(&[]);
    let transient = QueueSpec { durable: false, ..plain.clone() };
    let auto_delete = QueueSpec { auto_delete: true, ..plain.clone() };
    let mine = QueueSpec { exclusive_owner: Some(1), ..plain.clone() };
    let mine_transient = QueueSpec { durable: false, ..mine.clone() };
    let theirs = QueueSpec { exclusive_owner: Some(2), ..plain.clone() };
    let locked = Some((
        ReplyCode::ResourceLocked,
        "cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could be originally declared on \
         another connection or the exclusive property value does not match that of the original declaration."
            .to_owned(),
    ));
    for (existing, declared, expected) in [
        (&plain, &plain, None),
        (&plain, &transient, inequivalent("'durable' {} 'false' but current is 'true'")),
        (&transient, &plain, inequivalent("'durable' {} 'true' but current is 'false'")),
        (&plain, &auto_delete, inequivalent("'auto_delete' {} 'true' but current is 'false'")),
        (&plain, &mine, locked.clone()),
        (&mine, &plain, locked.clone()),
        (&mine, &theirs, locked),
        (&mine, &mine, None),
        (&mine, &mine_transient, None),
    ] {
        assert_eq!(told(existing, declared), expected, "{existing:?}, then {declared:?}");
    }
}

/// RabbitMQ 3.10.8's answers.
#[test]
fn arguments_of_the_queue_type_are_compared() {
    let number = FieldValue::from;
    for (existing, declared, expected) in [
        (&[("x-expires", number(10000))][..], &[("x-expires", 10000_i64.into())][..], None),
        (
            &[("x-expires", number(10000))],
            &[],
            inequivalent("'x-expires' {} none but current is the value '10000' of type 'signedint'"),
        ),
        (
            &[("x-expires", number(10000))],
            &[("x-expires", number(0))],
            inequivalent("'x-expires' {} '0' but current is '10000'"),
        ),
        (
            &[("x-single-active-consumer", false.into())],
            &[],
            inequivalent(
                "'x-single-active-consumer' {} none but current is the value 'false' of type 'bool'",
            ),
        ),
        // In this order, whatever the order in the declaration.
        (
            &[("x-max-length", number(1)), ("x-message-ttl", number(1))],
            &[("x-max-length", number(2)), ("x-message-ttl", number(2))],
            inequivalent("'x-message-ttl' {} '2' but current is '1'"),
        ),
        (&[("x-queue-type", "classic".into())], &[], None),
        (&[], &[("x-queue-type", "classic".into())], None),
        (
            &[],
            &[("x-queue-type", "quorum".into())],
            inequivalent("'x-queue-type' {} the value 'quorum' of type 'longstr' but current is none"),
        ),
        (
            &[("x-queue-type", "quorum".into())],
            &[],
            inequivalent("'x-queue-type' {} none but current is the value 'quorum' of type 'longstr'"),
        ),
        (
            &[("x-queue-type", "classic".into())],
            &[("x-queue-type", "nosuch".into())],
            inequivalent("'x-queue-type' {} 'nosuch' but current is 'classic'"),
        ),
        (
            &[("x-queue-type", "quorum".into()), ("x-delivery-limit", number(5))],
            &[("x-queue-type", "quorum".into()), ("x-delivery-limit", number(6))],
            inequivalent("'x-delivery-limit' {} '6' but current is '5'"),
        ),
        // Not an argument of the existing queue's type.
        (&[], &[("x-delivery-limit", number(5))], None),
        (&[("x-unknown", number(1))], &[("x-unknown", number(2))], None),
        (&[("x-consumer-timeout", number(1))], &[("x-consumer-timeout", number(2))], None),
        (
            &[("x-queue-master-locator", "client-local".into())],
            &[("x-queue-master-locator", "min-masters".into())],
            inequivalent("'x-queue-master-locator' {} 'min-masters' but current is 'client-local'"),
        ),
    ] {
        assert_eq!(told(&spec(existing), &spec(declared)), expected, "{existing:?}, then {declared:?}");
    }
}
