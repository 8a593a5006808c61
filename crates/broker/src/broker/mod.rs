//! Holding a broker.

mod alarms;
mod connections;
mod definitions;
mod deletions;
mod parameters;
mod start;
mod stored;

pub(crate) use connections::ConnectionHandle;
pub use connections::ShutdownReport;
pub use start::StartError;
pub use stored::NotStored;

use crate::auth::Auth;
use crate::clock::Clock;
use crate::config::Config;
use crate::data::DataFolder;
use crate::definitions::Definitions;
use crate::events::Events;
use crate::inspect::ClientTexts;
use crate::memory::MemoryGauge;
use crate::name::Name;
use crate::queue::Counters;
use crate::replies::Replies;
use crate::stats::{Channels, Churn, ChurnCounters, Deaths};
use crate::trace::TraceFigures;
use crate::trace::follow::Follows;
use crate::vhost::{Changes, Shared, VhostMetadata, VirtualHost};
use leveret_store::{Batch, Latencies, Store};
use parking_lot::{Mutex, RecursiveRwLock, RwLock};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// A running broker. Clones are handles to the same broker; it ends when the last is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use leveret_broker::{Broker, Config};
/// let broker = Broker::start(Config::default()).unwrap();
/// let address = broker.listen_amqp("127.0.0.1:0".parse().unwrap()).await.unwrap();
/// println!("any AMQP client may connect to {address}");
/// broker.shutdown(std::time::Duration::from_secs(1)).await;
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Broker(pub(crate) Arc<BrokerInner>);

#[derive(Debug)]
pub(crate) struct BrokerInner {
    config: Config,
    clock: Clock,
    auth: Arc<Auth>,
    memory: Arc<MemoryGauge>,
    vhosts: RwLock<HashMap<Name, Arc<VirtualHost>>>,
    shared: Shared,
    replies: Replies,
    connections: Mutex<HashMap<u64, Arc<ConnectionHandle>>>,
    next_connection: AtomicU64,
    clients: ClientTexts,
    /// One bit for each resource that runs short; see [`Resource`].
    alarms: AtomicU8,
    stopping: AtomicBool,
    connections_gone: Notify,
    data: Option<DataFolder>,
    global_parameters: RwLock<BTreeMap<String, Value>>,
    /// State of the entities when they were saved last.
    saved: Mutex<u64>,
    background: Mutex<Vec<AbortHandle>>,
    listeners: Mutex<Vec<AbortHandle>>,
}

impl Broker {
    /// The clock everything in this broker goes by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Its settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Users and permissions.
    #[must_use]
    pub fn auth(&self) -> &Arc<Auth> {
        &self.0.auth
    }

    /// Memory held by messages, and the resource alarms.
    #[must_use]
    pub fn memory(&self) -> &MemoryGauge {
        &self.0.memory
    }

    /// A virtual host by name.
    #[must_use]
    pub fn vhost(&self, name: &str) -> Option<Arc<VirtualHost>> {
        self.0.vhost(name)
    }

    /// Makes a virtual host, or finds it.
    #[must_use]
    pub fn declare_vhost(&self, name: &str) -> Arc<VirtualHost> {
        self.0.declare_vhost(name)
    }

    /// All that was declared, but messages and what belongs to a single connection, in RabbitMQ's definitions format.
    #[must_use]
    pub fn definitions(&self) -> Definitions {
        self.0.export()
    }

    /// How the store is: working, waiting for space, failed. `None` for a broker in memory.
    #[must_use]
    pub fn store_state(&self) -> Option<leveret_store::State> {
        self.0.store().map(|store| store.state())
    }

    /// Figures of the store: files, bytes, live messages, syncs. `None` for a broker in memory.
    #[must_use]
    pub fn store_stats(&self) -> Option<leveret_store::Stats> {
        self.0.store().map(|store| store.stats())
    }

    /// Closes the store without closing anything else: what is pending is written, whatever comes later is refused, and nothing
    /// touches the data folder any more once this returns. Waits for the disk. For a broker that is let go of without
    /// [`shutdown`](Self::shutdown).
    pub fn close_store(&self) {
        if let Some(store) = self.0.store() {
            store.close();
        }
    }

    /// What happened to tracing; `None` while [`Config::tracing`] is.
    #[must_use]
    pub fn trace_figures(&self) -> Option<TraceFigures> {
        self.0.shared.tracer.as_ref().map(|tracer| tracer.figures())
    }

    /// How often connections, channels and queues came and went since the broker was started.
    #[must_use]
    pub fn churn(&self) -> Churn {
        self.0.churn().get()
    }

    /// Messages that died, since the broker was started.
    #[must_use]
    pub fn deaths(&self) -> Deaths {
        self.0.shared.deaths.get()
    }

    /// How long publishings waited until they were confirmed or refused, since the broker was started.
    #[must_use]
    pub fn confirm_times(&self) -> Latencies {
        self.0.shared.confirm_times.get()
    }

    /// What was counted in queues that are gone, since the broker was started. To be added to what the others say; read before them,
    /// nothing is counted twice.
    #[must_use]
    pub fn counters_of_gone_queues(&self) -> Counters {
        *self.0.shared.gone.lock()
    }

    /// Open connections.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.0.connections.lock().len()
    }

    /// Stops: no new connections, consumers are cancelled, settlements are awaited until `deadline` has passed, then every
    /// connection is closed with 320 `CONNECTION_FORCED`.
    pub async fn shutdown(&self, deadline: Duration) -> ShutdownReport {
        self.0.shutdown(deadline).await
    }
}

impl BrokerInner {
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn auth(&self) -> &Auth {
        &self.auth
    }

    pub(crate) fn memory(&self) -> &MemoryGauge {
        &self.memory
    }

    pub(crate) fn replies(&self) -> &Replies {
        &self.replies
    }

    pub(crate) fn store(&self) -> Option<&Arc<Store>> {
        self.shared.store.as_ref()
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.shared.runtime
    }

    pub(crate) fn definitions_stand(&self) -> &RecursiveRwLock<()> {
        &self.shared.definitions_stand
    }

    pub(crate) fn changes(&self) -> &Changes {
        &self.shared.changes
    }

    pub(crate) fn queue_ids(&self) -> &AtomicU64 {
        &self.shared.queue_ids
    }

    pub(crate) fn alarms(&self) -> u8 {
        self.alarms.load(Ordering::Acquire)
    }

    pub(crate) fn add_listener(&self, task: AbortHandle) {
        self.listeners.lock().push(task);
    }

    pub(crate) fn vhost(&self, name: &str) -> Option<Arc<VirtualHost>> {
        self.vhosts.read().get(name).cloned()
    }

    pub(crate) fn declare_vhost(&self, name: &str) -> Arc<VirtualHost> {
        let standing = self.definitions_stand().read();
        let (vhost, new) = self.insert_vhost(name);
        if new {
            let mut batch = Batch::new();
            vhost.put_metadata(VhostMetadata::default(), &mut batch);
            self.changes().append(self.store(), &mut batch);
            drop(standing);
            vhost.emit("vhost.created", |event| event.text("name", name));
        }
        vhost
    }

    pub(crate) fn follows(&self) -> &Arc<Follows> {
        &self.shared.follows
    }

    pub(crate) fn channels(&self) -> &Channels {
        &self.shared.channels
    }

    /// A virtual host is gone, and its parameters with it.
    pub(crate) fn tell_components(&self) {
        self.shared.components.iter().for_each(|component| component.acts.changed());
    }

    pub(crate) fn churn(&self) -> &ChurnCounters {
        &self.shared.churn
    }

    pub(crate) fn events(&self) -> &Events {
        &self.shared.events
    }

    /// The virtual host, and whether it is new; nothing is stored.
    pub(crate) fn insert_vhost(&self, name: &str) -> (Arc<VirtualHost>, bool) {
        let mut vhosts = self.vhosts.write();
        if let Some(vhost) = vhosts.get(name) {
            return (vhost.clone(), false);
        }
        let name: Name = name.into();
        let vhost = VirtualHost::new(name.clone(), self.shared.clone());
        self.shared.events.settle(&vhost);
        vhosts.insert(name, vhost.clone());
        (vhost, true)
    }
}

impl Drop for BrokerInner {
    fn drop(&mut self) {
        for task in self.background.get_mut().drain(..).chain(self.listeners.get_mut().drain(..)) {
            task.abort();
        }
        if let Some(store) = &self.shared.store {
            store.close();
        }
    }
}
