//! The disk: files and folders by number, who has them open, and the syncs under way.

use super::Loss;
use super::file::{File, Lost, Snapshot};
use super::folder::{Folder, Ino};
use crate::random::Random;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The folder everything is in.
pub(super) const ROOT: Ino = 1;

#[derive(Debug)]
pub(super) enum Node {
    File(File),
    Folder(Folder),
}

/// A sync under way.
#[derive(Debug)]
pub(super) struct Sync {
    ino: Ino,
    /// Power failures before it began: one during it, and it stores nothing.
    failures: u64,
    of: SyncOf,
}

#[derive(Debug)]
enum SyncOf {
    File(Snapshot),
    Folder(u64),
}

#[derive(Debug)]
pub(super) struct Disk {
    nodes: BTreeMap<Ino, Node>,
    next: Ino,
    /// How often each is open.
    open: HashMap<Ino, u32>,
    syncs: u64,
    failures: u64,
}

impl Disk {
    pub(super) fn new() -> Self {
        let nodes = BTreeMap::from([(ROOT, Node::Folder(Folder::default()))]);
        Self { nodes, next: ROOT + 1, open: HashMap::new(), syncs: 0, failures: 0 }
    }

    pub(super) fn node(&self, ino: Ino) -> Option<&Node> {
        self.nodes.get(&ino)
    }

    pub(super) fn folder(&mut self, ino: Ino) -> Option<&mut Folder> {
        match self.nodes.get_mut(&ino)? {
            Node::Folder(folder) => Some(folder),
            Node::File(_) => None,
        }
    }

    /// A file to be written, and the number of the last sync begun.
    pub(super) fn file(&mut self, ino: Ino) -> Option<(&mut File, u64)> {
        match self.nodes.get_mut(&ino)? {
            Node::File(file) => Some((file, self.syncs)),
            Node::Folder(_) => None,
        }
    }

    /// Something new, without a name yet.
    pub(super) fn make(&mut self, node: Node) -> Ino {
        let ino = self.next;
        self.next += 1;
        self.nodes.insert(ino, node);
        ino
    }

    pub(super) fn opened(&mut self, ino: Ino) {
        *self.open.entry(ino).or_insert(0) += 1;
    }

    pub(super) fn released(&mut self, ino: Ino) {
        if let Some(count) = self.open.get_mut(&ino) {
            *count -= 1;
            if *count == 0 {
                self.open.remove(&ino);
                self.tidy();
            }
        }
    }

    pub(super) fn begin_sync(&mut self, ino: Ino) -> Option<Sync> {
        self.syncs += 1;
        let of = match self.nodes.get(&ino)? {
            Node::File(file) => SyncOf::File(file.begin_sync(self.syncs)),
            Node::Folder(folder) => SyncOf::Folder(folder.begin_sync()),
        };
        Some(Sync { ino, failures: self.failures, of })
    }

    pub(super) fn end_sync(&mut self, sync: Sync) {
        if sync.failures != self.failures {
            return;
        }
        match (self.nodes.get_mut(&sync.ino), sync.of) {
            (Some(Node::File(file)), SyncOf::File(snapshot)) => file.end_sync(snapshot),
            (Some(Node::Folder(folder)), SyncOf::Folder(through)) => {
                folder.end_sync(through);
                self.tidy();
            }
            _ => {}
        }
    }

    /// The power fails. Whoever had files open is dead.
    pub(super) fn lose(&mut self, loss: Loss, random: &mut Random) -> Lost {
        self.failures += 1;
        self.open.clear();
        let mut lost = Lost::default();
        for node in self.nodes.values_mut() {
            match node {
                Node::File(file) => file.lose(loss, random, &mut lost),
                Node::Folder(folder) => folder.lose(loss, random),
            }
        }
        self.tidy();
        lost
    }

    /// Drops what has no name, is not open, and cannot get its name back.
    fn tidy(&mut self) {
        let mut kept = BTreeSet::from([ROOT]);
        kept.extend(self.open.keys());
        let mut todo = vec![ROOT];
        while let Some(ino) = todo.pop() {
            if let Some(Node::Folder(folder)) = self.nodes.get(&ino) {
                let mut inside = BTreeSet::new();
                folder.references(&mut inside);
                todo.extend(inside.iter().filter(|ino| kept.insert(**ino)));
            }
        }
        self.nodes.retain(|ino, _| kept.contains(ino));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    fn make(disk: &mut Disk, name: &str, bytes: &[u8]) -> Ino {
        let ino = disk.make(Node::File(File::default()));
        disk.folder(ROOT).unwrap().link(OsStr::new(name), ino);
        write(disk, ino, bytes);
        ino
    }

    fn write(disk: &mut Disk, ino: Ino, bytes: &[u8]) {
        let (file, sync) = disk.file(ino).unwrap();
        file.write(0, bytes, sync);
    }

    fn sync(disk: &mut Disk, ino: Ino) {
        let sync = disk.begin_sync(ino).unwrap();
        disk.end_sync(sync);
    }

    fn read(disk: &mut Disk, name: &str) -> Option<Vec<u8>> {
        let ino = disk.folder(ROOT).unwrap().get(OsStr::new(name))?;
        Some(disk.file(ino).unwrap().0.read(0, usize::MAX).to_vec())
    }

    fn fail(disk: &mut Disk) {
        disk.lose(Loss::All, &mut Random::new(1));
    }

    #[test]
    fn a_file_needs_its_bytes_and_its_name_synced() {
        let mut disk = Disk::new();
        let both = make(&mut disk, "both", b"1");
        let bytes = make(&mut disk, "bytes", b"2");
        sync(&mut disk, both);
        sync(&mut disk, ROOT);
        let late = make(&mut disk, "late", b"3");
        sync(&mut disk, bytes);
        sync(&mut disk, late);
        let name = make(&mut disk, "name", b"4");
        fail(&mut disk);
        assert_eq!(read(&mut disk, "both").as_deref(), Some(&b"1"[..]));
        assert_eq!(read(&mut disk, "bytes").as_deref(), Some(&b"2"[..]));
        assert_eq!((read(&mut disk, "late"), read(&mut disk, "name")), (None, None));
        assert!(disk.node(late).is_none() && disk.node(name).is_none(), "their space is free");
    }

    #[test]
    fn a_removal_that_is_lost_brings_the_file_back() {
        let mut disk = Disk::new();
        let ino = make(&mut disk, "it", b"1");
        sync(&mut disk, ino);
        sync(&mut disk, ROOT);
        disk.folder(ROOT).unwrap().unlink(OsStr::new("it"));
        assert_eq!(read(&mut disk, "it"), None);
        fail(&mut disk);
        assert_eq!(read(&mut disk, "it").as_deref(), Some(&b"1"[..]));
    }

    #[test]
    fn a_sync_that_the_power_failure_cut_stores_nothing() {
        let mut disk = Disk::new();
        let ino = make(&mut disk, "it", b"old");
        sync(&mut disk, ino);
        sync(&mut disk, ROOT);
        write(&mut disk, ino, b"new");
        let under_way = disk.begin_sync(ino).unwrap();
        fail(&mut disk);
        write(&mut disk, ino, b"???");
        disk.end_sync(under_way);
        fail(&mut disk);
        assert_eq!(read(&mut disk, "it").as_deref(), Some(&b"old"[..]));
    }

    #[test]
    fn an_open_file_outlives_its_name() {
        let mut disk = Disk::new();
        let ino = make(&mut disk, "it", b"1");
        disk.opened(ino);
        disk.folder(ROOT).unwrap().unlink(OsStr::new("it"));
        sync(&mut disk, ROOT);
        assert!(disk.node(ino).is_some());
        disk.released(ino);
        assert!(disk.node(ino).is_none());
    }
}
