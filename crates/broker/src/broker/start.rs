//! Starting a broker: its parts are made, what the data folder holds is taken over, its tasks begin.

use super::{Broker, BrokerInner, alarms};
use crate::auth::{Auth, AuthSettings, Mechanism};
use crate::clock::Clock;
use crate::config::{Config, DataLocation};
use crate::data::{self, DataFolder};
use crate::events::Events;
use crate::inspect::ClientTexts;
use crate::memory::MemoryGauge;
use crate::name::Name;
use crate::replies::Replies;
use crate::timers::Timers;
use crate::trace::Tracer;
use crate::trace::follow::Follows;
use crate::vhost::Shared;
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64};
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// Why a broker did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A setting cannot be used.
    #[error("{0}")]
    Setting(String),
    /// The data folder cannot be used.
    #[error("data folder {folder}: {problem}")]
    Data {
        /// The folder.
        folder: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
}

impl Broker {
    /// Starts a broker on the machine's clock. Call it inside a tokio runtime; nothing listens yet.
    ///
    /// # Errors
    /// A setting that cannot be used, a data folder that cannot be opened.
    pub fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with_clock(config, Clock::real())
    }

    /// A broker in memory on a virtual clock that stands still until it is moved; for tests.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn in_memory() -> Self {
        let clock = Clock::virtual_at(1_700_000_000_000);
        match Self::start_with_clock(Config::default(), clock) {
            Ok(broker) => broker,
            Err(error) => panic!("the default configuration starts: {error}"),
        }
    }

    /// Starts a broker on a given clock.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with_clock(config: Config, clock: Clock) -> Result<Self, StartError> {
        config.check()?;
        let mut mechanisms = vec![Mechanism::Plain, Mechanism::Amqplain];
        if config.external_auth {
            mechanisms.push(Mechanism::External);
        }
        if config.anonymous_user.is_some() {
            mechanisms.push(Mechanism::Anonymous);
        }
        let auth = Arc::new(Auth::new(AuthSettings {
            loopback_users: config.loopback_users.iter().map(|user| Name::from(&**user)).collect(),
            anonymous_user: config.anonymous_user.as_deref().map(Name::from),
            mechanisms,
            ..AuthSettings::default()
        }));
        let memory = Arc::new(MemoryGauge::new(
            config.limits.memory_high_watermark_bytes,
            config.limits.backlog_bytes_max,
        ));
        let timers = Timers::new(clock.clone());
        let (data, store, recovered) = match &config.data {
            DataLocation::Memory => (None, None, None),
            DataLocation::Directory(path) => {
                let data = DataFolder::open(path)?;
                let (store, recovered) = data.open_store(&config)?;
                (Some(data), Some(store), Some(recovered))
            }
            DataLocation::Disk(disk) => {
                let (store, recovered) =
                    data::open_store(disk.clone(), "(a disk of the program's)", &config)?;
                (None, Some(store), Some(recovered))
            }
        };
        let events = Events::new(&config.default_vhost, clock.clone());
        auth.announce_to(events.clone());
        let shared = Shared {
            auth: auth.clone(),
            clock: clock.clone(),
            timers: timers.clone(),
            memory: memory.clone(),
            queue_ids: Arc::new(AtomicU64::new(1)),
            queues_max: config.limits.queues_per_vhost_max,
            runtime: Handle::current(),
            store: store.clone(),
            changes: Arc::default(),
            definitions_stand: Arc::default(),
            node: Name::from(&*config.node_name),
            events: events.clone(),
            follows: Follows::new(clock.clone()),
            tracer: config.tracing.clone().map(|tracing| Arc::new(Tracer::new(tracing, clock.clone()))),
            channels: Arc::default(),
            churn: Arc::default(),
            deaths: Arc::default(),
            confirm_times: Arc::default(),
            gone: Arc::default(),
            components: config.components.clone().into(),
        };
        let inner = Arc::new(BrokerInner {
            config,
            clock,
            auth,
            memory,
            vhosts: RwLock::default(),
            shared,
            replies: Replies::default(),
            connections: Mutex::default(),
            next_connection: AtomicU64::new(1),
            clients: ClientTexts::default(),
            alarms: AtomicU8::new(0),
            stopping: AtomicBool::new(false),
            connections_gone: Notify::new(),
            data,
            global_parameters: RwLock::default(),
            saved: Mutex::new(0),
            background: Mutex::default(),
            listeners: Mutex::default(),
        });
        inner.restore(recovered.as_ref())?;
        let is_new = recovered.is_none_or(|recovered| recovered.definitions.is_empty());
        inner.make_defaults(is_new)?;
        inner.save_definitions();
        inner.watch_disk();
        if inner.store().is_some() {
            let keeper = tokio::spawn(data::keep(Arc::downgrade(&inner))).abort_handle();
            inner.background.lock().push(keeper);
        }
        let watcher =
            tokio::spawn(alarms::watch(Arc::downgrade(&inner), inner.memory.clone())).abort_handle();
        inner.background.lock().extend([tokio::spawn(timers.run()).abort_handle(), watcher]);
        Ok(Self(inner))
    }
}
