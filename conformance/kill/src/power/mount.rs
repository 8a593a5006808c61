//! The disk as the kernel sees it.
//!
//! Nothing is cached by the kernel (direct I/O, names and attributes valid for no time), so what the broker reads after a power
//! failure is what the disk kept. File locks are the kernel's own business. A sync takes a moment, as on a real disk: what is written
//! meanwhile is what a power failure finds unsynced.

use super::Loss;
use super::disk::{Disk, Node, ROOT};
use super::file::{File, Lost};
use super::folder::Folder;
use crate::random::Random;
use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags,
    Generation, INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow,
    WriteFlags,
};
use parking_lot::Mutex;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const NO_TIME: Duration = Duration::ZERO;
const GENERATION: Generation = Generation(0);
/// Requests served at the same time: syncs take theirs while others write.
const THREADS: usize = 6;
/// Largest file.
const FILE_BYTES_MAX: u64 = 1 << 32;

struct Shared {
    disk: Disk,
    random: Random,
}

impl Shared {
    /// Mostly short, sometimes long.
    fn sync_takes(&mut self) -> Duration {
        let most = if self.random.percent(5) { 20_000 } else { 2_000 };
        Duration::from_micros(self.random.below(most))
    }
}

/// A mounted disk; unmounted when dropped.
pub(crate) struct PowerDisk {
    shared: Arc<Mutex<Shared>>,
    _session: BackgroundSession,
}

impl PowerDisk {
    /// Mounts an empty disk.
    pub(crate) fn mount(at: &Path, random: Random) -> io::Result<Self> {
        let shared = Arc::new(Mutex::new(Shared { disk: Disk::new(), random }));
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("leveret-power".to_owned()), MountOption::NoAtime];
        config.n_threads = Some(THREADS);
        let session = fuser::spawn_mount(Fuse(shared.clone()), at, &config)?;
        Ok(Self { shared, _session: session })
    }

    /// The power fails. Whoever used the disk must be dead.
    pub(crate) fn lose(&self, loss: Loss, random: &mut Random) -> Lost {
        self.shared.lock().disk.lose(loss, random)
    }
}

struct Fuse(Arc<Mutex<Shared>>);

fn attributes(ino: u64, node: &Node) -> FileAttr {
    let (size, kind, perm) = match node {
        Node::File(file) => (file.len() as u64, FileType::RegularFile, 0o600),
        Node::Folder(_) => (0, FileType::Directory, 0o700),
    };
    FileAttr {
        ino: INodeNo(ino),
        size,
        blocks: size.div_ceil(512),
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind,
        perm,
        nlink: 1,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

impl Fuse {
    fn make(&self, parent: INodeNo, name: &OsStr, node: Node, open: bool) -> Result<FileAttr, Errno> {
        let disk = &mut self.0.lock().disk;
        if disk.folder(parent.0).ok_or(Errno::ENOENT)?.get(name).is_some() {
            return Err(Errno::EEXIST);
        }
        let attributes = attributes(0, &node);
        let ino = disk.make(node);
        disk.folder(parent.0).ok_or(Errno::ENOENT)?.link(name, ino);
        if open {
            disk.opened(ino);
        }
        Ok(FileAttr { ino: INodeNo(ino), ..attributes })
    }

    fn remove(&self, parent: INodeNo, name: &OsStr, folder: bool) -> Result<(), Errno> {
        let disk = &mut self.0.lock().disk;
        let ino = disk.folder(parent.0).and_then(|folder| folder.get(name)).ok_or(Errno::ENOENT)?;
        match disk.node(ino) {
            Some(Node::File(_)) if folder => return Err(Errno::ENOTDIR),
            Some(Node::Folder(_)) if !folder => return Err(Errno::EISDIR),
            Some(Node::Folder(inner)) if inner.names().next().is_some() => return Err(Errno::ENOTEMPTY),
            _ => {}
        }
        disk.folder(parent.0).and_then(|folder| folder.unlink(name)).map(drop).ok_or(Errno::ENOENT)
    }

    fn sync(&self, ino: INodeNo) -> Result<(), Errno> {
        let (sync, takes) = {
            let mut shared = self.0.lock();
            let sync = shared.disk.begin_sync(ino.0).ok_or(Errno::ENOENT)?;
            (sync, shared.sync_takes())
        };
        std::thread::sleep(takes);
        self.0.lock().disk.end_sync(sync);
        Ok(())
    }
}

fn done(reply: ReplyEmpty, result: Result<(), Errno>) {
    match result {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

impl Filesystem for Fuse {
    fn lookup(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let disk = &mut self.0.lock().disk;
        let ino = disk.folder(parent.0).and_then(|folder| folder.get(name));
        match ino.and_then(|ino| disk.node(ino).map(|node| attributes(ino, node))) {
            Some(attributes) => reply.entry(&NO_TIME, &attributes, GENERATION),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _req: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        match self.0.lock().disk.node(ino.0) {
            Some(node) => reply.attr(&NO_TIME, &attributes(ino.0, node)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn setattr(
        &self,
        _req: &Request,
        ino: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let disk = &mut self.0.lock().disk;
        match (size, disk.file(ino.0)) {
            (Some(size), _) if size > FILE_BYTES_MAX => return reply.error(Errno::EFBIG),
            (Some(size), Some((file, sync))) => file.set_len(size as usize, sync),
            (Some(_), None) => return reply.error(Errno::EISDIR),
            (None, _) => {}
        }
        match disk.node(ino.0) {
            Some(node) => reply.attr(&NO_TIME, &attributes(ino.0, node)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn mkdir(
        &self,
        _req: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        reply: ReplyEntry,
    ) {
        match self.make(parent, name, Node::Folder(Folder::default()), false) {
            Ok(attributes) => reply.entry(&NO_TIME, &attributes, GENERATION),
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(reply, self.remove(parent, name, false));
    }

    fn rmdir(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(reply, self.remove(parent, name, true));
    }

    fn rename(
        &self,
        _req: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        // A move between folders would be two changes; nobody here needs one.
        if parent != newparent {
            return reply.error(Errno::EXDEV);
        }
        let disk = &mut self.0.lock().disk;
        let Some(folder) = disk.folder(parent.0) else { return reply.error(Errno::ENOENT) };
        if flags.contains(RenameFlags::RENAME_NOREPLACE) && folder.get(newname).is_some() {
            return reply.error(Errno::EEXIST);
        }
        if flags.intersects(RenameFlags::RENAME_EXCHANGE | RenameFlags::RENAME_WHITEOUT) {
            return reply.error(Errno::EINVAL);
        }
        done(reply, folder.rename(name, newname).map(drop).ok_or(Errno::ENOENT));
    }

    fn create(
        &self,
        _req: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        match self.make(parent, name, Node::File(File::default()), true) {
            Ok(attributes) => {
                let handle = FileHandle(attributes.ino.0);
                reply.created(&NO_TIME, &attributes, GENERATION, handle, FopenFlags::FOPEN_DIRECT_IO);
            }
            Err(error) => reply.error(error),
        }
    }

    fn open(&self, _req: &Request, ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        let disk = &mut self.0.lock().disk;
        if disk.node(ino.0).is_none() {
            return reply.error(Errno::ENOENT);
        }
        disk.opened(ino.0);
        reply.opened(FileHandle(ino.0), FopenFlags::FOPEN_DIRECT_IO);
    }

    fn release(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        self.0.lock().disk.released(ino.0);
        reply.ok();
    }

    fn read(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.0.lock().disk.node(ino.0) {
            Some(Node::File(file)) => reply.data(file.read(offset as usize, size as usize)),
            Some(Node::Folder(_)) => reply.error(Errno::EISDIR),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn write(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        if offset + data.len() as u64 > FILE_BYTES_MAX {
            return reply.error(Errno::EFBIG);
        }
        match self.0.lock().disk.file(ino.0) {
            Some((file, sync)) => {
                file.write(offset as usize, data, sync);
                reply.written(data.len() as u32);
            }
            None => reply.error(Errno::ENOENT),
        }
    }

    fn fallocate(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        const KEEP_SIZE: i32 = 1;
        let end = offset.saturating_add(length);
        match self.0.lock().disk.file(ino.0) {
            Some((_, _)) if mode & !KEEP_SIZE != 0 || end > FILE_BYTES_MAX => reply.error(Errno::EOPNOTSUPP),
            Some((file, sync)) => {
                if mode == 0 && end as usize > file.len() {
                    file.set_len(end as usize, sync);
                }
                reply.ok();
            }
            None => reply.error(Errno::ENOENT),
        }
    }

    fn flush(&self, _req: &Request, _ino: INodeNo, _fh: FileHandle, _owner: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    /// For data alone or with the attributes: a new length is needed to read the data, and there is nothing else to store.
    fn fsync(&self, _req: &Request, ino: INodeNo, _fh: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        done(reply, self.sync(ino));
    }

    fn fsyncdir(&self, _req: &Request, ino: INodeNo, _fh: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        done(reply, self.sync(ino));
    }

    fn readdir(&self, _req: &Request, ino: INodeNo, _fh: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let disk = &mut self.0.lock().disk;
        let Some(folder) = disk.folder(ino.0) else { return reply.error(Errno::ENOTDIR) };
        let names: Vec<_> = folder.names().map(|(name, ino)| (name.clone(), ino)).collect();
        for (at, (name, ino)) in names.into_iter().enumerate().skip(offset as usize) {
            let kind = match disk.node(ino) {
                Some(Node::Folder(_)) => FileType::Directory,
                _ => FileType::RegularFile,
            };
            if reply.add(INodeNo(ino), at as u64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _req: &Request, _ino: INodeNo, reply: ReplyStatfs) {
        // Plenty: 4 TiB, all but nothing of it used.
        let blocks = 1 << 30;
        reply.statfs(blocks, blocks, blocks, 1 << 20, 1 << 20, 4096, 255, 4096);
    }
}

/// The root's number is the kernel's.
const _: () = assert!(ROOT == INodeNo::ROOT.0);
