//! A folder of the machine's file system.
//!
//! Names are resolved against the open folder, so the store stays where it was opened even when the folder is moved. Files are for
//! their owner alone (mode 0600): they hold other people's messages. Nothing is mapped into memory.

use super::{Disk, DiskFile};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use std::fs::{DirBuilder, File};
use std::io::{self, IoSlice};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Pieces in one `pwritev`; Linux takes no more (IOV_MAX).
const PARTS_MAX: usize = 1024;

/// A folder of the machine.
#[derive(Debug)]
pub struct RealDisk {
    path: PathBuf,
    folder: File,
}

impl RealDisk {
    /// Opens the folder `path`; makes it, and those above it, when it is missing.
    ///
    /// # Errors
    /// What the file system answers: no permission, not a folder, read-only.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        if !path.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
            if let Some(above) = path.parent() {
                File::open(if above.as_os_str().is_empty() { Path::new(".") } else { above })?.sync_all()?;
            }
        }
        let folder = File::open(&path)?;
        Ok(Self { path, folder })
    }

    fn open_with(&self, name: &str, how: OFlags) -> io::Result<Arc<dyn DiskFile>> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC | how;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = retry_on_intr(|| rustix::fs::openat(&self.folder, flat(name)?, flags, mode))?;
        Ok(Arc::new(RealFile(file.into())))
    }
}

/// Refuses what would lead out of the folder.
fn flat(name: &str) -> Result<&str, Errno> {
    if name.is_empty() || name == "." || name == ".." || name.contains('/') {
        Err(Errno::INVAL)
    } else {
        Ok(name)
    }
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.open_with(name, OFlags::empty())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.open_with(name, OFlags::CREATE | OFlags::EXCL)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.folder, flat(from)?, &self.folder, flat(to)?)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.folder, flat(name)?, AtFlags::empty())?)
    }

    fn sync_names(&self) -> io::Result<()> {
        Ok(retry_on_intr(|| rustix::fs::fsync(&self.folder))?)
    }

    fn free_bytes(&self) -> Option<u64> {
        let figures = rustix::fs::fstatvfs(&self.folder).ok()?;
        Some(figures.f_bavail.saturating_mul(figures.f_frsize))
    }
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let parts = parts.get(..PARTS_MAX).unwrap_or(parts);
        Ok(retry_on_intr(|| rustix::io::pwritev(&self.0, parts, offset))?)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read_at(into, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        Ok(retry_on_intr(|| rustix::fs::fdatasync(&self.0))?)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
}
