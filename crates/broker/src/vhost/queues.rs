//! Declaring, deleting and purging queues.

use super::metadata::QUEUE_TYPE;
use super::{Actor, VirtualHost, changes};
use crate::definitions::stored;
use crate::mailbox::Command;
use crate::name::{self, Name, ResourceKind};
use crate::queue::arguments::{QueueArguments, QueueKind};
use crate::queue::state::Outcome;
use crate::queue::stream::request;
use crate::queue::{Queue, QueueSpec, equivalence};
use crate::recorder::Recorder;
use crate::refusal::{Permission, Refusal};
use crate::stats::Happening;
use crate::trace;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use leveret_protocol::{FieldTable, ReplyCode};
use std::sync::Arc;

/// `queue.declare`, not passive.
#[derive(Debug, Clone, Default)]
pub struct DeclareQueue {
    /// Empty for a name the broker makes up.
    pub name: String,
    /// Survives a restart.
    pub durable: bool,
    /// Belongs to the actor's connection and goes with it.
    pub exclusive: bool,
    /// Goes when its last consumer has gone.
    pub auto_delete: bool,
    /// RabbitMQ's `x-` arguments.
    pub arguments: FieldTable,
}

/// What `queue.declare-ok` says.
#[derive(Debug, Clone)]
pub struct Declared {
    /// The queue.
    pub queue: Arc<Queue>,
    /// Whether it was made by this call.
    pub created: bool,
}

/// Conditions of `queue.delete`.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeleteQueue {
    /// Only when it has no consumers.
    pub if_unused: bool,
    /// Only when it has no ready messages.
    pub if_empty: bool,
}

impl VirtualHost {
    /// `queue.declare`.
    ///
    /// # Errors
    /// No permission, a reserved name, bad arguments, an existing queue that differs or belongs to another connection.
    pub fn declare_queue(
        self: &Arc<Self>,
        actor: &Actor,
        declare: DeclareQueue,
    ) -> Result<Declared, Refusal> {
        let wanted = name::strip_line_breaks(&declare.name);
        let name: Name = if wanted.is_empty() {
            server_name("amq.gen-").into()
        } else {
            name::check_not_reserved(ResourceKind::Queue, &wanted)?;
            Name::from(&*wanted)
        };
        self.permit(actor, ResourceKind::Queue, &name, Permission::Configure)?;
        let there = self.topology().queue(&name).cloned();
        let queue_type = self.queue_type_of(&declare, there.as_deref());
        let mut arguments = declare.arguments;
        if let Some(queue_type) = queue_type {
            arguments.insert(QUEUE_TYPE, queue_type);
        }
        let spec = QueueSpec {
            name: name.clone(),
            durable: declare.durable,
            exclusive_owner: declare.exclusive.then_some(actor.connection),
            auto_delete: declare.auto_delete,
            arguments,
        };
        if let Some(queue) = &there {
            return self.existing(queue, &spec, actor);
        }
        // Told before anything is wrong with the arguments, as in RabbitMQ.
        let kind = spec.arguments.get(QUEUE_TYPE).and_then(|kind| QueueKind::parse(kind.as_bytes()?));
        if let Some(kind) = kind.filter(|kind| wanted.is_empty() && *kind != QueueKind::Classic) {
            let text = format!("Cannot declare a server-named queue for type {}", kind.module());
            return Err(Refusal::other(ReplyCode::PreconditionFailed, text));
        }
        let arguments = QueueArguments::parse(&name, &self.name, &spec)?;
        if let Some(exchange) = arguments.dead_letter_exchange() {
            self.permit(actor, ResourceKind::Queue, &name, Permission::Read)?;
            self.permit(actor, ResourceKind::Exchange, exchange, Permission::Write)?;
        }
        let now_ms = self.clock().now_ms();
        let policies = self.policy_set();
        let number = self.next_queue_id();
        let queue = Queue::new(number, spec.clone(), arguments.kind(), &policies, self, now_ms);
        let lasting = changes::is_lasting(&queue);
        self.check_store(lasting)?;
        let queues_max = self.queues_max();
        let other = self.change(|topology, batch| {
            self.check_not_deleted()?;
            if let Some(other) = topology.queue(&name) {
                return Ok(Some(other.clone()));
            }
            if topology.queue_count() >= queues_max {
                let limit = queues_max as u64;
                let vhost = self.name.clone();
                return Err(Refusal::LimitReached {
                    kind: ResourceKind::Queue,
                    name: name.clone(),
                    vhost,
                    limit,
                });
            }
            topology.insert_queue(name.clone(), queue.clone());
            if lasting {
                stored::put_queue(batch, self.name(), &queue);
            }
            Ok(None)
        })?;
        if let Some(other) = other {
            return self.existing(&other, &spec, actor);
        }
        if !Arc::ptr_eq(&policies, &self.policy_set()) {
            self.catch_up_with_policies(&queue);
        }
        queue.with(|state, queue, outcome| state.dispatch(queue, now_ms, outcome));
        self.churn().count(Happening::QueueDeclared);
        self.churn().count(Happening::QueueCreated);
        if let Some(copies) = queue.copies() {
            tracing::warn!(
                queue = %name, vhost = %self.name, queue_type = arguments.kind().as_str(), copies,
                "queues of this type are replicated in RabbitMQ; here its messages are on this machine alone"
            );
        }
        self.queue_created(&queue, Some(actor));
        Ok(Declared { queue, created: true })
    }

    fn existing(&self, queue: &Arc<Queue>, spec: &QueueSpec, actor: &Actor) -> Result<Declared, Refusal> {
        queue.check_owner(actor.connection)?;
        equivalence::check(queue.spec(), spec, &self.name)?;
        queue.lock().touch(self.clock().now_ms());
        self.churn().count(Happening::QueueDeclared);
        Ok(Declared { queue: queue.clone(), created: false })
    }

    /// Passive `queue.declare`: compares nothing.
    ///
    /// # Errors
    /// No such queue, or another connection's.
    pub fn check_queue(&self, actor: &Actor, name: &str) -> Result<Arc<Queue>, Refusal> {
        let queue = self.owned_queue(actor, &name::strip_line_breaks(name))?;
        queue.lock().touch(self.clock().now_ms());
        Ok(queue)
    }

    /// `queue.delete`. A missing queue is deleted already. Returns how many ready messages went with it.
    ///
    /// # Errors
    /// No permission, another connection's queue, a condition that does not hold.
    pub fn delete_queue(&self, actor: &Actor, name: &str, only: DeleteQueue) -> Result<usize, Refusal> {
        let name = name::strip_line_breaks(name);
        self.permit(actor, ResourceKind::Queue, &name, Permission::Configure)?;
        let queue = match self.owned_queue(actor, &name) {
            Ok(queue) => queue,
            Err(Refusal::NoQueue { .. }) => return Ok(0),
            Err(refusal) => return Err(refusal),
        };
        // RabbitMQ asks nothing of a stream that goes.
        let only = if queue.is_stream() { DeleteQueue::default() } else { only };
        let figures = queue.figures();
        if only.if_unused && figures.consumers > 0 {
            let (name, vhost) = (queue.name().clone(), self.name.clone());
            return Err(Refusal::InUse { kind: ResourceKind::Queue, name, vhost });
        }
        if only.if_empty && figures.ready > 0 {
            return Err(Refusal::NotEmpty { queue: queue.name().clone(), vhost: self.name.clone() });
        }
        Ok(self.remove_queue(&queue))
    }

    /// Takes a queue out, cancels its consumers and drops its messages. Returns how many were ready.
    pub(crate) fn remove_queue(&self, queue: &Arc<Queue>) -> usize {
        let is_this = |q: &Arc<Queue>| q.id() == queue.id();
        let gone = self.change(|t, batch| {
            if !t.queue(queue.name()).is_some_and(is_this) {
                return None;
            }
            let (gone, removed) = t.remove_queue(queue.name())?;
            if changes::is_lasting(&gone) {
                stored::remove_queue(batch, self.name(), &gone);
            }
            if changes::is_lasting(&gone) || !removed.exchanges.is_empty() {
                changes::removed(batch, self.name(), &removed);
            }
            Some(removed)
        });
        let Some(removed) = gone else { return 0 };
        self.removed(&removed);
        self.queue_deleted(queue.name());
        let (ready, mut outcome) = self.close_queue(queue);
        if !changes::is_lasting(queue) {
            // Of a queue that does not last there may be messages on disk all the same; a lasting one's went with it.
            let mut recorder = Recorder::default();
            recorder.take(queue, &mut outcome);
            let _ = recorder.commit(self.store(), None);
        }
        ready
    }

    /// A queue that was taken out gives back what it held, and its consumers are cancelled. Returns how many messages were ready, and what
    /// is to be forgotten in the store.
    pub(super) fn close_queue(&self, queue: &Arc<Queue>) -> (usize, Outcome) {
        let mut outcome = Outcome::default();
        let (consumers, ready, timer) = {
            let mut state = queue.lock();
            let (consumers, ready) = state.delete(queue, &mut outcome);
            *self.shared.gone.lock() += state.counters();
            (consumers, ready, state.timer_ms())
        };
        if let Some(due) = timer {
            self.timers().cancel(due, queue);
        }
        self.charge_memory(outcome.charge);
        outcome.told.drain(..).for_each(|told| trace::tell(self, queue, &told));
        for consumer in consumers {
            let (consumer, mailbox) = (consumer.number, consumer.mailbox);
            mailbox.order(Command::ConsumerCancelled { consumer, queue: queue.id() });
        }
        (ready, outcome)
    }

    /// Deletes an auto-delete or expired queue, unless somebody came to use it meanwhile.
    pub(crate) fn delete_unused_queue(&self, queue: &Arc<Queue>) {
        if queue.lock().consumer_count() == 0 {
            self.remove_queue(queue);
        }
    }

    /// `queue.purge`. Returns how many messages were dropped; unacked ones stay.
    ///
    /// # Errors
    /// No permission, no such queue, another connection's queue, a stream.
    pub fn purge_queue(&self, actor: &Actor, name: &str) -> Result<usize, Refusal> {
        self.permit(actor, ResourceKind::Queue, name, Permission::Read)?;
        let queue = self.owned_queue(actor, name)?;
        if queue.is_stream() {
            return Err(request::unsupported(&queue, "queue.purge"));
        }
        let now_ms = self.clock().now_ms();
        let (count, recorded) =
            queue.with_synced(|state, queue, outcome| state.purge(queue, now_ms, outcome));
        self.shared.changes.note(recorded.ticket);
        Ok(count)
    }
}

/// A name that RabbitMQ would make up: the prefix and 16 random bytes in URL-safe base64.
pub(crate) fn server_name(prefix: &str) -> String {
    let random: [u8; 16] = rand::random();
    let mut name = String::from(prefix);
    BASE64_URL_SAFE_NO_PAD.encode_string(random, &mut name);
    name
}
