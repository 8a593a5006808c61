//! What a topology takes on the broker at hand: a list of declarations. Pure.

use std::fmt;

use leveret_client::{Bind, ExchangeDeclare, FieldTable, FieldValue, QueueDeclare};

use super::queue::millis;
use super::{Queue, QueueKind, Topology, Waiting};
use crate::retry::{Linear, Retry};

/// Failed deliveries that a quorum queue allows unless told otherwise (`x-delivery-limit`).
const QUORUM_DELIVERIES: u32 = 20;

/// One declaration.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// An exchange.
    Exchange {
        /// Its name.
        name: String,
        /// Its type.
        kind: String,
        /// Everything else.
        how: ExchangeDeclare,
    },
    /// A queue; with `how.passive` it is only looked for.
    Queue {
        /// Its name.
        name: String,
        /// Everything else.
        how: QueueDeclare,
        /// What it is there for.
        purpose: String,
    },
    /// A binding.
    Binding {
        /// The queue or exchange it leads to.
        destination: String,
        /// Whether that is an exchange.
        to_exchange: bool,
        /// The exchange it comes from.
        source: String,
        /// Its key and arguments.
        how: Bind,
    },
}

/// Everything that is to be declared, in order. Its text ([`Display`](fmt::Display)) is one line each.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// The declarations.
    pub steps: Vec<Step>,
}

impl Plan {
    pub(super) fn of(topology: &Topology, waiting: Waiting) -> Self {
        let mut steps = Vec::new();
        for exchange in &topology.exchanges {
            let how = ExchangeDeclare {
                durable: exchange.durable,
                internal: exchange.internal,
                arguments: exchange.arguments.clone(),
                ..ExchangeDeclare::default()
            };
            steps.push(Step::Exchange { name: exchange.name.clone(), kind: exchange.kind.clone(), how });
        }
        let named = |name: &str| topology.queues.iter().any(|queue| queue.name == name);
        for queue in &topology.queues {
            // Before the queue that dead-letters into it: a message must have somewhere to go from the beginning.
            let dead = queue.dead.as_deref().filter(|dead| !named(dead) && !has_queue(&steps, dead));
            steps.extend(dead.map(|dead| beside(queue, dead, FieldTable::new(), "dead letters of")));
            if rungs_of(queue, waiting) {
                rungs(queue, &mut steps);
            }
            steps.push(main(queue, waiting));
        }
        for binding in &topology.bindings {
            steps.push(Step::Binding {
                destination: binding.destination.clone(),
                to_exchange: binding.to_exchange,
                source: binding.source.clone(),
                how: Bind { routing_key: binding.routing_key.clone(), arguments: binding.arguments.clone() },
            });
        }
        Self { steps }
    }
}

/// Whether a queue's messages wait in queues beside it.
pub(crate) fn rungs_of(queue: &Queue, waiting: Waiting) -> bool {
    match waiting {
        Waiting::InQueue => queue.kind == QueueKind::Existing,
        Waiting::InQuorumQueues => linear_of(queue).is_none(),
        Waiting::InRungs => true,
    }
}

/// The retries that a quorum queue keeps by itself as RabbitMQ 4.3 does, if it can.
fn linear_of(queue: &Queue) -> Option<Linear> {
    let retry = queue.retry.as_ref().filter(|_| queue.kind == QueueKind::Quorum);
    retry.and_then(Retry::as_linear)
}

fn has_queue(steps: &[Step], wanted: &str) -> bool {
    steps.iter().any(|step| matches!(step, Step::Queue { name, .. } if name == wanted))
}

fn rungs(queue: &Queue, steps: &mut Vec<Step>) {
    let Some(retry) = &queue.retry else { return };
    for delay in retry.delays() {
        let name = queue.rung(*delay);
        if has_queue(steps, &name) {
            continue;
        }
        // The jitter is each message's own expiration; the queue's lets none wait for ever.
        let ttl = retry.jittered(*delay, 1.0);
        let mut arguments = FieldTable::from([
            ("x-message-ttl", FieldValue::from(millis(ttl))),
            // By the default exchange: back to this queue, and to no other that was bound meanwhile.
            ("x-dead-letter-exchange", "".into()),
            ("x-dead-letter-routing-key", queue.name.as_str().into()),
        ]);
        if queue.kind == QueueKind::Quorum {
            // Otherwise a message is gone that falls due while the queue has no leader: the rung forgets it before the queue has it.
            arguments.insert("x-dead-letter-strategy", "at-least-once");
            // RabbitMQ asks for it with that; there is no limit of length that it could mean.
            arguments.insert("x-overflow", "reject-publish");
        }
        steps.push(beside(queue, &name, arguments, "messages that are to be tried again, of"));
    }
}

/// A queue beside another, as lasting and as replicated.
fn beside(queue: &Queue, name: &str, mut arguments: FieldTable, purpose: &str) -> Step {
    if queue.kind == QueueKind::Quorum {
        arguments.insert("x-queue-type", "quorum");
    }
    let how = QueueDeclare { durable: true, arguments, ..QueueDeclare::default() };
    Step::Queue { name: name.to_owned(), how, purpose: format!("{purpose} '{}'", queue.name) }
}

fn main(queue: &Queue, waiting: Waiting) -> Step {
    let mut arguments = queue.arguments.clone();
    let temporary = queue.kind == QueueKind::Temporary;
    if queue.kind == QueueKind::Existing {
        let how = QueueDeclare { passive: true, ..QueueDeclare::default() };
        return Step::Queue { name: queue.name.clone(), how, purpose: "somebody else's".into() };
    }
    let mut set = |name: &'static str, value: FieldValue| {
        if !arguments.contains_key(name) {
            arguments.insert(name, value);
        }
    };
    if queue.kind == QueueKind::Quorum {
        set("x-queue-type", "quorum".into());
    }
    if let Some(dead) = &queue.dead {
        set("x-dead-letter-exchange", "".into());
        set("x-dead-letter-routing-key", dead.as_str().into());
    }
    let linear = linear_of(queue).filter(|_| waiting != Waiting::InRungs);
    if let (Some(linear), Some(retry)) = (linear, &queue.retry) {
        set("x-delayed-retry-type", "failed".into());
        set("x-delayed-retry-min", millis(linear.min).into());
        set("x-delayed-retry-max", millis(linear.max).into());
        // The worker counts, and says why a message is dead; the broker's own limit must not be nearer.
        if retry.attempts_max() > QUORUM_DELIVERIES {
            set("x-delivery-limit", i64::from(retry.attempts_max()).into());
        }
    } else if let (Waiting::InQueue, Some(retry)) = (waiting, &queue.retry) {
        let delays = retry.delays().iter().map(|delay| FieldValue::I64(millis(*delay))).collect();
        set("x-retry-delays", FieldValue::Array(delays));
        if retry.jitter_percent() > 0 {
            set("x-retry-jitter", i32::from(retry.jitter_percent()).into());
        }
    }
    let how = QueueDeclare {
        passive: false,
        durable: !temporary,
        exclusive: temporary,
        auto_delete: false,
        arguments,
    };
    Step::Queue { name: queue.name.clone(), how, purpose: String::new() }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exchange { name, kind, how } => {
                write!(f, "exchange '{name}' {kind}{}", flag(how.durable, ", durable"))?;
                write!(f, "{}", flag(how.internal, ", internal"))?;
                arguments(f, &how.arguments)
            }
            Self::Queue { name, how, purpose } => {
                write!(f, "queue '{name}'{}", flag(how.durable, " durable"))?;
                write!(f, "{}{}", flag(how.exclusive, " exclusive"), flag(how.passive, " must exist"))?;
                arguments(f, &how.arguments)?;
                if purpose.is_empty() { Ok(()) } else { write!(f, "  ({purpose})") }
            }
            Self::Binding { destination, to_exchange, source, how } => {
                let what = if *to_exchange { "exchange" } else { "queue" };
                write!(
                    f,
                    "binding of {what} '{destination}' to exchange '{source}' with key '{}'",
                    how.routing_key
                )?;
                arguments(f, &how.arguments)
            }
        }
    }
}

fn flag(set: bool, text: &str) -> &str {
    if set { text } else { "" }
}

fn arguments(f: &mut fmt::Formatter<'_>, arguments: &FieldTable) -> fmt::Result {
    for (name, value) in arguments.iter() {
        write!(f, ", {}={}", name.to_lossy(), Readable(value))?;
    }
    Ok(())
}

struct Readable<'a>(&'a FieldValue);

impl fmt::Display for Readable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.as_str(), self.0.as_i64(), self.0.as_bool(), self.0) {
            (Some(text), ..) => write!(f, "'{text}'"),
            (_, Some(number), ..) => write!(f, "{number}"),
            (_, _, Some(is), _) => write!(f, "{is}"),
            (.., FieldValue::Array(items)) => {
                write!(f, "[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{}", flag(at > 0, ", "), Readable(item))?;
                }
                write!(f, "]")
            }
            (.., other) => write!(f, "{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Binding, Exchange};
    use super::*;
    use crate::Retry;
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
        let queue = Queue::quorum("q")
            .retry(Retry::ladder([Duration::from_millis(1500)]).jitter(50))
            .discard_failed();
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
        assert!(
            plan.contains("queue 'theirs.retry.1s'") && plan.contains("queue 'theirs' must exist"),
            "{plan}"
        );
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
}
