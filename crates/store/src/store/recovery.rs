//! Opening a folder: the newest checkpoint, the log behind it, and what was wrong with either. A clean start and one after a crash are
//! the same.

use super::api::{OpenError, Options, Progress, Recovered, RecoveredLane, Report, State};
use super::checkpoint::{self, CheckpointHead};
use super::files::Files;
use super::group::Group;
use super::journal::Log;
use super::keeper::{Keeping, PREPARING};
use super::{Figures, Pending, Store};
use crate::disk::{Disk, DiskFile, read_full, write_all};
use crate::index::Index;
use crate::log::scan::{self, GroupAt, Scanned};
use crate::log::{self, ALIGNMENT, align};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::Instant;

const FORMAT: &str = "format";
const FORMAT_WORDS: &str = "leveret data folder, format ";
/// 2: histories of messages that came back, wide runs. What it adds is read by no earlier version.
const FORMAT_NUMBER: u32 = 2;
/// Files in the folder that are the broker's.
const NOT_OURS: [&str; 4] =
    ["leveret.lock", "definitions.json", "definitions.json.new", "definitions.json.imported"];

/// What lies in the folder.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) logs: Vec<u32>,
    spares: Vec<u32>,
    checkpoints: Vec<u64>,
    pub(super) foreign: Vec<String>,
    has_format: bool,
}

fn at(what: &str) -> impl FnOnce(io::Error) -> OpenError + '_ {
    move |error| OpenError::Disk { what: what.to_owned(), error }
}

pub(super) fn names(disk: &dyn Disk) -> Result<Names, OpenError> {
    let mut names = Names::default();
    for name in disk.list().map_err(at("the folder cannot be read"))? {
        if let Some(number) = log::number_of(&name, "log") {
            names.logs.push(number);
        } else if let Some(number) = log::number_of(&name, "spare") {
            names.spares.push(number);
        } else if let Some(number) = checkpoint::number_of(&name) {
            names.checkpoints.push(number);
        } else if name == FORMAT {
            names.has_format = true;
        } else if name != PREPARING && name != "checkpoint-new" && !NOT_OURS.contains(&&*name) {
            names.foreign.push(name);
        }
    }
    names.logs.sort_unstable();
    names.checkpoints.sort_unstable();
    names.foreign.sort_unstable();
    Ok(names)
}

/// Refuses a folder that a later version wrote; says in a new one what it is.
fn check_format(disk: &dyn Disk, names: &Names) -> Result<(), OpenError> {
    let mut found = None;
    if names.has_format {
        let mut bytes = [0; 64];
        let file = disk.open(FORMAT).map_err(at("the file 'format' cannot be read"))?;
        let count = read_full(&*file, 0, &mut bytes).map_err(at("the file 'format' cannot be read"))?;
        let text = String::from_utf8_lossy(&bytes[..count]);
        found = text.trim().strip_prefix(FORMAT_WORDS).and_then(|number| number.parse::<u32>().ok());
    }
    match found {
        Some(found) if found > FORMAT_NUMBER => Err(OpenError::Future { found, known: FORMAT_NUMBER }),
        // Until the first checkpoint nobody knows whether it was synced: it is written again.
        // A folder of an earlier version is said to be of this one before anything new is written.
        Some(found) if names.checkpoints.is_empty() || found < FORMAT_NUMBER => {
            write_format(disk, true).map_err(at("the file 'format' cannot be written"))
        }
        None if names.checkpoints.is_empty() => {
            write_format(disk, names.has_format).map_err(at("the file 'format' cannot be written"))
        }
        Some(_) => Ok(()),
        None => Err(OpenError::Damaged(
            "the file 'format' is missing or makes no sense: is this a data folder of Leveret? Write 'leveret data folder, format 2' into it if it is"
                .into(),
        )),
    }
}

fn write_format(disk: &dyn Disk, exists: bool) -> io::Result<()> {
    let file = if exists { disk.open(FORMAT)? } else { disk.create(FORMAT)? };
    let text = format!("{FORMAT_WORDS}{FORMAT_NUMBER}\n");
    write_all(&*file, 0, &mut [IoSlice::new(text.as_bytes())])?;
    file.set_len(text.len() as u64)?;
    file.sync()?;
    disk.sync_names()
}

/// The log behind a checkpoint.
struct Tail {
    files: BTreeMap<u32, (Arc<dyn DiskFile>, Vec<GroupAt>)>,
    /// All groups up to this number were synced.
    synced: u64,
}

fn tail(disk: &dyn Disk, logs: &[u32], first: u32) -> Result<Tail, OpenError> {
    let mut tail = Tail { files: BTreeMap::new(), synced: 0 };
    for number in logs.iter().filter(|number| **number >= first) {
        let name = log::name(*number);
        let what = format!("{name} cannot be read");
        let file = disk.open(&name).map_err(at(&what))?;
        // Groups say which file they belong to: they are found without its header, too.
        let groups = scan::groups(&*file, *number).map_err(at(&what))?;
        let mut head = [0; 20];
        let count = read_full(&*file, 0, &mut head).map_err(at(&what))?;
        if !groups.is_empty() && log::parse_file_header(&head[..count]) != Some(*number) {
            tracing::warn!(file = %name, "its header is damaged; what is in it is read all the same");
        }
        if let Some(group) = groups.first()
            && let Some((_, (_, before))) =
                tail.files.iter().rev().find(|(_, (_, groups))| !groups.is_empty())
        {
            // A file is synced before the next one is begun.
            let last = before.last().map_or(0, |group| group.header.number);
            tail.synced = tail.synced.max(last.min(group.header.number.saturating_sub(1)));
        }
        tail.synced = groups.iter().fold(tail.synced, |synced, group| synced.max(group.header.synced));
        tail.files.insert(*number, (file, groups));
    }
    Ok(tail)
}

impl Store {
    /// Opens the store in a folder, or makes one there. Call [`close`](Store::close) at the end.
    ///
    /// # Errors
    /// The folder cannot be read or written, or a newer version wrote it.
    pub fn open(
        disk: Arc<dyn Disk>,
        options: Options,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Arc<Self>, Recovered), OpenError> {
        let began = Instant::now();
        let names = names(&*disk)?;
        check_format(&*disk, &names)?;
        let mut report = Report { foreign_files: names.foreign.clone(), ..Report::default() };
        let (mut index, scanned, doubtful) = index_of(&*disk, &names, &mut report, progress)?;
        index.start();
        let next = names.logs.last().copied().unwrap_or(0).max(scanned.first.saturating_sub(1)) + 1;
        index.group = scanned.group;
        let mut files = Files { open: BTreeMap::new(), spares: names.spares.clone(), next };
        let wanted: Vec<u32> = index.files().map(|(number, _)| number).collect();
        for number in &wanted {
            match disk.open(&log::name(*number)) {
                Ok(file) => {
                    if *number >= scanned.first {
                        let doubtful = doubtful.iter().filter(|group| group.header.file == *number);
                        settle_doubts(&*file, *number, doubtful)
                            .map_err(at("a log file cannot be synced"))?;
                    }
                    files.open.insert(*number, file);
                }
                Err(error) => {
                    tracing::error!(file = %crate::log::name(*number), %error, "a log file is missing: its messages are lost");
                    report.missing_files.push(log::name(*number));
                }
            }
        }
        report.records = scanned.records;
        report.replayed_bytes = scanned.bytes;
        report.torn_bytes = scanned.torn_bytes;
        report.skipped_records = scanned.skipped;
        report.incomplete_batches = scanned.incomplete;
        let store = Arc::new(Self {
            log: Mutex::new(Log {
                file: None,
                number: next,
                offset: ALIGNMENT,
                group: scanned.group,
                synced_group: scanned.group,
                ticket: 0,
                unsynced: None,
                current: Group::default(),
            }),
            index: Mutex::new(index),
            files: Mutex::new(files),
            pending: Mutex::new(Pending::default()),
            filled: Condvar::new(),
            pending_bytes: AtomicUsize::new(0),
            written: AtomicU64::new(0),
            synced: AtomicU64::new(0),
            applied: Mutex::new(0),
            advanced: Condvar::new(),
            state: Mutex::new(State::Running),
            failed: AtomicBool::new(false),
            listener: Mutex::new(None),
            watchers: Mutex::new(Vec::new()),
            keeping: Mutex::new(Keeping::behind(names.checkpoints.last().copied().unwrap_or(0))),
            rolled: Condvar::new(),
            keeper_lock: Mutex::new(false),
            threads: Mutex::new(Vec::new()),
            figures: Figures::default(),
            disk,
            options,
        });
        // The tail just read is never read again: what of it is torn must not look like damage later.
        {
            let mut keeping = store.keeping.lock();
            let unused = names.logs.iter().filter(|number| !wanted.contains(number));
            let from = keeping.checkpoint + 2;
            keeping.retired.extend(unused.map(|number| (*number, from)));
            store.checkpoint(&mut keeping).map_err(at("a checkpoint cannot be written"))?;
        }
        store.forget_old_checkpoints(&names, report.checkpoint);
        if store.options.threads {
            store.start_threads().map_err(at("a thread cannot be started"))?;
        }
        let recovered = store.recovered(report, began);
        Ok((store, recovered))
    }

    fn forget_old_checkpoints(&self, names: &Names, used: Option<u64>) {
        for number in &names.checkpoints {
            if Some(*number) != used {
                let _ = self.disk.remove(&checkpoint::name(*number));
            }
        }
    }

    fn start_threads(self: &Arc<Self>) -> io::Result<()> {
        let mut threads = self.threads.lock();
        let store = self.clone();
        threads.push(
            std::thread::Builder::new().name("leveret-journal".into()).spawn(move || store.write_on())?,
        );
        let store = self.clone();
        threads.push(std::thread::Builder::new().name("leveret-keeper".into()).spawn(move || store.keep())?);
        Ok(())
    }

    fn recovered(&self, mut report: Report, began: Instant) -> Recovered {
        let index = self.index.lock();
        let lanes = index.summary().into_iter().map(|(id, messages, weight, first, last)| RecoveredLane {
            queue: id.queue,
            lane: id.lane,
            messages,
            weight,
            first,
            last,
        });
        report.millis = began.elapsed().as_millis() as u64;
        Recovered {
            lanes: lanes.collect(),
            definitions: index.definitions.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            queue_max: index.queue_max,
            report,
        }
    }
}

/// What was read is built upon from now on, and may be known to the kernel only: if the last process was killed it was never synced,
/// if its sync failed the next one stores nothing that is not written again.
fn settle_doubts<'a>(
    file: &dyn DiskFile,
    number: u32,
    groups: impl Iterator<Item = &'a GroupAt>,
) -> io::Result<()> {
    for (at, group) in groups.enumerate() {
        if at == 0 {
            write_all(file, 0, &mut [IoSlice::new(&log::file_header(number))])?;
        }
        let mut bytes = vec![0; group.header.len as usize];
        let count = read_full(file, group.offset, &mut bytes)?;
        write_all(file, group.offset, &mut [IoSlice::new(&bytes[..count])])?;
    }
    file.sync()
}

/// The index as the folder has it: the newest checkpoint and the log behind it; and the groups of which nobody knows whether they were
/// synced.
pub(super) fn index_of(
    disk: &dyn Disk,
    names: &Names,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Index, Scanned, Vec<GroupAt>), OpenError> {
    let (head, mut index) = newest(disk, names, report)?;
    let tail = tail(disk, &names.logs, head.first)?;
    let mut scanned = Scanned { group: head.group, first: head.first, ..Scanned::default() };
    let doubtful = replay(&tail, head, &mut index, &mut scanned, progress)?;
    Ok((index, scanned, doubtful))
}

fn newest(disk: &dyn Disk, names: &Names, report: &mut Report) -> Result<(CheckpointHead, Index), OpenError> {
    for number in names.checkpoints.iter().rev() {
        match checkpoint::read(disk, *number).map_err(at("a checkpoint cannot be read"))? {
            Some(found) => {
                report.checkpoint = Some(*number);
                return Ok(found);
            }
            None => {
                tracing::error!(checkpoint = %checkpoint::name(*number), "a checkpoint is damaged; an older one is used")
            }
        }
    }
    if names.checkpoints.is_empty() {
        return Ok((CheckpointHead { first: 1, group: 0 }, Index::default()));
    }
    Err(OpenError::Damaged(
        "no checkpoint in it can be read, and without one the messages' state is unknown; restore the folder from a backup, or move it away".into(),
    ))
}

fn replay(
    tail: &Tail,
    head: CheckpointHead,
    index: &mut Index,
    scanned: &mut Scanned,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<GroupAt>, OpenError> {
    let mut doubtful = Vec::new();
    let groups = tail.files.values().flat_map(|(_, groups)| groups);
    let bytes_total = groups.map(|group| u64::from(group.header.len)).sum();
    let mut buffer = Vec::new();
    let mut expected = head.group + 1;
    for (number, (file, groups)) in &tail.files {
        let mut end = ALIGNMENT;
        for group in groups {
            end = align(group.offset + u64::from(group.header.len));
            scanned.group = scanned.group.max(group.header.number);
            if group.header.number <= head.group || scanned.torn {
                continue;
            }
            if group.header.number > expected {
                // Groups before this one are gone: damaged if they had been synced, else the log ends before them.
                if tail.synced < expected {
                    scanned.torn = true;
                    continue;
                }
                scanned.skipped += group.header.number - expected;
            }
            expected = group.header.number + 1;
            let synced = group.header.number <= tail.synced;
            if !synced {
                doubtful.push(*group);
            }
            let what = format!("{} cannot be read", log::name(*number));
            scan::read_group(&**file, *group, synced, &mut buffer, scanned, &mut |op, place| {
                index.apply(op, place)
            })
            .map_err(at(&what))?;
            progress(Progress { bytes: scanned.bytes, bytes_total });
        }
        index.closed(*number, end);
    }
    Ok(doubtful)
}
