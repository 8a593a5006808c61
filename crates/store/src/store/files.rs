//! The log files that are open, and those that wait to be used again.

use crate::disk::DiskFile;
use std::collections::BTreeMap;
use std::sync::Arc;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// By number. Whoever reads keeps the handle, and so the file from being used again.
    pub(super) open: BTreeMap<u32, Arc<dyn DiskFile>>,
    /// Numbers of spare files.
    pub(super) spares: Vec<u32>,
    /// Number of the next file.
    pub(super) next: u32,
}

impl Files {
    pub(super) fn get(&self, number: u32) -> Option<Arc<dyn DiskFile>> {
        self.open.get(&number).cloned()
    }
}
