//! Queues. A [`Queue`] is a name, its declaration and a lock around plain state (its `state` module); each operation here takes the
//! lock once, then carries out what the state asked for: routing dead letters, setting timers, deleting unused queues.
//!
//! Lock order: topology of the virtual host, then one queue, then one mailbox. No two queues are locked at a time.

pub mod arguments;
pub mod equivalence;

pub(crate) mod appending;
pub(crate) mod backlog;
mod cold;
pub(crate) mod consumers;
pub(crate) mod dead_letter;
pub(crate) mod dedup;
mod engine;
mod figures;
mod hidden;
mod history;
pub(crate) mod load;
pub(crate) mod past;
mod policies;
pub(crate) mod restore;
mod retry;
pub(crate) mod scheduled;
pub mod select;
pub(crate) mod settings;
pub(crate) mod state;
pub(crate) mod stored;
pub(crate) mod stream;
pub mod sweep;
pub(crate) mod timetable;
mod waiting;

use crate::memory::MemoryGauge;
use crate::message::Message;
use crate::name::Name;
use crate::policy::PolicySet;
use crate::recorder::{Recorded, Recorder};
use crate::refusal::Refusal;
use crate::stats::DeadLetterStrategy;
use crate::trace;
use crate::trace::follow::Follows;
use crate::vhost::VirtualHost;
use appending::Appending;
use arguments::QueueKind;
pub use dedup::{CACHE_SIZE_DEFAULT, CACHE_SIZE_MAX};
use engine::Engine;
pub use figures::{Counters, DeathReason, QueueFigures};
use leveret_protocol::FieldTable;
use parking_lot::{Mutex, MutexGuard};
use policies::InForce;
pub(crate) use retry::is_ladder;
pub use retry::{RETRY_DELAYS_MAX, RetryType};
pub use settings::Durability;
use state::{Outcome, QueueState, StoreUse};
use std::sync::{Arc, Weak};
use stored::Stored;
use stream::Stream;
use stream::commit::Commits;

/// A consumer of one queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConsumerId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

/// A message on its way into a queue.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) message: Message,
    /// The channel it was published on; 0 when the broker itself brings it.
    pub(crate) channel: u16,
    /// Confirm number on that channel; 0 when the channel does not confirm.
    pub(crate) confirm: u64,
    /// It leaves another place of this broker in the same step.
    pub(crate) moved: bool,
}

impl Incoming {
    /// Whether a client published it: a dead letter, for one, was not.
    #[inline]
    pub(crate) fn is_published(&self) -> bool {
        self.channel != 0
    }
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
    /// Where the store holds it.
    pub(crate) stored: Stored,
    pub(crate) position: u64,
    /// Bytes of its body.
    pub(crate) weight: u32,
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
    kind: QueueKind,
    in_force: InForce,
    memory: Arc<MemoryGauge>,
    /// Batches with messages for the disk alone that were not appended yet.
    appending: Appending,
    /// Held while messages are taken out of the middle, from the look at them until the store knows; over waits for the disk.
    surgery: Mutex<()>,
    /// Of a stream in the store: what of it is there.
    commits: Option<Arc<Commits>>,
    /// What operators follow.
    follows: Arc<Follows>,
    state: Mutex<Engine>,
}

impl Queue {
    pub(crate) fn new(
        id: u64,
        spec: QueueSpec,
        kind: QueueKind,
        policies: &PolicySet,
        vhost: &Arc<VirtualHost>,
        now_ms: u64,
    ) -> Arc<Self> {
        let (applied, arguments, settings) = policies::look_up(policies, kind, &spec);
        let unix_origin_ms = vhost.clock().unix_ms() - vhost.clock().now_ms();
        let store = StoreUse { number: id, store: vhost.store().cloned(), unix_origin_ms };
        let in_force = InForce::new(applied, &settings);
        let commits = (kind == QueueKind::Stream && store.store.is_some()).then(Arc::default);
        let state = match kind {
            QueueKind::Stream => {
                Engine::Stream(Box::new(Stream::new(&arguments, settings, store, commits.clone())))
            }
            QueueKind::Classic | QueueKind::Quorum => {
                Engine::Backlog(Box::new(QueueState::new(settings, store, now_ms)))
            }
        };
        Arc::new(Self {
            id,
            spec,
            kind,
            in_force,
            memory: vhost.memory().clone(),
            appending: Appending::default(),
            surgery: Mutex::default(),
            vhost: Arc::downgrade(vhost),
            vhost_name: vhost.name().clone(),
            follows: vhost.follows().clone(),
            commits,
            state: Mutex::new(state),
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
        self.kind == QueueKind::Quorum || self.retries()
    }

    /// `x-queue-type`.
    pub fn kind(&self) -> QueueKind {
        self.kind
    }

    /// How many copies of its messages there are on different machines, for a queue of a type that RabbitMQ replicates (`quorum`, `stream`):
    /// always 1. `None` for classic queues, which have one everywhere.
    pub fn copies(&self) -> Option<u32> {
        match self.kind {
            QueueKind::Classic => None,
            QueueKind::Quorum | QueueKind::Stream => Some(1),
        }
    }

    /// Whether consuming leaves its messages where they are.
    #[inline]
    pub(crate) fn is_stream(&self) -> bool {
        self.kind == QueueKind::Stream
    }

    /// Of a stream in the store: what of it is there.
    pub(crate) fn commits(&self) -> Option<&Commits> {
        self.commits.as_deref()
    }

    /// Whether a dead message stays until a queue took it.
    pub(crate) fn keeps_dead_letters(&self) -> bool {
        let state = self.state.lock();
        state.settings().dead_letter_at_least_once && !state.is_deleted()
    }

    /// What becomes of its dead messages.
    pub(crate) fn dead_letter_strategy(&self) -> DeadLetterStrategy {
        let state = self.state.lock();
        let settings = state.settings();
        match (&settings.dead_letter_exchange, settings.dead_letter_at_least_once) {
            (None, _) => DeadLetterStrategy::Disabled,
            (Some(_), false) => DeadLetterStrategy::AtMostOnce,
            (Some(_), true) => DeadLetterStrategy::AtLeastOnce,
        }
    }

    /// When the next message to leave was made, in seconds since 1970: its property `timestamp`. `None`: it has none, or is on disk only.
    pub fn head_timestamp_s(&self) -> Option<u64> {
        self.state.lock().backlog()?.head()?.message.properties().timestamp()
    }

    /// Figures of this moment.
    pub fn figures(&self) -> QueueFigures {
        let state = self.state.lock();
        let (ids, producers) =
            state.backlog().and_then(QueueState::dedup).map_or((0, 0), |dedup| dedup.len());
        QueueFigures {
            ids,
            producers,
            ready: state.ready(),
            ready_bytes: state.ready_bytes(),
            unacked: state.unacked(),
            unacked_bytes: state.backlog().map_or(0, QueueState::unacked_bytes),
            on_disk: state.backlog().map_or(0, QueueState::on_disk),
            waiting: state.waiting(),
            consumers: state.consumer_count(),
            paused: state.is_paused(),
            counters: state.counters(),
        }
    }

    /// Its virtual host, while there is one.
    pub(crate) fn vhost(&self) -> Option<Arc<VirtualHost>> {
        self.vhost.upgrade()
    }

    /// Whether anybody may want to know what happens to a message.
    #[inline]
    pub(crate) fn is_watched(&self, message: &Message) -> bool {
        self.follows.is_on() || message.trace_context().is_some()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Engine> {
        self.state.lock()
    }

    /// For a thread that may wait.
    pub(crate) fn surgery(&self) -> MutexGuard<'_, ()> {
        self.surgery.lock()
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

    /// Whether messages that nobody waits for should not be kept in memory.
    #[inline]
    pub(crate) fn is_memory_short(&self) -> bool {
        self.memory.is_short()
    }

    /// Batches with messages for the disk alone that were not appended yet.
    pub(crate) fn appending(&self) -> &Appending {
        &self.appending
    }

    /// Runs one operation under the lock, then what it asked for; what it changed in the store is appended, and not waited for.
    #[inline]
    pub(crate) fn with<R>(
        self: &Arc<Self>,
        operation: impl FnOnce(&mut Engine, &Arc<Self>, &mut Outcome) -> R,
    ) -> R {
        self.with_ticket(operation).0
    }

    /// As [`with`](Self::with), and says what to wait for if the change is to be stored.
    pub(crate) fn with_ticket<R>(
        self: &Arc<Self>,
        operation: impl FnOnce(&mut Engine, &Arc<Self>, &mut Outcome) -> R,
    ) -> (R, Recorded) {
        let mut outcome = Outcome::default();
        let result = operation(&mut self.state.lock(), self, &mut outcome);
        if outcome.is_quiet() {
            return (result, Recorded::default());
        }
        let mut recorder = Recorder::default();
        let vhost = self.vhost.upgrade();
        self.follow_up(outcome, &mut recorder);
        if recorder.announces() {
            recorder.make_synced();
        }
        // The store says by itself that it failed, to whoever waits for it; here is nobody to tell.
        let store = vhost.as_ref().and_then(|vhost| vhost.store());
        let recorded = recorder.commit(store, None).unwrap_or_default();
        (result, recorded)
    }

    /// As [`with`](Self::with), for an operation that is answered once what it changed is on stable storage.
    pub(crate) fn with_synced<R>(
        self: &Arc<Self>,
        operation: impl FnOnce(&mut Engine, &Arc<Self>, &mut Outcome) -> R,
    ) -> (R, Recorded) {
        let mut recorder = Recorder::default();
        let result = self.record(&mut recorder, operation);
        recorder.make_synced();
        let vhost = self.vhost.upgrade();
        let recorded = recorder.commit(vhost.as_ref().and_then(|vhost| vhost.store()), None);
        (result, recorded.unwrap_or_default())
    }

    /// Runs one operation under the lock and what it asked for; what it changed in the store is left with the recorder.
    #[inline]
    pub(crate) fn record<R>(
        self: &Arc<Self>,
        recorder: &mut Recorder,
        operation: impl FnOnce(&mut Engine, &Arc<Self>, &mut Outcome) -> R,
    ) -> R {
        let mut outcome = Outcome::default();
        let result = operation(&mut self.state.lock(), self, &mut outcome);
        if !outcome.is_quiet() {
            self.follow_up(outcome, recorder);
        }
        result
    }

    fn follow_up(self: &Arc<Self>, mut outcome: Outcome, recorder: &mut Recorder) {
        if !outcome.passed.is_empty()
            && let Some(vhost) = self.vhost.upgrade()
        {
            dedup::gate::route(&vhost, self, &mut outcome, recorder);
        }
        recorder.take(self, &mut outcome);
        let Some(vhost) = self.vhost.upgrade() else { return };
        vhost.charge_memory(outcome.charge);
        if let Some(due) = outcome.timer_ms {
            vhost.timers().schedule(due, self);
        }
        if let Some(load) = outcome.load {
            load::spawn(&vhost, self, load);
        }
        for read in outcome.reads {
            stream::read::spawn(&vhost, self, read);
        }
        if !outcome.dead.is_empty() {
            dead_letter::route(&vhost, self, outcome.dead, recorder);
        }
        if !outcome.due.is_empty() {
            scheduled::route(&vhost, self, outcome.due, recorder);
        }
        for told in outcome.told {
            trace::tell(&vhost, self, &told);
        }
        if outcome.unused {
            vhost.delete_unused_queue(self);
        }
    }
}
