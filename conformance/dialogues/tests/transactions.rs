//! Class tx.

use leveret_dialogues::*;

#[track_caller]
fn commit(channel: &Channel) {
    channel.call(tx::Commit, tx::CommitOk);
}

#[track_caller]
fn rollback(channel: &Channel) {
    channel.call(tx::Rollback, tx::RollbackOk);
}

#[test]
fn publishings_wait_for_commit() {
    let connection = Connection::open();
    let (channel, other) = (connection.channel(), connection.channel());
    let queue = channel.named_queue();
    channel.tx_select();
    channel.tx_select();
    channel.publish("", &queue, "1");
    channel.publish("", &queue, "2");
    channel.expect_silence();
    assert!(other.get(&queue, true).is_none());
    commit(&channel);
    other.expect_ready(&queue, 2);
    assert_eq!(other.drain(&queue), ["1", "2"]);
}

#[test]
fn rollback_forgets_publishings() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.tx_select();
    channel.publish("", &queue, "1");
    rollback(&channel);
    channel.publish("", &queue, "2");
    commit(&channel);
    assert_eq!(channel.drain(&queue), ["2"]);
}

#[test]
fn closing_the_channel_forgets_publishings() {
    let connection = Connection::open();
    let (channel, other) = (connection.channel(), connection.channel());
    let queue = other.named_queue();
    channel.tx_select();
    channel.publish("", &queue, "1");
    channel.close();
    assert!(other.get(&queue, true).is_none());
}

#[test]
fn acknowledgements_wait_for_commit() {
    let connection = Connection::open();
    let (channel, other) = (connection.channel(), connection.channel());
    let queue = other.named_queue();
    for body in ["1", "2", "3"] {
        other.publish("", &queue, body);
    }
    other.expect_ready(&queue, 3);
    channel.tx_select();
    for body in ["1", "2", "3"] {
        channel.expect_get(&queue, body);
    }
    channel.ack(1);
    commit(&channel);
    channel.ack(2);
    // Without commit the second goes back with the third.
    channel.close();
    other.expect_ready(&queue, 2);
    assert_eq!(other.drain(&queue), ["2", "3"]);
}

#[test]
fn rollback_gives_acknowledgements_back() {
    let connection = Connection::open();
    let (channel, other) = (connection.channel(), connection.channel());
    let queue = other.named_queue();
    other.publish("", &queue, "1");
    other.expect_ready(&queue, 1);
    channel.tx_select();
    channel.expect_get(&queue, "1");
    channel.ack(1);
    rollback(&channel);
    // It is still delivered to this channel, and not settled.
    assert!(other.get(&queue, true).is_none());
    channel.ack(1);
    commit(&channel);
    channel.close();
    assert!(other.get(&queue, true).is_none());
}

#[test]
fn rejecting_waits_for_commit() {
    let connection = Connection::open();
    let (channel, other) = (connection.channel(), connection.channel());
    let queue = other.named_queue();
    other.publish("", &queue, "1");
    other.expect_ready(&queue, 1);
    channel.tx_select();
    channel.expect_get(&queue, "1");
    channel.send(basic::Reject { delivery_tag: 1, requeue: true });
    channel.expect_silence();
    assert!(other.get(&queue, false).is_none());
    commit(&channel);
    other.expect_ready(&queue, 1);
    assert!(other.get(&queue, true).unwrap().redelivered);
}

#[test]
fn an_acknowledgement_twice_in_a_transaction_is_406() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.publish("", &queue, "1");
    channel.expect_get(&queue, "1");
    channel.tx_select();
    channel.ack(1);
    channel.ack(1);
    channel.expect_close(406, "PRECONDITION_FAILED - unknown delivery tag 1", basic::Ack::ID);
}

#[test]
fn commit_outside_a_transaction_is_406() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(tx::Commit);
    channel.expect_close(406, "PRECONDITION_FAILED - channel is not transactional", tx::Commit::ID);
}

#[test]
fn rollback_outside_a_transaction_is_406() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(tx::Rollback);
    channel.expect_close(406, "PRECONDITION_FAILED - channel is not transactional", tx::Rollback::ID);
}

#[test]
fn a_missing_exchange_is_404_at_once() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.tx_select();
    channel.publish("no.such.exchange", "k", "x");
    channel.expect_close(404, "NOT_FOUND - no exchange 'no.such.exchange' in vhost '/'", basic::Publish::ID);
}

#[test]
fn mandatory_messages_come_back_before_commit_ok() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.tx_select();
    channel.publish_mandatory("", "no.such.queue", "back");
    channel.expect_silence();
    channel.send(tx::Commit);
    assert_eq!(channel.expect_return("back").reply_code, 312);
    channel.expect(tx::CommitOk);
}

#[test]
fn an_empty_transaction_commits() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.tx_select();
    commit(&channel);
    rollback(&channel);
}

#[test]
fn a_queue_that_goes_before_commit_is_no_error() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.shared_queue(&q);
    channel.tx_select();
    channel.publish("", &q, "1");
    channel.call(queue::Delete { queue: s(&q), ..Default::default() }, queue::DeleteOk { message_count: 0 });
    commit(&channel);
}

#[test]
fn a_rejected_publishing_fails_the_commit() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue_with(&q, table([("x-max-length", 1.into()), ("x-overflow", "reject-publish".into())]));
    channel.publish("", &q, "1");
    channel.expect_ready(&q, 1);
    channel.tx_select();
    channel.publish("", &q, "2");
    channel.send(tx::Commit);
    channel.expect_close(406, "PRECONDITION_FAILED - partial tx completion", tx::Commit::ID);
}
