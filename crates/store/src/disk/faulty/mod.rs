//! A folder in memory that fails and forgets on command. For tests: of this crate, of the crash suite, and of whoever builds on the
//! store.
//!
//! - [`FaultyDisk`] counts its calls and goes wrong as [planned](FaultyDisk::plan). After a power cut, and at any other time,
//!   [`FaultyDisk::survivor`] is a disk as it may be found afterwards.
//! - With [`FaultyDisk::record`] it keeps what was done to it. A [`Platter`] walked along these [`Change`]s gives the survivors of a
//!   cut at every single one of them, without running the program again for each.
//!
//! What may survive is said in [`platter`]. Everything random comes from seeds.

mod dice;
mod plan;
pub mod platter;

pub use dice::Dice;
pub use plan::{Call, Fault, Plan};
pub use platter::{Change, FileId, Platter, Survival};

use super::memory::get;
use super::{Disk, DiskFile};
use parking_lot::Mutex;
use std::fmt::{self, Debug};
use std::io::{self, IoSlice};
use std::sync::Arc;

/// A folder in memory that goes wrong as planned. Clones are the same folder.
#[derive(Debug, Clone, Default)]
pub struct FaultyDisk {
    shared: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    platter: Platter,
    calls: u64,
    plan: Option<Plan>,
    dead: bool,
    suffered: u64,
    first_suffered: Option<u64>,
    /// Bytes that fit into the folder.
    space: Option<u64>,
    record: Option<Vec<Recorded>>,
    observer: Option<Observer>,
}

/// A change that was recorded.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Number of the call that made it.
    pub call: u64,
    /// What the observer knew before it.
    pub known: u64,
    /// What was done.
    pub change: Change,
}

struct Observer(Box<dyn Fn() -> u64 + Send>);

impl Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

impl FaultyDisk {
    /// An empty folder on a disk without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A folder as it was found.
    #[must_use]
    pub fn with(platter: Platter) -> Self {
        Self { shared: Arc::new(Mutex::new(State { platter, ..State::default() })) }
    }

    /// Calls so far. The next one has the number `calls() + 1`.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.shared.lock().calls
    }

    /// Lets things go wrong; in place of what was planned before.
    pub fn plan(&self, plan: Plan) {
        self.shared.lock().plan = Some(plan);
    }

    /// How many calls suffered from what was planned.
    #[must_use]
    pub fn suffered(&self) -> u64 {
        self.shared.lock().suffered
    }

    /// The number of the first call that did.
    #[must_use]
    pub fn first_suffered(&self) -> Option<u64> {
        self.shared.lock().first_suffered
    }

    /// Nothing goes wrong any more. The power does not come back: see [`survivor`](Self::survivor).
    pub fn heal(&self) {
        self.shared.lock().plan = None;
    }

    /// Bytes that fit into the folder; files grow no further then, and there are no new ones.
    pub fn set_space(&self, bytes: Option<u64>) {
        self.shared.lock().space = bytes;
    }

    /// From now on every change is kept, with what `observer` answers right before it (what the program has promised by then, say).
    /// It is called under the disk's lock and must not call the disk.
    pub fn record(&self, observer: impl Fn() -> u64 + Send + 'static) {
        let mut state = self.shared.lock();
        state.record = Some(Vec::new());
        state.observer = Some(Observer(Box::new(observer)));
    }

    /// How many changes were recorded up to now.
    #[must_use]
    pub fn recorded_so_far(&self) -> usize {
        self.shared.lock().record.as_ref().map_or(0, Vec::len)
    }

    /// Ends recording: what was done since [`record`](Self::record).
    #[must_use]
    pub fn recorded(&self) -> Vec<Recorded> {
        let mut state = self.shared.lock();
        state.observer = None;
        state.record.take().unwrap_or_default()
    }

    /// What is on the disk and what may be.
    #[must_use]
    pub fn platter(&self) -> Platter {
        self.shared.lock().platter.clone()
    }

    /// The disk as it may be found after a power cut now.
    #[must_use]
    pub fn survivor(&self, seed: u64, mode: Survival) -> Self {
        Self::with(self.shared.lock().platter.survivor(seed, mode))
    }
}

impl State {
    /// Counts a call. `Some`: it goes wrong this way, which is not an error in itself.
    fn call(&mut self, call: Call) -> io::Result<Option<Fault>> {
        self.calls += 1;
        self.alive()?;
        let Some(plan) = self.plan.filter(|plan| self.calls >= plan.at && plan.fault.hits(call)) else {
            return Ok(None);
        };
        self.suffer();
        if !plan.stays {
            self.plan = None;
        }
        self.dead = plan.fault == Fault::PowerCut;
        Ok(Some(plan.fault))
    }

    fn suffer(&mut self) {
        self.suffered += 1;
        self.first_suffered.get_or_insert(self.calls);
    }

    fn alive(&self) -> io::Result<()> {
        if self.dead { Err(rustix::io::Errno::IO.into()) } else { Ok(()) }
    }

    fn apply(&mut self, change: Change) {
        self.platter.apply(&change);
        if let Some(record) = &mut self.record {
            let known = self.observer.as_ref().map_or(0, |observer| (observer.0)());
            record.push(Recorded { call: self.calls, known, change });
        }
    }

    /// Counts a call that does `change` or fails and does nothing.
    fn whole(&mut self, call: Call, change: Change) -> io::Result<()> {
        let fault = self.call(call)?;
        // What was on its way when the power went may have arrived; a sync that was on its way promised nothing.
        if fault.is_none() || (fault == Some(Fault::PowerCut) && call != Call::SyncNames) {
            self.apply(change);
        }
        fault.and_then(Fault::error).map_or(Ok(()), Err)
    }

    fn find(&self, name: &str) -> io::Result<FileId> {
        self.alive()?;
        self.platter.names().get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Bytes by which the folder may grow.
    fn room(&self) -> u64 {
        self.space.map_or(u64::MAX, |space| space.saturating_sub(self.platter.bytes()))
    }

    fn no_space(&mut self) -> io::Error {
        self.suffer();
        rustix::io::Errno::NOSPC.into()
    }
}

impl Disk for FaultyDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.shared.lock();
        state.alive()?;
        Ok(state.platter.names().keys().map(ToString::to_string).collect())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.shared.lock().find(name)?;
        Ok(Arc::new(FaultyFile { shared: self.shared.clone(), file }))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.shared.lock();
        if state.platter.names().contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = state.platter.next_file();
        if state.room() == 0 {
            state.call(Call::Create)?;
            return Err(state.no_space());
        }
        state.whole(Call::Create, Change::Create { name: name.into(), file })?;
        Ok(Arc::new(FaultyFile { shared: self.shared.clone(), file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.shared.lock();
        state.find(from)?;
        state.whole(Call::Rename, Change::Rename { from: from.into(), to: to.into() })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.shared.lock();
        state.find(name)?;
        state.whole(Call::Remove, Change::Remove { name: name.into() })
    }

    fn sync_names(&self) -> io::Result<()> {
        self.shared.lock().whole(Call::SyncNames, Change::SyncNames)
    }

    fn free_bytes(&self) -> Option<u64> {
        let state = self.shared.lock();
        let full = state.plan.is_some_and(|plan| plan.fault == Fault::NoSpace && state.calls + 1 >= plan.at);
        if full { Some(0) } else { state.space.map(|_| state.room()) }
    }
}

#[derive(Debug)]
struct FaultyFile {
    shared: Arc<Mutex<State>>,
    file: FileId,
}

impl DiskFile for FaultyFile {
    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.shared.lock();
        let mut bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let fault = state.call(Call::Write)?;
        match fault {
            Some(Fault::ShortWrite) => bytes.truncate(bytes.len().div_ceil(3)),
            // As above: it may have arrived.
            Some(Fault::PowerCut) => {
                state.apply(Change::Write { file: self.file, offset, bytes: bytes.as_slice().into() })
            }
            _ => {}
        }
        if let Some(error) = fault.and_then(Fault::error) {
            return Err(error);
        }
        if state.space.is_some() {
            let seen = state.platter.seen(self.file).len() as u64;
            let fits = seen.saturating_add(state.room()).saturating_sub(offset as u64);
            if fits == 0 && !bytes.is_empty() {
                return Err(state.no_space());
            }
            bytes.truncate(usize::try_from(fits).unwrap_or(usize::MAX));
        }
        let written = bytes.len();
        state.apply(Change::Write { file: self.file, offset, bytes: bytes.into() });
        Ok(written)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut state = self.shared.lock();
        match state.call(Call::Read)?.and_then(Fault::error) {
            Some(error) => Err(error),
            None => Ok(get(state.platter.seen(self.file), offset, into)),
        }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.shared.lock();
        let fault = state.call(Call::Sync)?;
        if fault == Some(Fault::SyncError) {
            state.apply(Change::Forget { file: self.file });
        }
        match fault.and_then(Fault::error) {
            Some(error) => Err(error),
            None => {
                state.apply(Change::Sync { file: self.file });
                Ok(())
            }
        }
    }

    fn len(&self) -> io::Result<u64> {
        let state = self.shared.lock();
        state.alive()?;
        Ok(state.platter.seen(self.file).len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.shared.lock();
        let grows = len.saturating_sub(state.platter.seen(self.file).len() as u64);
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
        if grows > state.room() {
            state.call(Call::SetLen)?;
            return Err(state.no_space());
        }
        state.whole(Call::SetLen, Change::SetLen { file: self.file, len })
    }
}
