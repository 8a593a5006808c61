use super::*;
use crate::Retry;
use crate::topology::{Binding, Exchange};
use std::time::Duration;

fn orders() -> Queue {
    Queue::durable("orders").retry([5, 15, 5].map(Duration::from_secs)).dead_letter()
}

fn text(topology: impl Into<Topology>, waiting: Waiting) -> String {
    topology.into().plan(waiting).to_string()
}

#[test]
fn leveret_keeps_what_waits_in_the_queue() {
    assert_eq!(
        text(orders(), Waiting::InQueue),
        "queue 'orders.dead' durable  (dead letters of 'orders')\n\
         queue 'orders' durable, x-dead-letter-exchange='', x-dead-letter-routing-key='orders.dead', \
         x-retry-delays=[5000, 15000, 5000]\n"
    );
}

#[test]
fn elsewhere_there_is_one_queue_per_delay() {
    let retry = "(messages that are to be tried again, of 'orders')";
    let back = "x-dead-letter-exchange='', x-dead-letter-routing-key='orders'";
    assert_eq!(
        text(orders(), Waiting::InRungs),
        format!(
            "queue 'orders.dead' durable  (dead letters of 'orders')\n\
             queue 'orders.retry.5s' durable, x-message-ttl=5000, {back}  {retry}\n\
             queue 'orders.retry.15s' durable, x-message-ttl=15000, {back}  {retry}\n\
             queue 'orders' durable, x-dead-letter-exchange='', x-dead-letter-routing-key='orders.dead'\n"
        )
    );
}

#[test]
fn jitter_makes_room_in_the_rung_and_is_part_of_its_name() {
    let queue =
        Queue::quorum("q").retry(Retry::ladder([Duration::from_millis(1500)]).jitter(50)).discard_failed();
    let rungs = text(queue.clone(), Waiting::InRungs);
    assert!(rungs.contains("queue 'q.retry.1500ms+50%' durable, x-message-ttl=2250,"), "{rungs}");
    assert!(rungs.lines().all(|line| line.contains("x-queue-type='quorum'")), "{rungs}");
    let native = text(queue, Waiting::InQueue);
    assert!(native.ends_with("x-retry-delays=[1500], x-retry-jitter=50\n"), "{native}");
}

/// The leader of a quorum queue was killed under load: orders that were to be paid again in that moment never were. Their rung had
/// dead-lettered them at most once, which is what RabbitMQ does unless told otherwise.
#[test]
fn what_waits_for_a_quorum_queue_comes_back_at_least_once() {
    let queue = Queue::quorum("q").retry([1, 2].map(Duration::from_secs)).discard_failed();
    let safe = "x-dead-letter-strategy='at-least-once', x-overflow='reject-publish'";
    let plan = text(queue.clone(), Waiting::InRungs);
    let (rungs, queues): (Vec<&str>, Vec<&str>) = plan.lines().partition(|line| line.contains(".retry."));
    assert!(rungs.len() == 2 && rungs.iter().all(|line| line.contains(safe)), "{plan}");
    // The queue itself overflows as its owner says; classic queues know no such strategy.
    assert!(queues.len() == 1 && queues.iter().all(|line| !line.contains("x-overflow")), "{plan}");
    assert!(!text(orders(), Waiting::InRungs).contains("x-overflow"));
}

#[test]
fn others_queues_are_looked_for_and_get_rungs_everywhere() {
    let queue = Queue::existing("theirs").retry([Duration::from_secs(1)]).dead_letter_to("mine");
    let topology = Topology::new().queue(queue).queue(Queue::quorum("mine"));
    let plan = text(topology, Waiting::InQueue);
    assert!(plan.contains("queue 'theirs.retry.1s'") && plan.contains("queue 'theirs' must exist"), "{plan}");
    assert_eq!(plan.matches("queue 'mine'").count(), 1, "{plan}");
}

#[test]
fn linear_pauses_of_a_quorum_queue_are_rabbitmqs_own_from_4_3_on() {
    let second = Duration::from_secs(1);
    let linear = |rungs| Retry::linear(second, second * 3, rungs);
    let queue = Queue::quorum("q").retry(linear(5)).discard_failed();
    for waiting in [Waiting::InQuorumQueues, Waiting::InQueue] {
        assert_eq!(
            text(queue.clone(), waiting),
            "queue 'q' durable, x-queue-type='quorum', x-delayed-retry-type='failed', x-delayed-retry-min=1000, \
             x-delayed-retry-max=3000\n"
        );
    }
    let many = text(queue.clone().retry(linear(30)), Waiting::InQuorumQueues);
    assert!(many.ends_with("x-delivery-limit=31\n"), "{many}");
    for (queue, waiting) in [
        (queue.clone(), Waiting::InRungs),
        (queue.clone().retry(linear(5).jitter(10)), Waiting::InQuorumQueues),
        (queue.clone().retry([second]), Waiting::InQuorumQueues),
        (Queue::durable("q").retry(linear(5)), Waiting::InQuorumQueues),
    ] {
        let plan = text(queue, waiting);
        assert!(plan.contains("queue 'q.retry.1s") && !plan.contains("x-delayed-retry"), "{plan}");
    }
}

#[test]
fn bindings_come_last() {
    let topology = Topology::from(Binding::new("q", "logs", "#.error"))
        .queue(Queue::temporary("q"))
        .exchange(Exchange::topic("logs").alternate("rest"));
    assert_eq!(
        text(topology, Waiting::InQueue),
        "exchange 'logs' topic, durable, alternate-exchange='rest'\n\
         queue 'q' exclusive\n\
         binding of queue 'q' to exchange 'logs' with key '#.error'\n"
    );
}
