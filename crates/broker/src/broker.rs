//! Starting, holding and stopping a broker.

use crate::auth::{
    Auth, AuthSettings, HashingAlgorithm, Mechanism, PasswordHash, Permissions, User, UserLimits, UserRecord,
};
use crate::clock::Clock;
use crate::config::{Config, DataLocation};
use crate::data::{self, DataFolder};
use crate::definitions::{Definitions, DefinitionsError};
use crate::mailbox::{Command, Mailbox};
use crate::memory::{MemoryGauge, Resource};
use crate::name::Name;
use crate::refusal::Refusal;
use crate::replies::Replies;
use crate::timers::Timers;
use crate::vhost::{Shared, VirtualHost};
use leveret_protocol::ReplyCode;
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Connections beyond the limit that are served far enough to be told so.
const REFUSALS_MAX: usize = 100;

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
    /// One bit for each resource that runs short; see [`Resource`].
    alarms: AtomicU8,
    stopping: AtomicBool,
    connections_gone: Notify,
    data: Option<DataFolder>,
    /// Definitions that nothing here acts on, kept for whoever reads the file next.
    kept_definitions: Mutex<Definitions>,
    /// State of the entities when they were saved last.
    saved: Mutex<u64>,
    background: Mutex<Vec<AbortHandle>>,
    listeners: Mutex<Vec<AbortHandle>>,
}

/// What others may know of, and do to, an open connection.
#[derive(Debug)]
pub(crate) struct ConnectionHandle {
    pub(crate) id: u64,
    pub(crate) mailbox: Arc<Mailbox>,
    /// Its user, once it is open.
    pub(crate) user: OnceLock<Name>,
    /// Channels open on it.
    pub(crate) channels: AtomicUsize,
    /// It has cancelled its consumers because the broker stops.
    pub(crate) drained: AtomicBool,
    /// Delivered messages it had not settled when it last looked.
    pub(crate) unsettled: AtomicUsize,
}

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

/// How a shutdown went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShutdownReport {
    /// Connections that were open when it began.
    pub connections: usize,
    /// Messages whose consumers had not settled them when the deadline came; they went back to their queues.
    pub unsettled: usize,
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
        let memory = Arc::new(MemoryGauge::new(config.limits.memory_high_watermark_bytes));
        let timers = Timers::new(clock.clone());
        let shared = Shared {
            auth: auth.clone(),
            clock: clock.clone(),
            timers: timers.clone(),
            memory: memory.clone(),
            queue_ids: Arc::new(AtomicU64::new(1)),
            queues_max: config.limits.queues_per_vhost_max,
        };
        let data = match &config.data {
            DataLocation::Memory => None,
            DataLocation::Directory(path) => Some(DataFolder::open(path)?),
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
            alarms: AtomicU8::new(0),
            stopping: AtomicBool::new(false),
            connections_gone: Notify::new(),
            data,
            kept_definitions: Mutex::default(),
            saved: Mutex::new(0),
            background: Mutex::default(),
            listeners: Mutex::default(),
        });
        inner.restore()?;
        inner.make_defaults()?;
        inner.save_definitions();
        inner.watch_disk();
        if inner.data.is_some() {
            let keeper = tokio::spawn(data::keep(Arc::downgrade(&inner))).abort_handle();
            inner.background.lock().push(keeper);
        }
        let watcher = tokio::spawn(watch_alarms(Arc::downgrade(&inner), inner.memory.clone())).abort_handle();
        inner.background.lock().extend([tokio::spawn(timers.run()).abort_handle(), watcher]);
        Ok(Self(inner))
    }

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

    /// Everything that outlives a restart, in RabbitMQ's definitions format.
    #[must_use]
    pub fn definitions(&self) -> Definitions {
        self.0.export()
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

    pub(crate) fn alarms(&self) -> u8 {
        self.alarms.load(Ordering::Acquire)
    }

    pub(crate) fn add_listener(&self, task: AbortHandle) {
        self.listeners.lock().push(task);
    }

    /// Reads what the data folder and the settings say there is.
    fn restore(&self) -> Result<(), StartError> {
        if let Some(data) = &self.data
            && let Some(definitions) = data.load()?
        {
            let problem = |e: DefinitionsError| StartError::Data {
                folder: data.path().display().to_string(),
                problem: e.to_string(),
            };
            self.import(&definitions).map_err(problem)?;
        }
        if let Some(path) = &self.config.load_definitions {
            let setting =
                |e: String| StartError::Setting(format!("definitions file {}: {e}", path.display()));
            let definitions = data::read_definitions(path).map_err(|e| setting(e.to_string()))?;
            self.import(&definitions).map_err(|e| setting(e.to_string()))?;
        }
        Ok(())
    }

    pub(crate) fn kept_definitions(&self) -> &Mutex<Definitions> {
        &self.kept_definitions
    }

    pub(crate) fn vhosts(&self) -> Vec<Arc<VirtualHost>> {
        let mut all: Vec<_> = self.vhosts.read().values().cloned().collect();
        all.sort_by(|a, b| a.name().cmp(b.name()));
        all
    }

    /// Writes the definitions if anything changed since the last time.
    pub(crate) fn save_definitions(&self) {
        let Some(data) = &self.data else { return };
        let mut saved = self.saved.lock();
        let vhosts = self.vhosts();
        let state = vhosts.iter().fold(self.auth.epoch() + vhosts.len() as u64, |sum, v| sum + v.epoch()) + 1;
        if *saved == state {
            return;
        }
        match data.save(&self.export()) {
            Ok(()) => *saved = state,
            Err(error) => {
                tracing::error!(folder = %data.path().display(), %error, "definitions could not be saved; trying again");
            }
        }
    }

    /// Raises or clears the disk alarm.
    pub(crate) fn watch_disk(&self) {
        if let Some(free) = self.data.as_ref().and_then(DataFolder::free_bytes) {
            self.memory.set_disk_low(free < self.config.limits.disk_free_min_bytes);
        }
    }

    fn make_defaults(&self) -> Result<(), StartError> {
        let config = &self.config;
        let _ = self.declare_vhost(&config.default_vhost);
        if self.auth.users().is_empty() {
            let password = PasswordHash::new(HashingAlgorithm::default(), config.default_pass.as_bytes());
            let record = UserRecord {
                name: (&*config.default_user).into(),
                password,
                tags: vec!["administrator".into()],
                limits: UserLimits::default(),
            };
            let setting = |problem: crate::auth::AuthError| StartError::Setting(problem.to_string());
            self.auth.add_user(record).map_err(setting)?;
            self.auth
                .set_permissions(&config.default_user, &config.default_vhost, Permissions::all())
                .map_err(setting)?;
        }
        Ok(())
    }

    pub(crate) fn vhost(&self, name: &str) -> Option<Arc<VirtualHost>> {
        self.vhosts.read().get(name).cloned()
    }

    /// The virtual host a user wants to work in.
    ///
    /// # Errors
    /// There is none of that name, or the user has no permissions there.
    pub(crate) fn enter_vhost(&self, user: &User, name: &str) -> Result<Arc<VirtualHost>, Refusal> {
        let vhost = self.vhost(name).ok_or_else(|| Refusal::NoVhost { vhost: name.into() })?;
        self.auth.check_vhost_access(user, name)?;
        let max = self.config.limits.connections_max;
        if self.connections.lock().len() > max {
            let text = format!("connection refused: node connection limit ({max}) is reached");
            return Err(Refusal::other(ReplyCode::NotAllowed, text));
        }
        let is_theirs = |c: &&Arc<ConnectionHandle>| c.user.get() == Some(user.name());
        let open = self.connections.lock().values().filter(is_theirs).count();
        self.auth.check_connection_limit(user, open as u64)?;
        Ok(vhost)
    }

    /// # Errors
    /// The user has as many channels, on all its connections together, as it may.
    pub(crate) fn check_channel_limit(&self, user: &User) -> Result<(), Refusal> {
        if !self.auth.has_channel_limit(user) {
            return Ok(());
        }
        let of = |c: &Arc<ConnectionHandle>| match c.user.get() {
            Some(name) if name == user.name() => c.channels.load(Ordering::Relaxed) as u64,
            _ => 0,
        };
        let open = self.connections.lock().values().map(of).sum();
        self.auth.check_channel_limit(user, open)
    }

    pub(crate) fn declare_vhost(&self, name: &str) -> Arc<VirtualHost> {
        let mut vhosts = self.vhosts.write();
        let name: Name = name.into();
        vhosts.entry(name.clone()).or_insert_with(|| VirtualHost::new(name, self.shared.clone())).clone()
    }

    /// Takes a connection in.
    ///
    /// # Errors
    /// The broker stops, or has as many connections as it may.
    pub(crate) fn admit(&self) -> Result<Arc<ConnectionHandle>, Refusal> {
        let max = self.config.limits.connections_max;
        let mut connections = self.connections.lock();
        if self.stopping.load(Ordering::Acquire) {
            return Err(Refusal::other(ReplyCode::ConnectionForced, "the broker is stopping"));
        }
        if connections.len() >= max.saturating_add(REFUSALS_MAX) {
            return Err(Refusal::other(ReplyCode::NotAllowed, format!("more than {max} connections")));
        }
        let id = self.next_connection.fetch_add(1, Ordering::Relaxed);
        let mailbox = Arc::new(Mailbox::new(self.config.limits.outgoing_bytes_max));
        let handle = Arc::new(ConnectionHandle {
            id,
            mailbox,
            user: OnceLock::new(),
            channels: AtomicUsize::new(0),
            drained: AtomicBool::new(false),
            unsettled: AtomicUsize::new(0),
        });
        connections.insert(id, handle.clone());
        Ok(handle)
    }

    pub(crate) fn dismiss(&self, id: u64) {
        self.connections.lock().remove(&id);
        self.connections_gone.notify_waiters();
    }

    fn each_connection(&self, mut each: impl FnMut(&ConnectionHandle)) {
        let all: Vec<_> = self.connections.lock().values().cloned().collect();
        all.iter().for_each(|connection| each(connection));
    }

    async fn shutdown(&self, deadline: Duration) -> ShutdownReport {
        self.stopping.store(true, Ordering::Release);
        for listener in self.listeners.lock().drain(..) {
            listener.abort();
        }
        let mut report = ShutdownReport { connections: self.connections.lock().len(), unsettled: 0 };
        self.each_connection(|connection| {
            connection.mailbox.order(Command::Drain);
        });
        let settled = async {
            let is_settled = |c: &Arc<ConnectionHandle>| {
                let drained = c.drained.load(Ordering::Acquire) && c.unsettled.load(Ordering::Acquire) == 0;
                drained || c.user.get().is_none()
            };
            while !self.connections.lock().values().all(is_settled) {
                tokio::select! {
                    () = self.connections_gone.notified() => {}
                    () = self.clock.sleep(Duration::from_millis(5)) => {}
                }
            }
        };
        tokio::select! {
            () = settled => {}
            () = self.clock.sleep(deadline) => {}
        }
        self.each_connection(|connection| {
            report.unsettled += connection.unsettled.load(Ordering::Acquire);
            let text = "broker forced connection closure with reason 'shutdown'".to_owned();
            connection.mailbox.order(Command::Close { code: ReplyCode::ConnectionForced, text });
        });
        let gone = async {
            loop {
                let notified = self.connections_gone.notified();
                if self.connections.lock().is_empty() {
                    return;
                }
                notified.await;
            }
        };
        tokio::select! {
            () = gone => {}
            () = self.clock.sleep(self.config.close_timeout) => {}
        }
        self.save_definitions();
        report
    }
}

impl Drop for BrokerInner {
    fn drop(&mut self) {
        for task in self.background.get_mut().drain(..).chain(self.listeners.get_mut().drain(..)) {
            task.abort();
        }
    }
}

/// Keeps the alarm bits that connections look at, and wakes them when one changes.
async fn watch_alarms(broker: Weak<BrokerInner>, memory: Arc<MemoryGauge>) {
    loop {
        memory.changed().await;
        let Some(broker) = broker.upgrade() else { return };
        let bits = memory.alarms().iter().map(|resource| resource.bit()).sum();
        let before = broker.alarms.swap(bits, Ordering::AcqRel);
        if bits != before {
            match bits {
                0 => tracing::info!("resource alarms cleared: publishers go on"),
                _ => {
                    tracing::warn!(alarms = %Resource::describe(bits), "publishers are blocked until it is cleared")
                }
            }
            broker.each_connection(|connection| connection.mailbox.wake());
        }
    }
}
