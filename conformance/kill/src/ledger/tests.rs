//! The oracle catches every kind of broken promise, and nothing else.

use super::*;
use crate::topology::*;

/// A ledger in its first life, and a short way to write stories.
struct Story {
    ledger: Ledger,
    consumer: Holder,
}

impl Story {
    fn new() -> Self {
        let mut ledger = Ledger::new();
        ledger.next_generation();
        let consumer = ledger.holder();
        Self { ledger, consumer }
    }

    fn plan(route: u8) -> Plan {
        Plan { slot: 1, route, priority: 0, persistent: true, length: 50 }
    }

    fn publish(&mut self, route: u8) -> Message {
        self.ledger.publishing(Self::plan(route), None)
    }

    fn confirmed(&mut self, route: u8) -> Message {
        let message = self.publish(route);
        self.ledger.confirmed(message.id);
        message
    }

    fn crash(&mut self) {
        self.ledger.next_generation();
        self.consumer = self.ledger.holder();
    }

    fn arrive(&mut self, queue: QueueNo, arrived: &Arrived) -> Option<CopyRef> {
        self.ledger.arrived(self.consumer, queue, arrived)
    }

    fn deliver(&mut self, queue: QueueNo, message: Message, redelivered: bool) -> CopyRef {
        self.arrive(queue, &arrived(message, redelivered)).unwrap()
    }

    fn settle(&mut self, copy: CopyRef, how: Settling) {
        self.ledger.settling(copy, how);
        self.ledger.processed(&[copy]);
    }

    fn ack(&mut self, copy: CopyRef) {
        self.settle(copy, Settling::Ack);
    }

    /// What came of it: the rules broken, in order.
    #[track_caller]
    fn ends(mut self, expected: &[&str]) {
        self.ledger.verdict();
        let (violations, _) = self.ledger.violations();
        let rules: Vec<_> = violations.iter().map(|violation| violation.rule).collect();
        assert_eq!(rules, expected, "{violations:#?}");
    }
}

fn arrived(message: Message, redelivered: bool) -> Arrived {
    Arrived { tag: 1, redelivered, message: Ok(message), delivery_count: 0, death: None }
}

fn counted(message: Message, delivery_count: u32) -> Arrived {
    Arrived { delivery_count, ..arrived(message, true) }
}

fn dead(message: Message, from: QueueNo, reason: &str) -> Arrived {
    Arrived { death: Some((from, reason.to_owned())), ..arrived(message, false) }
}

#[test]
fn a_good_life_breaks_no_rule() {
    let mut story = Story::new();
    let message = story.confirmed(TO_FAN);
    for queue in [FAN_A, FAN_B, FAN_C] {
        let copy = story.deliver(queue, message, false);
        story.ack(copy);
    }
    let again = story.confirmed(TO_MANY);
    let copy = story.deliver(MANY, again, false);
    story.settle(copy, Settling::Requeue { counts: false });
    let copy = story.deliver(MANY, again, true);
    story.ack(copy);
    story.publish(TO_ONE);
    story.ends(&[]);
}

#[test]
fn a_lost_message_is_found() {
    let mut story = Story::new();
    story.confirmed(TO_ONE);
    story.ends(&["LOST"]);
    // in one queue of three
    let mut story = Story::new();
    let message = story.confirmed(TO_FAN);
    for queue in [FAN_A, FAN_C] {
        let copy = story.deliver(queue, message, false);
        story.ack(copy);
    }
    story.ends(&["LOST"]);
    // delivered, but not settled, and never again
    let mut story = Story::new();
    let message = story.confirmed(TO_ONE);
    story.deliver(ONE, message, false);
    story.crash();
    story.ends(&["LOST"]);
    // put back, and never again
    let mut story = Story::new();
    let message = story.confirmed(TO_MANY);
    let copy = story.deliver(MANY, message, false);
    story.settle(copy, Settling::Requeue { counts: false });
    story.ends(&["LOST"]);
    // not confirmed, but it had survived a life already
    let mut story = Story::new();
    let message = story.publish(TO_ONE);
    story.crash();
    story.deliver(ONE, message, false);
    story.crash();
    story.ends(&["LOST"]);
}

#[test]
fn what_was_not_promised_may_be_lost() {
    let mut story = Story::new();
    story.publish(TO_ONE);
    let plan = Plan { persistent: false, ..Story::plan(TO_ONE) };
    let transient = story.ledger.publishing(plan, None);
    story.ledger.confirmed(transient.id);
    let unconfirmed = story.publish(TO_ONE);
    story.deliver(ONE, unconfirmed, false);
    story.crash();
    story.ends(&[]);
}

#[test]
fn a_duplicate_needs_the_flag() {
    for redelivered in [true, false] {
        let mut story = Story::new();
        let message = story.confirmed(TO_ONE);
        story.deliver(ONE, message, false);
        story.crash();
        let copy = story.deliver(ONE, message, redelivered);
        story.ack(copy);
        story.ends(if redelivered { &[] } else { &["a duplicate without the flag"] });
    }
}

#[test]
fn the_flag_needs_a_reason() {
    let mut story = Story::new();
    let message = story.confirmed(TO_ONE);
    let copy = story.deliver(ONE, message, true);
    story.ack(copy);
    story.ends(&["flagged without a reason"]);
    // a consumer that went had perhaps been sent it
    let mut story = Story::new();
    let message = story.confirmed(TO_ONE);
    story.ledger.going(ONE, &[]);
    let copy = story.deliver(ONE, message, true);
    story.ack(copy);
    story.ends(&[]);
}

#[test]
fn what_is_held_is_not_delivered_again() {
    let mut story = Story::new();
    let message = story.confirmed(TO_ONE);
    story.deliver(ONE, message, false);
    let copy = story.deliver(ONE, message, true);
    story.ack(copy);
    story.ends(&["delivered twice at once"]);
}

#[test]
fn what_was_acked_does_not_come_again_in_the_same_life() {
    let mut story = Story::new();
    let message = story.confirmed(TO_ONE);
    let copy = story.deliver(ONE, message, false);
    story.ledger.settling(copy, Settling::Ack);
    story.deliver(ONE, message, true);
    story.ack(copy);
    story.ends(&["settled, and came again"]);
}

/// An ack is stored when something published after it was processed is confirmed.
#[test]
fn a_stored_ack_stays() {
    for (processed, confirmed, bad) in [(true, true, true), (true, false, false), (false, true, false)] {
        let mut story = Story::new();
        let message = story.confirmed(TO_ONE);
        let copy = story.deliver(ONE, message, false);
        story.ledger.settling(copy, Settling::Ack);
        if processed {
            story.ledger.processed(&[copy]);
        }
        let later = story.publish(TO_MANY);
        if confirmed {
            story.ledger.confirmed(later.id);
        }
        story.crash();
        let copy = story.deliver(ONE, message, true);
        story.ack(copy);
        let later = story.deliver(MANY, later, false);
        story.ack(later);
        story.ends(if bad { &["settled for good, and came again"] } else { &[] });
    }
}

#[test]
fn a_confirm_in_a_later_life_proves_nothing_of_an_earlier_ack() {
    let mut story = Story::new();
    let message = story.confirmed(TO_ONE);
    let copy = story.deliver(ONE, message, false);
    story.ack(copy);
    story.crash();
    let later = story.confirmed(TO_MANY);
    let copy = story.deliver(ONE, message, true);
    story.ack(copy);
    let copy = story.deliver(MANY, later, false);
    story.ack(copy);
    story.ends(&[]);
}

#[test]
fn a_committed_ack_stays() {
    for committed in [true, false] {
        let mut story = Story::new();
        let message = story.confirmed(TO_ONE);
        let copy = story.deliver(ONE, message, false);
        let tx = story.ledger.begin();
        story.ledger.settling_in(tx, copy);
        story.ledger.committing(tx);
        if committed {
            story.ledger.committed(tx);
        }
        story.crash();
        let copy = story.deliver(ONE, message, true);
        story.ack(copy);
        story.ends(if committed { &["settled for good, and came again"] } else { &[] });
    }
}

#[test]
fn nothing_comes_after_the_verdict() {
    let mut story = Story::new();
    let message = story.confirmed(TO_ONE);
    let copy = story.deliver(ONE, message, false);
    story.ack(copy);
    let unconfirmed = story.publish(TO_ONE);
    story.ledger.verdict();
    story.crash();
    assert_eq!(story.arrive(ONE, &arrived(message, true)), None);
    assert_eq!(story.arrive(ONE, &arrived(unconfirmed, true)), None);
    story.ends(&["came back from the dead", "came back from the dead"]);
}

#[test]
fn what_nobody_published_is_found() {
    let mut story = Story::new();
    let mut message = story.confirmed(TO_ONE);
    let copy = story.deliver(ONE, message, false);
    story.ack(copy);
    assert_eq!(story.arrive(MANY, &arrived(message, false)), None, "not sent there");
    message.id.sequence += 1;
    assert_eq!(story.arrive(ONE, &arrived(message, false)), None);
    story.ends(&["invented", "invented"]);
}

#[test]
fn wrong_bytes_are_found() {
    let mut story = Story::new();
    let message = story.confirmed(TO_ONE);
    let mut body = message.body();
    body[40] ^= 1;
    let spoiled = Arrived { message: Message::read(&body), ..arrived(message, false) };
    assert_eq!(story.arrive(ONE, &spoiled), None);
    let copy = story.deliver(ONE, Message { priority: 3, ..message }, false);
    story.ack(copy);
    story.ends(&["other bytes than were sent", "other bytes than were sent"]);
}

#[test]
fn order_is_kept_per_publisher_queue_and_consumer() {
    let mut story = Story::new();
    let messages: Vec<Message> = (0..3).map(|_| story.confirmed(TO_ONE)).collect();
    for at in [0, 2, 1] {
        let copy = story.deliver(ONE, messages[at], false);
        story.ack(copy);
    }
    story.ends(&["out of order"]);
    // another consumer may have got what is missing; what is put back comes late
    let mut story = Story::new();
    let messages: Vec<Message> = (0..3).map(|_| story.confirmed(TO_ONE)).collect();
    let first = story.deliver(ONE, messages[0], false);
    let last = story.deliver(ONE, messages[2], false);
    story.ack(last);
    story.settle(first, Settling::Requeue { counts: false });
    let first = story.deliver(ONE, messages[0], true);
    story.ack(first);
    story.consumer = story.ledger.holder();
    let middle = story.deliver(ONE, messages[1], false);
    story.ack(middle);
    story.ends(&[]);
}

/// What was delivered before the crash comes first after it, in order.
#[test]
fn order_is_kept_over_a_crash() {
    for (order, bad) in [([0, 1], false), ([1, 0], true)] {
        let mut story = Story::new();
        let messages: Vec<Message> = (0..2).map(|_| story.confirmed(TO_ONE)).collect();
        for message in &messages {
            story.deliver(ONE, *message, false);
        }
        story.crash();
        for at in order {
            let copy = story.deliver(ONE, messages[at], true);
            story.ack(copy);
        }
        story.ends(if bad { &["out of order"] } else { &[] });
    }
}

#[test]
fn priorities_have_an_order_each() {
    let mut story = Story::new();
    let low = story.ledger.publishing(Plan { priority: 1, ..Story::plan(TO_PRIORITY) }, None);
    let high = story.ledger.publishing(Plan { priority: 4, ..Story::plan(TO_PRIORITY) }, None);
    for message in [high, low] {
        let copy = story.deliver(PRIORITY, message, false);
        story.ack(copy);
    }
    story.ends(&[]);
}

#[test]
fn a_message_for_several_queues_is_stored_in_all_or_none() {
    let mut story = Story::new();
    let message = story.publish(TO_FAN);
    story.crash();
    let copy = story.deliver(FAN_B, message, false);
    story.ack(copy);
    story.ends(&["done by half"]);
    // settled before the crash, it may be gone from one of them
    let mut story = Story::new();
    let message = story.publish(TO_FAN);
    for queue in [FAN_A, FAN_C] {
        let copy = story.deliver(queue, message, false);
        story.ledger.settling(copy, Settling::Ack);
    }
    story.crash();
    let copy = story.deliver(FAN_B, message, false);
    story.ack(copy);
    story.ends(&[]);
}

/// Takes from one queue, publishes to another, the commit unanswered; then these come again.
fn moved(original: bool, derived: bool) -> Story {
    let mut story = Story::new();
    let message = story.confirmed(TO_TX_IN);
    let copy = story.deliver(TX_IN, message, false);
    let tx = story.ledger.begin();
    story.ledger.settling_in(tx, copy);
    let new = story.ledger.publishing(Story::plan(TO_TX_OUT), Some(tx));
    story.ledger.committing(tx);
    story.crash();
    for (there, queue, message) in [(original, TX_IN, message), (derived, TX_OUT, new)] {
        if there {
            let copy = story.deliver(queue, message, queue == TX_IN);
            story.ack(copy);
        }
    }
    story
}

#[test]
fn a_transaction_is_done_or_not_done() {
    moved(true, false).ends(&[]);
    moved(false, true).ends(&[]);
    moved(true, true).ends(&["done by half"]);
    moved(false, false).ends(&["done by half"]);
}

#[test]
fn messages_of_a_transaction_that_is_not_committed_are_not_delivered() {
    for (commit, roll_back, bad) in [(false, false, true), (false, true, true), (true, false, false)] {
        let mut story = Story::new();
        let tx = story.ledger.begin();
        let message = story.ledger.publishing(Story::plan(TO_ONE), Some(tx));
        if commit {
            story.ledger.committing(tx);
        }
        if roll_back {
            story.ledger.rolled_back(tx);
        }
        let copy = story.deliver(ONE, message, false);
        story.ack(copy);
        story.ends(if bad { &["invented"] } else { &[] });
    }
}

#[test]
fn a_committed_message_is_confirmed() {
    let mut story = Story::new();
    let tx = story.ledger.begin();
    story.ledger.publishing(Story::plan(TO_ONE), Some(tx));
    story.ledger.committing(tx);
    story.ledger.committed(tx);
    story.ends(&["LOST"]);
}

#[test]
fn a_rejected_message_becomes_one_dead_letter() {
    let mut story = Story::new();
    let message = story.confirmed(TO_REJECTED);
    let copy = story.deliver(REJECTED, message, false);
    story.settle(copy, Settling::Reject);
    let letter = story.arrive(DEAD, &dead(message, REJECTED, "rejected")).unwrap();
    story.ack(letter);
    story.ends(&[]);
    // none
    let mut story = Story::new();
    let message = story.confirmed(TO_REJECTED);
    let copy = story.deliver(REJECTED, message, false);
    story.settle(copy, Settling::Reject);
    story.ends(&["LOST"]);
    // two
    let mut story = Story::new();
    let message = story.confirmed(TO_REJECTED);
    let copy = story.deliver(REJECTED, message, false);
    story.settle(copy, Settling::Reject);
    for _ in 0..2 {
        let letter = story.arrive(DEAD, &dead(message, REJECTED, "rejected")).unwrap();
        story.ack(letter);
    }
    story.ends(&["settled, and came again", "a duplicate without the flag"]);
}

#[test]
fn a_dead_letter_needs_a_death() {
    for reason in ["rejected", "expired", "delivery_limit"] {
        let mut story = Story::new();
        let message = story.confirmed(TO_REJECTED);
        let copy = story.deliver(REJECTED, message, false);
        story.ack(copy);
        story.crash();
        let letter = story.arrive(DEAD, &dead(message, REJECTED, reason)).unwrap();
        story.ack(letter);
        story.ends(&["a dead letter without a death", "dead and alive"]);
    }
}

/// A rejection cut by a crash: the message or its dead letter, never both.
#[test]
fn dead_or_alive() {
    for (letter_first, both) in [(true, true), (false, true), (true, false), (false, false)] {
        let mut story = Story::new();
        let message = story.confirmed(TO_REJECTED);
        let copy = story.deliver(REJECTED, message, false);
        story.ledger.settling(copy, Settling::Reject);
        story.crash();
        let mut expected = vec![];
        for letter in if letter_first { [true, false] } else { [false, true] } {
            if letter != letter_first && !both {
                continue;
            }
            let copy = if letter {
                story.arrive(DEAD, &dead(message, REJECTED, "rejected")).unwrap()
            } else {
                story.deliver(REJECTED, message, true)
            };
            story.ack(copy);
        }
        if both {
            expected.push(if letter_first { "settled for good, and came again" } else { "dead and alive" });
        }
        story.ends(&expected);
    }
}

/// A dead letter may be delivered before it is stored; a crash then brings its original back, to die once more.
#[test]
fn a_death_that_a_crash_undid_may_happen_again() {
    for stored in [false, true] {
        let mut story = Story::new();
        let message = story.confirmed(TO_REJECTED);
        for life in 0..2 {
            let copy = story.deliver(REJECTED, message, life > 0);
            story.ledger.settling(copy, Settling::Reject);
            let letter = story.arrive(DEAD, &dead(message, REJECTED, "rejected")).unwrap();
            story.ack(letter);
            if stored && life == 0 {
                let later = story.confirmed(TO_ONE);
                let copy = story.deliver(ONE, later, false);
                story.ack(copy);
            }
            if life == 0 {
                story.crash();
            }
        }
        story.ends(if stored { &["dead and alive"] } else { &[] });
    }
}

#[test]
fn delivery_counts_rise_and_survive() {
    // (counts of the second delivery; requeued by reject or nack; over a crash; requeue stored) -> wrong?
    for (count, counts, crash, stored, bad) in [
        (1, true, false, false, false),
        (0, true, false, false, true),
        (0, false, false, false, false),
        (1, false, false, false, false),
        (2, false, false, false, true),
        (0, true, true, false, false),
        (2, true, true, false, false),
        (0, true, true, true, true),
        (1, true, true, true, false),
        (3, true, true, true, true),
    ] {
        let mut story = Story::new();
        let message = story.confirmed(TO_QUORUM);
        let copy = story.deliver(QUORUM, message, false);
        story.settle(copy, Settling::Requeue { counts });
        if stored {
            let later = story.confirmed(TO_ONE);
            let copy = story.deliver(ONE, later, false);
            story.ack(copy);
        }
        if crash {
            story.crash();
        }
        let copy = story.arrive(QUORUM, &counted(message, count)).unwrap();
        story.ack(copy);
        let expected: &[&str] = if bad { &["a wrong delivery count"] } else { &[] };
        story.ends(expected);
    }
}

#[test]
fn a_violation_tells_its_history() {
    let mut story = Story::new();
    let message = story.confirmed(TO_ONE);
    story.deliver(ONE, message, false);
    story.crash();
    story.ledger.verdict();
    let (violations, count) = story.ledger.violations();
    assert_eq!((violations.len(), count), (1, 1));
    let history: Vec<&str> = violations[0].history.lines().map(str::trim).collect();
    assert!(history[0].starts_with("persistent, 50 bytes"), "{history:?}");
    assert!(history[1].ends_with("published") && history[2].ends_with("confirmed"), "{history:?}");
    assert!(history[3].ends_with("k.one: delivered to consumer 1"), "{history:?}");
}
