//! What a test broker starts with.

use crate::broker::TestBroker;
use leveret_broker::definitions::{Definitions, DefinitionsError};
use leveret_broker::{Broker, Clock, Config, DataLocation};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Where the virtual clock starts, in milliseconds since 1970.
const START_UNIX_MS: u64 = 1_700_000_000_000;
/// Size of the store's files: small, because a kill copies the folder.
const STORE_FILE_BYTES: u32 = 4 << 20;
/// A disk in memory, where there is one.
const MEMORY_DISK: &str = "/dev/shm";

/// Why a test broker did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The broker refused its settings or its data folder.
    #[error(transparent)]
    Broker(#[from] leveret_broker::StartError),
    /// The definitions cannot be had.
    #[error("definitions: {0}")]
    Definitions(#[from] DefinitionsError),
    /// A folder for its data cannot be made.
    #[error("no temporary folder: {0}; check TMPDIR")]
    Folder(#[from] std::io::Error),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Data {
    Memory,
    MemoryDisk,
    Disk,
}

/// What is made in every broker that a test broker starts, again after a restart.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) config: Config,
    definitions: Vec<Definitions>,
    vhosts: Vec<String>,
    users: Vec<(String, String)>,
}

impl Setup {
    /// Starts a broker on a folder, if it is to have one.
    pub(crate) fn start(&self, clock: &Clock, folder: Option<&Path>) -> Result<Broker, StartError> {
        let mut config = self.config.clone();
        if let Some(folder) = folder {
            config.data = DataLocation::Directory(folder.to_owned());
        }
        let broker = Broker::start_with_clock(config, clock.clone())?;
        for definitions in &self.definitions {
            broker.import(definitions)?;
        }
        for vhost in &self.vhosts {
            let _ = broker.declare_vhost(vhost);
        }
        let mut users = self.users.clone();
        users.push((self.config.default_user.clone(), self.config.default_pass.clone()));
        for vhost in broker.vhosts() {
            for (user, password) in &users {
                // One that is there from before a restart is left as it is.
                let _ = broker.auth().add_administrator(user, password.as_bytes(), vhost.name());
                let all = leveret_broker::auth::Permissions::all();
                let _ = broker.auth().set_permissions(user, vhost.name(), all);
            }
        }
        Ok(broker)
    }
}

/// Settings of a [`TestBroker`]. Without any it is in memory, on a virtual clock, without heartbeats, with the user `guest`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use leveret_test::TestBroker;
///
/// let broker = TestBroker::builder()
///     .vhost("orders")
///     .user("app", "secret")
///     .config(|config| config.limits.frame_bytes_max = 4096)
///     .on_memory_disk()
///     .start()
///     .await
///     .unwrap();
/// broker.restart().await.unwrap();
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    setup: Setup,
    data: Data,
    real_clock: bool,
    record_bytes_max: usize,
}

impl Default for Builder {
    fn default() -> Self {
        let mut config = Config::default();
        config.heartbeat = Duration::ZERO;
        config.store.file_bytes = STORE_FILE_BYTES;
        config.store.spare_files_max = 1;
        let setup = Setup { config, definitions: Vec::new(), vhosts: Vec::new(), users: Vec::new() };
        Self { setup, data: Data::Memory, real_clock: false, record_bytes_max: 16 << 20 }
    }
}

impl Builder {
    /// Changes any setting of the broker, limits included. Where its data lies is decided by the methods here alone.
    pub fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.setup.config);
        self.setup.config.data = DataLocation::Memory;
        self
    }

    /// Heartbeat interval that the broker asks clients for, on the broker's clock; whole seconds. Default: none.
    ///
    /// With the clock virtual, silence is measured on it: a client that does not get to send something between two steps of
    /// [`TestBroker::advance`] is dead after two intervals.
    pub fn heartbeat(self, heartbeat: Duration) -> Self {
        self.config(|config| config.heartbeat = heartbeat)
    }

    /// The broker's clock follows the machine's. Default: it is virtual.
    pub fn real_clock(mut self) -> Self {
        self.real_clock = true;
        self
    }

    /// Exchanges, queues, bindings, users and the like that are there from the beginning, in RabbitMQ's definitions format.
    ///
    /// # Errors
    /// The text is no such document.
    pub fn definitions(mut self, json: &str) -> Result<Self, StartError> {
        self.setup.definitions.push(Definitions::parse(json.as_bytes())?);
        Ok(self)
    }

    /// A virtual host beside `/`.
    pub fn vhost(mut self, name: impl Into<String>) -> Self {
        self.setup.vhosts.push(name.into());
        self
    }

    /// A user beside `guest`, who may do everything in every virtual host.
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.setup.users.push((name.into(), password.into()));
        self
    }

    /// Keeps data in a folder on a disk in memory (`/dev/shm`; where there is none, in the temporary folder), so that what was
    /// confirmed outlives [`TestBroker::restart`] and [`TestBroker::kill`]. The folder goes with the test broker.
    pub fn on_memory_disk(mut self) -> Self {
        self.data = Data::MemoryDisk;
        self
    }

    /// The same in the temporary folder, on a disk that takes its time.
    pub fn on_disk(mut self) -> Self {
        self.data = Data::Disk;
        self
    }

    /// Bytes of published messages that are remembered for [`TestBroker::published`]; the oldest are forgotten first.
    /// Default: 16 MiB.
    pub fn record_bytes_max(mut self, bytes: usize) -> Self {
        self.record_bytes_max = bytes;
        self
    }

    /// Starts it, in the runtime this is called in.
    ///
    /// # Errors
    /// A setting that cannot be used, definitions that cannot be had, no temporary folder.
    pub async fn start(self) -> Result<TestBroker, StartError> {
        let clock = if self.real_clock { Clock::real() } else { Clock::virtual_at(START_UNIX_MS) };
        let folder = new_folder(self.data)?;
        let broker = self.setup.start(&clock, folder.as_ref().map(TempDir::path))?;
        Ok(TestBroker::new(self.setup, self.data, folder, clock, broker, self.record_bytes_max))
    }
}

pub(crate) fn new_folder(data: Data) -> std::io::Result<Option<TempDir>> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("leveret-test-");
    Ok(match data {
        Data::Memory => None,
        Data::MemoryDisk if Path::new(MEMORY_DISK).is_dir() => Some(builder.tempdir_in(MEMORY_DISK)?),
        Data::MemoryDisk | Data::Disk => Some(builder.tempdir()?),
    })
}
