//! The data folder: who owns it, and the definitions kept in it.
//!
//! ```text
//! DIR/leveret.lock        held (flock) by the broker that uses the folder
//! DIR/definitions.json    users, virtual hosts, permissions, durable exchanges, queues, bindings: RabbitMQ's definitions format
//! ```
//!
//! The file is replaced as a whole: written beside, synced, renamed, folder synced. It is written when something changed,
//! within [`SAVE_INTERVAL`], and when the broker stops.

mod transfer;

use crate::broker::{BrokerInner, StartError};
use crate::definitions::Definitions;
use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Weak;
use std::time::Duration;

/// How soon after a change definitions are on disk.
pub(crate) const SAVE_INTERVAL: Duration = Duration::from_secs(1);

const LOCK: &str = "leveret.lock";
const DEFINITIONS: &str = "definitions.json";

/// A folder that this broker owns while the value lives.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: File,
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
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The definitions kept here, if there are any yet.
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

    /// Replaces the definitions.
    pub(crate) fn save(&self, definitions: &Definitions) -> io::Result<()> {
        let target = self.path.join(DEFINITIONS);
        let beside = self.path.join(format!("{DEFINITIONS}.new"));
        let _ = std::fs::remove_file(&beside);
        // It holds password hashes: for the broker's user alone.
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(definitions.to_json().as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, &target)?;
        File::open(&self.path)?.sync_all()
    }

    /// Bytes free on the folder's disk, for this process.
    pub(crate) fn free_bytes(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(&self.path).ok()?;
        Some(stat.f_bavail * stat.f_frsize)
    }
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

/// Saves definitions when they changed and watches the disk, until the broker is gone.
pub(crate) async fn keep(broker: Weak<BrokerInner>) {
    loop {
        let Some(clock) = broker.upgrade().map(|broker| broker.clock().clone()) else { return };
        clock.sleep(SAVE_INTERVAL).await;
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
    fn a_folder_has_one_owner_and_keeps_what_was_saved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let first = DataFolder::open(&path).unwrap();
        let refused = DataFolder::open(&path).unwrap_err().to_string();
        assert!(refused.contains("another broker uses it"), "{refused}");
        assert!(first.load().unwrap().is_none());
        let definitions = Definitions { product_name: Some("Leveret".into()), ..Definitions::default() };
        first.save(&definitions).unwrap();
        assert!(first.free_bytes().unwrap() > 0);
        drop(first);
        let second = DataFolder::open(&path).unwrap();
        assert_eq!(second.load().unwrap().unwrap().product_name.as_deref(), Some("Leveret"));
        std::fs::write(path.join(DEFINITIONS), "{\"users\": 3}").unwrap();
        let broken = second.load().unwrap_err().to_string();
        assert!(broken.contains("users") && broken.contains("mend the file"), "{broken}");
    }
}
