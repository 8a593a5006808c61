//! The data folder: who owns it, and what is read from it at a start.
//!
//! ```text
//! DIR/leveret.lock                held (flock) by the broker that uses the folder
//! DIR/format, log-*, spare-*, checkpoint-*     the store: messages and definitions
//! DIR/definitions.json            of a version without a store: read once, then renamed to definitions.json.imported
//! ```

mod announce;
mod parameters;
mod policies;
mod restore;
mod transfer;

use crate::broker::{BrokerInner, StartError};
use crate::config::Config;
use crate::definitions::Definitions;
use leveret_store::disk::{Disk, RealDisk};
use leveret_store::{Progress, Recovered, Store};
use parking_lot::Mutex;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How often the disk is looked at, and whether users or virtual hosts changed.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_secs(1);

const LOCK: &str = "leveret.lock";
const DEFINITIONS: &str = "definitions.json";
const IMPORTED: &str = "definitions.json.imported";

/// A folder that this broker owns while the value lives, or until it is released.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    lock: Mutex<Option<File>>,
}

impl DataFolder {
    /// Makes the folder when it is missing and takes it.
    ///
    /// # Errors
    /// It cannot be made or written, or another broker uses it.
    pub(crate) fn open(path: &Path) -> Result<Self, StartError> {
        let problem = |problem: String| StartError::Data { folder: path.display().to_string(), problem };
        std::fs::create_dir_all(path)
            .map_err(|e| problem(format!("cannot be made ({e}); choose another with --data")))?;
        let lock = File::create(path.join(LOCK))
            .map_err(|e| problem(format!("cannot be written ({e}); check its owner and permissions")))?;
        lock.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => {
                problem("another broker uses it; stop that one, or give this one its own with --data".into())
            }
            TryLockError::Error(e) => problem(format!("cannot be locked ({e})")),
        })?;
        Ok(Self { path: path.to_owned(), lock: Mutex::new(Some(lock)) })
    }

    /// Lets the next broker have it. Nothing is written after that.
    pub(crate) fn release(&self) {
        self.lock.lock().take();
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The definitions that an older version kept here, if there are any.
    ///
    /// # Errors
    /// The file cannot be read or makes no sense.
    pub(crate) fn load(&self) -> Result<Option<Definitions>, StartError> {
        match read_definitions(&self.path.join(DEFINITIONS)) {
            Ok(definitions) => Ok(Some(definitions)),
            Err(ReadError::Io(e)) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StartError::Data {
                folder: self.path.display().to_string(),
                problem: format!("{DEFINITIONS}: {e}; mend the file or move it away to start without it"),
            }),
        }
    }

    /// Opens the store in the folder.
    ///
    /// # Errors
    /// It cannot be read, or a newer version wrote it.
    pub(crate) fn open_store(&self, config: &Config) -> Result<(Arc<Store>, Recovered), StartError> {
        let folder = self.path.display().to_string();
        match RealDisk::open(&self.path) {
            Ok(disk) => open_store(Arc::new(disk), &folder, config),
            Err(e) => Err(StartError::Data { folder, problem: format!("cannot be read ({e})") }),
        }
    }

    /// What an older version kept here was taken over.
    pub(crate) fn set_imported(&self) -> io::Result<()> {
        std::fs::rename(self.path.join(DEFINITIONS), self.path.join(IMPORTED))?;
        File::open(&self.path)?.sync_all()
    }

    /// Bytes free on the folder's disk, for this process.
    pub(crate) fn free_bytes(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(&self.path).ok()?;
        Some(stat.f_bavail * stat.f_frsize)
    }
}

/// Opens the store on a disk, and says how that went.
///
/// # Errors
/// It cannot be read, or a newer version wrote it.
pub(crate) fn open_store(
    disk: Arc<dyn Disk>,
    folder: &str,
    config: &Config,
) -> Result<(Arc<Store>, Recovered), StartError> {
    let mut said = Instant::now();
    let mut progress = |progress: Progress| {
        if said.elapsed() > Duration::from_secs(1) {
            said = Instant::now();
            let Progress { bytes, bytes_total } = progress;
            tracing::info!("reading the log: {} of {} MiB", bytes >> 20, bytes_total >> 20);
        }
    };
    let (store, recovered) = Store::open(disk, config.store.clone(), &mut progress)
        .map_err(|e| StartError::Data { folder: folder.to_owned(), problem: e.to_string() })?;
    let report = &recovered.report;
    let messages: u64 = recovered.lanes.iter().map(|lane| lane.messages).sum();
    tracing::info!(
        messages,
        definitions = recovered.definitions.len(),
        millis = report.millis,
        records_replayed = report.records,
        torn_bytes = report.torn_bytes,
        "the store is open"
    );
    if report.skipped_records > 0 {
        tracing::error!(
            records = report.skipped_records,
            batches = report.incomplete_batches,
            "damaged records were skipped; `leveret store check` says where"
        );
    }
    if !report.missing_files.is_empty() {
        tracing::error!(files = ?report.missing_files, "files are missing; the messages in them are lost");
    }
    if !report.foreign_files.is_empty() {
        tracing::warn!(files = ?report.foreign_files, "these files are not the store's and are left alone");
    }
    Ok((store, recovered))
}

/// Why a definitions file could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Content(#[from] crate::definitions::DefinitionsError),
}

pub(crate) fn read_definitions(path: &Path) -> Result<Definitions, ReadError> {
    Ok(Definitions::parse(&std::fs::read(path)?)?)
}

/// Stores users and virtual hosts when they changed and watches the disk, until the broker is gone.
pub(crate) async fn keep(broker: Weak<BrokerInner>) {
    loop {
        let Some(clock) = broker.upgrade().map(|broker| broker.clock().clone()) else { return };
        clock.sleep(LOOK_INTERVAL).await;
        let Some(broker) = broker.upgrade() else { return };
        // A disk may take its time: not on a thread that serves connections.
        let _ = tokio::task::spawn_blocking(move || {
            broker.save_definitions();
            broker.watch_disk();
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_and_gives_an_older_versions_definitions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let first = DataFolder::open(&path).unwrap();
        let refused = DataFolder::open(&path).unwrap_err().to_string();
        assert!(refused.contains("another broker uses it"), "{refused}");
        assert!(first.load().unwrap().is_none());
        assert!(first.free_bytes().unwrap() > 0);
        drop(first);
        let second = DataFolder::open(&path).unwrap();
        std::fs::write(path.join(DEFINITIONS), "{\"product_name\": \"Leveret\"}").unwrap();
        assert_eq!(second.load().unwrap().unwrap().product_name.as_deref(), Some("Leveret"));
        second.set_imported().unwrap();
        assert!(second.load().unwrap().is_none());
        std::fs::write(path.join(DEFINITIONS), "{\"users\": 3}").unwrap();
        let broken = second.load().unwrap_err().to_string();
        assert!(broken.contains("users") && broken.contains("mend the file"), "{broken}");
    }
}
