//! The seam to the disk: one folder of files. Everything the store reads or writes goes through these two traits.
//!
//! [`RealDisk`] is a folder of the machine, [`MemoryDisk`] one that is gone with the process, [`faulty::FaultyDisk`] one that fails
//! and forgets on command, for tests.

pub mod faulty;
mod memory;
mod real;

pub use memory::MemoryDisk;
pub use real::RealDisk;

use std::fmt::Debug;
use std::io::{self, IoSlice};
use std::sync::Arc;

/// A folder of files with flat names. A change of names is lasting after [`sync_names`](Self::sync_names), not before.
pub trait Disk: Send + Sync + Debug {
    /// Names of all files in the folder.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Opens a file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Makes a new, empty file; an error if there is one.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Gives a file another name, replacing what had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Takes a file out of the folder.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes creations, renames and removals last (fsync of the folder).
    fn sync_names(&self) -> io::Result<()>;
    /// Bytes free for this process; `None` when nobody knows.
    fn free_bytes(&self) -> Option<u64>;
}

/// An open file. Written bytes are lasting after [`sync`](Self::sync), not before.
#[allow(
    clippy::len_without_is_empty,
    reason = "nobody asks whether a file is empty, and its length may not be known"
)]
pub trait DiskFile: Send + Sync + Debug {
    /// Writes at `offset` without moving any cursor, growing the file if need be; may write less than it was given.
    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Reads at `offset`; may read less than asked for, and 0 only at the end.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize>;
    /// Makes everything written last (fdatasync).
    fn sync(&self) -> io::Result<()>;
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Cuts or grows the file (with zeros).
    fn set_len(&self, len: u64) -> io::Result<()>;
}

/// Writes all of it, wherever the disk stops in between.
pub(crate) fn write_all(file: &dyn DiskFile, mut offset: u64, parts: &mut [IoSlice<'_>]) -> io::Result<()> {
    let mut rest = parts;
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match file.write_at(offset, rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                offset += count as u64;
                IoSlice::advance_slices(&mut rest, count);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads as much as there is, up to the length of `into`; returns how much.
pub(crate) fn read_full(file: &dyn DiskFile, offset: u64, into: &mut [u8]) -> io::Result<usize> {
    let mut at = 0;
    while at < into.len() {
        match file.read_at(offset + at as u64, &mut into[at..]) {
            Ok(0) => break,
            Ok(count) => at += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(at)
}
