//! What a topology takes on the broker at hand: a list of declarations. Pure.

mod text;

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

/// Everything that is to be declared, in order. Its text ([`Display`](std::fmt::Display)) is one line each.
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

#[cfg(test)]
mod tests;
