//! Queues. A [`Queue`] is a name, its declaration and a lock around plain state (its `state` module); each operation here takes the
//! lock once, then carries out what the state asked for: routing dead letters, setting timers, deleting unused queues.
//!
//! Lock order: topology of the virtual host, then one queue, then one mailbox. No two queues are locked at a time.

pub mod arguments;
pub mod equivalence;

pub(crate) mod backlog;
pub(crate) mod consumers;
pub(crate) mod dead_letter;
pub(crate) mod settings;
pub(crate) mod state;

use crate::message::Message;
use crate::name::Name;
use crate::refusal::Refusal;
use crate::vhost::VirtualHost;
use arguments::QueueArguments;
use leveret_protocol::FieldTable;
use parking_lot::{Mutex, MutexGuard};
use settings::{Overflow, Settings};
use state::{Outcome, QueueState};
use std::sync::{Arc, Weak};

/// A consumer of one queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConsumerId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

/// Why a message died. The words are RabbitMQ's, see "Dead Letter Exchanges".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeathReason {
    /// Its time to live ended.
    Expired,
    /// A consumer refused it without requeue.
    Rejected,
    /// The queue was full.
    MaxLen,
    /// It was delivered more often than `x-delivery-limit` allows.
    DeliveryLimit,
}

impl DeathReason {
    /// The word in `x-death`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::MaxLen => "maxlen",
            Self::DeliveryLimit => "delivery_limit",
        }
    }
}

/// What happened in a queue since it was made; only grows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counters {
    /// Publishings that came in, refused ones included.
    pub published: u64,
    /// Refused by `x-overflow: reject-publish`.
    pub rejected: u64,
    /// Given to consumers that acknowledge.
    pub delivered: u64,
    /// Given to consumers that do not.
    pub delivered_no_ack: u64,
    /// Taken by `basic.get` with acknowledgement.
    pub got: u64,
    /// Taken by `basic.get` without.
    pub got_no_ack: u64,
    /// `basic.get` that found nothing.
    pub got_empty: u64,
    /// Deliveries that were not the first.
    pub redelivered: u64,
    /// Acknowledged.
    pub acked: u64,
    /// Purged.
    pub purged: u64,
    /// Died, by [`DeathReason`].
    pub dead: [u64; 4],
}

/// A publishing on its way into a queue.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) message: Message,
    pub(crate) channel: u16,
    /// Confirm number on that channel; 0 when the channel does not confirm.
    pub(crate) confirm: u64,
}

/// A message a consumer is done with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settled {
    /// `None` for a message taken by `basic.get`.
    pub(crate) consumer: Option<ConsumerId>,
    /// Bytes its queue is or would be charged for it.
    pub(crate) charge: usize,
    /// It counted as unacked; not so a message on its way to a consumer that never acknowledges.
    pub(crate) held: bool,
}

/// How a queue was declared.
#[derive(Debug, Clone)]
pub struct QueueSpec {
    /// Its name.
    pub name: Name,
    /// Survives a restart.
    pub durable: bool,
    /// The connection that owns it alone.
    pub exclusive_owner: Option<u64>,
    /// Goes when its last consumer has gone.
    pub auto_delete: bool,
    /// Arguments as sent.
    pub arguments: FieldTable,
}

/// A queue; see the module's documentation.
#[derive(Debug)]
pub struct Queue {
    id: u64,
    spec: QueueSpec,
    vhost: Weak<VirtualHost>,
    vhost_name: Name,
    counts_deliveries: bool,
    state: Mutex<QueueState>,
}

/// A look at a queue's figures.
#[derive(Debug, Clone, Copy)]
pub struct QueueFigures {
    /// Messages ready for delivery.
    pub ready: usize,
    /// Bytes of their bodies.
    pub ready_bytes: u64,
    /// Messages delivered and not settled.
    pub unacked: u64,
    /// Consumers.
    pub consumers: usize,
    /// Counters.
    pub counters: Counters,
}

impl Queue {
    pub(crate) fn new(
        id: u64,
        spec: QueueSpec,
        arguments: &QueueArguments,
        vhost: &Arc<VirtualHost>,
        now_ms: u64,
    ) -> Arc<Self> {
        let state = Mutex::new(QueueState::new(settings_of(&spec, arguments), now_ms));
        Arc::new(Self {
            id,
            spec,
            vhost: Arc::downgrade(vhost),
            vhost_name: vhost.name().clone(),
            counts_deliveries: arguments.kind() == arguments::QueueKind::Quorum,
            state,
        })
    }

    /// Number of the queue, unique in this broker's life.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.spec.name
    }

    /// Its virtual host's name.
    pub fn vhost_name(&self) -> &Name {
        &self.vhost_name
    }

    /// How it was declared.
    pub fn spec(&self) -> &QueueSpec {
        &self.spec
    }

    /// Whether deliveries carry their count, as those of RabbitMQ's quorum queues do.
    pub(crate) fn counts_deliveries(&self) -> bool {
        self.counts_deliveries
    }

    /// Figures of this moment.
    pub fn figures(&self) -> QueueFigures {
        let state = self.state.lock();
        QueueFigures {
            ready: state.ready(),
            ready_bytes: state.ready_bytes(),
            unacked: state.unacked(),
            consumers: state.consumers().len(),
            counters: state.counters(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock()
    }

    /// Refuses when another connection owns the queue exclusively.
    pub(crate) fn check_owner(&self, connection: u64) -> Result<(), Refusal> {
        match self.spec.exclusive_owner {
            Some(owner) if owner != connection => {
                Err(Refusal::Locked { queue: self.name().clone(), vhost: self.vhost_name.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Runs one operation under the lock, then what it asked for.
    #[inline]
    pub(crate) fn with<R>(
        self: &Arc<Self>,
        operation: impl FnOnce(&mut QueueState, &Arc<Self>, &mut Outcome) -> R,
    ) -> R {
        let mut outcome = Outcome::default();
        let result = operation(&mut self.state.lock(), self, &mut outcome);
        self.after(outcome);
        result
    }

    #[inline]
    fn after(self: &Arc<Self>, outcome: Outcome) {
        if outcome.charge == 0 && outcome.dead.is_empty() && outcome.timer_ms.is_none() && !outcome.unused {
            return;
        }
        self.follow_up(outcome);
    }

    fn follow_up(self: &Arc<Self>, outcome: Outcome) {
        let Some(vhost) = self.vhost.upgrade() else { return };
        vhost.charge_memory(outcome.charge);
        if let Some(due) = outcome.timer_ms {
            vhost.timers().schedule(due, self);
        }
        if !outcome.dead.is_empty() {
            dead_letter::route(&vhost, self, outcome.dead);
        }
        if outcome.unused {
            vhost.delete_unused_queue(self);
        }
    }
}

fn settings_of(spec: &QueueSpec, a: &QueueArguments) -> Settings {
    let overflow = match a.overflow() {
        Some(arguments::Overflow::RejectPublish) => Overflow::RejectPublish,
        Some(arguments::Overflow::RejectPublishDlx) => Overflow::RejectPublishDlx,
        _ => Overflow::DropHead,
    };
    Settings {
        auto_delete: spec.auto_delete,
        message_ttl_ms: a.message_ttl_ms(),
        expires_ms: a.expires_ms(),
        max_length: a.max_length(),
        max_length_bytes: a.max_length_bytes(),
        overflow,
        bounded: a.max_length().is_some() || a.max_length_bytes().is_some(),
        dead_letter_exchange: a.dead_letter_exchange().map(Name::from),
        dead_letter_routing_key: a.dead_letter_routing_key().map(<[u8]>::to_vec),
        max_priority: a.max_priority(),
        single_active_consumer: a.single_active_consumer(),
        delivery_limit: a.delivery_limit(),
        consumer_timeout_ms: a.consumer_timeout_ms(),
    }
}
