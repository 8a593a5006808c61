//! A virtual host: the entities of one name space and the operations on them.
//!
//! AMQP and HTTP are two doors to these operations; who may do what is decided here, once, and a "no" is a
//! [`Refusal`] that each door puts into its own words.

mod access;
mod bindings;
mod browse;
mod changes;
mod delete;
mod events;
mod exchanges;
mod gates;
mod limits;
mod metadata;
mod parameters;
mod pause;
mod policies;
mod post;
mod queues;
mod restore;
mod schedules;
mod sweeps;
mod take;
mod trace;

pub use bindings::BindSpec;
pub use browse::{
    BROWSE_BYTES_MAX, BROWSE_LOOKED_MAX, BROWSE_MESSAGES_MAX, Browse, BrowsedMessage, BrowsedPage,
    MessageState,
};
pub(crate) use changes::Changes;
pub(crate) use delete::deleted_text;
pub(crate) use gates::KeptNumbers;
pub use gates::SeenFigures;
pub use limits::VhostLimits;
pub use metadata::VhostMetadata;
pub use parameters::Parameter;
pub use post::Posted;
pub(crate) use queues::server_name;
pub use queues::{DeclareQueue, Declared, DeleteQueue};
pub use schedules::ScheduledMessage;
pub use sweeps::SWEEPS_MAX;
pub use take::{Afterwards, TAKE_BYTES_MAX, TAKE_MESSAGES_MAX, TakenMessage};
pub(crate) use trace::Tap;

use crate::auth::{Auth, User};
use crate::clock::Clock;
use crate::component::Component;
use crate::events::Events;
use crate::exchange::ExchangeSpec;
use crate::memory::MemoryGauge;
use crate::name::Name;
use crate::queue::{Counters, Queue};
use crate::refusal::Refusal;
use crate::stats::{Channels, ChurnCounters, DeathCounters, MessageCounts};
use crate::timers::Timers;
use crate::topology::Topology;
use crate::trace::Tracer;
use crate::trace::follow::Follows;
use leveret_protocol::ReplyCode;
use leveret_store::{Batch, Histogram, State, Store, Ticket};
use parking_lot::{Mutex, RecursiveRwLock, RecursiveRwLockReadGuard, RwLock, RwLockReadGuard};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::runtime::Handle;

/// Refuses when the store has failed.
pub(crate) fn check_store(store: Option<&Arc<Store>>) -> Result<(), Refusal> {
    match store.map(|store| store.state()) {
        Some(State::Failed { text }) => Err(Refusal::other(ReplyCode::InternalError, text)),
        _ => Ok(()),
    }
}

/// Who asks for an operation.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The user whose permissions count.
    pub user: User,
    /// The connection it asks through; exclusive queues belong to one. 0 for operations that come through no connection.
    pub connection: u64,
}

/// What every virtual host of a broker shares.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) auth: Arc<Auth>,
    pub(crate) clock: Clock,
    pub(crate) timers: Arc<Timers>,
    pub(crate) memory: Arc<MemoryGauge>,
    pub(crate) queue_ids: Arc<AtomicU64>,
    pub(crate) queues_max: usize,
    /// Where waits for the disk are done.
    pub(crate) runtime: Handle,
    pub(crate) store: Option<Arc<Store>>,
    pub(crate) changes: Arc<Changes>,
    /// Read while definitions are changed and appended to the store, written while a virtual host is deleted: nothing of it is stored after
    /// what forgets it. (Taken before every other lock; changes under the topology's lock need it not.)
    pub(crate) definitions_stand: Arc<RecursiveRwLock<()>>,
    /// The node's name.
    pub(crate) node: Name,
    pub(crate) events: Arc<Events>,
    /// `None`: nothing is traced.
    pub(crate) tracer: Option<Arc<Tracer>>,
    pub(crate) follows: Arc<Follows>,
    /// Channels of the whole broker, and what was counted on them.
    pub(crate) channels: Arc<Channels>,
    pub(crate) churn: Arc<ChurnCounters>,
    pub(crate) deaths: Arc<DeathCounters>,
    /// How long publishers waited for confirms.
    pub(crate) confirm_times: Arc<Histogram>,
    /// Who acts on runtime parameters.
    pub(crate) components: Arc<[Component]>,
    /// What was counted in queues that are gone.
    pub(crate) gone: Arc<Mutex<Counters>>,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct VirtualHost {
    name: Name,
    topology: RwLock<Topology<Arc<Queue>>>,
    /// Copy of the topology's epoch that publishers compare without a lock.
    epoch: AtomicU64,
    /// Policies change one after the other.
    policy_changes: Mutex<()>,
    metadata: RwLock<VhostMetadata>,
    parameters: RwLock<parameters::Parameters>,
    limits_in_force: limits::LimitsInForce,
    /// It is gone. Changes under the topology's lock.
    deleted: AtomicBool,
    /// The firehose is on.
    traced: AtomicBool,
    shared: Shared,
    sweeps: sweeps::Sweeps,
    channels: Channels,
}

impl VirtualHost {
    pub(crate) fn new(name: Name, shared: Shared) -> Arc<Self> {
        let topology = RwLock::new(Topology::new(name.clone()));
        Arc::new(Self {
            name,
            topology,
            epoch: AtomicU64::new(0),
            policy_changes: Mutex::new(()),
            metadata: RwLock::default(),
            parameters: RwLock::default(),
            limits_in_force: limits::LimitsInForce::default(),
            deleted: AtomicBool::new(false),
            traced: AtomicBool::new(false),
            shared,
            sweeps: sweeps::Sweeps::default(),
            channels: Channels::default(),
        })
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Who follows sampled messages, if anybody does.
    #[inline]
    pub(crate) fn tracer(&self) -> Option<&Arc<Tracer>> {
        self.shared.tracer.as_ref()
    }

    /// What operators follow.
    #[inline]
    pub(crate) fn follows(&self) -> &Arc<Follows> {
        &self.shared.follows
    }

    /// What happened to messages here since the broker was started, on channels that are closed too.
    pub fn message_counts(&self) -> MessageCounts {
        self.channels.totals()
    }

    /// Its open channels.
    pub(crate) fn channels(&self) -> &Channels {
        &self.channels
    }

    /// Those of the whole broker.
    pub(crate) fn all_channels(&self) -> &Channels {
        &self.shared.channels
    }

    pub(crate) fn deaths(&self) -> &DeathCounters {
        &self.shared.deaths
    }

    pub(crate) fn confirm_times(&self) -> &Arc<Histogram> {
        &self.shared.confirm_times
    }

    pub(crate) fn churn(&self) -> &ChurnCounters {
        &self.shared.churn
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    pub(crate) fn timers(&self) -> &Arc<Timers> {
        &self.shared.timers
    }

    pub(crate) fn next_queue_id(&self) -> u64 {
        self.shared.queue_ids.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn auth(&self) -> &Auth {
        &self.shared.auth
    }

    pub(crate) fn memory(&self) -> &Arc<MemoryGauge> {
        &self.shared.memory
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.shared.runtime
    }

    /// Where messages and definitions outlive a restart; `None` for a broker in memory.
    pub(crate) fn store(&self) -> Option<&Arc<Store>> {
        self.shared.store.as_ref()
    }

    pub(crate) fn charge_memory(&self, bytes: i64) {
        self.shared.memory.charge(bytes);
    }

    /// The entities, to look at. Publishing and declaring wait while the guard lives.
    pub fn topology(&self) -> RwLockReadGuard<'_, Topology<Arc<Queue>>> {
        self.topology.read()
    }

    /// Changes whenever a cached route may have become wrong.
    #[inline]
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Changes the entities; what the change leaves in the batch is appended to the store before anybody sees the change.
    fn change<R>(&self, change: impl FnOnce(&mut Topology<Arc<Queue>>, &mut Batch) -> R) -> R {
        let mut batch = Batch::new();
        let mut topology = self.topology.write();
        let result = change(&mut topology, &mut batch);
        self.epoch.store(topology.epoch(), Ordering::Release);
        let orphans = topology.take_orphans();
        orphans.iter().for_each(|timetable| batch.drop_queue(timetable.id()));
        self.shared.events.look(&self.name, &topology);
        self.shared.changes.append(self.store(), &mut batch);
        drop(topology);
        orphans.iter().for_each(|timetable| self.close_timetable(timetable));
        result
    }

    /// The same, with what is for the store left to the caller.
    fn change_into<R>(
        &self,
        batch: &mut Batch,
        change: impl FnOnce(&mut Topology<Arc<Queue>>, &mut Batch) -> R,
    ) -> R {
        let mut topology = self.topology.write();
        let result = change(&mut topology, batch);
        self.epoch.store(topology.epoch(), Ordering::Release);
        self.shared.events.look(&self.name, &topology);
        result
    }

    /// Makes an exchange that is always there.
    pub(crate) fn predeclare(&self, spec: ExchangeSpec) {
        self.topology.write().predeclare(spec);
    }

    /// What to wait for until all changes of entities so far are stored.
    pub(crate) fn changes_ticket(&self) -> Ticket {
        self.shared.changes.ticket()
    }

    /// How many changes the store did not take.
    pub(crate) fn changes_lost(&self) -> u64 {
        self.shared.changes.lost()
    }

    /// While the result lives the virtual host is there.
    fn stand(&self) -> Result<RecursiveRwLockReadGuard<'_, ()>, Refusal> {
        let standing = self.shared.definitions_stand.read();
        self.check_not_deleted().map(|()| standing)
    }

    /// Refuses changes that are to last when the store has failed.
    fn check_store(&self, durable: bool) -> Result<(), Refusal> {
        check_store(self.store().filter(|_| durable))
    }
}
