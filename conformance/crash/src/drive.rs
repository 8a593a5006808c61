//! Drives a store on a faulty disk through a workload, and records what was done to the disk.

use crate::act::{Act, Step, fill};
use crate::compare;
use crate::generate::Generator;
use crate::ledger::{Known, Ledger};
use crate::model::Model;
use crate::observe::Observed;
use crate::profile::Profile;
use leveret_store::disk::faulty::{Change, Dice, FaultyDisk, Platter, Recorded};
use leveret_store::{Batch, Options, Recovered, State, Store};
use std::sync::Arc;

/// What the store was told, in order.
#[derive(Debug, Clone)]
pub enum Event {
    /// A batch.
    Batch(Arc<[Act]>),
    /// An orderly stop and a start.
    Restart,
}

/// What the keeper came to do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kept {
    /// Log files begun.
    pub begun: u64,
    /// Those of them that had been log files before.
    pub reused: u64,
    /// Files sealed where they lie.
    pub sealed: u64,
    /// Bytes of messages moved out of files that were mostly dead.
    pub moved_bytes: u64,
    /// Checkpoints made.
    pub checkpoints: u64,
}

impl Kept {
    /// Adds another's.
    pub fn add(&mut self, other: Self) {
        self.begun += other.begun;
        self.reused += other.reused;
        self.sealed += other.sealed;
        self.moved_bytes += other.moved_bytes;
        self.checkpoints += other.checkpoints;
    }

    fn of(changes: &[Recorded]) -> Self {
        let mut kept = Self::default();
        for recorded in changes {
            match &recorded.change {
                Change::Create { name, .. } => kept.begun += u64::from(name.starts_with("log-")),
                Change::Rename { to, .. } => {
                    kept.begun += u64::from(to.starts_with("log-"));
                    kept.reused += u64::from(to.starts_with("log-"));
                    kept.checkpoints += u64::from(to.starts_with("checkpoint-"));
                }
                _ => {}
            }
        }
        kept
    }
}

/// A finished run.
#[derive(Debug)]
pub struct Run {
    /// The disk before it.
    pub base: Platter,
    /// What the store might have held before it.
    pub possible: Vec<Model>,
    /// What it did hold; alike as far as can be seen.
    pub starts: Vec<Model>,
    /// What it was told.
    pub events: Vec<Event>,
    /// What it did to the disk.
    pub changes: Vec<Recorded>,
    /// So many of them before the start came to its end.
    pub opened: usize,
    /// What was known at the end.
    pub end: Known,
    /// What made the steps.
    pub generator: Generator,
    /// What the keeper did meanwhile.
    pub kept: Kept,
}

/// Settings for a workload.
#[must_use]
pub fn options(profile: &Profile) -> Options {
    Options { file_bytes: profile.file_bytes, threads: false, ..Options::default() }
}

/// Opens a store; a start must find no damage where there was only a power cut.
///
/// # Errors
/// It does not open, or reports damage.
pub fn open(disk: &FaultyDisk, options: &Options) -> Result<(Arc<Store>, Recovered), String> {
    let (store, recovered) = Store::open(Arc::new(disk.clone()), options.clone(), &mut |_| {})
        .map_err(|error| format!("the store does not open: {error}"))?;
    let report = &recovered.report;
    if report.skipped_records > 0 || !report.missing_files.is_empty() || !report.foreign_files.is_empty() {
        return Err(format!("a power cut is taken for damage: {report:?}"));
    }
    Ok((store, recovered))
}

/// Reads everything back; those of `models` that it equals.
///
/// # Errors
/// It equals none: the differences.
pub fn look(
    store: &Store,
    recovered: Option<&Recovered>,
    models: &[Model],
    seed: u64,
) -> Result<Vec<Model>, String> {
    let queues =
        models.iter().flat_map(|model| model.queues.keys().copied().max().max(Some(model.queue_max))).max();
    let queue_max = queues.max(recovered.map(|recovered| recovered.queue_max)).unwrap_or_default();
    let observed = Observed::read(store, queue_max, &mut Dice::new(seed))?;
    let difference = |model| {
        compare::messages(&observed, model).or_else(|| recovered.and_then(|r| compare::recovered(r, model)))
    };
    let same: Vec<Model> = models.iter().filter(|model| difference(model).is_none()).cloned().collect();
    if same.is_empty() {
        let all: Vec<String> = models.iter().filter_map(difference).collect();
        return Err(format!(
            "it equals no state it may have; from the oldest to the newest: {}",
            all.join("; ")
        ));
    }
    Ok(same)
}

/// A store at work.
#[derive(Debug)]
pub struct Driver {
    disk: FaultyDisk,
    options: Options,
    store: Arc<Store>,
    ledger: Arc<Ledger>,
    batch: Batch,
    base: Platter,
    possible: Vec<Model>,
    opened: usize,
    starts: Vec<Model>,
    models: Vec<Model>,
    events: Vec<Event>,
    looks: u64,
    sealed: u64,
    moved_bytes: u64,
}

impl Driver {
    /// Starts on a disk where one of `models` must be found.
    ///
    /// # Errors
    /// None of them is.
    pub fn start(disk: &FaultyDisk, options: &Options, models: &[Model], seed: u64) -> Result<Self, String> {
        let base = disk.platter();
        let ledger = Arc::new(Ledger::default());
        disk.record({
            let ledger = ledger.clone();
            move || ledger.known().pack()
        });
        let (store, recovered) = open(disk, options)?;
        let opened = disk.recorded_so_far();
        ledger.started(&store);
        let possible = models.to_vec();
        let models = look(&store, Some(&recovered), models, seed)?;
        let (disk, options) = (disk.clone(), options.clone());
        let (starts, events, batch) = (models.clone(), Vec::new(), Batch::new());
        Ok(Self {
            disk,
            options,
            store,
            ledger,
            batch,
            base,
            possible,
            opened,
            starts,
            models,
            events,
            looks: seed,
            sealed: 0,
            moved_bytes: 0,
        })
    }

    /// What the store holds.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// Does the next steps of a workload, then ends without stopping the store in order.
    ///
    /// # Errors
    /// The store refuses something, or does not hold what it should.
    pub fn run(mut self, mut generator: Generator, steps: u64) -> Result<Run, String> {
        self.go(&generator.steps(steps))?;
        Ok(self.end(generator))
    }

    /// Does the steps.
    ///
    /// # Errors
    /// The store refuses something, or does not hold what it should.
    pub fn go(&mut self, steps: &[Step]) -> Result<(), String> {
        for step in steps {
            self.step(step)?;
            let state = self.store.state();
            if !matches!(state, State::Running) {
                return Err(format!("nothing is wrong with the disk, but the store is {state:?}"));
            }
        }
        Ok(())
    }

    /// Ends without stopping the store in order.
    #[must_use]
    pub fn end(self, generator: Generator) -> Run {
        let end = self.ledger.known();
        let changes = self.disk.recorded();
        self.ledger.stopped();
        let kept = Kept { sealed: self.sealed, moved_bytes: self.moved_bytes, ..Kept::of(&changes) };
        let Self { base, possible, opened, starts, events, .. } = self;
        Run { base, possible, starts, events, changes, opened, end, generator, kept }
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Append(acts, urgency) => {
                fill(&mut self.batch, acts);
                self.ledger.begin();
                let ticket = self
                    .store
                    .append(&mut self.batch, *urgency, None)
                    .map_err(|error| format!("append: {error}"))?;
                self.ledger.end(Some(ticket));
                self.models.iter_mut().for_each(|model| model.apply(acts));
                self.events.push(Event::Batch(acts.clone()));
            }
            Step::Commit => self.store.commit(),
            Step::Tidy => {
                let before = self.store.stats();
                self.store.tidy();
                let after = self.store.stats();
                // Those that were given up in the same round hide as many new ones: a lower bound.
                self.sealed += after.sealed_files.saturating_sub(before.sealed_files) as u64;
                self.moved_bytes += after.moved_bytes - before.moved_bytes;
            }
            Step::Reopen => self.reopen()?,
            Step::Look => {
                self.looks += 1;
                self.models = look(&self.store, None, &self.models, self.looks)
                    .map_err(|e| format!("while running: {e}"))?;
            }
        }
        Ok(())
    }

    fn reopen(&mut self) -> Result<(), String> {
        self.store.close();
        self.ledger.stopped();
        let (store, recovered) = open(&self.disk, &self.options)?;
        self.store = store;
        self.ledger.started(&self.store);
        self.models.iter_mut().for_each(Model::restart);
        self.events.push(Event::Restart);
        self.models = look(&self.store, Some(&recovered), &self.models, 1)
            .map_err(|e| format!("after a stop in order: {e}"))?;
        Ok(())
    }
}
