//! A folder that is gone with the process. Syncs do nothing; everything else is as with real files, open files that were renamed or
//! removed included.

use super::{Disk, DiskFile};
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::sync::Arc;

/// A folder in memory.
#[derive(Debug, Default)]
pub struct MemoryDisk {
    files: RwLock<BTreeMap<String, Arc<MemoryFile>>>,
}

impl MemoryDisk {
    /// An empty folder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Disk for MemoryDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.files.read().keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.files.read().get(name).cloned();
        file.map(|file| file as Arc<dyn DiskFile>).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut files = self.files.write();
        if files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = Arc::new(MemoryFile::default());
        files.insert(name.to_owned(), file.clone());
        Ok(file)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.files.write();
        let file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.files.write().remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }

    fn free_bytes(&self) -> Option<u64> {
        None
    }
}

#[derive(Debug, Default)]
struct MemoryFile(RwLock<Vec<u8>>);

impl DiskFile for MemoryFile {
    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let bytes = &mut *self.0.write();
        let begin = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut at = begin;
        for part in parts {
            put(bytes, at, part);
            at += part.len();
        }
        Ok(at - begin)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        Ok(get(&self.0.read(), offset, into))
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.read().len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
        self.0.write().resize(len, 0);
        Ok(())
    }
}

/// Writes `part` at `at`; what lies between the end and `at` becomes zeros.
pub(super) fn put(bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
    if part.is_empty() {
        return;
    }
    if bytes.len() < at {
        bytes.resize(at, 0);
    }
    let over = part.len().min(bytes.len() - at);
    let (old, new) = part.split_at(over);
    bytes[at..at + over].copy_from_slice(old);
    bytes.extend_from_slice(new);
}

/// Reads what there is at `offset`; how much.
pub(super) fn get(bytes: &[u8], offset: u64, into: &mut [u8]) -> usize {
    let from = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
    let len = from.len().min(into.len());
    into[..len].copy_from_slice(&from[..len]);
    len
}
