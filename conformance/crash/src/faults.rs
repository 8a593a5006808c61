//! Lets the disk fail at every call of a workload, in every way, and compares what the store makes of it with the model.
//!
//! What must hold: no panic; out of space: appends go on being taken, and when space returns everything is stored; after a failed
//! write or sync: appends are refused and nothing new is said to be synced, and after a start (with or without a power cut) nothing
//! that was said to be is lost; reads that failed lose nothing, once they succeed; short writes are nobody's business.

use crate::act::{Act, Step, fill};
use crate::cuts::Walk;
use crate::drive::{Event, Kept, Run, look, open, options};
use crate::generate::Generator;
use crate::ledger::Ledger;
use crate::model::Model;
use crate::observe::Observed;
use leveret_store::disk::faulty::{Dice, Fault, FaultyDisk, Plan, Platter, Survival};
use leveret_store::{Batch, Options, State, Store, Urgency};
use std::fmt;
use std::sync::Arc;

/// Every way to fail: its word, the fault, whether it stays.
pub const WAYS: [(&str, Fault, bool); 9] = [
    ("no-space", Fault::NoSpace, true),
    ("no-space-once", Fault::NoSpace, false),
    ("write-error", Fault::WriteError, true),
    ("write-error-once", Fault::WriteError, false),
    ("sync-error", Fault::SyncError, true),
    ("sync-error-once", Fault::SyncError, false),
    ("read-error", Fault::ReadError, true),
    ("read-error-once", Fault::ReadError, false),
    ("short-write", Fault::ShortWrite, true),
];

/// Appends in a workload of this suite: it runs once for each call it makes.
const BATCHES: u64 = 50;
/// Steps with a full disk before space returns.
const FULL_STEPS: u64 = 6;
/// Commits within which the store must notice that it did.
const RETRIES: usize = 3;

/// One fault in one workload.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Seed of the workload.
    pub seed: u64,
    /// Which of [`WAYS`].
    pub way: usize,
    /// At the first call from this number on that can suffer it.
    pub at: u64,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--seed {} --fault {} --at {}", self.seed, WAYS[self.way].0, self.at)
    }
}

/// Runs one case; the number of the call that suffered, if one did.
///
/// # Errors
/// What did not hold.
pub fn check(case: Case) -> Result<Option<u64>, String> {
    let (_, fault, stays) = WAYS[case.way];
    let mut generator = Generator::new(case.seed);
    let options = options(generator.profile());
    let steps = generator.steps(BATCHES);
    let disk = FaultyDisk::new();
    disk.plan(Plan { fault, at: case.at, stays });
    let mut trial = Trial::new(disk, options, fault);
    for step in &steps {
        if !trial.step(step)? {
            break;
        }
    }
    let suffered = trial.disk.first_suffered();
    trial.end(generator, case.seed)?;
    Ok(suffered)
}

struct Trial {
    disk: FaultyDisk,
    options: Options,
    fault: Fault,
    store: Option<Arc<Store>>,
    ledger: Arc<Ledger>,
    events: Vec<Event>,
    model: Model,
    full_steps: u64,
}

impl Trial {
    fn new(disk: FaultyDisk, options: Options, fault: Fault) -> Self {
        let ledger = Arc::new(Ledger::default());
        disk.record({
            let ledger = ledger.clone();
            move || ledger.known().pack()
        });
        let (events, model) = (Vec::new(), Model::default());
        Self { disk, options, fault, store: None, ledger, events, model, full_steps: 0 }
    }

    /// The store; opened when it is not open. A start that fails for the fault's sake succeeds when it is gone.
    fn store(&mut self) -> Result<Arc<Store>, String> {
        if let Some(store) = &self.store {
            return Ok(store.clone());
        }
        let open = || Store::open(Arc::new(self.disk.clone()), self.options.clone(), &mut |_| {});
        let store = match open() {
            Ok((store, _)) => store,
            Err(error) if self.disk.suffered() == 0 || self.fault == Fault::ShortWrite => {
                return Err(format!("nothing was wrong, but the store does not open: {error}"));
            }
            Err(_) => {
                self.disk.heal();
                open().map_err(|error| format!("the fault is gone, but the store does not open: {error}"))?.0
            }
        };
        self.ledger.started(&store);
        self.store = Some(store.clone());
        Ok(store)
    }

    /// `false`: the store has failed, as it should.
    fn step(&mut self, step: &Step) -> Result<bool, String> {
        let store = self.store()?;
        match step {
            Step::Append(acts, urgency) => self.append(&store, acts, *urgency)?,
            Step::Commit => store.commit(),
            Step::Tidy => store.tidy(),
            Step::Look if self.running(&store) => self.look(&store)?,
            Step::Reopen if self.running(&store) => {
                store.commit();
                if self.running(&store) {
                    store.close();
                    // Closing may be what suffers.
                    if matches!(store.state(), State::Failed { .. }) {
                        return self.failed(&store);
                    }
                    self.ledger.stopped();
                    self.store = None;
                    self.events.push(Event::Restart);
                    self.model.restart();
                    return self.store().map(|_| true);
                }
            }
            Step::Look | Step::Reopen => {}
        }
        match store.state() {
            State::Running => Ok(true),
            State::Full { .. } => self.full(&store),
            State::Failed { .. } => self.failed(&store),
        }
    }

    fn append(&mut self, store: &Store, acts: &Arc<[Act]>, urgency: Urgency) -> Result<(), String> {
        let mut batch = Batch::new();
        fill(&mut batch, acts);
        self.ledger.begin();
        let result = store.append(&mut batch, urgency, None);
        self.ledger.end(result.as_ref().ok().copied());
        result.map_err(|error| format!("append: {error}, and the store is {:?}", store.state()))?;
        self.model.apply(acts);
        self.events.push(Event::Batch(acts.clone()));
        Ok(())
    }

    fn running(&self, store: &Store) -> bool {
        matches!(store.state(), State::Running)
    }

    fn full(&mut self, store: &Store) -> Result<bool, String> {
        if self.fault != Fault::NoSpace {
            return Err(format!("{:?} is taken for a full disk", self.fault));
        }
        self.full_steps += 1;
        if self.full_steps == FULL_STEPS {
            self.disk.heal();
            self.recover(store)?;
        }
        Ok(true)
    }

    fn recover(&mut self, store: &Store) -> Result<(), String> {
        let last = Act::Put { key: b"space".as_slice().into(), value: b"returned".as_slice().into() };
        self.append(store, &[last].into(), Urgency::Synced)?;
        for _ in 0..RETRIES {
            store.commit();
            store.tidy();
        }
        let known = self.ledger.known();
        if !self.running(store) || known.synced != known.appended {
            return Err(format!(
                "space has returned, but the store is {:?} and has synced {known:?}",
                store.state()
            ));
        }
        Ok(())
    }

    fn failed(&mut self, store: &Store) -> Result<bool, String> {
        if !matches!(self.fault, Fault::WriteError | Fault::SyncError) || self.disk.suffered() == 0 {
            return Err(format!("{:?} let the store fail: {:?}", self.fault, store.state()));
        }
        self.disk.heal();
        let known = self.ledger.known();
        for _ in 0..RETRIES {
            let mut batch = Batch::new();
            batch.put(b"refused", b"");
            if store.append(&mut batch, Urgency::Synced, None).is_ok() {
                return Err("the store has failed, and takes appends".to_owned());
            }
            store.commit();
            store.tidy();
        }
        if self.ledger.known() != known || !matches!(store.state(), State::Failed { .. }) {
            return Err(format!(
                "the store has failed, and goes on: {known:?}, then {:?}",
                self.ledger.known()
            ));
        }
        Ok(false)
    }

    /// While reads fail messages may be missing, and are counted; nothing else may be wrong.
    fn look(&mut self, store: &Store) -> Result<(), String> {
        if self.fault != Fault::ReadError {
            return look(store, None, std::slice::from_ref(&self.model), 1)
                .map(drop)
                .map_err(|e| format!("at work: {e}"));
        }
        let observed = Observed::read(store, self.model.queue_max, &mut Dice::new(1))?;
        for seen in &observed.messages {
            let queue = self.model.queues.get(&seen.queue);
            match queue.and_then(|queue| queue.messages.get(&seen.position)) {
                Some(message) if *message.payload == *observed.payload(seen) => {}
                _ => return Err(format!("{seen:?} should not be there")),
            }
        }
        Ok(())
    }

    fn end(mut self, generator: Generator, seed: u64) -> Result<(), String> {
        self.disk.heal();
        let store = self.store()?;
        if !matches!(store.state(), State::Failed { .. }) {
            self.recover(&store)?;
            if self.fault != Fault::ReadError {
                self.look(&store)?;
            }
        }
        let end = self.ledger.known();
        let now = self.disk.platter();
        let changes = self.disk.recorded();
        self.ledger.stopped();
        let (base, starts) = (Platter::default(), vec![Model::default()]);
        let (events, kept) = (self.events, Kept::default());
        let run =
            Run { base, possible: Vec::new(), starts, events, changes, opened: 0, end, generator, kept };
        let models = Walk::new(&run).go_to(run.changes.len()).1;
        let mut found = vec![("only killed".to_owned(), now.clone())];
        for mode in Survival::ALL {
            found.push((format!("power cut, {mode:?} survived"), now.survivor(seed, mode)));
        }
        for (how, platter) in found {
            let (store, recovered) =
                open(&FaultyDisk::with(platter), &self.options).map_err(|e| format!("{how}: {e}"))?;
            look(&store, Some(&recovered), &models, seed).map_err(|e| format!("{how}: {e}"))?;
        }
        Ok(())
    }
}
