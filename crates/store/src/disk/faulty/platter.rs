//! What is on the platter for sure, what may be, and what programs see meanwhile. Pure: no clock, no locks, no luck but that of a
//! seed.
//!
//! Rules, as a file system without mercy has them:
//! - A write is for sure on the platter after a sync of its file that came later and succeeded. Until then each of its 512-byte
//!   sectors may have arrived or not, whatever other writes did. Sectors past the old end that did not arrive are zeros.
//! - A name is for sure after a sync of the names. Until then each creation, renaming and removal may have arrived or not; a rename
//!   arrives whole. A change of a name cannot arrive before an earlier change of the same name.
//! - After a sync that failed, what it should have stored is never stored by a later one: the kernel has marked the pages clean.
//!   Programs still read it.

use super::super::memory::put;
use super::dice::Dice;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Bytes that arrive together.
pub const SECTOR: usize = 512;

/// Number of a file, whatever its name.
pub type FileId = u64;

/// Which of the changes that were not synced outlive a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survival {
    /// None.
    Nothing,
    /// All.
    Everything,
    /// Those up to some point in time.
    Prefix,
    /// Some, each whole.
    Some,
    /// Some sectors of some.
    Torn,
}

impl Survival {
    /// Every mode.
    pub const ALL: [Self; 5] = [Self::Nothing, Self::Everything, Self::Prefix, Self::Some, Self::Torn];
}

/// One thing done to a disk.
#[derive(Debug, Clone)]
pub enum Change {
    /// Bytes written.
    Write {
        /// Where.
        file: FileId,
        /// From which byte on.
        offset: usize,
        /// What.
        bytes: Arc<[u8]>,
    },
    /// The file's length set.
    SetLen {
        /// Whose.
        file: FileId,
        /// New length.
        len: usize,
    },
    /// The file synced.
    Sync {
        /// Which.
        file: FileId,
    },
    /// The file's sync failed: what was not synced never will be.
    Forget {
        /// Which.
        file: FileId,
    },
    /// A new file.
    Create {
        /// Its name.
        name: Arc<str>,
        /// Its number.
        file: FileId,
    },
    /// Another name.
    Rename {
        /// Old name.
        from: Arc<str>,
        /// New name.
        to: Arc<str>,
    },
    /// A name taken away.
    Remove {
        /// Which.
        name: Arc<str>,
    },
    /// The names synced.
    SyncNames,
}

/// Change of a file's bytes that is not for sure on the platter.
#[derive(Debug, Clone)]
struct Unsynced {
    order: u64,
    what: Bytes,
    state: Waiting,
}

#[derive(Debug, Clone)]
enum Bytes {
    Write { offset: usize, bytes: Arc<[u8]> },
    SetLen(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// The next sync stores it.
    Sync,
    /// A sync failed: it may be there, and no sync will help.
    Nothing,
    /// It is stored, but lies behind one that may be there.
    Stored,
}

#[derive(Debug, Clone, Default)]
struct Contents {
    /// What programs read.
    seen: Arc<Vec<u8>>,
    /// What is on the platter for sure.
    sure: Arc<Vec<u8>>,
    unsynced: Vec<Unsynced>,
}

#[derive(Debug, Clone)]
enum Naming {
    Create { name: Arc<str>, file: FileId },
    Rename { from: Arc<str>, to: Arc<str>, file: FileId },
    Remove { name: Arc<str> },
}

/// A folder of files as it is and as it may be after a power cut.
#[derive(Debug, Clone, Default)]
pub struct Platter {
    files: BTreeMap<FileId, Contents>,
    names: BTreeMap<Arc<str>, FileId>,
    sure_names: BTreeMap<Arc<str>, FileId>,
    namings: Vec<(u64, Naming)>,
    /// Changes so far: their order.
    changes: u64,
    /// Number of the next file.
    next: FileId,
}

impl Platter {
    /// The names programs see, with their files.
    #[must_use]
    pub fn names(&self) -> &BTreeMap<Arc<str>, FileId> {
        &self.names
    }

    /// What programs read in a file.
    #[must_use]
    pub fn seen(&self, file: FileId) -> &[u8] {
        self.files.get(&file).map(|contents| contents.seen.as_slice()).unwrap_or_default()
    }

    /// A number for a new file.
    #[must_use]
    pub fn next_file(&self) -> FileId {
        self.next
    }

    /// Bytes of all files that have a name.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.names.values().map(|file| self.seen(*file).len() as u64).sum()
    }

    /// Whether a power cut now could lead to more than one state.
    #[must_use]
    pub fn uncertain(&self) -> bool {
        !self.namings.is_empty() || self.files.values().any(|contents| !contents.unsynced.is_empty())
    }

    /// Does one thing. What names a file or a name that is not there does nothing: who is handed an error decides that before.
    pub fn apply(&mut self, change: &Change) {
        self.changes += 1;
        let order = self.changes;
        match change {
            Change::Write { file, offset, bytes } => {
                self.write(*file, order, Bytes::Write { offset: *offset, bytes: bytes.clone() });
            }
            Change::SetLen { file, len } => self.write(*file, order, Bytes::SetLen(*len)),
            Change::Sync { file } => {
                if let Some(contents) = self.files.get_mut(file) {
                    contents.sync();
                }
            }
            Change::Forget { file } => {
                for unsynced in
                    self.files.get_mut(file).into_iter().flat_map(|contents| &mut contents.unsynced)
                {
                    if unsynced.state == Waiting::Sync {
                        unsynced.state = Waiting::Nothing;
                    }
                }
            }
            Change::Create { name, file } => {
                self.next = self.next.max(file + 1);
                self.files.insert(*file, Contents::default());
                self.name(order, Naming::Create { name: name.clone(), file: *file });
            }
            Change::Rename { from, to } => {
                if let Some(file) = self.names.get(from).copied() {
                    self.name(order, Naming::Rename { from: from.clone(), to: to.clone(), file });
                }
            }
            Change::Remove { name } => self.name(order, Naming::Remove { name: name.clone() }),
            Change::SyncNames => {
                self.namings.clear();
                self.sure_names.clone_from(&self.names);
            }
        }
    }

    fn write(&mut self, file: FileId, order: u64, what: Bytes) {
        let Some(contents) = self.files.get_mut(&file) else { return };
        what.onto(Arc::make_mut(&mut contents.seen));
        contents.unsynced.push(Unsynced { order, what, state: Waiting::Sync });
    }

    fn name(&mut self, order: u64, naming: Naming) {
        naming.onto(&mut self.names);
        self.namings.push((order, naming));
    }

    /// A folder as it may be after a power cut now. Everything in it is for sure.
    #[must_use]
    pub fn survivor(&self, seed: u64, mode: Survival) -> Self {
        let mut dice = Dice::new(seed);
        let last = match mode {
            Survival::Prefix => self.prefix(&mut dice),
            _ => 0,
        };
        let mut names = self.sure_names.clone();
        let mut lost = BTreeSet::new();
        for (order, naming) in &self.namings {
            let arrived = match mode {
                Survival::Nothing => false,
                Survival::Everything => true,
                Survival::Prefix => *order <= last,
                Survival::Some | Survival::Torn => dice.chance(50),
            };
            if arrived && !naming.touches().any(|name| lost.contains(name)) {
                naming.onto(&mut names);
            } else {
                lost.extend(naming.touches().cloned());
            }
        }
        let mut files = BTreeMap::new();
        for file in names.values() {
            let Some(contents) = self.files.get(file) else { continue };
            let bytes = contents.survivor(&mut dice, mode, last);
            files.insert(*file, Contents { seen: bytes.clone(), sure: bytes, unsynced: Vec::new() });
        }
        Self {
            files,
            sure_names: names.clone(),
            names,
            namings: Vec::new(),
            changes: self.changes,
            next: self.next,
        }
    }

    /// One of the changes that are not for sure, or none: the last that arrived.
    fn prefix(&self, dice: &mut Dice) -> u64 {
        let bytes = self.files.values().flat_map(|contents| &contents.unsynced);
        let mut orders: Vec<u64> =
            bytes.filter(|unsynced| unsynced.state != Waiting::Stored).map(|u| u.order).collect();
        orders.extend(self.namings.iter().map(|(order, _)| order));
        orders.sort_unstable();
        let kept = dice.below(orders.len() as u64 + 1);
        usize::try_from(kept)
            .ok()
            .and_then(|kept| orders.get(kept.checked_sub(1)?))
            .copied()
            .unwrap_or_default()
    }
}

impl Contents {
    fn sync(&mut self) {
        if self.unsynced.iter().any(|unsynced| unsynced.state == Waiting::Nothing) {
            for unsynced in &mut self.unsynced {
                if unsynced.state == Waiting::Sync {
                    unsynced.state = Waiting::Stored;
                }
            }
        } else if !self.unsynced.is_empty() {
            let sure = Arc::make_mut(&mut self.sure);
            for unsynced in self.unsynced.drain(..) {
                unsynced.what.onto(sure);
            }
        }
    }

    fn survivor(&self, dice: &mut Dice, mode: Survival, last: u64) -> Arc<Vec<u8>> {
        let mut bytes = self.sure.clone();
        for unsynced in &self.unsynced {
            let how = match mode {
                _ if unsynced.state == Waiting::Stored => Arrival::Whole,
                Survival::Nothing => Arrival::Not,
                Survival::Everything => Arrival::Whole,
                Survival::Prefix if unsynced.order <= last => Arrival::Whole,
                Survival::Prefix => Arrival::Not,
                Survival::Some => Arrival::roll(dice, 2),
                Survival::Torn => Arrival::roll(dice, 6),
            };
            match how {
                Arrival::Not => {}
                Arrival::Whole => unsynced.what.onto(Arc::make_mut(&mut bytes)),
                _ => unsynced.what.torn_onto(Arc::make_mut(&mut bytes), how, dice),
            }
        }
        bytes
    }
}

/// How much of a write arrived.
#[derive(Debug, Clone, Copy)]
enum Arrival {
    Not,
    Whole,
    /// Its first sectors.
    Head,
    /// Its last sectors.
    Tail,
    /// All sectors but one.
    AllButOne,
    /// Each sector or not.
    Any,
}

impl Arrival {
    fn roll(dice: &mut Dice, kinds: u64) -> Self {
        match dice.below(kinds) {
            0 => Self::Not,
            1 => Self::Whole,
            2 => Self::Head,
            3 => Self::Tail,
            4 => Self::AllButOne,
            _ => Self::Any,
        }
    }
}

impl Bytes {
    fn onto(&self, file: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => put(file, *offset, bytes),
            Self::SetLen(len) => file.resize(*len, 0),
        }
    }

    /// A change of length arrives whole; of a write, some sectors.
    fn torn_onto(&self, file: &mut Vec<u8>, how: Arrival, dice: &mut Dice) {
        let Self::Write { offset, bytes } = self else { return self.onto(file) };
        let first = offset / SECTOR;
        let sectors = ((offset + bytes.len()).div_ceil(SECTOR) - first) as u64;
        let at = dice.below(sectors);
        for sector in 0..sectors {
            let arrives = match how {
                Arrival::Head => sector < at,
                Arrival::Tail => sector > at,
                Arrival::AllButOne => sector != at,
                _ => dice.chance(50),
            };
            if arrives {
                let begin = ((first + sector as usize) * SECTOR).max(*offset);
                let end = ((first + sector as usize + 1) * SECTOR).min(offset + bytes.len());
                put(file, begin, &bytes[begin - offset..end - offset]);
            }
        }
    }
}

impl Naming {
    fn onto(&self, names: &mut BTreeMap<Arc<str>, FileId>) {
        match self {
            Self::Create { name, file } => {
                names.insert(name.clone(), *file);
            }
            Self::Rename { from, to, file } => {
                names.remove(from);
                names.insert(to.clone(), *file);
            }
            Self::Remove { name } => {
                names.remove(name);
            }
        }
    }

    fn touches(&self) -> impl Iterator<Item = &Arc<str>> {
        let (one, other) = match self {
            Self::Create { name, .. } | Self::Remove { name } => (name, None),
            Self::Rename { from, to, .. } => (from, Some(to)),
        };
        std::iter::once(one).chain(other)
    }
}
