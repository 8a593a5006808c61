//! The names in a folder, as programs see them and as they would be after a power failure.

use super::Loss;
use crate::random::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

/// A file or folder by number.
pub(super) type Ino = u64;

/// A change of names, done wholly or not at all.
#[derive(Debug, Clone)]
enum Change {
    Link(OsString, Ino),
    Unlink(OsString),
    Rename(OsString, OsString, Ino),
}

/// A folder.
#[derive(Debug, Default)]
pub(super) struct Folder {
    now: BTreeMap<OsString, Ino>,
    stored: BTreeMap<OsString, Ino>,
    /// Changes not synced, in order; the first has the number `synced`.
    changes: Vec<Change>,
    synced: u64,
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<OsString, Ino>) {
        match self {
            Self::Link(name, ino) => drop(names.insert(name.clone(), *ino)),
            Self::Unlink(name) => drop(names.remove(name)),
            Self::Rename(from, to, ino) => {
                names.remove(from);
                names.insert(to.clone(), *ino);
            }
        }
    }
}

impl Folder {
    pub(super) fn get(&self, name: &OsStr) -> Option<Ino> {
        self.now.get(name).copied()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = (&OsString, Ino)> {
        self.now.iter().map(|(name, ino)| (name, *ino))
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.now);
        self.changes.push(change);
    }

    pub(super) fn link(&mut self, name: &OsStr, ino: Ino) {
        self.change(Change::Link(name.to_owned(), ino));
    }

    pub(super) fn unlink(&mut self, name: &OsStr) -> Option<Ino> {
        let ino = self.get(name)?;
        self.change(Change::Unlink(name.to_owned()));
        Some(ino)
    }

    pub(super) fn rename(&mut self, from: &OsStr, to: &OsStr) -> Option<Ino> {
        let ino = self.get(from)?;
        self.change(Change::Rename(from.to_owned(), to.to_owned(), ino));
        Some(ino)
    }

    /// A sync begins; what it will have stored when it ends.
    pub(super) fn begin_sync(&self) -> u64 {
        self.synced + self.changes.len() as u64
    }

    pub(super) fn end_sync(&mut self, through: u64) {
        let count = through.saturating_sub(self.synced) as usize;
        for change in self.changes.drain(..count.min(self.changes.len())) {
            change.apply(&mut self.stored);
            self.synced += 1;
        }
    }

    /// The power fails.
    pub(super) fn lose(&mut self, loss: Loss, random: &mut Random) {
        let changes = std::mem::take(&mut self.changes);
        self.synced += changes.len() as u64;
        let first = random.below(changes.len() as u64 + 1) as usize;
        for (at, change) in changes.iter().enumerate() {
            let kept = match loss {
                Loss::All => false,
                Loss::Pages => random.percent(50),
                Loss::Torn => at < first,
            };
            if kept {
                change.apply(&mut self.stored);
            }
        }
        self.now.clone_from(&self.stored);
    }

    /// Everything that has a name here, or may have one again after a power failure.
    pub(super) fn references(&self, into: &mut BTreeSet<Ino>) {
        into.extend(self.now.values().chain(self.stored.values()));
        into.extend(self.changes.iter().filter_map(|change| match change {
            Change::Link(_, ino) | Change::Rename(_, _, ino) => Some(*ino),
            Change::Unlink(_) => None,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Folder) -> Vec<(String, Ino)> {
        folder.names().map(|(name, ino)| (name.to_string_lossy().into_owned(), ino)).collect()
    }

    fn name(text: &str) -> &OsStr {
        OsStr::new(text)
    }

    /// `old` is 1 and synced; then `new` (2) is made and takes its place.
    fn replaced() -> Folder {
        let mut folder = Folder::default();
        folder.link(name("old"), 1);
        folder.end_sync(folder.begin_sync());
        folder.link(name("new"), 2);
        folder.rename(name("new"), name("old"));
        assert_eq!(names(&folder), [("old".to_owned(), 2)]);
        folder
    }

    #[test]
    fn unsynced_names_are_lost() {
        let mut folder = replaced();
        folder.lose(Loss::All, &mut Random::new(1));
        assert_eq!(names(&folder), [("old".to_owned(), 1)]);
    }

    #[test]
    fn synced_names_stay() {
        let mut folder = replaced();
        let sync = folder.begin_sync();
        folder.unlink(name("old"));
        folder.end_sync(sync);
        folder.lose(Loss::All, &mut Random::new(1));
        assert_eq!(names(&folder), [("old".to_owned(), 2)]);
    }

    #[test]
    fn a_rename_is_done_or_not_done() {
        for loss in [Loss::Pages, Loss::Torn] {
            let mut seen = BTreeSet::new();
            for seed in 0..100 {
                let mut folder = replaced();
                folder.lose(loss, &mut Random::new(seed));
                seen.insert(format!("{:?}", names(&folder)));
            }
            let expected =
                [r#"[("new", 2), ("old", 1)]"#, r#"[("old", 1)]"#, r#"[("old", 2)]"#].map(str::to_owned);
            assert_eq!(seen, BTreeSet::from(expected), "{loss:?}");
        }
    }

    #[test]
    fn what_may_come_back_is_referenced() {
        let mut folder = replaced();
        folder.unlink(name("old"));
        let references = |folder: &Folder| {
            let mut all = BTreeSet::new();
            folder.references(&mut all);
            all
        };
        assert_eq!(references(&folder), BTreeSet::from([1, 2]));
        folder.end_sync(folder.begin_sync());
        assert_eq!(references(&folder), BTreeSet::new());
    }
}
