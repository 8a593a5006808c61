//! The three disks, through the seam the store uses.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alike;
mod calls;
mod faulty;

use leveret_store::disk::{Disk, DiskFile};
use std::io::IoSlice;
use std::sync::Arc;

fn create(disk: &dyn Disk, name: &str) -> Arc<dyn DiskFile> {
    disk.create(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn write(file: &dyn DiskFile, offset: u64, bytes: &[u8]) {
    assert_eq!(file.write_at(offset, &[IoSlice::new(bytes)]).unwrap(), bytes.len());
}

fn contents(disk: &dyn Disk, name: &str) -> Option<Vec<u8>> {
    let file = disk.open(name).ok()?;
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(read as u64, &mut bytes[read..]).unwrap() {
            0 => panic!("{name} ends before its length"),
            more => read += more,
        }
    }
    Some(bytes)
}

fn names(disk: &dyn Disk) -> Vec<String> {
    let mut names = disk.list().unwrap();
    names.sort();
    names
}
