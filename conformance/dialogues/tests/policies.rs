//! Policies: what changes for queues and exchanges that are there. RabbitMQ tells its queues in its own time, so the first
//! effect of each is waited for.

use leveret_dialogues::*;

#[track_caller]
fn await_count(channel: &Channel, queue: &str, count: u32) {
    eventually(&format!("{count} messages"), || (channel.counts(queue).0 == count).then_some(()));
}

#[track_caller]
fn reject_one(channel: &Channel, queue: &str, body: &str) {
    channel.publish("", queue, body);
    let delivery = eventually("the message", || channel.get(queue, false));
    channel.send(basic::Reject { delivery_tag: delivery.delivery_tag, requeue: false });
}

#[test]
fn a_length_limit_trims_at_once_and_goes_with_its_policy() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue(&q);
    for body in ["1", "2", "3", "4", "5"] {
        channel.publish("", &q, body);
    }
    await_count(&channel, &q, 5);
    scratch.policy(&q, r#"{"max-length":2}"#);
    await_count(&channel, &q, 2);
    channel.publish("", &q, "6");
    assert_eq!(channel.drain(&q), ["5", "6"]);
    scratch.clear_policy(&q);
    // The queue knows when a third one stays.
    eventually("no limit", || {
        ["7", "8", "9"].into_iter().for_each(|body| channel.publish("", &q, body));
        (channel.drain(&q).len() == 3).then_some(())
    });
}

/// Publishes with confirms until the queue refuses; what was in it then.
#[track_caller]
fn until_refused(channel: &Channel, queue: &str) -> Vec<String> {
    let mut published = 3;
    eventually("a refusal", || {
        channel.publish("", queue, "more");
        published += 1;
        (!channel.expect_confirms(published, published).is_empty()).then_some(())
    });
    channel.drain(queue)
}

#[test]
fn a_queue_that_refuses_is_not_trimmed() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue_with(&q, table([("x-overflow", "reject-publish".into())]));
    channel.confirm_select();
    for body in ["1", "2", "3"] {
        channel.publish("", &q, body);
    }
    channel.expect_confirms(1, 3);
    scratch.policy(&q, r#"{"max-length":1}"#);
    assert_eq!(until_refused(&channel, &q)[..3], ["1", "2", "3"]);
}

#[test]
fn a_limit_that_comes_together_with_refusal() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue(&q);
    channel.confirm_select();
    for body in ["1", "2", "3"] {
        channel.publish("", &q, body);
    }
    channel.expect_confirms(1, 3);
    scratch.policy(&q, r#"{"max-length":1,"overflow":"reject-publish"}"#);
    let kept = until_refused(&channel, &q);
    assert_eq!(
        kept.contains(&"1".to_owned()),
        differs(
            "what was taken stays: a queue that refuses drops nothing, also when the limit came with the same policy",
            false,
            true,
        )
    );
}

#[test]
fn a_time_to_live_is_for_messages_that_enter_from_then_on() {
    let scratch = Scratch::new();
    let (q, probe) = (scratch.queue("q"), scratch.queue("q.probe"));
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = channel.named_queue();
    let dead_letters = [
        ("x-dead-letter-exchange", FieldValue::from("")),
        ("x-dead-letter-routing-key", FieldValue::from(dead.as_str())),
    ];
    channel.queue(&q);
    channel.queue_with(&probe, table(dead_letters));
    channel.publish("", &q, "before");
    await_count(&channel, &q, 1);
    scratch.policy(&q, r#"{"message-ttl":20}"#);
    eventually("a time to live", || {
        // One that entered before the queue knew would stay for ever, and keep those behind it.
        channel.drain(&probe);
        channel.publish("", &probe, "x");
        let until = std::time::Instant::now() + std::time::Duration::from_millis(200);
        std::iter::repeat_with(|| channel.get(&dead, true))
            .take_while(|_| std::time::Instant::now() < until)
            .find_map(|found| found)
    });
    assert_eq!(channel.drain(&q), ["before"]);
}

#[test]
fn an_unused_queue_expires_by_policy() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.shared_queue(&q);
    channel.confirm_select();
    scratch.policy(&q, r#"{"expires":50}"#);
    // To publish to it is no use of a queue.
    eventually("the queue's end", || {
        channel.publish_mandatory("", &q, "x");
        let returned = matches!(channel.next().method(), Some(Method::BasicReturn(_)));
        if returned {
            channel.next();
        }
        returned.then_some(())
    });
}

#[test]
fn dead_letters_go_where_the_policy_says_unless_declared_otherwise() {
    let scratch = Scratch::new();
    let (q, own) = (scratch.queue("q"), scratch.queue("q.own"));
    let connection = Connection::open();
    let channel = connection.channel();
    let (by_policy, declared) = (channel.named_queue(), channel.named_queue());
    let arguments = [
        ("x-dead-letter-exchange", FieldValue::from("")),
        ("x-dead-letter-routing-key", FieldValue::from(declared.as_str())),
    ];
    channel.queue(&q);
    channel.queue_with(&own, table(arguments));
    scratch.policy(&q, &format!(r#"{{"dead-letter-exchange":"","dead-letter-routing-key":"{by_policy}"}}"#));
    eventually("a dead letter", || {
        reject_one(&channel, &q, "refused");
        channel.get(&by_policy, true)
    });
    reject_one(&channel, &own, "refused here");
    eventually("the other dead letter", || channel.get(&declared, true));
}

#[test]
fn the_smaller_of_numbers_counts() {
    let scratch = Scratch::new();
    let (small, large) = (scratch.queue("q.small"), scratch.queue("q.large"));
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue_with(&small, table([("x-max-length", 2.into())]));
    channel.queue_with(&large, table([("x-max-length", 5.into())]));
    scratch.policy(&scratch.name("q"), r#"{"max-length":3}"#);
    for (queue, count) in [(&large, 3), (&small, 2)] {
        eventually("a limit", || {
            (0..6).for_each(|_| channel.publish("", queue, "x"));
            (channel.drain(queue).len() == count).then_some(())
        });
    }
}

#[test]
fn an_operators_policy_is_a_bound_for_users_policies() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = channel.named_queue();
    channel.queue(&q);
    scratch.operator_policy(&q, r#"{"max-length":2}"#);
    let other = format!(r#"{{"max-length":4,"dead-letter-exchange":"","dead-letter-routing-key":"{dead}"}}"#);
    scratch.policy(&q, &other);
    eventually("both", || {
        (0..4).for_each(|_| channel.publish("", &q, "x"));
        (channel.drain(&q).len() == 2 && channel.drain(&dead).len() == 2).then_some(())
    });
}

#[test]
fn an_alternate_exchange_by_policy() {
    let scratch = Scratch::new();
    let (x, own, all) = (scratch.exchange("x"), scratch.exchange("x.own"), scratch.exchange("all"));
    let (q, declared) = (scratch.queue("q"), scratch.exchange("declared"));
    let q_declared = scratch.queue("q.declared");
    let connection = Connection::open();
    let channel = connection.channel();
    for (exchange, queue) in [(&all, &q), (&declared, &q_declared)] {
        channel.exchange(exchange, "fanout");
        channel.queue(queue);
        channel.bind(queue, exchange, "");
    }
    channel.exchange(&x, "direct");
    channel.exchange_with(&own, "direct", table([("alternate-exchange", declared.as_str().into())]));
    channel.publish(&x, "nowhere", "before");
    scratch.policy(&x, &format!(r#"{{"alternate-exchange":"{all}"}}"#));
    eventually("the alternate exchange", || {
        channel.publish(&x, "nowhere", "with it");
        channel.get(&q, true)
    });
    channel.publish(&own, "nowhere", "declared otherwise");
    eventually("the declared one", || channel.get(&q_declared, true));
    channel.drain(&q);
    scratch.clear_policy(&x);
    eventually("nothing", || {
        channel.publish(&x, "nowhere", "after");
        channel.get(&q, true).is_none().then_some(())
    });
}

#[test]
fn a_queue_declared_later_is_the_same_with_and_without_arguments_of_its_own() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    scratch.policy(&q, r#"{"max-length":1}"#);
    // What a policy says is no argument: the same declaration finds the same queue.
    channel.queue(&q);
    channel.queue(&q);
    channel.publish("", &q, "1");
    channel.publish("", &q, "2");
    await_count(&channel, &q, 1);
    assert_eq!(channel.drain(&q), ["2"]);
}
